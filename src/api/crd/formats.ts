/**
 * String formats that custom schemas may ask for. Unknown ones hold for every string.
 * @see k8s.io/kube-openapi/pkg/validation/strfmt
 */
import { isIPv4, isIPv6 } from 'node:net';
import { validateDnsLabel, validateDnsSubdomain } from '../names.ts';
import type { CustomSchema } from './structural.ts';

const uuid = (version: string) =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i');

/** A day of the calendar; JavaScript takes the 31st of February for one in March. */
function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year === undefined) return false;
  const [at, of] = [Number(month), Number(day)];
  return at >= 1 && at <= 12 && of >= 1 && of <= new Date(Date.UTC(Number(year), at, 0)).getUTCDate();
}

const digitsOf = (text: string): number[] => [...text.replace(/\D/g, '')].map(Number);

/** Luhn's sum. */
function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D+/g, '');
  const known =
    /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;
  if (!known.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '');
  if (!/^(?:\d{9}X|\d{10})$/.test(digits)) return false;
  const sum = [...digits].reduce(
    (total, digit, index) => total + (digit === 'X' ? 10 : Number(digit)) * (10 - index),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  if (!/^\d{13}$/.test(text.replace(/[\s-]+/g, ''))) return false;
  return digitsOf(text).reduce((total, digit, index) => total + digit * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

const color = '\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*';

const checks: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) =>
    /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}([.,]\d+)?([Zz]|[-+]\d{2}:?\d{2})$/.test(text) &&
    !Number.isNaN(Date.parse(text.replace(',', '.').toUpperCase())) &&
    isDate(text.slice(0, 10)),
  date: isDate,
  duration: (text) =>
    /^[-+]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text) ||
    /^\s*\d+(\.\d+)?\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$/.test(
      text,
    ),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  cidr: (text) => {
    const [address = '', length = '', ...rest] = text.split('/');
    const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    return rest.length === 0 && /^\d+$/.test(length) && Number(length) <= bits;
  },
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  creditcard: isCardNumber,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  rgbcolor: (text) => new RegExp(`^rgb\\(${color},${color},${color}\\)$`).test(text),
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  hostname: (text) =>
    text.length <= 253 &&
    /^([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*$/.test(text),
  ipv4: isIPv4,
  ipv6: (text) => isIPv6(text) && !text.includes('%'),
  mac: (text) => /^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$/.test(text),
  uri: (text) => /^([a-zA-Z][a-zA-Z0-9+.-]*:\S+|\/\S*)$/.test(text),
  'k8s-short-name': (text) => validateDnsLabel(text).length === 0,
  'k8s-long-name': (text) => validateDnsSubdomain(text).length === 0,
  uuid: (text) => uuid('[0-9a-f]').test(text),
  uuid3: (text) => uuid('3').test(text),
  uuid4: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
};
const aliases: Readonly<Record<string, string>> = { datetime: 'date-time' };

/** Whether `text` is of the format. */
export function formatHolds(format: string, text: string): boolean {
  const check = checks[aliases[format] ?? format];
  return check === undefined || check(text);
}

const numberFormats: Readonly<Record<string, readonly string[]>> = {
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
};
/** Any text is of these; a quantity is a type of its own. */
const freeFormats = ['password', 'quantity'];
const textFormats = new Set([...Object.keys(checks), ...freeFormats].map((format) => format.replaceAll('-', '')));

/** Whether values of a type (empty: of any) are looked at for the format. */
function isKnownFormat(type: string, format: string): boolean {
  if (type === '' || type === 'string') return textFormats.has(format.replaceAll('-', ''));
  return numberFormats[type]?.includes(format) === true;
}

/** Formats in a schema, and anywhere below, that nobody looks at. Adds them to `found`. */
export function findUnknownFormats(schema: CustomSchema | undefined, found: Set<string>): void {
  if (schema === undefined) return;
  const { type = '', format, items, properties, additionalProperties, allOf, anyOf, oneOf, not } = schema;
  if (format && !isKnownFormat(type, format)) found.add(format);
  for (const member of Object.values(properties ?? {})) findUnknownFormats(member, found);
  if (typeof additionalProperties === 'object') findUnknownFormats(additionalProperties, found);
  for (const part of [items, not, ...(allOf ?? []), ...(anyOf ?? []), ...(oneOf ?? [])])
    findUnknownFormats(part, found);
}
