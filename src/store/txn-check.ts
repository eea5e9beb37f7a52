/**
 * Checks of transactions that need no state: shape, sizes, and that no key is written twice. Requests come from other threads and
 * programs, so nothing about them is taken for granted; what passes here cannot fail half-way.
 */
import { InvalidRequestError, RequestTooLargeError } from './errors.ts';
import { checkKey, spanIncludes, spanOf } from './key-span.ts';
import { checkRange } from './range.ts';
import type { Compare, Operation, TxnRequest } from './types.ts';

export interface TxnLimits {
  /** Operations in a branch, and compares. Default 128, as etcd's `--max-txn-ops`. */
  readonly operationsMax: number;
  /** Bytes of keys and values in a request. Default 1.5 MiB, as etcd's `--max-request-bytes`. */
  readonly requestBytesMax: number;
}

/** Fails with `InvalidRequest` or `RequestTooLarge`. */
export function checkTxn(request: TxnRequest, limits: TxnLimits): void {
  checkObject(request, 'a transaction');
  let bytes = 0;
  for (const compare of listOf(request.compare, limits)) bytes += checkCompare(compare);
  for (const branch of [request.success, request.failure]) bytes += checkOperations(listOf(branch, limits));
  if (bytes > limits.requestBytesMax) throw new RequestTooLargeError();
}

function listOf<Item>(list: readonly Item[] | undefined, limits: TxnLimits): readonly Item[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new InvalidRequestError('compare, success and failure must be lists');
  if (list.length > limits.operationsMax) {
    throw new InvalidRequestError('etcdserver: too many operations in txn request');
  }
  return list;
}

function checkObject(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null) throw new InvalidRequestError(`${what} must be an object`);
}

/** Returns the bytes that count against the limit. */
function checkCompare(compare: Compare): number {
  checkObject(compare, 'a compare');
  spanOf(compare);
  const { target, operator, operand } = compare;
  if (!['=', '!=', '<', '>'].includes(operator)) throw new InvalidRequestError(`cannot compare by ${String(operator)}`);
  if (target === 'value') {
    if (!(operand instanceof Uint8Array)) throw new InvalidRequestError('a value compares with bytes');
    return operand.length;
  }
  if (!['mod', 'create', 'version', 'lease'].includes(target)) {
    throw new InvalidRequestError(`cannot compare ${String(target)}`);
  }
  if (typeof operand !== 'number') throw new InvalidRequestError(`${target} compares with a number`);
  return 0;
}

/** Returns the bytes that count against the limit. */
function checkOperations(operations: readonly Operation[]): number {
  let bytes = 0;
  let firstPut: string | undefined;
  let puts: Set<string> | undefined;
  let hasDelete = false;
  for (const operation of operations) {
    checkObject(operation, 'an operation');
    switch (operation.type) {
      case 'put':
        bytes += checkPut(operation);
        // Most branches have one put, which needs no set.
        if (firstPut === undefined) firstPut = operation.key;
        else {
          puts ??= new Set([firstPut]);
          if (puts.has(operation.key)) throw duplicate();
          puts.add(operation.key);
        }
        break;
      case 'delete':
        hasDelete = true;
        spanOf(operation);
        break;
      case 'range':
        checkRange(operation);
        break;
      default:
        throw new InvalidRequestError(`there is no operation ${String((operation as { type: unknown }).type)}`);
    }
  }
  if (hasDelete && firstPut !== undefined) checkDeletes(operations, puts ?? new Set([firstPut]));
  return bytes;
}

function checkPut({ key, value, lease }: Operation & { type: 'put' }): number {
  checkKey(key);
  if (!(value instanceof Uint8Array)) throw new InvalidRequestError('a value must be bytes');
  if (lease !== undefined && !Number.isSafeInteger(lease)) throw new InvalidRequestError(`${lease} is not a lease id`);
  return key.length + value.length;
}

/** A key that is put may not be deleted in the same branch. */
function checkDeletes(operations: readonly Operation[], puts: ReadonlySet<string>): void {
  for (const operation of operations) {
    if (operation.type !== 'delete') continue;
    const span = spanOf(operation);
    for (const key of puts) if (spanIncludes(span, key)) throw duplicate();
  }
}

function duplicate(): InvalidRequestError {
  return new InvalidRequestError('etcdserver: duplicate key given in txn request');
}
