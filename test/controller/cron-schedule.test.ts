import { describe, expect, it } from 'vitest';
import { CronScheduleError, missedTimes, parseCron, zoneOffsetMs } from '../../src/controller/index.ts';

const next = (schedule: string, after: string, zone?: string) => {
  const ms = parseCron(schedule, zone).after(Date.parse(after));
  return ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16);
};

describe('cron schedules', () => {
  it.each([
    ['*/15 * * * *', '2026-01-01T10:07:30Z', '2026-01-01T10:15'],
    ['0 * * * *', '2026-01-01T10:00:00Z', '2026-01-01T11:00'],
    ['@daily', '2026-01-01T10:00:00Z', '2026-01-02T00:00'],
    ['30 2 * * mon-fri', '2026-01-02T03:00:00Z', '2026-01-05T02:30'],
    ['0 0 31 * *', '2026-01-31T00:00:00Z', '2026-03-31T00:00'],
    ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 13 * 5', '2026-01-03T00:00:00Z', '2026-01-09T00:00'],
    ['0 12 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T12:00'],
    ['@every 90m', '2026-01-01T10:00:00Z', '2026-01-01T11:30'],
    ['@every 1.5h', '2026-01-01T10:00:00Z', '2026-01-01T11:30'],
    ['@every 59m59s1000ms', '2026-01-01T10:00:00Z', '2026-01-01T11:00'],
    ['1,,2 * * * *', '2026-01-01T10:01:00Z', '2026-01-01T10:02'],
    ['0 0 */1 * 5', '2026-01-03T00:00:00Z', '2026-01-09T00:00'],
    ['0 0 13 * */2', '2026-01-03T00:00:00Z', '2026-01-04T00:00'],
  ])('%s after %s is %s', (schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it('counts in the time zone that it is given', () => {
    expect(next('30 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin')).toBe('2026-07-01T07:30');
    expect(next('30 9 * * *', '2026-12-01T00:00:00Z', 'Europe/Berlin')).toBe('2026-12-01T08:30');
  });

  it('leaves out the hour that a clock skips in spring', () => {
    expect(next('30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-30T00:30');
  });

  it.each([
    // Clocks go back by half an hour at 15:00 UTC, and by an hour at 14:00 UTC.
    ['Australia/Lord_Howe', '2026-04-04T14:59:59Z', 660, '2026-04-04T15:00:00Z', 630],
    ['Pacific/Chatham', '2026-04-04T13:59:59Z', 825, '2026-04-04T14:00:00Z', 765],
    ['Asia/Kathmandu', '2026-04-04T13:59:59Z', 345, '2026-04-04T14:00:00Z', 345],
    ['UTC', '2026-04-04T13:59:59Z', 0, '2026-04-04T14:00:00Z', 0],
  ])('changes the clock of %s when it changes there', (zone, before, minutesBefore, after, minutesAfter) => {
    expect(zoneOffsetMs(zone, Date.parse(before)) / 60_000).toBe(minutesBefore);
    expect(zoneOffsetMs(zone, Date.parse(after)) / 60_000).toBe(minutesAfter);
  });

  it('knows no zone of a wrong name, however often it is asked', () => {
    for (let asked = 0; asked < 2; asked++) expect(() => zoneOffsetMs('Europe/Nowhere', 0)).toThrow(RangeError);
  });

  it('keeps to a zone over more days than it remembers', () => {
    const schedule = parseCron('0 12 * * *', 'Europe/Berlin');
    let ms = Date.parse('2026-01-01T00:00:00Z');
    for (let day = 0; day < 400; day++) {
      ms = schedule.after(ms) ?? 0;
      expect(new Date(ms).getUTCHours()).toBe(zoneOffsetMs('Europe/Berlin', ms) === 3_600_000 ? 11 : 10);
    }
    expect(new Date(ms).toISOString()).toBe('2027-02-04T11:00:00.000Z');
  });

  it('takes a period of less than a second for one', () => {
    expect(parseCron('@every 1ms').after(5_300)).toBe(6_000);
  });

  it('never comes for a day that does not exist', () => {
    expect(next('0 0 31 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it.each(['* * * *', '60 * * * *', '* * * * mon-', '*/0 * * * *', '5-1 * * * *', '@every soon'])(
    'refuses %s',
    (text) => {
      expect(() => parseCron(text)).toThrow(CronScheduleError);
    },
  );
});

describe('the times of a schedule that have passed', () => {
  // A Thursday; the cases are those of upstream's TestMostRecentScheduleTime.
  it.each([
    ['0 * * * *', '2016-05-19T10:00:00Z', '2016-05-19T10:30:00Z', undefined, 0],
    ['0 * * * *', '2016-05-19T10:00:00Z', '2016-05-19T11:01:00Z', '2016-05-19T11:00', 0],
    ['0 * * * *', '2016-05-19T10:00:10Z', '2016-05-19T15:01:00Z', '2016-05-19T15:00', 5],
    ['30 6-16/4 * * 1-5', '2016-05-19T10:30:00Z', '2016-05-20T10:31:00Z', '2016-05-20T10:30', 2],
    ['30 10,11,12 * * 1-5', '2016-05-19T10:30:00Z', '2016-05-20T16:30:00Z', undefined, 30],
    ['30 6-16/4 * * 1-5', '2016-05-19T10:30:00Z', '2016-05-23T10:31:00Z', '2016-05-23T10:30', 6],
    ['@every 40s', '2016-05-19T10:00:00Z', '2016-05-19T10:02:05Z', '2016-05-19T10:02', 3],
    ['* * * * *', '2016-05-19T10:00:00Z', '2016-05-19T12:00:00Z', '2016-05-19T12:00', 120],
    ['59 23 31 2 *', '2016-05-19T10:00:00Z', '2016-05-19T12:00:00Z', undefined, 0],
  ])('%s after %s, at %s', (schedule, since, now, latest, missed) => {
    const found = missedTimes(parseCron(schedule), Date.parse(since), Date.parse(now));
    const { latestMs } = found;
    const text = latestMs === undefined ? undefined : new Date(latestMs).toISOString().slice(0, 16);
    expect([text, found.missed]).toEqual([latest, missed]);
  });
});
