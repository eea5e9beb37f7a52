/**
 * The owners of an object's fields as bytes, which the API server stores beside the object.
 *
 *     owners = 1 owner*                      the 1 is the version of this form
 *     owner  = operation manager apiVersion subresource time length set
 *
 * `operation` is a byte (0 Update, 1 Apply), names are texts with their length in front, the time is RFC 3339 or empty, and `set` is
 * as field-set-bytes.ts has it, with the length of its bytes in three bytes in front.
 */
import { byteWriter, readLength, readNumber, readText, unpackSet } from './field-set-bytes.ts';
import type { ApiObject } from './kinds/types.ts';
import { type FieldWriter, identityOf, inOwnersOrder, isFirstStatus, type Owners } from './managed-fields.ts';
import type { Schema } from './schema.ts';

const FORM = 1;
const UPDATE = 0;
const APPLY = 1;

/** `schema`: that of the built-in kind as it is stored; undefined for custom kinds. Undefined when there are no owners. */
export function packOwners(owners: Owners, schema: Schema | undefined): Uint8Array | undefined {
  if (owners.size === 0) return undefined;
  const list = inOwnersOrder(owners);
  byteWriter.start();
  byteWriter.number(FORM);
  for (const { manager, operation, apiVersion, subresource, time, set, packed } of list) {
    putOwner(operation === 'Apply' ? APPLY : UPDATE, manager, apiVersion, subresource, time);
    byteWriter.set(set, packed, schema);
  }
  return byteWriter.finish();
}

/** The only owner of a new object, whose set {@link trackCreate} has packed. */
export function packCreator({ manager, apiVersion, subresource = '', now }: FieldWriter, set: Uint8Array): Uint8Array {
  byteWriter.start();
  byteWriter.number(FORM);
  putOwner(UPDATE, manager, apiVersion, subresource, now);
  byteWriter.set(undefined, set, undefined);
  return byteWriter.finish();
}

/**
 * The owners after a write of a status, quicker than by {@link trackUpdate}, where it takes nothing from anybody: what is new goes behind
 * those of `stored`, whose bytes are `packed`, at once. For kinds whose stored version is the writer's. Undefined for all other writes.
 */
export function packFirstStatus(
  stored: Owners,
  packed: Uint8Array | undefined,
  live: ApiObject,
  updated: ApiObject,
  writer: FieldWriter,
): Uint8Array | undefined {
  if (packed === undefined || !isFirstStatus(stored, live, updated, writer)) return undefined;
  const { schema, manager, apiVersion, subresource = '', now } = writer;
  byteWriter.start();
  byteWriter.bytes(packed);
  putOwner(UPDATE, manager, apiVersion, subresource, now);
  return byteWriter.changed(live['status'], updated['status'], 'status', schema) ? byteWriter.finish() : undefined;
}

function putOwner(
  operation: number,
  manager: string,
  apiVersion: string,
  subresource: string,
  time: string | undefined,
): void {
  byteWriter.number(operation);
  byteWriter.text(manager);
  byteWriter.text(apiVersion);
  byteWriter.text(subresource);
  byteWriter.text(time ?? '');
}

/** Reads what {@link packOwners} wrote with the same schema. The bytes must not change afterwards. */
export function unpackOwners(bytes: Uint8Array | undefined, schema: Schema | undefined): Owners {
  const owners: Owners = new Map();
  if (bytes === undefined || bytes.length === 0) return owners;
  const reader = { source: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at: 0 };
  if (readNumber(reader) !== FORM) throw new Error('field owners are stored in a form that this release does not know');
  while (reader.at < bytes.length) {
    const operation = readNumber(reader) === APPLY ? 'Apply' : 'Update';
    const manager = readText(reader);
    const apiVersion = readText(reader);
    const subresource = readText(reader);
    const time = readText(reader);
    const length = readLength(reader);
    const from = reader.at;
    reader.at += length;
    const set = unpackSet(bytes, from, reader.at, schema);
    const packed = bytes.subarray(from, reader.at);
    const owner = {
      manager,
      operation,
      apiVersion,
      subresource,
      time: time === '' ? undefined : time,
      set,
      packed,
    } as const;
    owners.set(identityOf(owner), owner);
  }
  return owners;
}
