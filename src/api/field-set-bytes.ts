/**
 * Field sets as bytes: a tenth of their JSON, so that every stored object can carry its own. Sets are written by {@link packSet}
 * or, for a new object, straight from its members by {@link packCreated}; they are read by {@link unpackSet}, which gives the same
 * set for the same bytes as long as it remembers them. A thousand pods of one ReplicaSet share one set.
 *
 *     set   = node* 0
 *     node  = head [name] [node* 0]
 *     head  = varint of (code << 2) + form     form 1: a member without members of its own, 2: members, 3: both
 *     code  = a field's code (field-codes.ts); 0: the key is written out, as varint of its bytes, then UTF-8
 *
 * Custom kinds have no codes: all their keys are written out.
 */
import { emptyValue } from './conform.ts';
import { type CodedField, type FieldCodes, fieldCodesOf } from './field-codes.ts';
import { emptySet, type FieldSet, inOrder, isEmptySet } from './field-set.ts';
import type { ApiObject } from './kinds/types.ts';
import type { Schema } from './schema.ts';
import { isLeaf, isNothing, itemsByKey, mixed, plainText, Repeated, resolveSchema, sameJson } from './typed-value.ts';

const LEAF = 1;
const BRANCH = 2;
const MARKED_BRANCH = 3;

/** Bytes are collected in one buffer that is used again and again: writing never waits. */
let buffer = Buffer.allocUnsafe(4096);
let end = 0;

function ensure(bytes: number): void {
  if (end + bytes <= buffer.length) return;
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, end + bytes));
  buffer.copy(larger, 0, 0, end);
  buffer = larger;
}

function putNumber(value: number): void {
  ensure(8);
  let rest = value;
  while (rest > 127) {
    buffer[end++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[end++] = rest;
}

function putText(text: string): void {
  const { length } = text;
  ensure(length * 3 + 8);
  // Nearly all names are short and ASCII: one byte of length, and one a character.
  if (length < 128) {
    const start = end;
    buffer[end++] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) break;
      buffer[end++] = code;
    }
    if (end === start + 1 + length) return;
    end = start;
  }
  putNumber(Buffer.byteLength(text));
  end += buffer.write(text, end);
}

function putHead(code: number, key: string, form: number): void {
  putNumber(code * 4 + form);
  if (code === 0) putText(key);
}

function finish(): Uint8Array {
  const bytes = new Uint8Array(end);
  bytes.set(buffer.subarray(0, end));
  return bytes;
}

function start(): void {
  end = 0;
}

function putBytes(bytes: Uint8Array): void {
  ensure(bytes.length);
  buffer.set(bytes, end);
  end += bytes.length;
}

/** Bytes of a length that stands in front of what it measures. */
const LENGTH_BYTES = 3;

/** A set with the length of its bytes in front, as it is given in bytes or as a set. */
function putMeasured(set: FieldSet | undefined, packed: Uint8Array | undefined, schema: Schema | undefined): void {
  ensure(LENGTH_BYTES);
  const at = end;
  end += LENGTH_BYTES;
  if (packed !== undefined) putBytes(packed);
  else if (set !== undefined) putMembers(set, schema);
  putLength(at);
}

function putLength(at: number): void {
  const length = end - at - LENGTH_BYTES;
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
}

export function readLength(reader: Reader): number {
  const [a = 0, b = 0, c = 0] = reader.source.subarray(reader.at, reader.at + LENGTH_BYTES);
  reader.at += LENGTH_BYTES;
  return (a << 16) + (b << 8) + c;
}

/**
 * The set, with its length in front, of what the member `name` of an object of the kind has come to have, or has otherwise, from `before`
 * to `after`. What it has no more is not in it. False when that is nothing.
 */
function putChanged(before: unknown, after: unknown, name: string, schema: Schema): boolean {
  const field = codesOf(schema)?.byName.get(name);
  ensure(LENGTH_BYTES);
  const at = end;
  end += LENGTH_BYTES;
  if (after !== undefined) putNode(before, after, field?.schema, field?.schema, field?.code ?? 0, `f:${name}`);
  if (end === at + LENGTH_BYTES) return false;
  putNumber(0);
  putLength(at);
  return true;
}

/** The writer for those who put sets together with other things (owners-bytes.ts). There is one: start, write and finish in one go. */
export const byteWriter = {
  start,
  number: putNumber,
  text: putText,
  bytes: putBytes,
  set: putMeasured,
  changed: putChanged,
  finish,
} as const;

/** The bytes of a set. `schema` is that of the built-in kind; undefined writes all keys out. */
export function packSet(set: FieldSet, schema: Schema | undefined): Uint8Array {
  end = 0;
  putMembers(set, schema);
  return finish();
}

const codesOf = (schema: Schema | undefined): FieldCodes | undefined =>
  schema?.kind === 'object' && schema.object !== undefined ? fieldCodesOf(schema.object) : undefined;

function putMembers(set: FieldSet, schema: Schema | undefined): void {
  const codes = codesOf(schema);
  for (const key in set) {
    if (key === '.') continue;
    const node = set[key] as FieldSet;
    const field = codes?.byKey.get(key);
    const leaf = isEmptySet(node);
    putHead(field?.code ?? 0, key, leaf ? LEAF : Object.hasOwn(node, '.') ? MARKED_BRANCH : BRANCH);
    if (!leaf) putMembers(node, codes === undefined ? schema?.element : field?.schema);
  }
  putNumber(0);
}

/**
 * The bytes of what the creator of `object` owns: all that its kind's empty value does not have, without the members of the object
 * named in `passed` and those of its metadata that nobody owns. Undefined when that is nothing. `stored` is the schema whose codes are
 * written: that of the kind as it is stored, where the object is of another version.
 */
export function packCreated(
  object: ApiObject,
  schema: Schema,
  stored: Schema,
  passed: ReadonlySet<string>,
  passedMetadata: ReadonlySet<string>,
): Uint8Array | undefined {
  end = 0;
  putAdded(emptyOf(schema), object, schema, stored, passed, passedMetadata);
  return end === 1 ? undefined : finish();
}

const empties = new WeakMap<Schema, unknown>();

function emptyOf(schema: Schema): unknown {
  let empty = empties.get(schema);
  if (empty === undefined) {
    empty = emptyValue(schema);
    empties.set(schema, empty);
  }
  return empty;
}

type Json = Record<string, unknown>;

/** Members of `after` that `before` does not have or has otherwise. */
function putAdded(
  before: unknown,
  after: unknown,
  schema: Schema,
  stored: Schema | undefined,
  passed?: ReadonlySet<string>,
  passedMetadata?: ReadonlySet<string>,
): void {
  if (schema.kind === 'array') {
    if (putPlainItems(before, after, schema, stored)) return;
    const old = Array.isArray(before) && before.length > 0 ? itemsByKey(schema, before) : undefined;
    for (const [key, item] of itemsByKey(schema, after)) {
      const earlier = old?.get(key);
      const wasRepeated = earlier instanceof Repeated;
      if (!(item instanceof Repeated))
        putNode(wasRepeated ? undefined : earlier, item, schema.element, stored?.element, 0, key);
      else if (!wasRepeated || !sameJson(earlier.items, item.items)) putHead(0, key, LEAF);
    }
  } else if (typeof after === 'object' && after !== null) {
    const fields = codesOf(schema);
    const codes = stored === schema ? fields : codesOf(stored);
    const empty = before as Json | null | undefined;
    const members = after as Json;
    for (const name in members) {
      const value = members[name];
      if (value === undefined || passed?.has(name)) continue;
      const field = codes?.byName.get(name);
      if (field?.isLeaf === true && fields === codes) {
        putLeaf(empty, value, field);
        continue;
      }
      const type = fields === undefined ? schema.element : fields.byName.get(name)?.schema;
      const storedType = codes === undefined ? stored?.element : field?.schema;
      const old = empty !== null && empty !== undefined && Object.hasOwn(empty, name) ? empty[name] : undefined;
      const code = field?.code ?? 0;
      if (passedMetadata !== undefined && name === 'metadata')
        putNode(old ?? {}, value, type, storedType, code, 'f:metadata', passedMetadata);
      else putNode(old, value, type, storedType, code, code === 0 ? `f:${name}` : '');
    }
  }
  putNumber(0);
}

function putLeaf(empty: Json | null | undefined, value: unknown, { name, code }: CodedField): void {
  const old = empty !== null && empty !== undefined && Object.hasOwn(empty, name) ? empty[name] : undefined;
  if (old !== value && (old === undefined || !sameJson(old, value))) putHead(code, code === 0 ? `f:${name}` : '', LEAF);
}

/** Longer lists are gone through with a map of their keys. */
const PLAIN_ITEMS_MAX = 16;
const PLAIN_KEY_LENGTH_MAX = 100;

/**
 * Puts the items of a list such as conditions, whose only key is a short text that JSON writes as it is, and different in each; closed like
 * every set. False, with nothing put, for all other lists.
 */
function putPlainItems(
  before: unknown,
  after: unknown,
  { listMapKeys, listType, element }: Schema,
  stored: Schema | undefined,
): boolean {
  if (listType !== 'map' || listMapKeys?.length !== 1 || isLeaf(element)) return false;
  const name = listMapKeys[0] as string;
  if (!isPlainList(after, name)) return false;
  const old = Array.isArray(before) ? before : [];
  if (!isPlainList(old, name)) return false;
  const opening = `k:{"${name}":"`;
  for (const item of after) {
    const key = item[name] as string;
    const earlier = old.find((one) => one[name] === key);
    if (earlier === item) continue;
    const outside = end;
    putNumber(earlier === undefined ? MARKED_BRANCH : BRANCH);
    putNumber(opening.length + key.length + 2);
    putAscii(opening);
    putAscii(key);
    putAscii('"}');
    const inside = end;
    putAdded(earlier, item, element as Schema, stored?.element);
    if (end === inside + 1) end = outside;
  }
  putNumber(0);
  return true;
}

function putAscii(text: string): void {
  ensure(text.length);
  for (let index = 0; index < text.length; index++) buffer[end++] = text.charCodeAt(index);
}

function isPlainList(list: unknown, name: string): list is Json[] {
  if (!Array.isArray(list) || list.length > PLAIN_ITEMS_MAX) return false;
  for (let index = 0; index < list.length; index++) {
    const key: unknown = list[index]?.[name];
    if (typeof key !== 'string' || key.length > PLAIN_KEY_LENGTH_MAX || !plainText.test(key)) return false;
    for (let other = 0; other < index; other++) if (list[other][name] === key) return false;
  }
  return true;
}

function putNode(
  before: unknown,
  after: unknown,
  given: Schema | undefined,
  stored: Schema | undefined,
  code: number,
  key: string,
  passed?: ReadonlySet<string>,
): void {
  if (before === after) return;
  const schema = resolveSchema(given, after);
  if (schema === undefined || isLeaf(schema) || (isNothing(before) && isNothing(after)) || mixed(before, after)) {
    if (before === undefined || !sameJson(before, after)) putHead(code, key, LEAF);
    return;
  }
  const outside = end;
  putHead(code, key, before === undefined ? MARKED_BRANCH : BRANCH);
  const inside = end;
  putAdded(before, after, schema, stored === given ? schema : stored, passed);
  if (end > inside + 1) return;
  // Nothing in it: a member stands alone, a branch is not there at all.
  end = outside;
  if (before === undefined) putHead(code, key, LEAF);
}

/** Sets by their bytes, for each schema: the newest and those from before. */
interface Remembered {
  fresh: Map<string, FieldSet>;
  stale: Map<string, FieldSet>;
}

const REMEMBERED_MAX = 2048;
const remembered = new WeakMap<object, Remembered>();
const withoutSchema = {};

/** The set of bytes that were written with the same schema. It is shared: never change it. */
export function unpackSet(bytes: Uint8Array, start: number, stop: number, schema: Schema | undefined): FieldSet {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = source.toString('latin1', start, stop);
  const owner = schema ?? withoutSchema;
  let sets = remembered.get(owner);
  if (sets === undefined) {
    sets = { fresh: new Map(), stale: new Map() };
    remembered.set(owner, sets);
  }
  let set = sets.fresh.get(text);
  if (set !== undefined) return set;
  set = sets.stale.get(text) ?? readMembers({ source, at: start }, schema, false);
  if (sets.fresh.size >= REMEMBERED_MAX) {
    sets.stale = sets.fresh;
    sets.fresh = new Map();
  }
  sets.fresh.set(text, set);
  return set;
}

interface Reader {
  readonly source: Buffer;
  at: number;
}

export function readNumber(reader: Reader): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = reader.source[reader.at++];
    if (byte === undefined) throw new Error('field owners end in the middle');
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
}

export function readText(reader: Reader): string {
  const length = readNumber(reader);
  const text = reader.source.toString('utf8', reader.at, reader.at + length);
  reader.at += length;
  return text;
}

function readMembers(reader: Reader, schema: Schema | undefined, member: boolean): FieldSet {
  const codes = codesOf(schema);
  const set: Record<string, FieldSet> = member ? { '.': emptySet } : {};
  for (;;) {
    const head = readNumber(reader);
    if (head === 0) return inOrder(set);
    const form = head & 3;
    const code = Math.floor(head / 4);
    const key = code === 0 ? readText(reader) : `f:${codes?.nameOf.get(code) ?? `#${code}`}`;
    const inner = codes === undefined ? schema?.element : codes.byKey.get(key)?.schema;
    set[key] = form === LEAF ? emptySet : readMembers(reader, inner, form === MARKED_BRANCH);
  }
}
