/**
 * Cron schedules of CronJobs: five fields or a name such as `@daily`, or `@every 90m`, in a time zone. Days match when either
 * day field does, if both are restricted. A time that a zone's clock skips in spring does not come that day. Pure functions.
 *
 * Worked example: `30 2 * * 1` in Europe/Berlin is half past two on Mondays, local time.
 */

/** `after` answers the first time strictly later than the one given, in milliseconds since the epoch, if there is any. */
export interface CronSchedule {
  after(ms: number): number | undefined;
}

/** The schedule's text is malformed; the message says where. */
export class CronScheduleError extends Error {
  override readonly name = 'CronScheduleError';
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** No schedule is searched further than this: the 29th of February comes within eight years. */
const searchMs = 9 * 366 * dayMs;

const named: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?` stands in it, without a step: it does not restrict. */
  readonly open: boolean;
}

/** @throws CronScheduleError for malformed text, RangeError for an unknown zone. */
export function parseCron(text: string, timeZone = 'UTC'): CronSchedule {
  const every = /^@every\s+(.+)$/.exec(text);
  if (every !== null) return everySchedule(every[1] ?? '');
  const fields = (named[text] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) {
    throw new CronScheduleError(`expected exactly 5 fields, found ${fields.length}: [${text}]`);
  }
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  return fieldSchedule(
    {
      minute: parseField(minute, 0, 59),
      hour: parseField(hour, 0, 23),
      day: parseField(day, 1, 31),
      month: parseField(month, 1, 12, months, 1),
      weekday: parseField(weekday, 0, 7, weekdays, 0),
    },
    offsetsOf(timeZone),
  );
}

/** Times of a schedule that have passed. */
export interface MissedTimes {
  /** The last of them that was found. */
  readonly latestMs: number | undefined;
  /** About how many there are. */
  readonly missed: number;
}

/**
 * The times after `earliestMs` and up to `nowMs`. They are not counted but estimated, from the time between the first two, and the
 * search for the last begins a period before the estimate: where times are far from regular, none may be found, as upstream.
 *
 * Worked example: of `0 9 * * 1-5` since Wednesday noon, on Sunday, the first two are a day apart, which makes three; the search
 * begins with Friday, after which there is none.
 *
 * @see kubernetes/pkg/controller/cronjob/utils.go mostRecentScheduleTime
 */
export function missedTimes(schedule: CronSchedule, earliestMs: number, nowMs: number): MissedTimes {
  const first = schedule.after(earliestMs);
  if (first === undefined || nowMs < first) return { latestMs: undefined, missed: 0 };
  const second = schedule.after(first);
  if (second === undefined || nowMs < second) return { latestMs: first, missed: 0 };
  const periodMs = Math.round((second - first) / 1_000) * 1_000;
  const missed = Math.floor((nowMs - first) / periodMs) + 1;
  let latestMs: number | undefined;
  let next = schedule.after(first + (missed - 2) * periodMs);
  for (; next !== undefined && next <= nowMs; next = schedule.after(next)) latestMs = next;
  return { latestMs, missed };
}

function everySchedule(text: string): CronSchedule {
  const units: Readonly<Record<string, number>> = {
    h: 3_600_000,
    m: minuteMs,
    s: 1_000,
    ms: 1,
    us: 1e-3,
    µs: 1e-3,
    μs: 1e-3,
    ns: 1e-6,
  };
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)/g)];
  const exactMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new CronScheduleError(`failed to parse duration @every ${text}`);
  }
  // Whole seconds, and one at least.
  const periodMs = Math.max(1_000, Math.floor(exactMs / 1_000) * 1_000);
  return { after: (ms) => Math.floor(ms / 1_000) * 1_000 + periodMs };
}

function parseField(text: string, least: number, most: number, names: readonly string[] = [], first = 0): Field {
  const values = new Set<number>();
  const read = (word: string): number => {
    const at = names.indexOf(word.toLowerCase());
    const value = at >= 0 ? at + first : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new CronScheduleError(`failed to parse ${word}: expected ${least} to ${most}`);
    return value;
  };
  let unrestricted = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    const [range = '', step = '1', ...extra] = part.split('/');
    const [from = '', to] = range.split('-');
    const open = from === '*' || from === '?';
    if (extra.length > 0 || !/^[1-9]\d*$/.test(step)) throw new CronScheduleError(`failed to parse step of ${part}`);
    const start = open ? least : read(from);
    const end = open || (to === undefined && part.includes('/')) ? most : to === undefined ? start : read(to);
    if (end < start) throw new CronScheduleError(`beginning of range beyond its end: ${part}`);
    for (let value = start; value <= end; value += Number(step)) values.add(value);
    unrestricted ||= open && Number(step) === 1;
  }
  return { values, open: unrestricted };
}

interface Fields {
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
}

/** Searches in wall-clock time, which is handled as if it were UTC, a month, day, hour or minute at a time. */
function fieldSchedule(fields: Fields, offsetAt: (ms: number) => number): CronSchedule {
  const dayFits = (date: Date): boolean => {
    const weekday = date.getUTCDay();
    const dayOfMonth = fields.day.values.has(date.getUTCDate());
    const dayOfWeek = fields.weekday.values.has(weekday) || (weekday === 0 && fields.weekday.values.has(7));
    return fields.day.open || fields.weekday.open ? dayOfMonth && dayOfWeek : dayOfMonth || dayOfWeek;
  };
  return {
    after(ms) {
      let wall = Math.floor((ms + offsetAt(ms)) / minuteMs) * minuteMs + minuteMs;
      const end = wall + searchMs;
      while (wall < end) {
        const date = new Date(wall);
        if (!fields.month.values.has(date.getUTCMonth() + 1))
          wall = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
        else if (!dayFits(date)) wall = Math.floor(wall / dayMs) * dayMs + dayMs;
        else if (!fields.hour.values.has(date.getUTCHours()))
          wall = Math.floor(wall / 3_600_000) * 3_600_000 + 3_600_000;
        else if (!fields.minute.values.has(date.getUTCMinutes())) wall += minuteMs;
        else {
          const found = wall - offsetAt(wall - offsetAt(wall));
          if (found > ms && found + offsetAt(found) === wall) return found;
          wall += minuteMs;
        }
      }
      return undefined;
    },
  };
}

/** Whether there is a time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    offsetsOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * How far a zone's clock is ahead of UTC at a time, in milliseconds.
 *
 * @throws RangeError for an unknown zone.
 */
export function zoneOffsetMs(timeZone: string, ms: number): number {
  return offsetsOf(timeZone)(ms);
}

/** Zones change their clocks at whole quarters of an hour of UTC, so that one look is enough for each quarter. */
const quarterMs = 900_000;
const quartersMax = 256;
const zonesMax = 1_024;

/** Zones that were asked for. A format costs half a millisecond, and a thousand CronJobs ask at the same minute. */
const zones = new Map<string, (ms: number) => number>();

function offsetsOf(timeZone: string): (ms: number) => number {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') return () => 0;
  let offsetAt = zones.get(timeZone);
  if (offsetAt === undefined) {
    offsetAt = rememberingQuarters(offsetsByFormat(timeZone));
    if (zones.size >= zonesMax) zones.clear();
    zones.set(timeZone, offsetAt);
  }
  return offsetAt;
}

function rememberingQuarters(offsetAt: (ms: number) => number): (ms: number) => number {
  const known = new Map<number, number>();
  return (ms) => {
    const quarter = Math.floor(ms / quarterMs);
    let offset = known.get(quarter);
    if (offset === undefined) {
      offset = offsetAt(quarter * quarterMs);
      if (known.size >= quartersMax) known.clear();
      known.set(quarter, offset);
    }
    return offset;
  };
}

function offsetsByFormat(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const parts = Object.fromEntries(
      format.formatToParts(new Date(ms)).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
  };
}
