/**
 * Ages and durations as tables show them: two units while the first is small, one when it is not.
 * @see apimachinery/pkg/util/duration/duration.go
 */
import { parseTime } from '../time.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** `90s`, `3m20s`, `15m`, `7h30m`, `26h`, `4d5h`, `200d`, `3y40d`. `<invalid>` for what lies more than a second in the future. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * minute) return `${seconds}s`;
  const minutes = Math.trunc(seconds / minute);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(seconds / hour);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(seconds / day);
  if (hours < 8 * 24) return pair(days, 'd', hours % 24, 'h');
  if (hours < 2 * 365 * 24) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 8 * 365 * 24) return pair(years, 'y', days % 365, 'd');
  return `${years}y`;
}

function pair(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first}${firstUnit}` : `${first}${firstUnit}${second}${secondUnit}`;
}

/** Time since an RFC 3339 time; `<unknown>` without one. */
export function since(time: string | null | undefined, nowMs: number): string {
  if (time === undefined || time === null || time === '') return '<unknown>';
  return humanDuration(nowMs - parseTime(time));
}

/** Time from one RFC 3339 time to another. */
export function between(start: string, end: string): string {
  return humanDuration(parseTime(end) - parseTime(start));
}
