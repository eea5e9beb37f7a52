/**
 * Brings decoded JSON into the form that upstream stores: known fields only and in upstream's order, empty optional values dropped,
 * always-written ones added, quantities and times canonical. Builds a new object and never changes its input. Fast, because it
 * only notices that something is wrong; what it is, explain.ts finds out.
 *
 * Worked example, a container: `{ image: "i", name: "c", tty: false, bogus: 1 }` becomes `{ image: "i", name: "c", resources: {} }`
 * with `unknown` set.
 */
import { canonicalQuantity, QuantityError } from './quantity.ts';
import type { FieldSchema, ObjectSchema, Schema } from './schema.ts';
import { canonicalTime } from './time.ts';

export interface Conformed {
  readonly value: unknown;
  /** Fields that the schema does not have were left out. */
  readonly unknown: boolean;
  /** Something has a type or a text that cannot be decoded; `value` must not be used. */
  readonly malformed: boolean;
  /** Keys of all objects in the input, to notice repeated ones by. */
  readonly keys: number;
  /** Where an empty list was given that is stored as none. */
  readonly emptied?: readonly EmptiedList[] | undefined;
}

/** A member of `value` that the input had as `[]` and that is null. */
export interface EmptiedList {
  readonly object: Record<string, unknown>;
  readonly name: string;
}

interface State {
  unknown: boolean;
  malformed: boolean;
  keys: number;
  emptied: EmptiedList[] | undefined;
}

/**
 * Walks `input` by `schema`. Members of the object itself that are those of `live`, an object in the form that is stored, are taken as
 * they are: `value` then shares them with it.
 */
export function conform(input: unknown, schema: Schema, live?: Json): Conformed {
  const state: State = { unknown: false, malformed: false, keys: 0, emptied: undefined };
  const value =
    live !== undefined && schema.object !== undefined && isObject(input)
      ? conformObject(input, schema.object, state, live)
      : conformValue(input, schema, state);
  return { value, ...state };
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

/** Sets a member even when it is named `__proto__`. */
export function setMember(target: Json, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

function conformValue(input: unknown, schema: Schema, state: State): unknown {
  if (input === null || input === undefined) return schema.nullable === true ? null : emptyValue(schema);
  switch (schema.kind) {
    case 'string':
      if (typeof input === 'string') return wellFormed(input);
      break;
    case 'boolean':
      if (typeof input === 'boolean') return input;
      break;
    case 'int32':
      if (typeof input === 'number' && (input | 0) === input) return input;
      break;
    case 'int64':
      // Beyond 2^53 a number is only the nearest one; the text that it came from has been checked by then.
      if (typeof input === 'number' && Number.isInteger(input) && Math.abs(input) <= 2 ** 63) return input;
      if (typeof input === 'bigint' && BigInt.asIntN(64, input) === input) return Number(input);
      break;
    case 'double':
      if (typeof input === 'number') return input;
      break;
    case 'bytes':
      if (typeof input === 'string' && isBase64(input)) return input.replace(/[\r\n]/g, '');
      break;
    case 'time':
    case 'microtime':
      if (typeof input === 'string') {
        const time = canonicalTime(input, schema.kind === 'microtime');
        if ('text' in time) return time.text;
      }
      break;
    case 'quantity':
      return conformQuantity(input, state);
    case 'intOrString':
      if (typeof input === 'string' || (typeof input === 'number' && (input | 0) === input)) return input;
      break;
    case 'any':
      return copyFree(input, state, 0);
    case 'raw':
      if (isObject(input)) return copyFree(input, state, 0);
      break;
    case 'object':
      if (isObject(input)) return conformObject(input, schema.object!, state);
      break;
    case 'map':
      if (isObject(input)) return conformMap(input, schema.element!, state);
      break;
    case 'array':
      if (Array.isArray(input)) {
        const element = schema.element!;
        return input.map((item) => conformValue(item, element, state));
      }
      break;
  }
  state.malformed = true;
  return undefined;
}

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Lone surrogates cannot be encoded: upstream has replaced them already when it parses. */
function wellFormed(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? text.replace(loneSurrogate, '\ufffd') : text;
}

/** Standard base64 with its padding; line ends are ignored. */
export function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(
    /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text,
  );
}

function conformQuantity(input: unknown, state: State): unknown {
  if (typeof input === 'string' || typeof input === 'number') {
    try {
      return canonicalQuantity(String(input));
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
    }
  }
  state.malformed = true;
  return undefined;
}

function conformMap(input: Json, element: Schema, state: State): Json {
  const output: Json = {};
  for (const key of sortedKeys(input)) {
    state.keys += 1;
    const value = conformValue(input[key], element, state);
    // No bytes are the empty bytes once they have been stored.
    setMember(output, key, value === null && element.kind === 'bytes' ? '' : value);
  }
  return output;
}

/** Upstream writes maps in the order of their keys. */
function sortedKeys(object: Json): string[] {
  const keys = Object.keys(object);
  for (let index = 1; index < keys.length; index += 1) if (keys[index - 1]! > keys[index]!) return keys.sort();
  return keys;
}

/** Members in whatever order become fields in the order of the schema. Which come in which order is found out once for objects alike. */
function conformObject(input: Json, schema: ObjectSchema, state: State, live?: Json): Json {
  const keys = Object.keys(input);
  const all = fieldsInOrder(keys, schema);
  const fields =
    all ??
    (fieldsInOrder(
      keys.filter((key) => schema.fields.has(key)),
      schema,
    ) as readonly FieldSchema[]);
  const output: Json = {};
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as FieldSchema;
    const given = input[field.name];
    // A function is a member of Object.prototype, which no JSON has.
    conformField(typeof given === 'function' ? undefined : given, field, output, state, live);
  }
  state.keys += keys.length;
  if (all === undefined) conformRest(input, output, keys, schema, state);
  return output;
}

/** The fields to write for members that came in one order. */
interface Order {
  readonly keys: readonly string[];
  readonly fields: readonly FieldSchema[];
}

/** Orders remembered of a type, those that were needed last in front. */
const ORDERS_MAX = 8;
const orders = new WeakMap<ObjectSchema, Order[]>();

/** The fields that the keys name and those written in any case, in the order of the schema; undefined when a key names none. */
function fieldsInOrder(keys: readonly string[], schema: ObjectSchema): readonly FieldSchema[] | undefined {
  let known = orders.get(schema);
  if (known === undefined) {
    known = [];
    orders.set(schema, known);
  }
  for (let at = 0; at < known.length; at++) {
    const order = known[at] as Order;
    if (!sameKeys(order.keys, keys)) continue;
    if (at > 0) {
      known[at] = known[0] as Order;
      known[0] = order;
    }
    return order.fields;
  }
  const fields = new Set(schema.written);
  for (const key of keys) {
    const field = schema.fields.get(key);
    if (field === undefined) return undefined;
    fields.add(field);
  }
  const order = { keys, fields: [...fields].sort((left, right) => left.position - right.position) };
  if (known.length < ORDERS_MAX) known.push(order);
  else known[ORDERS_MAX - 1] = order;
  return order.fields;
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  const { length } = left;
  if (length !== right.length) return false;
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return false;
  return true;
}

function conformField(given: unknown, field: FieldSchema, output: Json, state: State, live?: Json): void {
  if (given === undefined || (given === null && field.schema.nullable !== true)) {
    if (field.presence !== 'drop' && field.presence !== 'keep') output[field.name] = absentValue(field);
    return;
  }
  if (live !== undefined && typeof given === 'object' && live[field.name] === given) {
    output[field.name] = given;
    return;
  }
  const value = conformValue(given, field.schema, state);
  if (field.presence === 'drop' && isEmpty(value)) return;
  // Upstream's storage cannot tell an empty list from none.
  const isNone = field.presence !== 'keep' && Array.isArray(value) && value.length === 0;
  output[field.name] = isNone ? null : value;
  if (!isNone) return;
  state.emptied ??= [];
  state.emptied.push({ object: output, name: field.name });
}

/** Members that the schema does not name: kept where the kind says so, left out otherwise. */
function conformRest(input: Json, output: Json, keys: readonly string[], schema: ObjectSchema, state: State): void {
  for (const key of keys) {
    const given = input[key];
    if (schema.fields.has(key)) continue;
    if (given === undefined) {
      state.keys -= 1;
    } else if (schema.preserveUnknown === true) {
      setMember(output, key, copyFree(given, state, 0));
    } else state.unknown = true;
  }
}

/** A copy of free JSON, counting its keys. */
function copyFree(input: unknown, state: State, depth: number): unknown {
  if (typeof input === 'string') return wellFormed(input);
  if (typeof input !== 'object' || input === null) return input;
  // The text's own depth is checked by whoever parsed it; values from elsewhere end here.
  if (depth > 1000) {
    state.malformed = true;
    return undefined;
  }
  if (Array.isArray(input)) return input.map((item) => copyFree(item, state, depth + 1));
  const output: Json = {};
  for (const key of Object.keys(input)) {
    state.keys += 1;
    setMember(output, key, copyFree((input as Json)[key], state, depth + 1));
  }
  return output;
}

/** What an optional value must not be to be written. */
function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object') {
    for (const _ in value) return false;
    return true;
  }
  return false;
}

/** What is written for a field that nobody gave. */
function absentValue(field: FieldSchema): unknown {
  return field.presence === 'null' ? null : emptyValue(field.schema);
}

/** Go's zero value of a type, as JSON. */
export function emptyValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0;
    case 'quantity':
      return '0';
    case 'object': {
      const output: Json = {};
      for (const field of schema.object!.written) output[field.name] = absentValue(field);
      return output;
    }
    default:
      return null;
  }
}
