/**
 * The language's own functions and operators.
 * @see cel-go common/stdlib/stdlib.go
 */
import { type Row, row } from './functions.ts';
import { patternOf } from './regex.ts';
import {
  dayOfYear,
  durationText,
  inZone,
  parseDuration,
  parseTimestamp,
  timestampAt,
  timestampText,
} from './time-values.ts';
import {
  CelError,
  type CelList,
  type CelMap,
  compareValues,
  Duration,
  equalValues,
  lengthOf,
  type Opaque,
  Optional,
  type Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  ValueList,
} from './values.ts';

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

/** @throws CelError beyond 64 bits */
export function checkedInt(value: bigint): bigint {
  if (value < INT_MIN || value > INT_MAX) throw new CelError('integer overflow');
  return value;
}

function checkedUint(value: bigint): Uint {
  if (value < 0n || value > UINT_MAX) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

function checkedDuration(nanos: bigint): Duration {
  if (nanos < INT_MIN || nanos > INT_MAX) throw new CelError('integer overflow');
  return new Duration(nanos);
}

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError('division by zero');
  return a / b;
}

function modulo(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError('modulus by zero');
  return a % b;
}

const arithmetic: readonly Row[] = [
  row('_+_(int, int): int', (a: bigint, b: bigint) => checkedInt(a + b)),
  row('_+_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value + b.value)),
  row('_+_(double, double): double', (a: number, b: number) => a + b),
  row('_+_(string, string): string', (a: string, b: string) => a + b),
  row('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => new Uint8Array(Buffer.concat([a, b]))),
  row('_+_(list(A), list(A)): list(A)', (a: CelList, b: CelList) => a.concat(b)),
  row('_+_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => timestampAt(a.nanos + b.nanos)),
  row('_+_(duration, timestamp): timestamp', (a: Duration, b: Timestamp) => timestampAt(a.nanos + b.nanos)),
  row('_+_(duration, duration): duration', (a: Duration, b: Duration) => checkedDuration(a.nanos + b.nanos)),
  row('_-_(int, int): int', (a: bigint, b: bigint) => checkedInt(a - b)),
  row('_-_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value - b.value)),
  row('_-_(double, double): double', (a: number, b: number) => a - b),
  row('_-_(timestamp, timestamp): duration', (a: Timestamp, b: Timestamp) => checkedDuration(a.nanos - b.nanos)),
  row('_-_(timestamp, duration): timestamp', (a: Timestamp, b: Duration) => timestampAt(a.nanos - b.nanos)),
  row('_-_(duration, duration): duration', (a: Duration, b: Duration) => checkedDuration(a.nanos - b.nanos)),
  row('_*_(int, int): int', (a: bigint, b: bigint) => checkedInt(a * b)),
  row('_*_(uint, uint): uint', (a: Uint, b: Uint) => checkedUint(a.value * b.value)),
  row('_*_(double, double): double', (a: number, b: number) => a * b),
  row('_/_(int, int): int', (a: bigint, b: bigint) => checkedInt(divide(a, b))),
  row('_/_(uint, uint): uint', (a: Uint, b: Uint) => new Uint(divide(a.value, b.value))),
  row('_/_(double, double): double', (a: number, b: number) => a / b),
  row('_%_(int, int): int', (a: bigint, b: bigint) => modulo(a, b)),
  row('_%_(uint, uint): uint', (a: Uint, b: Uint) => new Uint(modulo(a.value, b.value))),
  row('-_(int): int', (a: bigint) => checkedInt(-a)),
  row('-_(double): double', (a: number) => -a),
  row('!_(bool): bool', (a: boolean) => !a),
];

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const numbers = ['int', 'uint', 'double'];
const pairs = [
  ...ordered.map((type) => [type, type]),
  ...numbers.flatMap((left) => numbers.filter((right) => right !== left).map((right) => [left, right])),
];
/** NaN is in no order with anything. */
const orders: readonly (readonly [string, (order: number | undefined) => boolean])[] = [
  ['_<_', (order) => order === -1],
  ['_<=_', (order) => order === -1 || order === 0],
  ['_>_', (order) => order === 1],
  ['_>=_', (order) => order === 1 || order === 0],
];

const comparisons: readonly Row[] = [
  ...orders.flatMap(([name, holds]) =>
    pairs.map(([left, right]) =>
      row(`${name}(${left}, ${right}): bool`, (a: unknown, b: unknown) => holds(compareValues(a, b))),
    ),
  ),
  row('_==_(A, A): bool', (a: unknown, b: unknown) => equalValues(a, b)),
  row('_!=_(A, A): bool', (a: unknown, b: unknown) => !equalValues(a, b)),
  row('@in(A, list(A)): bool', (a: unknown, b: CelList) => b.contains(a)),
  row('@in(A, map(A, B)): bool', (a: unknown, b: CelMap) => b.get(a) !== undefined),
];

/** @throws CelError */
export function itemAt(list: CelList, index: unknown): unknown {
  const at =
    typeof index === 'bigint' ? Number(index) : index instanceof Uint ? Number(index.value) : (index as number);
  if (!Number.isInteger(at) || at < 0 || at >= list.size) throw new CelError(`index out of bounds: ${at}`);
  return list.at(at);
}

function entryAt(map: CelMap, key: unknown): unknown {
  const value = map.get(key);
  if (value === undefined) throw new CelError(`no such key: ${keyText(key)}`);
  return value;
}

export function keyText(key: unknown): string {
  return key instanceof Uint ? String(key.value) : String(key);
}

/** The part of a list or map, if it is there. */
export function optionalAt(from: unknown, key: unknown): Optional {
  const source = from instanceof Optional ? from.value : from;
  if (source === undefined || source === null) return Optional.none;
  if (typeof source !== 'object') throw new CelError('no such overload');
  if ('keys' in source) {
    const value = (source as CelMap).get(key);
    return value === undefined ? Optional.none : new Optional(value);
  }
  const list = source as CelList;
  const at = typeof key === 'bigint' ? Number(key) : Number.NaN;
  return at >= 0 && at < list.size ? new Optional(list.at(at)) : Optional.none;
}

const access: readonly Row[] = [
  row('_[_](list(A), int): A', itemAt),
  row('_[_](map(A, B), A): B', entryAt),
  row('_[_](optional(list(A)), int): optional(A)', optionalAt),
  row('_[_](optional(map(A, B)), A): optional(B)', optionalAt),
  row('_[?_](list(A), int): optional(A)', optionalAt),
  row('_[?_](map(A, B), A): optional(B)', optionalAt),
  row('_[?_](optional(list(A)), int): optional(A)', optionalAt),
  row('_[?_](optional(map(A, B)), A): optional(B)', optionalAt),
];

const sizes: readonly Row[] = [
  ...(['size(string): int', 'string->size(): int'] as const).map((text) =>
    row(text, (value: string) => BigInt(lengthOf(value))),
  ),
  ...(['size(bytes): int', 'bytes->size(): int'] as const).map((text) =>
    row(text, (value: Uint8Array) => BigInt(value.length)),
  ),
  ...(['size(list(A)): int', 'list(A)->size(): int', 'size(map(A, B)): int', 'map(A, B)->size(): int'] as const).map(
    (text) => row(text, (value: CelList | CelMap) => BigInt(value.size)),
  ),
];

const strings: readonly Row[] = [
  row('string->contains(string): bool', (text: string, part: string) => text.includes(part)),
  row('string->startsWith(string): bool', (text: string, part: string) => text.startsWith(part)),
  row('string->endsWith(string): bool', (text: string, part: string) => text.endsWith(part)),
  row('string->matches(string): bool', (text: string, pattern: string) => patternOf(pattern).test(text)),
  row('matches(string, string): bool', (text: string, pattern: string) => patternOf(pattern).test(text)),
];

function doubleToInt(value: number): bigint {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

/** A text that is none of `type`: upstream does not say why. */
const notA = (type: string): CelError => new CelError(`type conversion error from 'string' to '${type}'`);

function textToInt(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw notA('int');
  const value = BigInt(text.replace(/^\+/, ''));
  if (value < INT_MIN || value > INT_MAX) throw notA('int');
  return value;
}

function textToUint(text: string): Uint {
  if (!/^\d+$/.test(text)) throw notA('uint');
  const value = BigInt(text);
  if (value > UINT_MAX) throw notA('uint');
  return new Uint(value);
}

function textTo<Value>(type: string, parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof CelError && error.message !== 'timestamp overflow' ? notA(type) : error;
    }
  };
}

function textToDouble(text: string): number {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw notA('double');
  return Number(text);
}

/** A number as Go prints it in the shortest form. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 21)
    return String(value).includes('e') ? value.toFixed(Math.max(0, -power + 16)) : String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const truths = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const falsehoods = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

function textToBool(text: string): boolean {
  if (truths.includes(text)) return true;
  if (falsehoods.includes(text)) return false;
  throw notA('bool');
}

function bytesToText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

const identity = (value: unknown): unknown => value;

const conversions: readonly Row[] = [
  row('int(int): int', identity),
  row('int(uint): int', ({ value }: Uint) => checkedInt(value)),
  row('int(double): int', doubleToInt),
  row('int(string): int', textToInt),
  row('int(timestamp): int', ({ nanos }: Timestamp) => {
    const seconds = nanos / 1_000_000_000n;
    return nanos % 1_000_000_000n < 0n ? seconds - 1n : seconds;
  }),
  row('int(duration): int', ({ nanos }: Duration) => nanos),
  row('uint(uint): uint', identity),
  row('uint(int): uint', checkedUint),
  row('uint(double): uint', (value: number) => checkedUint(doubleToInt(value))),
  row('uint(string): uint', textToUint),
  row('double(double): double', identity),
  row('double(int): double', Number),
  row('double(uint): double', ({ value }: Uint) => Number(value)),
  row('double(string): double', textToDouble),
  row('string(string): string', identity),
  row('string(bool): string', String),
  row('string(int): string', String),
  row('string(uint): string', ({ value }: Uint) => String(value)),
  row('string(double): string', doubleText),
  row('string(bytes): string', bytesToText),
  row('string(timestamp): string', timestampText),
  row('string(duration): string', durationText),
  row('string(URL): string', (value: Opaque) => String(value)),
  row('string(IP): string', (value: Opaque) => String(value)),
  row('string(CIDR): string', (value: Opaque) => String(value)),
  row('bytes(bytes): bytes', identity),
  row('bytes(string): bytes', (text: string) => new Uint8Array(Buffer.from(text))),
  row('bool(bool): bool', identity),
  row('bool(string): bool', textToBool),
  row('timestamp(timestamp): timestamp', identity),
  row('timestamp(string): timestamp', textTo('google.protobuf.Timestamp', parseTimestamp)),
  row('timestamp(int): timestamp', (seconds: bigint) => timestampAt(seconds * 1_000_000_000n)),
  row('duration(duration): duration', identity),
  row('duration(string): duration', textTo('google.protobuf.Duration', parseDuration)),
  row('duration(int): duration', (nanos: bigint) => new Duration(nanos)),
  row('dyn(A): dyn', identity),
  row('type(A): type', (value: unknown) => new TypeValue(typeNameOf(value))),
];

const clockFields: readonly (readonly [string, (date: Date) => number])[] = [
  ['getFullYear', (date) => date.getUTCFullYear()],
  ['getMonth', (date) => date.getUTCMonth()],
  ['getDayOfYear', dayOfYear],
  ['getDate', (date) => date.getUTCDate()],
  ['getDayOfMonth', (date) => date.getUTCDate() - 1],
  ['getDayOfWeek', (date) => date.getUTCDay()],
  ['getHours', (date) => date.getUTCHours()],
  ['getMinutes', (date) => date.getUTCMinutes()],
  ['getSeconds', (date) => date.getUTCSeconds()],
  ['getMilliseconds', (date) => date.getUTCMilliseconds()],
];
const durationFields: readonly (readonly [string, bigint])[] = [
  ['getHours', 3_600_000_000_000n],
  ['getMinutes', 60_000_000_000n],
  ['getSeconds', 1_000_000_000n],
];

const times: readonly Row[] = [
  ...clockFields.flatMap(([name, read]) => [
    row(`timestamp->${name}(): int`, (time: Timestamp) => BigInt(read(inZone(time, undefined)))),
    row(`timestamp->${name}(string): int`, (time: Timestamp, zone: string) => BigInt(read(inZone(time, zone)))),
  ]),
  ...durationFields.map(([name, unit]) => row(`duration->${name}(): int`, ({ nanos }: Duration) => nanos / unit)),
  row('duration->getMilliseconds(): int', ({ nanos }: Duration) => (nanos / 1_000_000n) % 1000n),
];

/** Those of the operators that the evaluator runs by itself: the checker needs their types. */
const logical: readonly Row[] = [
  row('_&&_(bool, bool): bool', identity),
  row('_||_(bool, bool): bool', identity),
  row('_?_:_(bool, A, A): A', identity),
  row('@not_strictly_false(bool): bool', identity),
  row('cel.@mapInsert(map(K, V), K, V): map(K, V)', identity),
  row('cel.@mapInsert(map(K, V), map(K, V)): map(K, V)', identity),
];

/** The values that are there. */
function unwrap(list: CelList): CelList {
  return new ValueList([...list].flatMap((item) => ((item as Optional).present ? [(item as Optional).value] : [])));
}

const optionals: readonly Row[] = [
  row('optional.of(A): optional(A)', (value: unknown) => new Optional(value)),
  row('optional.ofNonZeroValue(A): optional(A)', (value: unknown) =>
    isZero(value) ? Optional.none : new Optional(value),
  ),
  row('optional.none(): optional(A)', () => Optional.none),
  row('optional(A)->hasValue(): bool', (value: Optional) => value.present),
  row('optional(A)->value(): A', (value: Optional) => {
    if (!value.present) throw new CelError('optional.none() dereference');
    return value.value;
  }),
  row('optional(A)->or(optional(A)): optional(A)', (value: Optional, other: Optional) =>
    value.present ? value : other,
  ),
  row('optional.unwrap(list(optional(A))): list(A)', unwrap),
  row('list(optional(A))->unwrapOpt(): list(A)', unwrap),
  row('list(A)->first(): optional(A)', (list: CelList) => (list.size === 0 ? Optional.none : new Optional(list.at(0)))),
  row('list(A)->last(): optional(A)', (list: CelList) =>
    list.size === 0 ? Optional.none : new Optional(list.at(list.size - 1)),
  ),
  row('optional(A)->orValue(A): A', (value: Optional, other: unknown) => (value.present ? value.value : other)),
];

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === false || value === 0n || value === 0) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return typeof value === 'object' && 'size' in value && value.size === 0;
}

export const standardLibrary: readonly Row[] = [
  ...arithmetic,
  ...comparisons,
  ...access,
  ...sizes,
  ...strings,
  ...conversions,
  ...times,
  ...logical,
  ...optionals,
];
