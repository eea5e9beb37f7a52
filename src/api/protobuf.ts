/**
 * Reads bodies in Kubernetes' protobuf form, which Go clients send for the built-in kinds, into the same plain data that JSON
 * gives. What is decoded here goes on through {@link decodeValue} like any other body.
 *
 * The envelope: the four bytes `k8s\0`, then a runtime.Unknown message: 1 = type meta (1 = apiVersion, 2 = kind), 2 = the object.
 *
 * @see k8s.io/apimachinery/pkg/runtime/serializer/protobuf
 */
import { protobufNumbers } from './protobuf-numbers.ts';
import type { FieldSchema, ObjectSchema, Schema } from './schema.ts';
import { formatMicroTime, formatTime } from './time.ts';

/** The bytes are not what they claim to be. The message is upstream's as far as it names what is wrong. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** What an envelope holds. */
export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00] as const;

/** Messages nested deeper than this are refused. */
const DEPTH_MAX = 100;

interface WireField {
  readonly number: number;
  readonly wire: number;
  /** Of varints and fixed numbers. */
  readonly value: bigint;
  /** Of length-delimited fields. */
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array();

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): WireField | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const tag = Number(this.#varint());
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number <= 0) throw new ProtobufError(`illegal tag ${number} (wire type ${wire})`);
    switch (wire) {
      case 0:
        return { number, wire, value: this.#varint(), bytes: NO_BYTES };
      case 1:
        return { number, wire, value: this.#fixed(8), bytes: NO_BYTES };
      case 2:
        return { number, wire, value: 0n, bytes: this.#take(Number(this.#varint())) };
      case 5:
        return { number, wire, value: this.#fixed(4), bytes: NO_BYTES };
      default:
        throw new ProtobufError(`proto: illegal wireType ${wire}`);
    }
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new ProtobufError('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('proto: integer overflow');
  }

  #fixed(size: 4 | 8): bigint {
    const bytes = this.#take(size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, size);
    return size === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ProtobufError('unexpected EOF');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

function fieldsOf(bytes: Uint8Array): WireField[] {
  const reader = new Reader(bytes);
  const fields: WireField[] = [];
  for (let field = reader.next(); field !== undefined; field = reader.next()) fields.push(field);
  return fields;
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

/** Opens the envelope. @throws ProtobufError */
export function openProtobuf(body: Uint8Array): ProtobufEnvelope {
  if (body.length === 0) throw new ProtobufError('empty data');
  if (MAGIC.some((byte, index) => body[index] !== byte)) {
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  if (body.length === MAGIC.length) throw new ProtobufError('empty body');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = NO_BYTES;
  try {
    for (const { number, bytes } of fieldsOf(body.subarray(MAGIC.length))) {
      if (number === 2) raw = bytes;
      else if (number === 1) {
        for (const part of fieldsOf(bytes)) {
          if (part.number === 1) apiVersion = textOf(part.bytes);
          else if (part.number === 2) kind = textOf(part.bytes);
        }
      }
    }
  } catch (error) {
    if (error instanceof ProtobufError) throw new ProtobufError(`proto: Unknown: ${error.message}`);
    throw error;
  }
  return { apiVersion, kind, raw };
}

let messages: Map<string, readonly string[]> | undefined;

/** The fields of a message by number; undefined for messages that have no protobuf form. */
function numbersOf(name: string): readonly string[] | undefined {
  if (messages === undefined) {
    messages = new Map();
    for (const line of protobufNumbers.trim().split('\n')) {
      const [message = '', ...fields] = line.split(' ');
      messages.set(message, fields);
    }
  }
  return messages.get(name);
}

function shortName(definition: string): string {
  return definition
    .replace(/^io\.k8s\.(api\.|apimachinery\.pkg\.apis\.(?=meta\.v1\.))?/, '')
    .replace(/^meta\.v1\./, 'meta.');
}

/** Whether the definition can be sent as protobuf at all. */
export function hasProtobuf(definition: string): boolean {
  return numbersOf(shortName(definition)) !== undefined;
}

/** The object of an envelope as plain data, by the schema of its definition. @throws ProtobufError */
export function decodeProtobuf(raw: Uint8Array, object: ObjectSchema): Record<string, unknown> {
  const target: Record<string, unknown> = {};
  readMessage(raw, shortName(object.name), object, target, 0);
  return target;
}

function readMessage(
  bytes: Uint8Array,
  message: string,
  object: ObjectSchema,
  target: Record<string, unknown>,
  depth: number,
): void {
  if (depth > DEPTH_MAX) throw new ProtobufError('proto: exceeded max depth');
  const names = numbersOf(message) ?? [];
  for (const field of fieldsOf(bytes)) {
    const name = names[field.number - 1];
    if (name === undefined || name === '-') continue;
    if (name.startsWith('*')) {
      readMessage(field.bytes, name.slice(1), object, target, depth + 1);
      continue;
    }
    const schema = object.fields.get(name);
    if (schema !== undefined) readField(field, schema, target, depth);
  }
}

function readField(
  field: WireField,
  { name, schema }: FieldSchema,
  target: Record<string, unknown>,
  depth: number,
): void {
  if (schema.kind === 'array') {
    target[name] ??= [];
    (target[name] as unknown[]).push(readValue(field, schema.element as Schema, depth));
  } else if (schema.kind === 'map') {
    target[name] ??= {};
    const map = target[name] as Record<string, unknown>;
    const [key, value] = readEntry(field.bytes, schema.element as Schema, depth);
    Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[name] = readValue(field, schema, depth);
}

/** A map entry: 1 = key, 2 = value. */
function readEntry(bytes: Uint8Array, element: Schema, depth: number): [string, unknown] {
  let key = '';
  let value: unknown;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = textOf(field.bytes);
    else if (field.number === 2) value = readValue(field, element, depth);
  }
  return [key, value ?? (element.kind === 'string' ? '' : undefined)];
}

function readValue(field: WireField, schema: Schema, depth: number): unknown {
  switch (schema.kind) {
    case 'string':
      return textOf(field.bytes);
    case 'boolean':
      return field.value !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, field.value));
    case 'int64':
      return numberOf(field.value);
    case 'double':
      return doubleOf(field.value);
    case 'bytes':
      return Buffer.from(field.bytes).toString('base64');
    case 'time':
      return readTime(field.bytes, false);
    case 'microtime':
      return readTime(field.bytes, true);
    case 'quantity':
      return textOf(fieldsOf(field.bytes).find(({ number }) => number === 1)?.bytes ?? NO_BYTES);
    case 'intOrString':
      return readIntOrString(field.bytes);
    case 'any':
    case 'raw':
      return readRaw(field.bytes);
    case 'object': {
      const target: Record<string, unknown> = {};
      const object = schema.object as ObjectSchema;
      readMessage(field.bytes, shortName(object.name), object, target, depth + 1);
      return target;
    }
    case 'map': {
      const map: Record<string, unknown> = {};
      for (const inner of fieldsOf(field.bytes)) {
        const [key, value] = readEntry(inner.bytes, schema.element as Schema, depth + 1);
        Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
      }
      return map;
    }
    case 'array':
      // A list inside a map or list is a message of its own: 1 = items.
      return fieldsOf(field.bytes).map((inner) => readValue(inner, schema.element as Schema, depth + 1));
  }
}

/** A signed 64-bit integer, as a number where one holds it exactly. */
function numberOf(value: bigint): number | bigint {
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** 1 = seconds, 2 = nanoseconds. Without either it is no time at all. */
function readTime(bytes: Uint8Array, micro: boolean): string | null {
  if (bytes.length === 0) return null;
  let ms = 0;
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) ms += Number(BigInt.asIntN(64, value)) * 1000;
    else if (number === 2) ms += Number(BigInt.asIntN(32, value)) / 1e6;
  }
  // The zero time of Go, year 1, is how a missing one looks.
  if (ms < -62_000_000_000_000) return null;
  return micro ? formatMicroTime(ms) : formatTime(ms);
}

/** 1 = which of both, 2 = the integer, 3 = the string. */
function readIntOrString(bytes: Uint8Array): number | string {
  let type = 0n;
  let integer = 0;
  let text = '';
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) type = field.value;
    else if (field.number === 2) integer = Number(BigInt.asIntN(32, field.value));
    else if (field.number === 3) text = textOf(field.bytes);
  }
  return type === 0n ? integer : text;
}

/** 1 = JSON bytes. */
function readRaw(bytes: Uint8Array): unknown {
  const raw = fieldsOf(bytes).find(({ number }) => number === 1)?.bytes;
  if (raw === undefined || raw.length === 0) return undefined;
  try {
    return JSON.parse(textOf(raw));
  } catch {
    throw new ProtobufError('json: invalid raw value');
  }
}
