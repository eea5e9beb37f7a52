import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalTime, formatMicroTime, formatTime, parseTime } from '../../src/api/index.ts';

describe('times', () => {
  it('are written in seconds, or with six decimals', () => {
    expect(formatTime(1_700_000_000_999)).toBe('2023-11-14T22:13:20Z');
    expect(formatMicroTime(1_700_000_000_123.456)).toBe('2023-11-14T22:13:20.123456Z');
  });

  it('are read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        expect(parseTime(formatTime(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
    expect(parseTime('2024-01-01T02:00:00+02:00')).toBe(Date.UTC(2024, 0, 1));
    expect(parseTime('2024-02-30T00:00:00Z')).toBeNaN();
    expect(parseTime('yesterday')).toBeNaN();
  });

  it.each([
    ['2024-01-01T00:00:00.5Z', false, '2024-01-01T00:00:00Z'],
    ['2024-01-01T02:00:00+02:00', false, '2024-01-01T00:00:00Z'],
    ['2024-01-01T00:00:00.123456Z', true, '2024-01-01T00:00:00.123456Z'],
  ])('%s is canonical as %s', (text, micro, canonical) => {
    expect(canonicalTime(text, micro)).toEqual({ text: canonical });
  });

  it.each([
    ['x', false, 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ['2024', false, 'parsing time "2024" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "-"'],
    ['2024-13-01T00:00:00Z', false, 'parsing time "2024-13-01T00:00:00Z": month out of range'],
    ['2024-02-30T00:00:00Z', false, 'parsing time "2024-02-30T00:00:00Z": day out of range'],
    ['2024-01-01T25:00:00Z', false, 'parsing time "2024-01-01T25:00:00Z": hour out of range'],
    ['2024-01-01T00:00:00Zx', false, 'parsing time "2024-01-01T00:00:00Zx": extra text: "x"'],
    [
      '2024-01-01T00:00:00Z',
      true,
      'parsing time "2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ],
  ])('%s is refused', (text, micro, refusal) => {
    expect(canonicalTime(text, micro)).toEqual({ refusal });
  });
});
