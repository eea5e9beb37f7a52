/**
 * The store's channels on the bus, and how failures cross it: as values, so that a code and its details arrive whole; what the bus
 * itself reports (`ServiceUnavailable` and such) stays a BusError. The forms of requests and results are in wire.ts.
 */
import { BusError, callChannel, streamChannel } from '../runtime/index.ts';
import { isStoreError, type StoreErrorCode, type StoreErrorDetails, storeErrorFrom } from './errors.ts';
import type { Lease, LeaseTimeToLive, RangeRequest, StoreHash, StoreStatus, WatchRequest } from './types.ts';
import type { WireBatch, WireRange, WireTxnRequest, WireTxnResult } from './wire.ts';

/** What went wrong, or what came out. */
export type WireReply<Value> = { readonly error: WireError } | { readonly value: Value };

export interface WireError {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly details: StoreErrorDetails;
}

/** Every channel that a store actor serves. The argument of `store.<call>` is its request. */
export const storeChannels = {
  txn: callChannel<WireTxnRequest, WireReply<WireTxnResult>>('store.txn'),
  range: callChannel<RangeRequest, WireReply<WireRange>>('store.range'),
  watch: streamChannel<WatchRequest, WireReply<WireBatch>>('store.watch'),
  compact: callChannel<number, WireReply<null>>('store.compact'),
  leaseGrant: callChannel<{ readonly ttlSeconds: number; readonly id?: number }, WireReply<Lease>>('store.leaseGrant'),
  leaseRevoke: callChannel<number, WireReply<{ readonly revision: number }>>('store.leaseRevoke'),
  leaseKeepAlive: callChannel<number, WireReply<Lease>>('store.leaseKeepAlive'),
  leaseTimeToLive: callChannel<number, WireReply<LeaseTimeToLive>>('store.leaseTimeToLive'),
  leases: callChannel<null, WireReply<readonly Lease[]>>('store.leases'),
  status: callChannel<null, WireReply<StoreStatus>>('store.status'),
  hash: callChannel<number | null, WireReply<StoreHash>>('store.hash'),
  snapshot: callChannel<string, WireReply<{ readonly revision: number; readonly bytes: number }>>('store.snapshot'),
} as const;

/**
 * Puts a store's error into its plain form. A store that has ended looks like an actor that is down, since its restart comes next;
 * anything that is no store's error is a bug, and thrown on.
 */
export function packError(error: unknown): { readonly error: WireError } {
  if (!isStoreError(error)) throw error;
  if (error.code === 'Closed' || error.code === 'Failed') throw new BusError('ServiceUnavailable', error.message);
  return { error: { code: error.code, message: error.message, details: error.details } };
}

/** The value of a reply, or its error thrown. */
export function unpackReply<Value>(reply: WireReply<Value>): Value {
  if ('error' in reply) throw storeErrorFrom(reply.error.code, reply.error.message, reply.error.details);
  return reply.value;
}
