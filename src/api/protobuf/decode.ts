/**
 * Decodes messages into the same plain data that their JSON gives: fields that are not known are passed over, absent ones stay
 * absent, and what upstream's decoders refuse is refused with their words. Called for request bodies; the result goes on through
 * the same conforming and defaulting as any other body.
 *
 * @see k8s.io/apimachinery/pkg/runtime/serializer/protobuf
 */
import { setMember } from '../conform.ts';
import type { ObjectSchema, Schema } from '../schema.ts';
import { formatTime } from '../time.ts';
import { ProtobufError } from './errors.ts';
import { jsonSchemaMessage, type Message, type MessageField, messageOf, type SpecialForm } from './messages.ts';
import { WireReader } from './wire-reader.ts';

/** Messages nested deeper than this are refused. */
const DEPTH_MAX = 100;

/** Wire types by the kind of a value; everything else is length-delimited. */
const WIRE: Partial<Record<Schema['kind'], number>> = { boolean: 0, int32: 0, int64: 0, double: 1 };

type Json = Record<string, unknown>;

/** The object whose bytes these are, by the schema of its definition. @throws ProtobufError */
export function decodeProtobuf(bytes: Uint8Array, object: ObjectSchema): Json {
  const message = messageOf(object);
  const target: Json = {};
  if (message !== undefined) readMessage(new WireReader(bytes), message, target, 0);
  return target;
}

function readMessage(reader: WireReader, message: Message, target: Json, depth: number): void {
  if (depth > DEPTH_MAX) throw new ProtobufError('proto: exceeded max depth');
  const { byNumber } = message;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 4) throw new ProtobufError(`proto: ${message.name}: wiretype end group for non-group`);
    if (number <= 0) throw new ProtobufError(`proto: ${message.name}: illegal tag ${number} (wire type ${wire})`);
    const field = byNumber[number];
    if (field === undefined) reader.skip(wire);
    else readField(reader, field, wire, target, depth);
  }
}

function readField(reader: WireReader, field: MessageField, wire: number, target: Json, depth: number): void {
  const { embedded, schema, name } = field;
  if (embedded !== undefined) {
    expectWire(wire, 2, embedded.name);
    const outer = reader.enter();
    readMessage(reader, embedded, target, depth + 1);
    reader.leave(outer);
    return;
  }
  if (schema.kind === 'array') {
    target[name] ??= [];
    const list = target[name] as unknown[];
    const element = schema.element as Schema;
    const expected = WIRE[element.kind];
    if (field.form === 'wrapped') {
      expectWire(wire, 2, name);
      list.push(...readItems(reader, element, depth));
    } else if (expected !== undefined && wire === 2) {
      const outer = reader.enter();
      while (reader.at < reader.end) list.push(readValue(reader, element, undefined, depth));
      reader.leave(outer);
    } else {
      expectWire(wire, expected ?? 2, name);
      list.push(readValue(reader, element, undefined, depth));
    }
    return;
  }
  if (schema.kind === 'map') {
    expectWire(wire, 2, name);
    target[name] ??= {};
    readEntry(reader, field, target[name] as Json, depth);
    return;
  }
  expectWire(wire, WIRE[schema.kind] ?? 2, name);
  target[name] = readValue(reader, schema, field.form, depth);
}

function expectWire(wire: number, expected: number, name: string): void {
  if (wire === expected) return;
  const goName = name.charAt(0).toUpperCase() + name.slice(1);
  throw new ProtobufError(`proto: wrong wireType = ${wire} for field ${goName}`);
}

/** A map entry is a message: 1 = key, 2 = value. */
function readEntry(reader: WireReader, field: MessageField, target: Json, depth: number): void {
  const element = field.schema.element as Schema;
  const outer = reader.enter();
  let key = '';
  let value: unknown;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 10) key = reader.string();
    else if (Math.floor(tag / 8) === 2) value = readValue(reader, element, field.form, depth);
    else reader.skip(tag % 8);
  }
  reader.leave(outer);
  setMember(target, key, value ?? emptyEntry(element));
}

/** What an entry without a value means. */
function emptyEntry(element: Schema): unknown {
  switch (element.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'quantity':
      return '0';
    case 'object':
    case 'map':
      return {};
    case 'array':
      return null;
    default:
      return undefined;
  }
}

function readValue(reader: WireReader, schema: Schema, form: SpecialForm | undefined, depth: number): unknown {
  switch (schema.kind) {
    case 'string':
      return reader.string();
    case 'boolean':
      return reader.varint() !== 0;
    case 'int32':
      return reader.int32();
    case 'int64':
      return reader.int64();
    case 'double':
      return reader.double();
    case 'bytes':
      return reader.base64();
    case 'array':
      return readItems(reader, schema.element as Schema, depth + 1);
    case 'map':
      throw new ProtobufError('proto: a map cannot be the value of a map');
    default: {
      const outer = reader.enter();
      const value = readInside(reader, schema, form, depth + 1);
      reader.leave(outer);
      return value;
    }
  }
}

/** A value that is a message, from within it. */
function readInside(reader: WireReader, schema: Schema, form: SpecialForm | undefined, depth: number): unknown {
  switch (schema.kind) {
    case 'object': {
      const message = messageOf(schema.object as ObjectSchema);
      const target: Json = {};
      if (message !== undefined) readMessage(reader, message, target, depth);
      return target;
    }
    case 'time':
      return readTime(reader, false);
    case 'microtime':
      return readTime(reader, true);
    case 'quantity':
      return readText(reader);
    case 'intOrString':
      return readIntOrString(reader);
    default:
      return form === undefined ? readRaw(reader) : readSpecial(reader, form, depth);
  }
}

/** A list that is a message of its own: 1 = items. */
function readItems(reader: WireReader, element: Schema, depth: number): unknown[] {
  const items: unknown[] = [];
  const outer = reader.enter();
  eachField(reader, (number, wire) => {
    if (number !== 1) return false;
    expectWire(wire, WIRE[element.kind] ?? 2, 'items');
    items.push(readValue(reader, element, undefined, depth));
    return true;
  });
  reader.leave(outer);
  return items;
}

/** Offers every field of the current message to `read`, and passes over those that it does not take. */
function eachField(reader: WireReader, read: (number: number, wire: number) => boolean): void {
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const wire = tag % 8;
    if (!read(Math.floor(tag / 8), wire)) reader.skip(wire);
  }
}

/** The last time that was read, and its text: an object's times are often the same. */
let lastSeconds = 0;
let lastText = '1970-01-01T00:00:00Z';

/** 1 = seconds, 2 = nanoseconds. Nothing at all is no time. Upstream keeps seconds of a Time and microseconds of a MicroTime. */
function readTime(reader: WireReader, micro: boolean): string | null {
  if (reader.at === reader.end) return null;
  let seconds = 0;
  let nanos = 0;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 8) seconds = reader.int64();
    else if (tag === 16) nanos = reader.int32();
    else reader.skip(tag % 8);
  }
  // Year 1 is Go's zero time, which stands for none; years of five digits have no text.
  if (seconds < -62_135_596_799 || seconds > 253_402_300_799) return null;
  if (seconds !== lastSeconds) {
    lastText = formatTime(seconds * 1000);
    lastSeconds = seconds;
  }
  if (!micro) return lastText;
  return `${lastText.slice(0, -1)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

/** 1 = text. */
function readText(reader: WireReader): string {
  let text = '';
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 10) text = reader.string();
    else reader.skip(tag % 8);
  }
  return text;
}

/** 1 = which of both, 2 = the integer, 3 = the string. */
function readIntOrString(reader: WireReader): number | string {
  let isText = false;
  let integer = 0;
  let text = '';
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 8) isText = reader.varint() !== 0;
    else if (tag === 16) integer = reader.int32();
    else if (tag === 26) text = reader.string();
    else reader.skip(tag % 8);
  }
  return isText ? text : integer;
}

/** 1 = JSON. */
function readRaw(reader: WireReader): unknown {
  const text = readText(reader);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtobufError('invalid JSON in a raw value');
  }
}

function readSpecial(reader: WireReader, form: SpecialForm, depth: number): unknown {
  const several: unknown[] = [];
  let one: Json | undefined;
  let allows = false;
  const readSchema = (): Json => {
    const target: Json = {};
    const outer = reader.enter();
    readMessage(reader, jsonSchemaMessage(), target, depth + 1);
    reader.leave(outer);
    return target;
  };
  eachField(reader, (number) => {
    if (form === 'schemaOrBool') {
      if (number === 1) allows = reader.varint() !== 0;
      else if (number === 2) one = readSchema();
      else return false;
    } else if (number === 1) one = readSchema();
    else if (number === 2) several.push(form === 'schemaOrList' ? readSchema() : reader.string());
    else return false;
    return true;
  });
  return one ?? (form === 'schemaOrBool' ? allows : several);
}
