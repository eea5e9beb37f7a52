/**
 * All watch caches of one API server, fed by a single watch of the store. It loads the state of a little while ago and
 * replays the changes since, so a watch can resume across a restart. The store sends a write's event before its reply on
 * the same link, so a server's own writes are in its cache when their replies arrive.
 */
import { Subscription } from 'rxjs';
import type { ApiObject, Schema } from '../../../src/api/index.ts';
import type { Activity, Clock, Timer } from '../../../src/runtime/index.ts';
import { isStoreError, type KeyValue, type Store, type WatchBatch } from '../../../src/store/index.ts';
import type { Change } from './change-ring.ts';
import { Entry, type Place } from './entry.ts';
import { KindCache } from './kind-cache.ts';
import { reasonUnreadable } from './unreadable.ts';

/** Told of every change of one kind, after the cache has it and before its watchers do. */
export type ChangeListener = (change: Change) => void;

export interface CachesOptions {
  /** Everything lies under this prefix. */
  readonly root: string;
  /** Changes kept for each kind. */
  readonly changesMax: number;
  /** How many revisions back the load begins. */
  readonly replayRevisionsMax: number;
  /** Reads the value of the field that watches of this prefix are indexed by. */
  readonly indexes: Readonly<Record<string, (object: ApiObject) => string>>;
  /** The schema with which field owners of this prefix are stored; undefined for custom kinds. */
  readonly fieldSchemaOf?: (storagePrefix: string) => Schema | undefined;
}

interface OwnWrite {
  readonly bytes: Uint8Array;
  readonly object: ApiObject;
}

interface Waiter {
  readonly revision: number;
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly resolve: (reached: boolean) => void;
}

export class Caches {
  /** Everything up to this revision is in the caches. */
  revision = 0;
  /** Why values that are in the store are not in the caches, by their keys. */
  readonly unreadable = new Map<string, string>();
  readonly #options: CachesOptions;
  readonly #caches = new Map<string, KindCache>();
  readonly #unclaimed = new Map<string, KeyValue>();
  readonly #ownWrites = new Map<string, OwnWrite>();
  readonly #listeners = new Map<string, ChangeListener[]>();
  #waiters: Waiter[] = [];
  /** Looks after the waiters; undefined while there were none since it last did. */
  #overdue: { readonly timer: Timer; readonly dueMs: number } | undefined;
  readonly #clock: Clock;
  #floor = 0;
  #feed = new Subscription();

  constructor(options: CachesOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Loads, follows, and resolves when the caches have caught up with the store. `failed` is told when the feed breaks. */
  async start(store: Store, failed: (error: unknown) => void, _activity?: Activity): Promise<void> {
    const status = await store.status();
    const oldest = Math.max(status.compactRevision, status.revision - this.#options.replayRevisionsMax, 1);
    try {
      await this.#follow(store, status.revision, oldest, failed);
    } catch (error) {
      if (oldest >= status.revision) throw error;
      // The past may be sealed with keys that were taken away since. What is there now and cannot be read is set apart.
      this.#feed.unsubscribe();
      this.#feed = new Subscription();
      this.#forget();
      await this.#follow(store, status.revision, status.revision, failed);
    }
  }

  #forget(): void {
    for (const cache of this.#caches.values()) cache.clear();
    this.#unclaimed.clear();
    this.unreadable.clear();
  }

  /** Loads the state as of `oldest` and follows it up to `newest` and on. */
  async #follow(store: Store, newest: number, oldest: number, failed: (error: unknown) => void): Promise<void> {
    const loaded = await this.#load(store, oldest);
    if (oldest < newest) this.#checkReadable();
    this.#floor = loaded;
    this.revision = loaded;
    for (const cache of this.#caches.values()) cache.changes.floor = loaded;
    let broken = failed;
    // A store in the same thread sends the past while it is subscribed to.
    const early = new Promise<never>((_, reject) => {
      broken = reject;
    });
    this.#feed.add(
      store.watch({ prefix: this.#options.root, startRevision: loaded + 1 }).subscribe({
        next: (batch) => this.#applyOrFail(batch, (error) => broken(error)),
        error: (error) => broken(error),
      }),
    );
    await Promise.race([early, newest > loaded ? this.#catchUp(store, newest, loaded) : undefined]);
    broken = failed;
  }

  async #catchUp(store: Store, revision: number, loaded: number): Promise<void> {
    // The newest revision may belong to a key outside the root, which the feed never shows.
    const newest = await store.range({
      prefix: this.#options.root,
      sort: { by: 'mod', order: 'descend' },
      limit: 1,
      keysOnly: true,
    });
    const target = newest.kvs[0]?.modRevision ?? 0;
    if (target > loaded) await this.waitFor(target, 30_000);
    this.revision = Math.max(this.revision, revision);
  }

  stop(): void {
    this.#feed.unsubscribe();
    this.#overdue?.timer.cancel();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
  }

  /** Loads the state as of `revision`, or the newest when that was compacted meanwhile; returns which it was. */
  async #load(store: Store, revision: number): Promise<number> {
    const pageKeys = 2000;
    let startKey: string | undefined;
    let at = revision;
    for (;;) {
      const page = {
        prefix: this.#options.root,
        ...(startKey === undefined ? {} : { startKey }),
        revision: at,
        limit: pageKeys,
      };
      let result: Awaited<ReturnType<Store['range']>>;
      try {
        result = await store.range(page);
      } catch (error) {
        if (!isStoreError(error, 'Compacted')) throw error;
        at = (await store.status()).revision;
        startKey = undefined;
        this.#forget();
        continue;
      }
      for (const kv of result.kvs) this.#place(kv);
      const last = result.kvs[result.kvs.length - 1];
      if (!result.more || last === undefined) return at;
      startKey = `${last.key}\0`;
    }
  }

  #place(kv: KeyValue): void {
    const cache = this.#cacheOfKey(kv.key);
    const reason = reasonUnreadable(kv.value);
    if (reason !== undefined) this.unreadable.set(kv.key, reason);
    else if (cache === undefined) this.#unclaimed.set(kv.key, kv);
    else cache.load(new Entry(cache.placeOf(kv.key), kv.modRevision, kv.value.slice()));
  }

  /** The cache of a stored kind; made, with what the store already holds of it, when first asked for. */
  cacheOf(storagePrefix: string, namespaced: boolean): KindCache {
    const prefix = `${storagePrefix}/`;
    let cache = this.#caches.get(prefix);
    // A custom kind may come back with another scope once nothing of it is left.
    if (cache === undefined || (cache.namespaced !== namespaced && cache.size === 0)) {
      const read = this.#options.indexes[storagePrefix];
      const { fieldSchemaOf } = this.#options;
      cache = new KindCache({
        prefix,
        namespaced,
        changesMax: this.#options.changesMax,
        floor: this.#floor === 0 ? 0 : this.revision,
        indexOf: read === undefined ? undefined : (entry) => read(entry.object),
        fields: fieldSchemaOf === undefined ? undefined : fieldsOf(() => fieldSchemaOf(storagePrefix)),
      });
      this.#caches.set(prefix, cache);
      for (const [key, kv] of this.#unclaimed) {
        if (!key.startsWith(prefix)) continue;
        this.#unclaimed.delete(key);
        this.#place(kv);
      }
    }
    return cache;
  }

  #cacheOfKey(key: string): KindCache | undefined {
    const first = key.indexOf('/', this.#options.root.length);
    if (first < 0) return undefined;
    const cache = this.#caches.get(key.slice(0, first + 1));
    if (cache !== undefined) return cache;
    const second = key.indexOf('/', first + 1);
    return second < 0 ? undefined : this.#caches.get(key.slice(0, second + 1));
  }

  /** Tells `listener` of every later change of a kind. */
  onChange(storagePrefix: string, listener: ChangeListener): void {
    const listeners = this.#listeners.get(`${storagePrefix}/`);
    if (listeners === undefined) this.#listeners.set(`${storagePrefix}/`, [listener]);
    else listeners.push(listener);
  }

  /** Announces a write that is on its way, so that its event need not be decoded again. */
  announce(key: string, bytes: Uint8Array, object: ApiObject): void {
    this.#ownWrites.set(key, { bytes, object });
  }

  /** Forgets an announcement whose write did not happen. */
  withdraw(key: string, bytes: Uint8Array): void {
    if (this.#ownWrites.get(key)?.bytes === bytes) this.#ownWrites.delete(key);
  }

  /** Tries once more to read what could not be read, and tells of what now can be. */
  async readAgain(store: Store): Promise<void> {
    for (const key of [...this.unreadable.keys()]) {
      const { kvs } = await store.range({ key });
      const kv = kvs[0];
      // Meanwhile it may have been written or deleted.
      if (!this.unreadable.has(key)) continue;
      const reason = kv === undefined ? undefined : reasonUnreadable(kv.value);
      if (reason !== undefined) {
        this.unreadable.set(key, reason);
        continue;
      }
      this.unreadable.delete(key);
      if (kv === undefined) continue;
      this.#place(kv);
      const cache = this.#cacheOfKey(key);
      const entry = cache?.get(key);
      if (cache === undefined || entry === undefined) continue;
      const change = { revision: entry.revision, entry, previous: undefined };
      for (const listener of this.#listeners.get(cache.prefix) ?? []) listener(change);
    }
  }

  #checkReadable(): void {
    for (const [key, reason] of this.unreadable)
      throw new Error(`unable to transform key ${JSON.stringify(key)}: ${reason}`);
  }

  /** A value that cannot be read and was not there at the start ends the feed: after a restart it is set apart. */
  #applyOrFail(batch: WatchBatch, failed: (error: unknown) => void): void {
    for (const { type, kv } of batch.events) {
      const reason = type === 'put' ? reasonUnreadable(kv.value) : undefined;
      if (reason !== undefined) {
        failed(new Error(`unable to transform key ${JSON.stringify(kv.key)}: ${reason}`));
        return;
      }
      if (this.unreadable.size > 0) this.unreadable.delete(kv.key);
    }
    this.#apply(batch);
  }

  #apply(batch: WatchBatch): void {
    const touched = new Set<KindCache>();
    const superseded: Entry[] = [];
    for (const event of batch.events) {
      const { key, modRevision, value } = event.kv;
      const cache = this.#cacheOfKey(key);
      if (cache === undefined) {
        if (event.type === 'put') this.#unclaimed.set(key, { ...event.kv, value: value.slice() });
        else this.#unclaimed.delete(key);
        continue;
      }
      this.revision = modRevision;
      const change =
        event.type === 'put'
          ? cache.put(this.#entryOf(cache, key, modRevision, value))
          : cache.delete(key, modRevision);
      touched.add(cache);
      if (change === undefined) continue;
      if (change.previous !== undefined) superseded.push(change.previous);
      for (const listener of this.#listeners.get(cache.prefix) ?? []) listener(change);
    }
    this.revision = Math.max(this.revision, batch.revision);
    for (const cache of touched) cache.router.flush();
    for (const entry of superseded) entry.retire();
    this.#wake();
  }

  #entryOf(cache: KindCache, key: string, revision: number, value: Uint8Array): Entry {
    const own = this.#ownWrites.get(key);
    if (own !== undefined && own.bytes.length === value.length && Buffer.compare(own.bytes, value) === 0) {
      this.#ownWrites.delete(key);
      return new Entry(cache.placeOf(key), revision, own.bytes, own.object);
    }
    // The event's bytes are a view of a whole frame: a copy lets the frame go.
    return new Entry(cache.placeOf(key), revision, value.slice());
  }

  /** Resolves with true when the caches hold `revision`, with false when `timeoutMs` passed before. */
  waitFor(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.push({ revision, untilMs: this.#clock.monotonic() + timeoutMs, resolve });
      this.#watchOver(timeoutMs);
    });
  }

  /** One timer for all who wait: nearly every write waits a moment, and none of them for as long as it may. */
  #watchOver(delayMs: number): void {
    if (this.#overdue !== undefined) {
      if (this.#overdue.dueMs <= this.#clock.monotonic() + delayMs) return;
      this.#overdue.timer.cancel();
    }
    const timer = this.#clock.after(delayMs, () => this.#giveUp(), { background: true });
    this.#overdue = { timer, dueMs: this.#clock.monotonic() + delayMs };
  }

  #giveUp(): void {
    this.#overdue = undefined;
    const nowMs = this.#clock.monotonic();
    const late = this.#waiters.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiters = this.#waiters.filter(({ untilMs }) => untilMs > nowMs);
    for (const waiter of late) waiter.resolve(false);
    if (this.#waiters.length > 0) this.#watchOver(Math.min(...this.#waiters.map(({ untilMs }) => untilMs)) - nowMs);
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter((waiter) => waiter.revision <= this.revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.revision);
    for (const waiter of due) waiter.resolve(true);
  }

  /** Sends bookmarks to all watchers that asked for them. */
  bookmark(): void {
    for (const cache of this.#caches.values()) {
      for (const watcher of cache.router.watchers) watcher.bookmark(this.revision);
    }
  }

  get all(): Iterable<KindCache> {
    return this.#caches.values();
  }
}

/** Asks for the schema when it is first needed: by then all kinds are known. */
function fieldsOf(schemaOf: () => Schema | undefined): NonNullable<Place['fields']> {
  let asked = false;
  let schema: Schema | undefined;
  return {
    get schema() {
      if (!asked) schema = schemaOf();
      asked = true;
      return schema;
    },
  };
}
