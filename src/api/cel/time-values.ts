/**
 * Timestamps and durations: their texts, and the fields of a timestamp in a time zone.
 * @see cel-go common/types/timestamp.go, duration.go; Go's time package
 */
import { CelError, Duration, Timestamp } from './values.ts';

const SECOND = 1_000_000_000n;
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};
const INT_MAX = 2n ** 63n - 1n;
/** The years 0001 to 9999. */
const EARLIEST = -62_135_596_800n * SECOND;
const LATEST = 253_402_300_799n * SECOND + 999_999_999n;

/** `1h30m`, `-1.5s`, `0`. @throws CelError */
export function parseDuration(text: string): Duration {
  const invalid = (): never => {
    throw new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  };
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return new Duration(0n);
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) invalid();
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = units[unit] as bigint;
    nanos += BigInt(whole || '0') * scale;
    if (fraction !== '')
      nanos += (BigInt(fraction.slice(0, 18)) * scale) / 10n ** BigInt(Math.min(fraction.length, 18));
  }
  if (nanos > INT_MAX) invalid();
  return new Duration(sign === '-' ? -nanos : nanos);
}

/** Seconds with as many decimals as it takes. */
export function durationText({ nanos }: Duration): string {
  const amount = nanos < 0n ? -nanos : nanos;
  const fraction = String(amount % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${amount / SECOND}${fraction === '' ? '' : `.${fraction}`}s`;
}

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** @throws CelError */
export function parseTimestamp(text: string): Timestamp {
  const found = rfc3339.exec(text);
  const invalid = (): never => {
    throw new CelError(`invalid timestamp ${JSON.stringify(text)}`);
  };
  if (found === null) return invalid();
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHour, zoneMinute] = found;
  const at = Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(at);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCDate() !== Number(day) || Number(month) > 12 || Number(hour) > 23) return invalid();
  if (Number(minute) > 59 || Number(second) > 59) return invalid();
  let nanos = BigInt(date.getTime()) * 1_000_000n + BigInt(fraction.padEnd(9, '0') || '0');
  if (sign !== undefined) {
    const offset = BigInt(Number(zoneHour) * 3600 + Number(zoneMinute) * 60) * SECOND;
    nanos += sign === '-' ? offset : -offset;
  }
  return timestampAt(nanos);
}

/** @throws CelError outside the years 1 to 9999 */
export function timestampAt(nanos: bigint): Timestamp {
  if (nanos < EARLIEST || nanos > LATEST) throw new CelError('timestamp overflow');
  return new Timestamp(nanos);
}

export function timestampText({ nanos }: Timestamp): string {
  const millis = divideDown(nanos, 1_000_000n);
  const date = new Date(Number(millis)).toISOString().slice(0, 19);
  const fraction = String(((nanos % SECOND) + SECOND) % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${date}${fraction === '' ? '' : `.${fraction}`}Z`;
}

function divideDown(amount: bigint, divisor: bigint): bigint {
  const quotient = amount / divisor;
  return amount % divisor < 0n ? quotient - 1n : quotient;
}

/** The time on a clock of that zone, as if it were UTC. @throws CelError for an unknown zone */
export function inZone({ nanos }: Timestamp, zone: string | undefined): Date {
  const millis = Number(divideDown(nanos, 1_000_000n));
  if (zone === undefined || zone === 'UTC' || zone === '') return new Date(millis);
  const fixed = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(millis + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(new Date(millis));
    const part = (type: string): number => Number(parts.find((found) => found.type === type)?.value);
    const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return new Date(shown + (((millis % 1000) + 1000) % 1000));
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}

/** Days since the first of January, from zero. */
export function dayOfYear(date: Date): number {
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - first) / 86_400_000);
}
