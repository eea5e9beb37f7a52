/**
 * The extended functions of strings.
 * @see cel-go ext/strings.go, ext/formatting.go
 */
import { type Row, row } from './functions.ts';
import { doubleText, keyText } from './library-standard.ts';
import { durationText, timestampText } from './time-values.ts';
import {
  CelError,
  CelList,
  CelMap,
  Duration,
  Optional,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  ValueList,
} from './values.ts';

const LATIN = /^[\0-\x7f]*$/;

/** Characters, so that indexes count them; texts of ASCII alone are their own. */
const charactersOf = (text: string): ArrayLike<string> & { slice(from: number, to?: number): string | string[] } =>
  LATIN.test(text) ? text : [...text];

const joined = (part: string | string[]): string => (typeof part === 'string' ? part : part.join(''));

function substring(text: string, from: bigint, to?: bigint): string {
  const characters = charactersOf(text);
  const [start, end] = [Number(from), to === undefined ? characters.length : Number(to)];
  if (to !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0 || start > characters.length) throw new CelError(`index out of range: ${start}`);
  if (end < 0 || end > characters.length) throw new CelError(`index out of range: ${end}`);
  return joined(characters.slice(start, end));
}

function charAt(text: string, index: bigint): string {
  const characters = charactersOf(text);
  const at = Number(index);
  if (at < 0 || at > characters.length) throw new CelError(`index out of range: ${at}`);
  return characters[at] ?? '';
}

/** Counts characters, not UTF-16 units. */
const position = (text: string, unit: number): bigint =>
  BigInt(unit < 0 ? -1 : LATIN.test(text) ? unit : [...text.slice(0, unit)].length);

function unitOf(text: string, index: bigint, lengthMore: number): number {
  const characters = charactersOf(text);
  const at = Number(index);
  if (at < 0 || at > characters.length + lengthMore) throw new CelError(`index out of range: ${at}`);
  return typeof characters === 'string' ? at : joined(characters.slice(0, at)).length;
}

const indexOf = (text: string, part: string, from?: bigint): bigint =>
  part === '' && from !== undefined
    ? from
    : position(text, text.indexOf(part, from === undefined ? 0 : unitOf(text, from, 0)));

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  if (from === undefined) return position(text, text.lastIndexOf(part));
  return position(text, text.lastIndexOf(part, unitOf(text, from, 0)));
}

/** No expression makes a longer text: ten characters for each unit that an evaluation may cost. */
const TEXT_MAX = 10_000_000;

/** @throws CelError */
function checkLength(length: number): void {
  if (length > TEXT_MAX) throw new CelError(`the text would be longer than ${TEXT_MAX} characters`);
}

function replace(text: string, part: string, by: string, count = -1n): string {
  const times = part === '' ? text.length + 1 : text.length / part.length;
  if (by.length > part.length) checkLength(text.length + times * by.length);
  if (count < 0n) return text.replaceAll(part, () => by);
  let left = Number(count);
  return text.replaceAll(part, (found) => (left-- > 0 ? by : found));
}

function split(text: string, separator: string, limit = -1n): CelList {
  if (limit === 0n) return new ValueList([]);
  const parts = separator === '' ? [...text] : text.split(separator);
  const count = Number(limit);
  if (count < 0 || parts.length <= count) return new ValueList(parts);
  const rest = parts.splice(count - 1).join(separator);
  return new ValueList([...parts, rest]);
}

function join(list: CelList, separator = ''): string {
  const parts: string[] = [];
  let length = 0;
  for (const part of list) {
    if (typeof part !== 'string') throw new CelError(`join: invalid input: ${typeNameOf(part)}`);
    parts.push(part);
    length += part.length + separator.length;
    checkLength(length);
  }
  return parts.join(separator);
}

const quoteEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

const quoteText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
  `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (found) => quoteEscapes[found] ?? found)}"`;

/** White space as Unicode has it. */
const trim = (text: string): string => text.replace(/^[\s\x85]+|[\s\x85]+$/gu, '');

/** Replaces `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X`, `%o` and `%%`. */
function format(pattern: string, args: CelList): string {
  let next = 0;
  let length = pattern.length;
  return pattern.replace(/%(?:\.(\d+))?(.?)/gs, (_, precision: string | undefined, clause: string) => {
    if (clause === '%') return '%';
    if (clause === '') throw new CelError('unexpected end of format string');
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    const digits = precision === undefined ? 6 : Number(precision);
    if (digits > 1000) throw new CelError('precision too large');
    const made = formatOne(clause, args.at(next++), digits);
    length += made.length;
    checkLength(length);
    return made;
  });
}

function formatOne(clause: string, value: unknown, digits: number): string {
  const integer = value instanceof Uint ? value.value : value;
  const wrong = (allowed: string): never => {
    throw new CelError(`error during formatting: ${allowed}, was given ${typeNameOf(value)}`);
  };
  switch (clause) {
    case 's':
      return textOf(value);
    case 'd':
      if (typeof integer === 'bigint') return String(integer);
      if (typeof value === 'number') return doubleText(value);
      return wrong('decimal clause can only be used on integers');
    case 'f':
    case 'e': {
      if (typeof integer !== 'bigint' && typeof integer !== 'number')
        return wrong(`${clause === 'f' ? 'fixed-point' : 'scientific'} clause can only be used on doubles`);
      const number = Number(integer);
      if (!Number.isFinite(number)) return Number.isNaN(number) ? 'NaN' : number > 0 ? '∞' : '-∞';
      if (clause === 'f') return number.toFixed(Math.min(digits, 100));
      return number.toExponential(Math.min(digits, 100)).replace(/e([+-])(\d)$/, 'e$10$2');
    }
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return typeof integer === 'bigint'
        ? integer.toString(2)
        : wrong('only integers and bools can be formatted as binary');
    case 'o':
      return typeof integer === 'bigint' ? integer.toString(8) : wrong('octal clause can only be used on integers');
    case 'x':
    case 'X': {
      let text: string;
      if (typeof integer === 'bigint') text = integer.toString(16);
      else if (typeof value === 'string' || value instanceof Uint8Array)
        text = Buffer.from(value as string).toString('hex');
      else return wrong('only integers, byte buffers, and strings can be formatted as hex');
      return clause === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(clause)}`);
  }
}

/** A value as `%s` prints it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'null';
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof TypeValue) return value.text;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof Uint) return String(value.value);
  if (value instanceof CelList) return `[${[...value].map(textOf).join(', ')}]`;
  if (value instanceof CelMap) {
    const entries = [...value.keys()].map((key) => `${keyText(key)}: ${textOf(value.get(key))}`);
    return `{${entries.sort().join(', ')}}`;
  }
  if (value instanceof Optional)
    throw new CelError(
      `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type`,
    );
  return String(value);
}

export const stringsLibrary: readonly Row[] = [
  row('string->charAt(int): string', charAt),
  row('string->indexOf(string): int', indexOf),
  row('string->indexOf(string, int): int', indexOf),
  row('string->lastIndexOf(string): int', lastIndexOf),
  row('string->lastIndexOf(string, int): int', lastIndexOf),
  row('list(string)->join(): string', join),
  row('list(string)->join(string): string', join),
  row('string->lowerAscii(): string', (text: string) => text.replace(/[A-Z]+/g, (found) => found.toLowerCase())),
  row('string->upperAscii(): string', (text: string) => text.replace(/[a-z]+/g, (found) => found.toUpperCase())),
  row('string->replace(string, string): string', replace),
  row('string->replace(string, string, int): string', replace),
  row('string->split(string): list(string)', split),
  row('string->split(string, int): list(string)', split),
  row('string->substring(int): string', substring),
  row('string->substring(int, int): string', substring),
  row('string->trim(): string', trim),
  row('string->format(list(dyn)): string', format),
  row('strings.quote(string): string', quoteText),
];
