/**
 * Writes to the store: a put or delete under the condition that the key is still as the caller saw it, together with whatever
 * else must change in the same transaction. A lost race is a value.
 */
import { type ApiObject, markStored, metadataOrder, STORED_HEAD_BYTES } from '../../../src/api/index.ts';
import { packBetween } from '../../../src/runtime/index.ts';
import type { Compare, Operation } from '../../../src/store/index.ts';
import { Entry } from '../cache/entry.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import type { Server } from '../server.ts';

/** Writes that belong to the same transaction, such as the IPAddress of a new Service. */
export interface Companion {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
}

export interface WriteOptions {
  readonly lease?: number;
  readonly companion?: Companion | undefined;
  /** Who owns the object's fields, null for nobody. Omitted: whoever does now, which is right for what the server writes itself. */
  readonly owners?: Uint8Array | null;
}

/**
 * Puts `object` where the key's mod revision is `expected` (0: it does not exist). Resolves with the new entry, which owns the
 * object from then on, or with undefined when the race was lost: the caches then hold what won.
 */
export async function putObject(
  server: Server,
  cache: KindCache,
  key: string,
  object: ApiObject,
  expected: number,
  more: WriteOptions = {},
): Promise<Entry | undefined> {
  object.metadata = inOrder(object.metadata);
  object.metadata['resourceVersion'] = undefined;
  const current = cache.get(key);
  const owners = more.owners === undefined ? current?.packedOwners : (more.owners ?? undefined);
  const bytes = storedValue(object, owners, current);
  server.caches.announce(key, bytes, object);
  try {
    const put: Operation = {
      type: 'put',
      key,
      value: bytes,
      ...(more.lease === undefined ? {} : { lease: more.lease }),
    };
    const condition: Compare = { key, target: 'mod', operator: '=', operand: expected };
    const { companion } = more;
    const result = await server.store.txn({
      compare: companion === undefined ? [condition] : [condition, ...companion.compare],
      success: companion === undefined ? [put] : [put, ...companion.operations],
    });
    if (server.caches.revision < result.revision) await server.caches.waitFor(result.revision, CATCH_UP_MS);
    if (!result.succeeded) return undefined;
    const entry = cache.get(key);
    if (entry?.revision === result.revision) return entry;
    return new Entry(cache.placeOf(key), result.revision, bytes, object);
  } finally {
    server.caches.withdraw(key, bytes);
  }
}

/** What is stored. What the object shares with the current one is copied from that one's bytes instead of being packed again. */
function storedValue(object: ApiObject, owners: Uint8Array | undefined, current: Entry | undefined): Uint8Array {
  const head = owners === undefined || owners.length === 0 ? 0 : STORED_HEAD_BYTES;
  const earlier = current === undefined ? undefined : { value: current.object, bytes: current.bytes };
  const value = packBetween(head, object, head === 0 ? undefined : owners, earlier);
  if (head > 0) markStored(value, value.length - head - (owners as Uint8Array).length);
  return value;
}

/** Metadata as upstream writes it, whatever order stages and plugins have filled it in; empty members are left out. */
export function inOrder(metadata: ApiObject['metadata']): ApiObject['metadata'] {
  const ordered: ApiObject['metadata'] = {};
  for (const field of metadataOrder as readonly (keyof ApiObject['metadata'])[]) {
    const value = metadata[field];
    // The version is set once it is known: its place is kept.
    if (value !== undefined || field === 'resourceVersion') ordered[field] = value as never;
  }
  return ordered;
}

/** Events come before replies; after this long something is wrong, and the answer no longer waits for the cache. */
const CATCH_UP_MS = 5000;

/** Deletes the key where its mod revision is `expected`; resolves with the delete's revision, undefined when the race was lost. */
export async function deleteKey(
  server: Server,
  key: string,
  expected: number,
  companion?: Companion,
): Promise<number | undefined> {
  const condition: Compare = { key, target: 'mod', operator: '=', operand: expected };
  const result = await server.store.txn({
    compare: companion === undefined ? [condition] : [condition, ...companion.compare],
    success: [{ type: 'delete', key }, ...(companion?.operations ?? [])],
  });
  if (server.caches.revision < result.revision) await server.caches.waitFor(result.revision, CATCH_UP_MS);
  return result.succeeded ? result.revision : undefined;
}
