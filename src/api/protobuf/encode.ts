/**
 * Encodes plain data as messages, as upstream's generated code does: required scalars are written even when they are empty,
 * and nothing else is written that is not there. Called for answers.
 */
import type { Schema } from '../schema.ts';
import { jsonSchemaMessage, type Message, type MessageField, messageOf, type SpecialForm } from './messages.ts';
import { WireWriter } from './wire-writer.ts';

type Json = Record<string, unknown>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** One writer a thread: encoding never waits, so never two at once. */
let shared: WireWriter | undefined;

/** Runs `write` on an empty writer and returns a copy of what it wrote. */
export function written(write: (writer: WireWriter) => void): Buffer {
  const writer = shared ?? new WireWriter();
  shared = undefined;
  try {
    writer.reset();
    write(writer);
    return writer.finish();
  } finally {
    shared = writer;
  }
}

/** The bytes of an object alone, without its type: an item of a list, or what goes into an envelope. */
export function encodeMessage(object: object, message: Message): Buffer {
  return written((writer) => writeMessage(writer, message, object as Json));
}

export function writeMessage(writer: WireWriter, message: Message, object: Json): void {
  for (const field of message.descending) {
    const { embedded } = field;
    if (embedded !== undefined) {
      const before = writer.length;
      writeMessage(writer, embedded, object);
      writer.head(tagOf(field.number, BYTES), before);
      continue;
    }
    const value = object[field.name];
    if (value === undefined || value === null) writeAbsent(writer, field);
    else writePresent(writer, field, value);
  }
}

const tagOf = (number: number, wire: number): number => number * 8 + wire;

/** Required fields are written empty. Of others a reader cannot tell whether they are not there or empty. */
function writeAbsent(writer: WireWriter, { number, field, schema }: MessageField): void {
  const presence = field?.presence;
  if (presence !== 'always' && presence !== 'struct') return;
  switch (schema.kind) {
    case 'string':
    case 'time':
    case 'microtime':
      writer.varint(0);
      writer.varint(tagOf(number, BYTES));
      return;
    case 'boolean':
    case 'int32':
    case 'int64':
      writer.varint(0);
      writer.varint(tagOf(number, VARINT));
      return;
    case 'object': {
      if (presence !== 'struct') return;
      const before = writer.length;
      const message = schema.object === undefined ? undefined : messageOf(schema.object);
      if (message !== undefined) writeMessage(writer, message, {});
      writer.head(tagOf(number, BYTES), before);
      return;
    }
  }
}

function writePresent(writer: WireWriter, { number, schema, form }: MessageField, value: unknown): void {
  if (schema.kind === 'array') {
    const element = schema.element as Schema;
    const items = value as readonly unknown[];
    if (form === 'wrapped') {
      const before = writer.length;
      writeItems(writer, 1, element, items);
      writer.head(tagOf(number, BYTES), before);
    } else writeItems(writer, number, element, items);
  } else if (schema.kind === 'map') {
    writeEntries(writer, tagOf(number, BYTES), schema.element as Schema, form, value as Json);
  } else writeValue(writer, number, schema, form, value);
}

function writeItems(writer: WireWriter, number: number, element: Schema, items: readonly unknown[]): void {
  for (let index = items.length - 1; index >= 0; index--) writeValue(writer, number, element, undefined, items[index]);
}

/** Entries in the order of their keys; 1 = key, 2 = value. */
function writeEntries(
  writer: WireWriter,
  tag: number,
  element: Schema,
  form: SpecialForm | undefined,
  map: Json,
): void {
  const keys = Object.keys(map).sort();
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] as string;
    const before = writer.length;
    writeValue(writer, 2, element, form, map[key]);
    const beforeKey = writer.length;
    writer.text(key);
    writer.head(10, beforeKey);
    writer.head(tag, before);
  }
}

/** A value with its tag. Null is the empty value: of items and entries there is no absence. */
function writeValue(
  writer: WireWriter,
  number: number,
  schema: Schema,
  form: SpecialForm | undefined,
  value: unknown,
): void {
  switch (schema.kind) {
    case 'boolean':
      writer.varint(value === true ? 1 : 0);
      writer.varint(tagOf(number, VARINT));
      return;
    case 'int32':
    case 'int64':
      writer.int64((value ?? 0) as number | bigint);
      writer.varint(tagOf(number, VARINT));
      return;
    case 'double':
      writer.double((value ?? 0) as number);
      writer.varint(tagOf(number, FIXED64));
      return;
  }
  const before = writer.length;
  writeBytes(writer, schema, form, value);
  writer.head(tagOf(number, BYTES), before);
}

/** What stands between a length and its end. */
function writeBytes(writer: WireWriter, schema: Schema, form: SpecialForm | undefined, value: unknown): void {
  switch (schema.kind) {
    case 'string':
      writer.text((value ?? '') as string);
      return;
    case 'bytes':
      writer.raw(Buffer.from((value ?? '') as string, 'base64'));
      return;
    case 'time':
    case 'microtime':
      if (typeof value === 'string') writeTime(writer, value);
      return;
    case 'quantity':
      writeText(writer, 1, String(value ?? '0'));
      return;
    case 'intOrString':
      writeIntOrString(writer, (value ?? 0) as number | string);
      return;
    case 'any':
    case 'raw':
      if (form !== undefined) writeSpecial(writer, form, value);
      else if (value !== undefined) writeText(writer, 1, JSON.stringify(value));
      return;
    case 'object': {
      const message = schema.object === undefined ? undefined : messageOf(schema.object);
      if (message !== undefined) writeMessage(writer, message, (value ?? {}) as Json);
      return;
    }
    case 'array':
      writeItems(writer, 1, schema.element as Schema, (value ?? []) as readonly unknown[]);
      return;
  }
}

export function writeText(writer: WireWriter, number: number, text: string): void {
  const before = writer.length;
  writer.text(text);
  writer.head(tagOf(number, BYTES), before);
}

/** The last time that was written, and its seconds: an object's times are often the same. */
let lastText = '1970-01-01T00:00:00Z';
let lastSeconds = 0;

/** 1 = seconds since the epoch, 2 = nanoseconds. */
function writeTime(writer: WireWriter, text: string): void {
  const fraction = text.length > 20 ? text.slice(20, -1) : '';
  writer.varint(fraction === '' ? 0 : Number(fraction.padEnd(9, '0')));
  writer.varint(tagOf(2, VARINT));
  if (text !== lastText) {
    lastSeconds = Date.parse(`${text.slice(0, 19)}Z`) / 1000;
    lastText = text;
  }
  writer.int64(lastSeconds);
  writer.varint(tagOf(1, VARINT));
}

/** 1 = which of both, 2 = the integer, 3 = the string. */
function writeIntOrString(writer: WireWriter, value: number | string): void {
  const isText = typeof value === 'string';
  writeText(writer, 3, isText ? value : '');
  writer.int64(isText ? 0 : value);
  writer.varint(tagOf(2, VARINT));
  writer.varint(isText ? 1 : 0);
  writer.varint(tagOf(1, VARINT));
}

function writeSpecial(writer: WireWriter, form: SpecialForm, value: unknown): void {
  const writeSchema = (number: number, schema: unknown): void => {
    const before = writer.length;
    writeMessage(writer, jsonSchemaMessage(), schema as Json);
    writer.head(tagOf(number, BYTES), before);
  };
  const isSchema = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (form === 'schemaOrBool') {
    if (isSchema) writeSchema(2, value);
    writer.varint(isSchema || value === true ? 1 : 0);
    writer.varint(tagOf(1, VARINT));
  } else if (isSchema) writeSchema(1, value);
  else {
    for (const item of [...(value as readonly unknown[])].reverse()) {
      if (form === 'schemaOrList') writeSchema(2, item);
      else writeText(writer, 2, item as string);
    }
  }
}
