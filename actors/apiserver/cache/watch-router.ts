/**
 * Routes changes of one kind to the watchers that want them. Watchers are filed under what their request fixes (the value of
 * an indexed field such as a pod's `spec.nodeName`, a name, a namespace, or nothing), so a change looks at a few buckets
 * whatever the number of watchers. Inside a bucket watchers with the same selectors form a group, which is asked once.
 */
import type { Change } from './change-ring.ts';
import type { Entry } from './entry.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** The receiving end of one watch. `deliver` only collects; `flush` is called once after the changes of a turn. */
export interface Watcher {
  deliver(type: WatchEventType, entry: Entry): void;
  flush(): void;
  /** Called on the bookmark interval. */
  bookmark(revision: number): void;
  /** Called when the kind is no longer what it was when the watch began. */
  end(): void;
}

/** What a watcher wants. */
export interface WatchInterest {
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Value that the indexed field must have. */
  readonly indexed: string | undefined;
  /** Equal texts mean equal selectors. */
  readonly selector: string;
  /** All conditions, the above included. */
  readonly matches: (entry: Entry) => boolean;
  /** Whether an update says something new to the watcher; undefined: every update does. */
  readonly minds?: ((before: Entry, after: Entry) => boolean) | undefined;
}

interface Group {
  readonly wants: Pick<WatchInterest, 'matches' | 'minds'>;
  readonly watchers: Set<Watcher>;
}

type Bucket = Map<string, Group>;

export class WatchRouter {
  readonly #everything: Bucket = new Map();
  readonly #byNamespace = new Map<string, Bucket>();
  readonly #byName = new Map<string, Bucket>();
  readonly #byIndex = new Map<string, Bucket>();
  readonly #indexOf: ((entry: Entry) => string) | undefined;
  readonly #touched = new Set<Watcher>();
  readonly #all = new Set<Watcher>();

  constructor(indexOf?: (entry: Entry) => string) {
    this.#indexOf = indexOf;
  }

  get size(): number {
    return this.#all.size;
  }

  get watchers(): Iterable<Watcher> {
    return this.#all;
  }

  /** Files a watcher; the returned function removes it. */
  add(interest: WatchInterest, watcher: Watcher): () => void {
    const [buckets, key] = this.#placeOf(interest);
    let bucket = buckets === undefined ? this.#everything : buckets.get(key);
    if (bucket === undefined) {
      bucket = new Map();
      buckets?.set(key, bucket);
    }
    const groupKey = `${interest.namespace ?? ''}|${interest.name ?? ''}|${interest.selector}`;
    let group = bucket.get(groupKey);
    if (group === undefined) {
      group = { wants: interest, watchers: new Set() };
      bucket.set(groupKey, group);
    }
    const [home, members] = [bucket, group.watchers];
    members.add(watcher);
    this.#all.add(watcher);
    return () => {
      members.delete(watcher);
      this.#all.delete(watcher);
      this.#touched.delete(watcher);
      if (members.size === 0 && home.get(groupKey)?.watchers === members) {
        home.delete(groupKey);
        if (home.size === 0 && buckets?.get(key) === home) buckets.delete(key);
      }
    };
  }

  #placeOf(interest: WatchInterest): [Map<string, Bucket> | undefined, string] {
    if (interest.indexed !== undefined && this.#indexOf !== undefined) return [this.#byIndex, interest.indexed];
    if (interest.name !== undefined) return [this.#byName, interest.name];
    if (interest.namespace !== undefined) return [this.#byNamespace, interest.namespace];
    return [undefined, ''];
  }

  /** Hands a change to every group that wants it, now or before. */
  route(change: Change): void {
    if (this.#all.size === 0) return;
    const subject = (change.entry ?? change.previous) as Entry;
    this.#ask(this.#everything, change);
    this.#ask(this.#byNamespace.get(subject.namespace), change);
    this.#ask(this.#byName.get(subject.name), change);
    if (this.#indexOf !== undefined && this.#byIndex.size > 0) {
      const now = change.entry === undefined ? undefined : this.#indexOf(change.entry);
      const before = change.previous === undefined ? undefined : this.#indexOf(change.previous);
      if (now !== undefined) this.#ask(this.#byIndex.get(now), change);
      if (before !== undefined && before !== now) this.#ask(this.#byIndex.get(before), change);
    }
  }

  #ask(bucket: Bucket | undefined, change: Change): void {
    if (bucket === undefined) return;
    for (const group of bucket.values()) {
      const [type, entry] = eventOf(change, group.wants) ?? [];
      if (type === undefined || entry === undefined) continue;
      for (const watcher of group.watchers) {
        watcher.deliver(type, entry);
        this.#touched.add(watcher);
      }
    }
  }

  /** Ends all watches: their clients begin anew, or learn that the kind is gone. */
  end(): void {
    for (const watcher of [...this.#all]) watcher.end();
  }

  /** Sends what the watchers have collected. */
  flush(): void {
    if (this.#touched.size === 0) return;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const watcher of touched) watcher.flush();
  }
}

/**
 * What a change means to somebody who sees only matching objects: an object that begins to match is ADDED, one that ceases
 * to match is DELETED with its last matching state under the change's revision.
 * @see staging/src/k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go
 */
export function eventOf(
  change: Change,
  { matches, minds }: Pick<WatchInterest, 'matches' | 'minds'>,
): readonly [WatchEventType, Entry] | undefined {
  const now = change.entry !== undefined && matches(change.entry);
  const before = change.previous !== undefined && matches(change.previous);
  if (now && before && minds?.(change.previous as Entry, change.entry as Entry) === false) return undefined;
  if (now) return [before ? 'MODIFIED' : 'ADDED', change.entry as Entry];
  if (before) return ['DELETED', (change.previous as Entry).at(change.revision)];
  return undefined;
}
