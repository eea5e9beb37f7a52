/** Ranges: which records a request selects, in which order, and how many there are. Values are put in by the caller. */
import { CompactedError, FutureRevisionError, InvalidRequestError } from './errors.ts';
import type { KeyIndex } from './key-index.ts';
import { spanOf } from './key-span.ts';
import type { LogRecord } from './record.ts';
import type { RangeOptions, RangeRequest } from './types.ts';
import type { Values } from './values.ts';

export interface Selected {
  readonly records: readonly LogRecord[];
  readonly count: number;
  readonly more: boolean;
}

/** Fails with `InvalidRequest` unless the request is one that can be answered. */
export function checkRange(request: RangeRequest): void {
  spanOf(request);
  const { limit, sort } = request;
  if (limit !== undefined && typeof limit !== 'number') throw new InvalidRequestError('a limit must be a number');
  if (sort !== undefined && !['key', 'version', 'create', 'mod', 'value'].includes(sort?.by)) {
    throw new InvalidRequestError(`cannot sort by ${String(sort?.by)}`);
  }
}

/** The revision that a request reads at. Fails with `FutureRevision` or `Compacted`. */
export function readRevision(wanted: number | undefined, newest: number, compactRevision: number): number {
  if (wanted === undefined || wanted === 0) return newest;
  if (!Number.isSafeInteger(wanted) || wanted < 0)
    throw new InvalidRequestError(`revision ${wanted} is not a revision`);
  if (wanted > newest) throw new FutureRevisionError(newest);
  if (wanted < compactRevision) throw new CompactedError(compactRevision);
  return wanted;
}

/** Selects the records of a range at `revision`. */
export function select(index: KeyIndex, values: Values, request: RangeRequest, revision: number): Selected {
  const span = spanOf(request);
  if (request.countOnly === true) return { records: [], count: index.count(span, revision), more: false };
  const limit = request.limit !== undefined && request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
  const isPlain = request.sort === undefined && !isBounded(request);
  const records: LogRecord[] = [];
  index.scan(span, revision, (record) => {
    // One past the limit tells whether there are more.
    records.push(record);
    return !isPlain || records.length <= limit;
  });
  if (isPlain) {
    const more = records.length > limit;
    if (more) records.pop();
    return { records, count: more ? index.count(span, revision) : records.length, more };
  }
  const kept = isBounded(request) ? records.filter((record) => isWithin(record, request)) : records;
  if (request.sort !== undefined) sortRecords(kept, request.sort, values);
  const more = kept.length > limit;
  return { records: more ? kept.slice(0, limit) : kept, count: records.length, more };
}

function isBounded(request: RangeOptions): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return Boolean(minModRevision || maxModRevision || minCreateRevision || maxCreateRevision);
}

function isWithin(record: LogRecord, request: RangeOptions): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (minModRevision && record.revision < minModRevision) return false;
  if (maxModRevision && record.revision > maxModRevision) return false;
  if (minCreateRevision && record.createRevision < minCreateRevision) return false;
  if (maxCreateRevision && record.createRevision > maxCreateRevision) return false;
  return true;
}

/** Sorts in place; equals stay in key order, and descending is the whole order turned round for keys only. */
function sortRecords(records: LogRecord[], sort: NonNullable<RangeOptions['sort']>, values: Values): void {
  const sign = sort.order === 'descend' ? -1 : 1;
  const compare = comparison(sort.by, values);
  records.sort((left, right) => sign * compare(left, right));
}

function comparison(
  by: NonNullable<RangeOptions['sort']>['by'],
  values: Values,
): (left: LogRecord, right: LogRecord) => number {
  switch (by) {
    case 'key':
      return (left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0);
    case 'version':
      return (left, right) => left.version - right.version;
    case 'create':
      return (left, right) => left.createRevision - right.createRevision;
    case 'mod':
      return (left, right) => left.revision - right.revision;
    case 'value':
      return (left, right) => Buffer.compare(values.get(left), values.get(right));
  }
}
