import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/api/duration.ts';

describe('durations', () => {
  it('are read as Go reads them, and plain numbers as seconds', () => {
    expect(parseDuration('1h2m3.5s')).toBe(3_723_500);
    expect(parseDuration('250ms')).toBe(250);
    expect(parseDuration('0')).toBe(0);
    expect(parseDuration('5')).toBe(5000);
    for (const text of ['', '-1s', '1x', 's', '1s x']) expect(parseDuration(text)).toBeUndefined();
  });

  it('are printed as Go prints them', () => {
    expect([0, 12, 1204, 10_000, 300_000, 3_610_000].map(formatDuration)).toEqual([
      '0s',
      '12ms',
      '1.204s',
      '10s',
      '5m0s',
      '1h0m10s',
    ]);
  });
});
