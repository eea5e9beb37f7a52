/** Key selections as spans `[start, end)` of the ordered keys, checked on the way in. */
import { InvalidRequestError } from './errors.ts';
import type { KeySelection } from './types.ts';

/** Keys from `start` up to and without `end`; no `end` means up to the last. A span of one key has `single` set. */
export interface KeySpan {
  readonly start: string;
  readonly end: string | undefined;
  readonly single: boolean;
}

/** The first string after all that begin with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  for (let length = prefix.length; length > 0; length--) {
    const unit = prefix.charCodeAt(length - 1);
    if (unit < 0xffff) return prefix.slice(0, length - 1) + String.fromCharCode(unit + 1);
  }
  return undefined;
}

/** Fails with `InvalidRequest` unless `key` is a key. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') throw new InvalidRequestError('etcdserver: key is not provided');
}

/** Translates a selection. An empty span has its end at or before its start. */
export function spanOf(selection: KeySelection): KeySpan {
  if (typeof selection !== 'object' || selection === null) throw new InvalidRequestError('a request must be an object');
  if ('key' in selection && selection.key !== undefined) {
    checkKey(selection.key);
    return { start: selection.key, end: `${selection.key}\0`, single: true };
  }
  if ('prefix' in selection && typeof selection.prefix === 'string') {
    const { prefix, startKey } = selection;
    const start = startKey !== undefined && startKey > prefix ? startKey : prefix;
    return { start, end: prefixEnd(prefix), single: false };
  }
  if ('endKey' in selection && typeof selection.startKey === 'string' && typeof selection.endKey === 'string') {
    return { start: selection.startKey, end: selection.endKey, single: false };
  }
  throw new InvalidRequestError('etcdserver: key is not provided');
}

export function spanIncludes(span: KeySpan, key: string): boolean {
  if (span.single) return key === span.start;
  return key >= span.start && (span.end === undefined || key < span.end);
}

/** The longest prefix that every key of the span has, under which a watch on it is routed. */
export function commonPrefix(span: KeySpan): string {
  const { start, end } = span;
  if (end === undefined) return '';
  let length = 0;
  while (length < start.length && length < end.length && start.charCodeAt(length) === end.charCodeAt(length)) length++;
  // Where `end` is just one step past `start`'s next unit and stops there, that unit is common too: ['/a/b', '/a/c').
  const isStep = end.length === length + 1 && end.charCodeAt(length) === start.charCodeAt(length) + 1;
  return isStep ? start.slice(0, length + 1) : start.slice(0, length);
}
