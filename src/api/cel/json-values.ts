/**
 * JSON as values: typed by what the schema says, or by what is there. Nothing is copied; members become values when they are read.
 * @see k8s.io/apiserver/pkg/cel/common/values.go
 */
import { parseDuration, parseTimestamp } from './time-values.ts';
import { type CelType, dynType, type ListType, type MapType, type StructType } from './types.ts';
import {
  CelError,
  CelList,
  CelMap,
  Duration,
  equalValues,
  keyOf,
  Opaque,
  Optional,
  type StructValue,
  Timestamp,
  Uint,
  ValueList,
} from './values.ts';

type Json = Readonly<Record<string, unknown>>;

/** The value of JSON that has `type`. */
export function readJson(json: unknown, type: CelType): unknown {
  if (json === null || json === undefined) return null;
  switch (type.kind) {
    case 'int':
      if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
      return json;
    case 'double':
      return typeof json === 'bigint' ? Number(json) : json;
    case 'list':
      return Array.isArray(json) ? new JsonList(json, type) : readJson(json, dynType);
    case 'map':
      return isObject(json) ? new JsonMap(json, type.value) : readJson(json, dynType);
    case 'struct':
      return isObject(json) ? new JsonStruct(json, type) : readJson(json, dynType);
    case 'bytes':
      return typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : json;
    case 'timestamp':
      return typeof json === 'string' ? timestampOf(json) : json;
    case 'duration':
      return typeof json === 'string' ? parseDuration(json) : json;
    case 'string':
    case 'bool':
      return json;
    default:
      return untyped(json);
  }
}

const isObject = (json: unknown): json is Json => typeof json === 'object' && json !== null && !Array.isArray(json);

function untyped(json: unknown): unknown {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return new JsonList(json, untypedList);
  if (isObject(json) && isPlain(json)) return new JsonMap(json, dynType);
  return json;
}

/** Values that come among JSON, such as variables that were evaluated before, are left as they are. */
const isPlain = (json: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(json);
  return prototype === Object.prototype || prototype === null;
};

const untypedList: ListType = { kind: 'list', element: dynType };

function timestampOf(text: string): Timestamp {
  return parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}

export class JsonList extends CelList {
  readonly json: readonly unknown[];
  readonly type: ListType;
  #keys: Map<string, number> | undefined;

  constructor(json: readonly unknown[], type: ListType) {
    super();
    this.json = json;
    this.type = type;
  }

  get size(): number {
    return this.json.length;
  }

  override at(index: number): unknown {
    return readJson(this.json[index], this.type.element);
  }

  /** Sets and maps have no order. */
  override equals(other: CelList): boolean {
    const { listType } = this.type;
    if (listType === 'set') {
      if (this.size !== other.size) return false;
      for (const item of other) if (!this.contains(item)) return false;
      return true;
    }
    if (listType === 'map' && other instanceof JsonList) {
      if (this.size !== other.size) return false;
      for (let index = 0; index < other.size; index++) {
        const found = this.#indexOf(other.json[index]);
        if (found === undefined || !equalValues(this.at(found), other.at(index))) return false;
      }
      return true;
    }
    return super.equals(other);
  }

  /** A set takes in what it does not have; in a map what comes later replaces what has the same keys. */
  override concat(other: CelList): CelList {
    const { listType } = this.type;
    if (listType === 'set') return new ValueList([...this, ...[...other].filter((item) => !this.contains(item))]);
    if (listType === 'map' && other instanceof JsonList) {
      const items = [...this.json];
      for (const item of other.json) {
        const found = this.#indexOf(item);
        if (found === undefined) items.push(item);
        else items[found] = item;
      }
      return new JsonList(items, this.type);
    }
    return super.concat(other);
  }

  #indexOf(item: unknown): number | undefined {
    const keys = this.type.listMapKeys ?? [];
    const keyText = (value: unknown): string =>
      JSON.stringify(keys.map((key) => (value as Json | null)?.[key] ?? null));
    if (this.#keys === undefined) {
      this.#keys = new Map();
      for (const [index, known] of this.json.entries()) this.#keys.set(keyText(known), index);
    }
    return this.#keys.get(keyText(item));
  }
}

export class JsonMap extends CelMap {
  readonly json: Json;
  readonly valueType: CelType;

  constructor(json: Json, valueType: CelType) {
    super();
    this.json = json;
    this.valueType = valueType;
  }

  get size(): number {
    let size = 0;
    for (const name in this.json) if (this.json[name] !== undefined) size++;
    return size;
  }

  override get(key: unknown): unknown {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined;
    const value = this.json[key];
    return value === undefined ? undefined : readJson(value, this.valueType);
  }

  override *keys(): Iterable<unknown> {
    for (const name in this.json) if (this.json[name] !== undefined) yield name;
  }
}

/** An object with fields: nulls are as if they were not there. */
export class JsonStruct extends CelMap {
  readonly json: Json;
  readonly type: StructType;

  constructor(json: Json, type: StructType) {
    super();
    this.json = json;
    this.type = type;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  override get(key: unknown): unknown {
    const field = this.type.fields.get(key as string);
    if (field === undefined || !Object.hasOwn(this.json, field.member)) return undefined;
    const value = this.json[field.member];
    return value === undefined || value === null ? undefined : readJson(value, field.type);
  }

  override *keys(): Iterable<unknown> {
    for (const [name, { member }] of this.type.fields) {
      if (Object.hasOwn(this.json, member) && this.json[member] !== undefined && this.json[member] !== null) yield name;
    }
  }
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A value as JSON; what the mutations of policies write. @throws CelError for values that JSON cannot say */
export function jsonOf(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  const integer = value instanceof Uint ? value.value : value;
  if (typeof integer === 'bigint') {
    if (integer > SAFE || integer < -SAFE) throw new CelError(`the number ${integer} cannot be written exactly`);
    return Number(integer);
  }
  if (value instanceof JsonList || value instanceof JsonMap || value instanceof JsonStruct) return value.json;
  if (value instanceof CelList) return [...value].map(jsonOf);
  if (value instanceof CelMap) {
    const object: Record<string, unknown> = {};
    for (const key of value.keys()) {
      const name = keyOf(key);
      if (typeof name !== 'string') throw new CelError('only maps with keys of type string can be written');
      Object.defineProperty(object, name, {
        value: jsonOf(value.get(key)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp || value instanceof Duration) return String(value);
  if (value instanceof Optional && value.present) return jsonOf(value.value);
  if (value instanceof Opaque) return String(value);
  throw new CelError('the value cannot be written as JSON');
}

export type { Json, MapType, StructValue };
