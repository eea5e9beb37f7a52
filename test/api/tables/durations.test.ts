import { describe, expect, it } from 'vitest';
import { between, humanDuration, since } from '../../../src/api/tables/durations.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('durations as tables show them', () => {
  it.each([
    [0, '0s'],
    [-0.5 * second, '0s'],
    [-1 * second, '0s'],
    [-2 * second, '<invalid>'],
    [59.9 * second, '59s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [3 * minute + 20 * second, '3m20s'],
    [10 * minute + 59 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 30 * minute, '7h30m'],
    [8 * hour + 30 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [4 * day + 5 * hour, '4d5h'],
    [8 * day + 5 * hour, '8d'],
    [729 * day, '729d'],
    [2 * 365 * day, '2y'],
    [3 * 365 * day + 40 * day, '3y40d'],
    [9 * 365 * day, '9y'],
  ])('shows %d ms as %s', (durationMs, text) => {
    expect(humanDuration(durationMs)).toBe(text);
  });

  it('counts from a time and between two times', () => {
    const nowMs = Date.parse('2026-01-01T00:05:00Z');
    expect(since('2026-01-01T00:00:00Z', nowMs)).toBe('5m');
    expect(since(null, nowMs)).toBe('<unknown>');
    expect(since(undefined, nowMs)).toBe('<unknown>');
    expect(between('2026-01-01T00:00:00Z', '2026-01-01T00:01:40Z')).toBe('100s');
  });
});
