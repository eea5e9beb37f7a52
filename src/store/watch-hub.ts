/**
 * The watches. A watch that has seen everything committed is *live*: it stands in the routes, and each commit is pushed to it.
 * One that starts in the past, or waits for values from disk, is *catching up*: it reads the history at its own pace and becomes
 * live when it reaches the end. Both read the same records in the same order, so the step from one to the other has neither gap
 * nor duplicate; no queue is kept for a slow watch, and one that compaction overtakes ends with `Compacted`.
 */
import type { Subscriber } from 'rxjs';
import type { Clock, Timer } from '../runtime/index.ts';
import { CompactedError } from './errors.ts';
import type { History } from './history.ts';
import type { KeyIndex } from './key-index.ts';
import { commonPrefix, type KeySpan, spanIncludes, spanOf } from './key-span.ts';
import { eventOf, keyValueOf, type LogRecord } from './record.ts';
import type { KeyValue, WatchBatch, WatchEvent, WatchRequest } from './types.ts';
import type { Values } from './values.ts';
import { WatchRoutes } from './watch-routes.ts';

/** So many records of history are looked at for one batch of a watch that catches up. */
const catchUpRecordsMax = 1024;

/** What the hub reads of the store. */
export interface WatchSource {
  readonly history: History;
  readonly index: KeyIndex;
  readonly values: Values;
  readonly clock: Clock;
  committedRevision(): number;
  compactRevision(): number;
}

class Watcher {
  readonly subscriber: Subscriber<WatchBatch>;
  readonly span: KeySpan;
  readonly withPrevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** The next revision to tell: everything before has been told. */
  nextRevision: number;
  isLive = false;
  isClosed = false;
  /** Whether a batch went out since the last progress mark was due. */
  wasActive = false;
  progress: Timer | undefined;
  events: WatchEvent[] = [];

  constructor(subscriber: Subscriber<WatchBatch>, request: WatchRequest, startRevision: number) {
    this.subscriber = subscriber;
    this.span = spanOf(request);
    this.withPrevKv = request.prevKv === true;
    this.noPut = request.filters?.includes('noPut') === true;
    this.noDelete = request.filters?.includes('noDelete') === true;
    this.nextRevision = startRevision;
  }

  wants(record: LogRecord): boolean {
    if (record.revision < this.nextRevision) return false;
    if (record.isDelete ? this.noDelete : this.noPut) return false;
    return spanIncludes(this.span, record.key);
  }

  send(batch: WatchBatch): void {
    this.wasActive = true;
    this.subscriber.next(batch);
  }
}

export class WatchHub {
  readonly #source: WatchSource;
  readonly #routes = new WatchRoutes<Watcher>();
  readonly #watchers = new Set<Watcher>();

  constructor(source: WatchSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Starts a watch; returns what ends it. */
  add(subscriber: Subscriber<WatchBatch>, request: WatchRequest): () => void {
    const startRevision = request.startRevision || this.#source.committedRevision() + 1;
    const watcher = new Watcher(subscriber, request, startRevision);
    this.#watchers.add(watcher);
    const intervalMs = request.progressIntervalMs;
    if (intervalMs !== undefined && intervalMs > 0) {
      watcher.progress = this.#source.clock.every(intervalMs, () => this.#markProgress(watcher), { background: true });
    }
    this.#catchUp(watcher);
    return () => this.#remove(watcher);
  }

  /** Tells live watches of the records of one commit. The source's committed revision is theirs already. */
  publish(records: readonly LogRecord[]): void {
    if (this.#watchers.size === 0 || records.length === 0) return;
    const { values, index } = this.#source;
    const touched: Watcher[] = [];
    for (const record of records) {
      let plain: WatchEvent | undefined;
      let withPrev: WatchEvent | undefined;
      this.#routes.match(record.key, (watcher) => {
        if (!watcher.wants(record)) return;
        if (watcher.events.length === 0) touched.push(watcher);
        // One event object serves all watchers of its kind: none of them may change it.
        if (watcher.withPrevKv) {
          withPrev ??= eventOf(record, values.get(record), previousOf(record, index, values));
          watcher.events.push(withPrev);
        } else {
          plain ??= eventOf(record, values.get(record));
          watcher.events.push(plain);
        }
      });
    }
    const revision = records[records.length - 1]!.revision;
    // All events are in place before the first subscriber runs: what it does (watch, unsubscribe) cannot tear a batch.
    for (const watcher of touched) {
      const events = watcher.events;
      watcher.events = [];
      watcher.nextRevision = revision + 1;
      if (!watcher.isClosed) watcher.send({ revision, events });
    }
  }

  /** Ends all watches. */
  close(error: Error): void {
    for (const watcher of [...this.#watchers]) this.#end(watcher, error);
  }

  /** Reads history until there is no more, then makes the watch live. Everything at once where no value is on disk. */
  #catchUp(watcher: Watcher): void {
    const { history, values } = this.#source;
    while (!watcher.isClosed) {
      const compactRevision = this.#source.compactRevision();
      if (watcher.nextRevision < compactRevision) {
        this.#end(watcher, new CompactedError(compactRevision));
        return;
      }
      const committed = this.#source.committedRevision();
      if (watcher.nextRevision > committed) {
        this.#makeLive(watcher);
        return;
      }
      const found: LogRecord[] = [];
      let position = history.positionOf(watcher.nextRevision);
      let reached = committed;
      for (let looked = 0; ; looked++, position++) {
        const record = history.get(position);
        if (record === undefined || record.revision > committed) break;
        // A batch ends between two revisions, never within one.
        if (looked >= catchUpRecordsMax && record.sub === 0) {
          reached = record.revision - 1;
          break;
        }
        if (watcher.wants(record)) found.push(record);
      }
      watcher.nextRevision = reached + 1;
      if (found.length === 0) continue;
      const previous = watcher.withPrevKv ? found.map((record) => this.#recordBefore(record)) : [];
      const loaded = values.load([...found, ...previous.filter((record) => record !== undefined)], false);
      if (loaded instanceof Promise) {
        loaded.then(
          (kvs) => {
            if (watcher.isClosed) return;
            watcher.send({ revision: reached, events: eventsOf(found, previous, kvs) });
            this.#catchUp(watcher);
          },
          (error: unknown) => this.#end(watcher, error),
        );
        return;
      }
      watcher.send({ revision: reached, events: eventsOf(found, previous, loaded) });
    }
  }

  #recordBefore(record: LogRecord): LogRecord | undefined {
    return this.#source.index.at(record.key, record.revision - 1);
  }

  #makeLive(watcher: Watcher): void {
    watcher.isLive = true;
    if (watcher.span.single) this.#routes.addKey(watcher.span.start, watcher);
    else this.#routes.addPrefix(commonPrefix(watcher.span), watcher);
  }

  #markProgress(watcher: Watcher): void {
    const isDue = !watcher.wasActive;
    watcher.wasActive = false;
    const revision = this.#source.committedRevision();
    // A watch whose start lies in the future has nothing to report yet.
    if (!isDue || !watcher.isLive || watcher.nextRevision > revision + 1) return;
    watcher.nextRevision = revision + 1;
    watcher.subscriber.next({ revision, events: [], progress: true });
  }

  #end(watcher: Watcher, error: unknown): void {
    if (watcher.isClosed) return;
    this.#remove(watcher);
    watcher.subscriber.error(error);
  }

  #remove(watcher: Watcher): void {
    if (watcher.isClosed) return;
    watcher.isClosed = true;
    watcher.progress?.cancel();
    this.#watchers.delete(watcher);
    if (!watcher.isLive) return;
    if (watcher.span.single) this.#routes.removeKey(watcher.span.start, watcher);
    else this.#routes.removePrefix(commonPrefix(watcher.span), watcher);
  }
}

/** What the key was before the record, if that is known and it was there. */
function previousOf(record: LogRecord, index: KeyIndex, values: Values): KeyValue | undefined {
  const previous = index.at(record.key, record.revision - 1);
  return previous === undefined ? undefined : keyValueOf(previous, values.get(previous));
}

/** `kvs` holds the records' own first, then those of the previous ones that exist. */
function eventsOf(
  records: readonly LogRecord[],
  previous: readonly (LogRecord | undefined)[],
  kvs: readonly KeyValue[],
): WatchEvent[] {
  let nextPrevious = records.length;
  return records.map((record, index) => {
    const prevKv = previous[index] === undefined ? undefined : kvs[nextPrevious++];
    return eventOf(record, kvs[index]!.value, prevKv);
  });
}
