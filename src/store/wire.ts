/**
 * The plain form in which transactions, ranges and watch batches cross the bus. What there is much of travels as tuples: packing and
 * reading the names of members would cost more than the members do.
 */
import type {
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  RangeResult,
  TxnRequest,
  TxnResult,
  WatchBatch,
  WatchEvent,
} from './types.ts';

/** key, value, createRevision, modRevision, version, lease. */
export type WireKeyValue = readonly [string, Uint8Array, number, number, number, number];

export interface WireRange {
  readonly revision: number;
  readonly kvs: readonly WireKeyValue[];
  readonly count: number;
  readonly more: boolean;
}

/** A put that returns nothing, the usual result, is null. */
export type WireOperationResult =
  | null
  | { readonly type: 'put'; readonly prevKv: WireKeyValue }
  | { readonly type: 'delete'; readonly deleted: number; readonly prevKvs?: readonly WireKeyValue[] }
  | { readonly type: 'range'; readonly kvs: readonly WireKeyValue[]; readonly count: number; readonly more: boolean };

/** Whether it succeeded, the revision, the results. */
export type WireTxnResult = readonly [boolean, number, readonly WireOperationResult[]];

/** Of one key: the key, target, operator and operand. Others travel as they are. */
export type WireCompare = readonly [string, Compare['target'], Compare['operator'], number | Uint8Array] | Compare;

/** Of a put: the key, value, lease (0 for none), and whether the previous key-value is wanted. Others travel as they are. */
export type WireOperation = readonly [string, Uint8Array, number, boolean] | Operation;

/** The compares, the success branch, the failure branch. */
export type WireTxnRequest = readonly [readonly WireCompare[], readonly WireOperation[], readonly WireOperation[]];

/** Whether it is a delete, the key-value, and the one before where it was asked for. */
export type WireEvent = readonly [boolean, WireKeyValue] | readonly [boolean, WireKeyValue, WireKeyValue];

export interface WireBatch {
  readonly revision: number;
  readonly events: readonly WireEvent[];
  readonly progress?: true;
}

function packKeyValue(kv: KeyValue): WireKeyValue {
  return [kv.key, kv.value, kv.createRevision, kv.modRevision, kv.version, kv.lease];
}

function unpackKeyValue(wire: WireKeyValue): KeyValue {
  const [key, value, createRevision, modRevision, version, lease] = wire;
  return { key, value, createRevision, modRevision, version, lease };
}

export function packRange(result: RangeResult): WireRange {
  return { revision: result.revision, kvs: result.kvs.map(packKeyValue), count: result.count, more: result.more };
}

export function unpackRange(wire: WireRange): RangeResult {
  return { revision: wire.revision, kvs: wire.kvs.map(unpackKeyValue), count: wire.count, more: wire.more };
}

/** A request that is none is packed as it is, so that the store refuses it. */
export function packTxnRequest(request: TxnRequest): WireTxnRequest {
  const { compare = [], success = [], failure = [] } = request ?? {};
  const isTxn = Array.isArray(compare) && Array.isArray(success) && Array.isArray(failure);
  if (!isTxn || typeof request !== 'object' || request === null) return request as never;
  return [compare.map(packCompare), success.map(packOperation), failure.map(packOperation)];
}

/**
 * The request, with values that are its own: a view would keep the whole frame alive that it came in. Nothing is taken for
 * granted about what came; what is no request is left as it is, for the store to refuse.
 */
export function unpackTxnRequest(wire: WireTxnRequest): TxnRequest {
  if (!Array.isArray(wire) || !wire.every(Array.isArray)) return wire as never;
  const [compare = [], success = [], failure = []] = wire as WireTxnRequest;
  return {
    compare: compare.map(unpackCompare),
    success: success.map(unpackOperation),
    failure: failure.map(unpackOperation),
  };
}

function packCompare(compare: Compare): WireCompare {
  if (typeof compare !== 'object' || compare === null || !('key' in compare)) return compare;
  return [compare.key, compare.target, compare.operator, compare.operand];
}

function unpackCompare(wire: WireCompare): Compare {
  if (!Array.isArray(wire)) return wire as Compare;
  const [key, target, operator, operand] = wire;
  return { key, target, operator, operand } as Compare;
}

function packOperation(operation: Operation): WireOperation {
  if (operation?.type !== 'put') return operation;
  return [operation.key, operation.value, operation.lease ?? 0, operation.prevKv === true];
}

function unpackOperation(wire: WireOperation): Operation {
  if (!Array.isArray(wire)) return wire as Operation;
  const [key, view, lease, prevKv] = wire;
  const value = view instanceof Uint8Array ? new Uint8Array(view) : view;
  return { type: 'put', key, value, lease, prevKv };
}

export function packTxn(result: TxnResult): WireTxnResult {
  return [result.succeeded, result.revision, result.results.map(packResult)];
}

export function unpackTxn([succeeded, revision, results]: WireTxnResult): TxnResult {
  return { succeeded, revision, results: results.map(unpackResult) };
}

function packResult(result: OperationResult): WireOperationResult {
  switch (result.type) {
    case 'put':
      return result.prevKv === undefined ? null : { type: 'put', prevKv: packKeyValue(result.prevKv) };
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
  if (wire === null) return { type: 'put' };
  switch (wire.type) {
    case 'put':
      return { type: 'put', prevKv: unpackKeyValue(wire.prevKv) };
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
