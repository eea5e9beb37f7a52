/**
 * Every key with its uncompacted versions, in memory and in key order. The index answers point lookups by a Map and ranges by a
 * two-level sorted list:
 *
 *     chunks   [ a c f | g h k | m ]        binary search for the chunk by its first key, then within it
 *     entry    h → versions [r5 put, r9 put, r12 delete]      oldest first
 *
 * A key that was deleted stays, with its delete last, until compaction drops it. Each chunk knows how many of its keys are live
 * and its last change, so that counting skips over whole chunks.
 * @see upstream etcd `server/storage/mvcc/key_index.go`
 */
import type { KeySpan } from './key-span.ts';
import type { LogRecord } from './record.ts';

const chunkKeysMax = 512;

interface Chunk {
  entries: KeyEntry[];
  /** Keys whose last version is a put. */
  live: number;
  /** Greatest revision of any version in here. */
  lastChange: number;
}

class KeyEntry {
  readonly key: string;
  readonly versions: LogRecord[] = [];
  chunk: Chunk;

  constructor(key: string, chunk: Chunk) {
    this.key = key;
    this.chunk = chunk;
  }

  get isLive(): boolean {
    const last = this.versions[this.versions.length - 1];
    return last !== undefined && last.version !== 0;
  }

  /** The last version at or before `revision`, a delete included. */
  versionAt(revision: number): LogRecord | undefined {
    const versions = this.versions;
    const last = versions[versions.length - 1];
    if (last === undefined || last.revision <= revision) return last;
    return versions[countUpTo(versions, revision) - 1];
  }

  /** The key's put in force at `revision`. */
  liveAt(revision: number): LogRecord | undefined {
    const version = this.versionAt(revision);
    return version === undefined || version.version === 0 ? undefined : version;
  }
}

/** How many of `records`, which are in revision order, have a revision of at most `revision`. */
function countUpTo(records: readonly LogRecord[], revision: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first entry whose key is at or after `key`. */
function lowerBound(entries: readonly KeyEntry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class KeyIndex {
  readonly #entries = new Map<string, KeyEntry>();
  readonly #chunks: Chunk[] = [];
  #live = 0;

  /** Live keys. */
  get size(): number {
    return this.#live;
  }

  /** The put in force for `key` now, uncommitted ones included. */
  current(key: string): LogRecord | undefined {
    return this.#entries.get(key)?.liveAt(Number.MAX_SAFE_INTEGER);
  }

  /** The put in force for `key` at `revision`. */
  at(key: string, revision: number): LogRecord | undefined {
    return this.#entries.get(key)?.liveAt(revision);
  }

  /** Adds the next version of a key. Revisions of a key only grow. */
  add(record: LogRecord): void {
    let entry = this.#entries.get(record.key);
    if (entry === undefined) {
      entry = this.#insert(record.key);
      this.#entries.set(record.key, entry);
    }
    const wasLive = entry.isLive;
    entry.versions.push(record);
    const isLive = record.version !== 0;
    if (wasLive !== isLive) {
      const step = isLive ? 1 : -1;
      this.#live += step;
      entry.chunk.live += step;
    }
    entry.chunk.lastChange = record.revision;
  }

  /** Calls `visit` with the puts in force at `revision`, in key order, until it returns false. */
  scan(span: KeySpan, revision: number, visit: (record: LogRecord) => boolean): void {
    if (span.single) {
      const record = this.at(span.start, revision);
      if (record !== undefined) visit(record);
      return;
    }
    const { end } = span;
    let position = -1;
    for (let index = this.#chunkFor(span.start); index < this.#chunks.length; index++) {
      const { entries } = this.#chunks[index]!;
      position = position < 0 ? lowerBound(entries, span.start) : 0;
      for (; position < entries.length; position++) {
        const entry = entries[position]!;
        if (end !== undefined && entry.key >= end) return;
        const record = entry.liveAt(revision);
        if (record !== undefined && !visit(record)) return;
      }
    }
  }

  /** How many keys of the span are live at `revision`. Chunks that lie within it and have not changed since are not entered. */
  count(span: KeySpan, revision: number): number {
    if (span.single) return this.at(span.start, revision) === undefined ? 0 : 1;
    const { start, end } = span;
    let count = 0;
    for (let index = this.#chunkFor(start); index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!;
      const { entries } = chunk;
      if (end !== undefined && entries[0]!.key >= end) break;
      const whole = entries[0]!.key >= start && (end === undefined || entries[entries.length - 1]!.key < end);
      if (whole && chunk.lastChange <= revision) {
        count += chunk.live;
        continue;
      }
      for (let position = lowerBound(entries, start); position < entries.length; position++) {
        const entry = entries[position]!;
        if (end !== undefined && entry.key >= end) break;
        if (entry.liveAt(revision) !== undefined) count++;
      }
    }
    return count;
  }

  /**
   * Drops the versions of `key` that nobody can read once history below `revision` is gone, and returns them: all before the one
   * in force at `revision`, and that one too when it is a delete from before `revision`.
   */
  compact(key: string, revision: number): readonly LogRecord[] {
    const entry = this.#entries.get(key);
    if (entry === undefined) return [];
    const reached = countUpTo(entry.versions, revision);
    const inForce = entry.versions[reached - 1];
    if (inForce === undefined) return [];
    const isGone = inForce.version === 0 && inForce.revision < revision;
    const dropped = entry.versions.splice(0, isGone ? reached : reached - 1);
    if (entry.versions.length === 0) this.#remove(entry);
    return dropped;
  }

  /** Everything kept, key by key and oldest first. */
  *versions(): Generator<LogRecord> {
    for (const chunk of this.#chunks) {
      for (const entry of chunk.entries) yield* entry.versions;
    }
  }

  /** The chunk that holds `key` or would. */
  #chunkFor(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.entries[0]!.key <= key) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }

  #insert(key: string): KeyEntry {
    const index = this.#chunkFor(key);
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = { entries: [], live: 0, lastChange: 0 };
      this.#chunks.push(chunk);
    }
    const position = lowerBound(chunk.entries, key);
    if (chunk.entries.length >= chunkKeysMax) {
      // Keys mostly arrive in order: then a new chunk leaves the full one full.
      const isAppend = position === chunk.entries.length;
      const next = this.#split(index, isAppend ? position : chunkKeysMax >>> 1);
      if (isAppend) {
        const entry = new KeyEntry(key, next);
        next.entries.push(entry);
        return entry;
      }
      return this.#insert(key);
    }
    const entry = new KeyEntry(key, chunk);
    chunk.entries.splice(position, 0, entry);
    return entry;
  }

  /** Moves the entries from `position` on into a new chunk after `index`. */
  #split(index: number, position: number): Chunk {
    const chunk = this.#chunks[index]!;
    const next: Chunk = { entries: chunk.entries.splice(position), live: 0, lastChange: chunk.lastChange };
    for (const entry of next.entries) {
      entry.chunk = next;
      if (entry.isLive) next.live++;
    }
    chunk.live -= next.live;
    this.#chunks.splice(index + 1, 0, next);
    return next;
  }

  #remove(entry: KeyEntry): void {
    this.#entries.delete(entry.key);
    const { entries } = entry.chunk;
    if (entries.length === 1) this.#chunks.splice(this.#chunkFor(entry.key), 1);
    else entries.splice(lowerBound(entries, entry.key), 1);
  }
}
