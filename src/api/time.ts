/**
 * Times as the API writes them: RFC 3339 in UTC, in seconds (`Time`) or with six decimals (`MicroTime`). Pure: the current time
 * comes from the caller's clock, as milliseconds since the epoch.
 *
 * @see k8s.io/apimachinery/pkg/apis/meta/v1 Time, MicroTime
 */
import { quote } from './go-text.ts';

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** `2026-01-02T03:04:05Z`; the fraction is cut off. */
export function formatTime(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  // Nearly all times that are written are now, and there are many writes in a second.
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

let lastSecond = Number.NaN;
let lastText = '';

/** `2026-01-02T03:04:05.678000Z`. */
export function formatMicroTime(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  const micros = Math.floor((epochMs - wholeMs) * 1000);
  return `${new Date(wholeMs).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

/** Milliseconds since the epoch, with a fraction for microseconds; NaN when the text is not RFC 3339. */
export function parseTime(text: string): number {
  const parts = timePattern.exec(text);
  if (parts === null) return Number.NaN;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = parts;
  const epochMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(epochMs);
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() + 1 !== Number(month)) return Number.NaN;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  let offsetMinutes = 0;
  if (zone !== 'Z') {
    const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
    offsetMinutes = zone.startsWith('-') ? -minutes : minutes;
  }
  return epochMs - offsetMinutes * 60_000 + Number(`0.${fraction || '0'}`) * 1000;
}

/** The parts of a layout that Go checks, in order, each with its pattern, for the text of a refusal. */
const secondsLayout = '2006-01-02T15:04:05Z07:00';
const microLayout = '2006-01-02T15:04:05.000000Z07:00';
const layoutParts: readonly (readonly [part: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d/],
];

/** Why a text is not a time, in the words of Go's parser. */
function refusal(text: string, micro: boolean): string {
  const layout = micro ? microLayout : secondsLayout;
  const start = `parsing time ${quote(text)} as ${quote(layout)}`;
  let rest = text;
  for (const [part, pattern] of layoutParts) {
    const match = pattern.exec(rest);
    if (match === null) return `${start}: cannot parse ${quote(rest)} as ${quote(part)}`;
    rest = rest.slice(match[0].length);
  }
  if (micro) {
    const match = /^\.\d{6}(?!\d)/.exec(rest);
    if (match === null) return `${start}: cannot parse ${quote(rest)} as ".000000"`;
    rest = rest.slice(match[0].length);
  } else rest = rest.replace(/^[.,]\d+/, '');
  const zone = /^(Z|[+-]\d\d:\d\d)/.exec(rest);
  if (zone === null) return `${start}: cannot parse ${quote(rest)} as "Z07:00"`;
  const extra = rest.slice(zone[0].length);
  if (extra !== '') return `parsing time ${quote(text)}: extra text: ${quote(extra)}`;
  const [month = 0, , hour = 0, minute = 0, second = 0] = text
    .slice(5)
    .split(/[-T:.,Z+]/)
    .map(Number);
  const part =
    month < 1 || month > 12 ? 'month' : hour > 23 ? 'hour' : minute > 59 ? 'minute' : second > 59 ? 'second' : 'day';
  return `parsing time ${quote(text)}: ${part} out of range`;
}

const canonicalPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** A time's text in canonical form, or why it is none. */
export function canonicalTime(text: string, micro: boolean): Canonical {
  if (micro || text.length > rememberedLengthMax) return readTime(text, micro);
  let known = canonicalTimes.get(text);
  if (known === undefined) {
    known = readTime(text, micro);
    if (canonicalTimes.size >= canonicalTimesMax) canonicalTimes.clear();
    canonicalTimes.set(text, known);
  }
  return known;
}

type Canonical = { readonly text: string } | { readonly refusal: string };

/** The same few seconds come over and over: in every condition and container of what is written at the moment. */
const canonicalTimes = new Map<string, Canonical>();
const canonicalTimesMax = 1000;
const rememberedLengthMax = 40;

function readTime(text: string, micro: boolean): Canonical {
  const epochMs = parseTime(text);
  if (Number.isNaN(epochMs) || (micro && !/\.\d{6}(Z|[+-])/.test(text))) return { refusal: refusal(text, micro) };
  if (!micro) return { text: canonicalPattern.test(text) ? text : formatTime(epochMs) };
  // Doubles hold microseconds of an epoch only just: the fraction is carried over as text.
  const fraction = /\.(\d{6})/.exec(text)?.[1] ?? '000000';
  return { text: formatTime(parseTime(text.replace(/\.\d+/, ''))).replace('Z', `.${fraction}Z`) };
}
