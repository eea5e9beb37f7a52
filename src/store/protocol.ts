/**
 * The store's channels on the bus, and the plain form in which its values cross it. Requests travel as they are; key-values,
 * which are many, travel as tuples, since the names of their members would cost more than they do. Failures travel as values, so
 * that a code and its details arrive whole; what the bus itself reports (`ServiceUnavailable` and such) stays a BusError.
 */
import { BusError, callChannel, streamChannel } from '../runtime/index.ts';
import { isStoreError, type StoreErrorCode, type StoreErrorDetails, storeErrorFrom } from './errors.ts';
import type {
  KeyValue,
  Lease,
  LeaseTimeToLive,
  OperationResult,
  RangeRequest,
  RangeResult,
  StoreHash,
  StoreStatus,
  TxnRequest,
  TxnResult,
  WatchBatch,
  WatchEvent,
  WatchRequest,
} from './types.ts';

/** key, value, createRevision, modRevision, version, lease. */
export type WireKeyValue = readonly [string, Uint8Array, number, number, number, number];

/** What went wrong, or what came out. */
export type WireReply<Value> = { readonly error: WireError } | { readonly value: Value };

export interface WireError {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly details: StoreErrorDetails;
}

export interface WireRange {
  readonly revision: number;
  readonly kvs: readonly WireKeyValue[];
  readonly count: number;
  readonly more: boolean;
}

export type WireOperationResult =
  | { readonly type: 'put'; readonly prevKv?: WireKeyValue }
  | { readonly type: 'delete'; readonly deleted: number; readonly prevKvs?: readonly WireKeyValue[] }
  | { readonly type: 'range'; readonly kvs: readonly WireKeyValue[]; readonly count: number; readonly more: boolean };

export interface WireTxn {
  readonly succeeded: boolean;
  readonly revision: number;
  readonly results: readonly WireOperationResult[];
}

/** Whether it is a delete, the key-value, and the one before where it was asked for. */
export type WireEvent = readonly [boolean, WireKeyValue] | readonly [boolean, WireKeyValue, WireKeyValue];

export interface WireBatch {
  readonly revision: number;
  readonly events: readonly WireEvent[];
  readonly progress?: true;
}

/** Every channel that a store actor serves. The argument of `store.<call>` is its request. */
export const storeChannels = {
  txn: callChannel<TxnRequest, WireReply<WireTxn>>('store.txn'),
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

export function packKeyValue(kv: KeyValue): WireKeyValue {
  return [kv.key, kv.value, kv.createRevision, kv.modRevision, kv.version, kv.lease];
}

export function unpackKeyValue(wire: WireKeyValue): KeyValue {
  const [key, value, createRevision, modRevision, version, lease] = wire;
  return { key, value, createRevision, modRevision, version, lease };
}

export function packRange(result: RangeResult): WireRange {
  return { revision: result.revision, kvs: result.kvs.map(packKeyValue), count: result.count, more: result.more };
}

export function unpackRange(wire: WireRange): RangeResult {
  return { revision: wire.revision, kvs: wire.kvs.map(unpackKeyValue), count: wire.count, more: wire.more };
}

export function packTxn(result: TxnResult): WireTxn {
  return { succeeded: result.succeeded, revision: result.revision, results: result.results.map(packResult) };
}

export function unpackTxn(wire: WireTxn): TxnResult {
  return { succeeded: wire.succeeded, revision: wire.revision, results: wire.results.map(unpackResult) };
}

function packResult(result: OperationResult): WireOperationResult {
  switch (result.type) {
    case 'put':
      return result.prevKv === undefined ? { type: 'put' } : { type: 'put', prevKv: packKeyValue(result.prevKv) };
    case 'delete': {
      const { deleted, prevKvs } = result;
      return prevKvs === undefined
        ? { type: 'delete', deleted }
        : { type: 'delete', deleted, prevKvs: prevKvs.map(packKeyValue) };
    }
    case 'range':
      return { type: 'range', kvs: result.kvs.map(packKeyValue), count: result.count, more: result.more };
  }
}

function unpackResult(wire: WireOperationResult): OperationResult {
  switch (wire.type) {
    case 'put':
      return wire.prevKv === undefined ? { type: 'put' } : { type: 'put', prevKv: unpackKeyValue(wire.prevKv) };
    case 'delete': {
      const { deleted, prevKvs } = wire;
      return prevKvs === undefined
        ? { type: 'delete', deleted }
        : { type: 'delete', deleted, prevKvs: prevKvs.map(unpackKeyValue) };
    }
    case 'range':
      return { type: 'range', kvs: wire.kvs.map(unpackKeyValue), count: wire.count, more: wire.more };
  }
}

export function packBatch(batch: WatchBatch): WireBatch {
  const events = batch.events.map(packEvent);
  return batch.progress === true
    ? { revision: batch.revision, events, progress: true }
    : { revision: batch.revision, events };
}

export function unpackBatch(wire: WireBatch): WatchBatch {
  const events = wire.events.map(unpackEvent);
  return wire.progress === true
    ? { revision: wire.revision, events, progress: true }
    : { revision: wire.revision, events };
}

function packEvent(event: WatchEvent): WireEvent {
  const isDelete = event.type === 'delete';
  const kv = packKeyValue(event.kv);
  return event.prevKv === undefined ? [isDelete, kv] : [isDelete, kv, packKeyValue(event.prevKv)];
}

function unpackEvent(wire: WireEvent): WatchEvent {
  const [isDelete, kv, prevKv] = wire;
  const type = isDelete ? 'delete' : 'put';
  return prevKv === undefined
    ? { type, kv: unpackKeyValue(kv) }
    : { type, kv: unpackKeyValue(kv), prevKv: unpackKeyValue(prevKv) };
}
