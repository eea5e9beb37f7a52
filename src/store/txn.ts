/**
 * Transactions: decides a checked request's branch, and runs the branch's operations against the index. Execution is synchronous, so transactions are serial by construction; durability comes later, in the commit queue.
 */
import { LeaseNotFoundError } from './errors.ts';
import type { KeyIndex } from './key-index.ts';
import { spanOf } from './key-span.ts';
import { readRevision, select } from './range.ts';
import { emptyBytes, keyValueOf, LogRecord } from './record.ts';
import { checkTxn, type TxnLimits } from './txn-check.ts';
import type {
  Compare,
  CompareOperator,
  DeleteOperation,
  Operation,
  OperationResult,
  PutOperation,
  RangeOperation,
  TxnRequest,
} from './types.ts';
import type { Values } from './values.ts';

/** What a transaction reads and changes. */
export interface TxnTarget {
  readonly index: KeyIndex;
  readonly values: Values;
  /** Newest executed revision. */
  readonly revision: number;
  readonly compactRevision: number;
  hasLease(id: number): boolean;
  /** Takes a change of the running transaction: it is in the index when this returns. */
  apply(record: LogRecord): void;
}

export interface TxnOutcome {
  readonly succeeded: boolean;
  readonly results: OperationResult[];
  /** Changes made: their revision is one past the target's when there are any. */
  readonly changes: number;
}

/** Runs a request whole, or throws one of the errors of `Store.txn` with nothing done. */
export function runTxn(target: TxnTarget, request: TxnRequest, limits: TxnLimits): TxnOutcome {
  checkTxn(request, limits);
  const succeeded = request.compare?.every((compare) => holds(target, compare)) ?? true;
  const operations = (succeeded ? request.success : request.failure) ?? [];
  checkBranch(target, operations);
  const results: OperationResult[] = [];
  const revision = target.revision + 1;
  let changes = 0;
  for (const operation of operations) {
    switch (operation.type) {
      case 'put':
        results.push(put(target, operation, revision, changes++));
        break;
      case 'delete': {
        const removed = removeAll(target, operation, revision, changes);
        changes += removed.deleted;
        results.push(removed);
        break;
      }
      case 'range':
        results.push(range(target, operation));
        break;
    }
  }
  return { succeeded, results, changes };
}

/** Deletes keys outside of a request, for a lease's end; keys that are gone are skipped. Returns the number of changes. */
export function deleteKeys(target: TxnTarget, keys: Iterable<string>): number {
  const revision = target.revision + 1;
  let changes = 0;
  for (const key of keys) {
    if (target.index.current(key) === undefined) continue;
    target.apply(new LogRecord(key, revision, changes++, 0, 0, 0, emptyBytes));
  }
  return changes;
}

function put(target: TxnTarget, operation: PutOperation, revision: number, sub: number): OperationResult {
  const before = target.index.current(operation.key);
  const prevKv =
    operation.prevKv === true && before !== undefined ? keyValueOf(before, target.values.get(before)) : undefined;
  const createRevision = before === undefined ? revision : before.createRevision;
  const version = before === undefined ? 1 : before.version + 1;
  const { key, value, lease = 0 } = operation;
  target.apply(new LogRecord(key, revision, sub, createRevision, version, lease, value));
  return prevKv === undefined ? { type: 'put' } : { type: 'put', prevKv };
}

function removeAll(
  target: TxnTarget,
  operation: DeleteOperation,
  revision: number,
  firstSub: number,
): OperationResult & { type: 'delete' } {
  const records: LogRecord[] = [];
  target.index.scan(spanOf(operation), revision, (record) => {
    records.push(record);
    return true;
  });
  const prevKvs = operation.prevKv === true ? target.values.keyValues(records, false) : undefined;
  records.forEach((record, index) => {
    target.apply(new LogRecord(record.key, revision, firstSub + index, 0, 0, 0, emptyBytes));
  });
  return prevKvs === undefined
    ? { type: 'delete', deleted: records.length }
    : { type: 'delete', deleted: records.length, prevKvs };
}

function range(target: TxnTarget, operation: RangeOperation): OperationResult {
  const revision = operation.revision || Number.MAX_SAFE_INTEGER;
  const { records, count, more } = select(target.index, target.values, operation, revision);
  return { type: 'range', kvs: target.values.keyValues(records, operation.keysOnly === true), count, more };
}

/** What depends on the state: checked for the branch that runs, before its first operation. */
function checkBranch(target: TxnTarget, operations: readonly Operation[]): void {
  for (const operation of operations) {
    if (operation.type === 'put') {
      const lease = operation.lease ?? 0;
      if (lease !== 0 && !target.hasLease(lease)) throw new LeaseNotFoundError(lease);
    } else if (operation.type === 'range') {
      readRevision(operation.revision, target.revision, target.compactRevision);
    }
  }
}

/** Whether a compare holds for what is there now. */
function holds(target: TxnTarget, compare: Compare): boolean {
  const span = spanOf(compare);
  if (span.single) return holdsFor(target, compare, target.index.current(span.start));
  let found = false;
  let all = true;
  target.index.scan(span, Number.MAX_SAFE_INTEGER, (record) => {
    found = true;
    all = holdsFor(target, compare, record);
    return all;
  });
  return found ? all : holdsFor(target, compare, undefined);
}

function holdsFor(target: TxnTarget, compare: Compare, record: LogRecord | undefined): boolean {
  switch (compare.target) {
    case 'value':
      if (record === undefined) return false;
      return decide(Buffer.compare(target.values.get(record), compare.operand), compare.operator);
    case 'mod':
      return decide((record?.revision ?? 0) - compare.operand, compare.operator);
    case 'create':
      return decide((record?.createRevision ?? 0) - compare.operand, compare.operator);
    case 'version':
      return decide((record?.version ?? 0) - compare.operand, compare.operator);
    case 'lease':
      return decide((record?.lease ?? 0) - compare.operand, compare.operator);
  }
}

function decide(difference: number, operator: CompareOperator): boolean {
  switch (operator) {
    case '=':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '>':
      return difference > 0;
  }
}
