/**
 * What stands around an object on the wire, and how lists and watches are put together from objects that are encoded already.
 *
 * An envelope is the four bytes `k8s\0` and a runtime.Unknown: 1 = its type (1 = apiVersion, 2 = kind), 2 = the object's bytes,
 * 3 = content encoding, 4 = content type, both empty. A frame of a watch is its length in four bytes, the highest first, and a
 * WatchEvent: 1 = type, 2 = a message of which 1 is the object in an envelope of its own.
 *
 * @see k8s.io/apimachinery/pkg/runtime/serializer/protobuf
 * @see k8s.io/apimachinery/pkg/runtime/types.go Unknown
 */
import { type ObjectSchema, objectSchema } from '../schema.ts';
import { writeMessage, writeText, written } from './encode.ts';
import { ProtobufError } from './errors.ts';
import { type Message, messageOfDefinition } from './messages.ts';
import { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** What an envelope holds. */
export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's bytes: a view into the body. */
  readonly raw: Uint8Array;
}

/** Opens the envelope. @throws ProtobufError */
export function openProtobuf(body: Uint8Array): ProtobufEnvelope {
  if (body.length === 0) throw new ProtobufError('empty data');
  if (MAGIC.some((byte, index) => body[index] !== byte)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${[...MAGIC].join(' ')}]`,
    );
  }
  if (body.length === MAGIC.length) throw new ProtobufError('empty body');
  const reader = new WireReader(body);
  reader.at = MAGIC.length;
  let apiVersion = '';
  let kind = '';
  let raw = new Uint8Array();
  walk(reader, 'Unknown', (number) => {
    if (number !== 1 && number !== 2) return false;
    const stop = reader.span();
    if (number === 2) raw = body.subarray(reader.at, stop) as typeof raw;
    else {
      const { end } = reader;
      reader.end = stop;
      walk(reader, 'TypeMeta', (inner) => {
        if (inner === 1) apiVersion = reader.string();
        else if (inner === 2) kind = reader.string();
        else return false;
        return true;
      });
      reader.end = end;
    }
    reader.at = stop;
    return true;
  });
  return { apiVersion, kind, raw };
}

/** Offers each length-delimited field to `read` and passes over those that it does not take. */
function walk(reader: WireReader, name: string, read: (number: number) => boolean): void {
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 4) throw new ProtobufError(`proto: ${name}: wiretype end group for non-group`);
    if (number <= 0) throw new ProtobufError(`proto: ${name}: illegal tag ${number} (wire type ${wire})`);
    if (wire !== 2 || !read(number)) reader.skip(wire);
  }
}

/** Writes an envelope around what `writeRaw` writes. */
function writeEnvelope(writer: WireWriter, apiVersion: string, kind: string, writeRaw: () => void): void {
  writeText(writer, 4, '');
  writeText(writer, 3, '');
  const beforeRaw = writer.length;
  writeRaw();
  writer.head(18, beforeRaw);
  const beforeType = writer.length;
  writeText(writer, 2, kind);
  writeText(writer, 1, apiVersion);
  writer.head(10, beforeType);
  writer.raw(MAGIC);
}

/** An envelope around an object's bytes. */
export function wrapProtobuf(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  return written((writer) => writeEnvelope(writer, apiVersion, kind, () => writer.raw(raw)));
}

/** An object in its envelope. */
export function encodeProtobuf(object: object, message: Message): Buffer {
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  return written((writer) =>
    writeEnvelope(writer, apiVersion, kind, () => writeMessage(writer, message, object as Record<string, unknown>)),
  );
}

/** A list in its envelope: 1 = metadata, 2 = the items' bytes, each as {@link encodeMessage} gives them. */
export function encodeProtobufList(
  list: { readonly apiVersion: string; readonly kind: string; readonly metadata: object },
  items: readonly Uint8Array[],
): Buffer {
  return written((writer) =>
    writeEnvelope(writer, list.apiVersion, list.kind, () => {
      for (let index = items.length - 1; index >= 0; index--) {
        const before = writer.length;
        writer.raw(items[index] as Uint8Array);
        writer.head(18, before);
      }
      const before = writer.length;
      writeMessage(writer, listMetadata(), list.metadata as Record<string, unknown>);
      writer.head(10, before);
    }),
  );
}

/** One frame of a watch around an object in its envelope. */
export function encodeWatchFrame(type: string, envelope: Uint8Array): Buffer {
  return written((writer) => {
    const beforeObject = writer.length;
    const beforeRaw = writer.length;
    writer.raw(envelope);
    writer.head(10, beforeRaw);
    writer.head(18, beforeObject);
    writeText(writer, 1, type);
    writer.frameLength(writer.length);
  });
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

function listMetadata(): Message {
  return metaMessage('ListMeta');
}

function metaMessage(name: string): Message {
  const message = messageOfDefinition(META + name);
  if (message === undefined) throw new Error(`${META}${name} has no protobuf form`);
  return message;
}

let partial: Message | undefined;

/** An object's metadata alone: 1 = metadata. */
export function partialObjectMetadataMessage(): Message {
  if (partial === undefined) {
    const object = objectSchema(`${META}ObjectMeta`) as ObjectSchema;
    const field = {
      number: 1,
      name: 'metadata',
      schema: { kind: 'object', object, typeName: 'v1.ObjectMeta' },
      field: undefined,
      form: undefined,
      embedded: undefined,
    } as const;
    partial = { name: 'PartialObjectMetadata', byNumber: [undefined, field], descending: [field] };
  }
  return partial;
}
