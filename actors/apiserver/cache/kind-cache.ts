/**
 * The watch cache of one stored kind: its live objects, the recent changes, and its watchers. The feed (caches.ts) applies
 * the store's events to it; gets, lists and watches are served from it without asking the store.
 */
import { type Change, ChangeRing } from './change-ring.ts';
import type { Entry, Place } from './entry.ts';
import { SortedKeys } from './sorted-keys.ts';
import { WatchRouter } from './watch-router.ts';

export interface KindCacheOptions {
  /** Key prefix with its last slash, such as `/registry/pods/`. */
  readonly prefix: string;
  readonly namespaced: boolean;
  /** Changes kept for watches that start in the past. */
  readonly changesMax: number;
  /** Watches may start at this revision or later. */
  readonly floor: number;
  readonly indexOf?: ((entry: Entry) => string) | undefined;
  readonly fields?: Place['fields'];
}

export class KindCache {
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly changes: ChangeRing;
  readonly router: WatchRouter;
  readonly fields: Place['fields'];
  /** Another number after every change. */
  version = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new SortedKeys();
  readonly #keysByNamespace = new Map<string, SortedKeys>();
  readonly #indexOf: ((entry: Entry) => string) | undefined;
  readonly #keysByIndex = new Map<string, SortedKeys>();

  constructor(options: KindCacheOptions) {
    this.prefix = options.prefix;
    this.fields = options.fields;
    this.#indexOf = options.indexOf;
    this.namespaced = options.namespaced;
    this.changes = new ChangeRing(options.changesMax, options.floor);
    this.router = new WatchRouter(options.indexOf);
  }

  get size(): number {
    return this.#entries.size;
  }

  keyOf(namespace: string | undefined, name: string): string {
    return this.namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name;
  }

  /** Splits a key of this cache into its parts. */
  placeOf(key: string): Place {
    const rest = key.slice(this.prefix.length);
    const slash = this.namespaced ? rest.indexOf('/') : -1;
    return slash < 0
      ? { key, namespace: '', name: rest, fields: this.fields }
      : { key, namespace: rest.slice(0, slash), name: rest.slice(slash + 1), fields: this.fields };
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** All entries, or those of one namespace, in the order of their keys. */
  list(namespace?: string | undefined): Entry[] {
    return this.#read(namespace === undefined || !this.namespaced ? this.#keys : this.#keysByNamespace.get(namespace));
  }

  /** The entries whose indexed field has this value, in the order of their keys. */
  listIndexed(value: string): Entry[] {
    return this.#read(this.#keysByIndex.get(value));
  }

  #read(keys: SortedKeys | undefined): Entry[] {
    if (keys === undefined) return [];
    const sorted = keys.sorted();
    const entries = new Array<Entry>(sorted.length);
    for (let index = 0; index < sorted.length; index++) {
      entries[index] = this.#entries.get(sorted[index] as string) as Entry;
    }
    return entries;
  }

  /** All entries in no order. */
  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Puts an entry in place without telling anybody: the load at start. */
  load(entry: Entry): void {
    this.version++;
    this.#set(entry);
  }

  /** Forgets everything that was loaded. */
  clear(): void {
    this.version++;
    for (const entry of [...this.#entries.values()]) {
      this.#entries.delete(entry.key);
      this.#unfile(entry);
    }
  }

  put(entry: Entry): Change {
    const previous = this.#set(entry);
    return this.#changed({ revision: entry.revision, entry, previous });
  }

  /** Returns what was there before. */
  #set(entry: Entry): Entry | undefined {
    const previous = this.#entries.get(entry.key);
    this.#entries.set(entry.key, entry);
    if (previous === undefined) this.#file(entry);
    else this.#reindex(entry, previous);
    return previous;
  }

  /** Returns undefined for a key that is not there. */
  delete(key: string, revision: number): Change | undefined {
    const previous = this.#entries.get(key);
    if (previous === undefined) return undefined;
    this.#entries.delete(key);
    this.#unfile(previous);
    return this.#changed({ revision, entry: undefined, previous });
  }

  #file(entry: Entry): void {
    this.#keys.add(entry.key);
    if (this.namespaced) file(this.#keysByNamespace, entry.namespace, entry.key);
    if (this.#indexOf !== undefined) file(this.#keysByIndex, this.#indexOf(entry), entry.key);
  }

  #unfile(entry: Entry): void {
    this.#keys.delete(entry.key);
    unfile(this.#keysByNamespace, entry.namespace, entry.key);
    if (this.#indexOf !== undefined) unfile(this.#keysByIndex, this.#indexOf(entry), entry.key);
  }

  #reindex(entry: Entry, previous: Entry): void {
    if (this.#indexOf === undefined) return;
    const [now, before] = [this.#indexOf(entry), this.#indexOf(previous)];
    if (now === before) return;
    unfile(this.#keysByIndex, before, entry.key);
    file(this.#keysByIndex, now, entry.key);
  }

  #changed(change: Change): Change {
    this.version++;
    this.changes.push(change);
    this.router.route(change);
    return change;
  }
}

function file(groups: Map<string, SortedKeys>, group: string, key: string): void {
  let keys = groups.get(group);
  if (keys === undefined) {
    keys = new SortedKeys();
    groups.set(group, keys);
  }
  keys.add(key);
}

function unfile(groups: Map<string, SortedKeys>, group: string, key: string): void {
  const keys = groups.get(group);
  keys?.delete(key);
  if (keys?.size === 0) groups.delete(group);
}
