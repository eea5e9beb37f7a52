import { describe, expect, it } from 'vitest';
import { scheduleRefusal } from '../../../src/api/validation/cron-schedule.ts';

describe('scheduleRefusal', () => {
  it.each(['* * * * *', '*/5 0-6 1,15 jan-mar MON', '0 0 ? * *', '@hourly', '@every 1h30m'])(
    'accepts %s',
    (schedule) => {
      expect(scheduleRefusal(schedule)).toBe('');
    },
  );

  it.each([
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['@sometimes', 'unrecognized descriptor: @sometimes'],
  ])('refuses %s', (schedule, refusal) => {
    expect(scheduleRefusal(schedule)).toBe(refusal);
  });
});
