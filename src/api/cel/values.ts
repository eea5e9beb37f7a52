/**
 * Values at run time. Booleans, strings and null are JavaScript's own; `int` is a bigint, `double` a number, `bytes` a Uint8Array.
 * Lists, maps and objects are views: of what an expression made, or of JSON that is read member by member when it is asked for.
 * @see cel-go common/types
 */

/** An evaluation that failed; `&&`, `||` and the quantifiers may absorb it. */
export class CelError extends Error {
  override readonly name = 'CelError';
}

/** The limit of an evaluation's cost was reached. Nothing absorbs it. */
export class CostLimitError extends Error {
  override readonly name = 'CostLimitError';
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value. */
export class TypeValue {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class Optional {
  static readonly none = new Optional(undefined);
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
  get present(): boolean {
    return this.value !== undefined;
  }
}

/** A value of a library's own type, such as a quantity. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: unknown): boolean;
}

export abstract class CelList {
  abstract readonly size: number;
  abstract at(index: number): unknown;

  *[Symbol.iterator](): Iterator<unknown> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }

  contains(value: unknown): boolean {
    for (let index = 0; index < this.size; index++) if (equalValues(this.at(index), value)) return true;
    return false;
  }

  equals(other: CelList): boolean {
    if (this.size !== other.size) return false;
    for (let index = 0; index < this.size; index++) if (!equalValues(this.at(index), other.at(index))) return false;
    return true;
  }

  concat(other: CelList): CelList {
    return new ValueList([...this, ...other]);
  }
}

export class ValueList extends CelList {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    super();
    this.items = items;
  }
  get size(): number {
    return this.items.length;
  }
  override at(index: number): unknown {
    return this.items[index];
  }
}

/** A map, or an object with fields. */
export abstract class CelMap {
  abstract readonly size: number;
  /** Undefined when there is none. */
  abstract get(key: unknown): unknown;
  abstract keys(): Iterable<unknown>;

  equals(other: CelMap): boolean {
    if (this.size !== other.size) return false;
    for (const key of this.keys()) {
      const value = other.get(key);
      if (value === undefined || !equalValues(this.get(key), value)) return false;
    }
    return true;
  }
}

/** Integers of any kind that are equal are one key. */
export function keyOf(key: unknown): unknown {
  if (key instanceof Uint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return key;
}

export class ValueMap extends CelMap {
  readonly entries: ReadonlyMap<unknown, readonly [key: unknown, value: unknown]>;
  constructor(entries: ReadonlyMap<unknown, readonly [key: unknown, value: unknown]>) {
    super();
    this.entries = entries;
  }
  get size(): number {
    return this.entries.size;
  }
  override get(key: unknown): unknown {
    return this.entries.get(keyOf(key))?.[1];
  }
  override *keys(): Iterable<unknown> {
    for (const [key] of this.entries.values()) yield key;
  }
}

/** A message that an expression made: `Object{spec: Object.spec{replicas: 1}}`. */
export class StructValue extends CelMap {
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, unknown>;
  constructor(typeName: string, fields: ReadonlyMap<string, unknown>) {
    super();
    this.typeName = typeName;
    this.fields = fields;
  }
  get size(): number {
    return this.fields.size;
  }
  override get(key: unknown): unknown {
    return this.fields.get(key as string);
  }
  override keys(): Iterable<unknown> {
    return this.fields.keys();
  }
}

const isNumeric = (value: unknown): value is bigint | number | Uint =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

const numeric = (value: bigint | number | Uint): bigint | number => (value instanceof Uint ? value.value : value);

/** Numbers of different types are equal when they are the same number; other types never are. */
export function equalValues(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isNumeric(left)) {
    // JavaScript compares a bigint and a number exactly.
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number are never strictly equal
    return isNumeric(right) && numeric(left) == numeric(right);
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof CelList) return right instanceof CelList && left.equals(right);
  if (left instanceof CelMap) return right instanceof CelMap && left.equals(right);
  if (left instanceof Timestamp) return right instanceof Timestamp && left.nanos === right.nanos;
  if (left instanceof Duration) return right instanceof Duration && left.nanos === right.nanos;
  if (left instanceof TypeValue) return right instanceof TypeValue && left.text === right.text;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && compareBytes(left, right) === 0;
  if (left instanceof Optional) {
    if (!(right instanceof Optional)) return false;
    return left.present ? right.present && equalValues(left.value, right.value) : !right.present;
  }
  return left instanceof Opaque && left.equals(right);
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Math.sign(Buffer.compare(left, right));
}

/** Strings by code points, as Go compares them. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a === b) continue;
    // Surrogates stand for code points above all others.
    const high = (code: number): number => (code >= 0xd800 && code < 0xe000 ? code + 0x10000 : code);
    return high(a) < high(b) ? -1 : 1;
  }
  return left.length < right.length ? -1 : 1;
}

/** Undefined when the values have no order. */
export function compareValues(left: unknown, right: unknown): number | undefined {
  if (isNumeric(left) && isNumeric(right)) {
    const [a, b] = [numeric(left), numeric(right)];
    if (Number.isNaN(a) || Number.isNaN(b)) return undefined;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  if (
    (left instanceof Timestamp && right instanceof Timestamp) ||
    (left instanceof Duration && right instanceof Duration)
  ) {
    return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0;
  }
  return undefined;
}

/** The name of a value's type, as `type()` and error texts have it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
  }
  if (value === null) return 'null_type';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof CelList) return 'list';
  if (value instanceof StructValue) return value.typeName;
  if (value instanceof CelMap) return 'map';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  return value instanceof Opaque ? value.typeName : 'unknown';
}

const LATIN = /^[\0-\x7f]*$/;

/** Characters of a text, as `size()` counts them. */
export function lengthOf(text: string): number {
  if (LATIN.test(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** What `size()` says, or 1: what cost is counted by. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return lengthOf(value);
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  return value instanceof Uint8Array ? value.length : 1;
}
