/** Cron schedules of five fields and the named ones, with the words in which the parser that upstream uses refuses others. */

interface FieldBounds {
  readonly low: number;
  readonly high: number;
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds: readonly FieldBounds[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: months },
  { low: 0, high: 6, names: days },
];
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** Why a schedule is refused; empty when it is sound. */
export function scheduleRefusal(schedule: string): string {
  if (schedule.startsWith('@')) {
    if (descriptors.includes(schedule)) return '';
    if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`;
    const duration = schedule.slice('@every '.length);
    if (/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(duration)) return '';
    return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
  }
  const fields = schedule.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of fields.entries()) {
    for (const part of field.split(',').filter(Boolean)) {
      const refusal = rangeRefusal(part, bounds[index] as FieldBounds);
      if (refusal !== '') return refusal;
    }
  }
  return '';
}

function rangeRefusal(text: string, { low, high, names }: FieldBounds): string {
  const steps = text.split('/');
  const ends = (steps[0] ?? '').split('-');
  let start = low;
  let end = high;
  if (ends[0] !== '*' && ends[0] !== '?') {
    const first = numberOf(ends[0] ?? '', names, low);
    if (typeof first === 'string') return first;
    start = first;
    if (ends.length > 2) return `too many hyphens: ${text}`;
    const last = ends.length === 2 ? numberOf(ends[1] ?? '', names, low) : steps.length > 1 ? high : first;
    if (typeof last === 'string') return last;
    end = last;
  }
  if (steps.length > 2) return `too many slashes: ${text}`;
  const step = steps.length === 2 ? numberOf(steps[1] ?? '', [], 0) : 1;
  if (typeof step === 'string') return step;
  if (start < low) return `beginning of range (${start}) below minimum (${low}): ${text}`;
  if (end > high) return `end of range (${end}) above maximum (${high}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return step === 0 ? `step of range should be a positive number: ${text}` : '';
}

/** The number that a text says, or why it says none. */
function numberOf(text: string, names: readonly string[], low: number): number | string {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + low;
  if (!/^[+-]?\d+$/.test(text))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  const number = Number(text);
  return number < 0 ? `negative number (${number}) not allowed: ${text}` : number;
}
