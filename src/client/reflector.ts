/**
 * Keeps an ObjectCache equal to what the API server has: lists in pages, then watches from the list's resourceVersion with
 * bookmarks. A watch that ends is taken up where it stopped; after 410 `Expired` everything is listed again and the
 * differences are reported as changes. Errors back off. Informers own one reflector each.
 *
 * @see client-go/tools/cache/reflector.go
 */
import type { Subscription } from 'rxjs';
import { isExpired, isForbidden, isGone, isMethodNotSupported, isNotFound } from '../api/index.ts';
import type { Clock, Log, Random } from '../runtime/index.ts';
import type { ObjectCache } from './object-cache.ts';
import type { Change, Client, InformerOptions, KubernetesObject, Resource, WatchEvent } from './types.ts';

export interface ReflectorOptions<Type extends KubernetesObject> {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly resource: Resource<Type>;
  readonly selection: InformerOptions;
  readonly cache: ObjectCache<Type>;
  onChange(change: Change<Type>): void;
  onSynced(): void;
}

/** Objects a page of a list. */
const pageSize = 2_000;
const backoffFirstMs = 20;
const backoffMaxMs = 30_000;
/** A watch that lasted longer than this starts the back-off anew. */
const healthyWatchMs = 5_000;

/** Runs until the signal aborts. Never rejects. */
export async function reflect<Type extends KubernetesObject>(options: ReflectorOptions<Type>): Promise<void> {
  const { clock, random, log, signal, resource } = options;
  let resourceVersion: string | undefined;
  let synced = false;
  let backoffMs = backoffFirstMs;
  while (!signal.aborted) {
    const startedMs = clock.monotonic();
    let background = false;
    try {
      if (resourceVersion === undefined) {
        const listed = await listAll(options);
        resourceVersion = listed.resourceVersion;
        replace(options, listed.items, synced);
        if (!synced) {
          synced = true;
          options.onSynced();
        }
      }
      await watchFrom(options, resourceVersion, (version) => {
        resourceVersion = version;
      });
      if (clock.monotonic() - startedMs >= healthyWatchMs) {
        backoffMs = backoffFirstMs;
        continue;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error) || isGone(error)) resourceVersion = undefined;
      // A server that refuses the resource will go on refusing it: nobody should wait for that.
      background = isNotFound(error) || isForbidden(error) || isMethodNotSupported(error);
      const message = error instanceof Error ? error.message : String(error);
      log.debug('watch interrupted', { resource: resource.resource, error: message });
      if (clock.monotonic() - startedMs >= healthyWatchMs) backoffMs = backoffFirstMs;
    }
    const delayMs = backoffMs * (1 + random.next());
    backoffMs = Math.min(backoffMs * 2, backoffMaxMs);
    await clock.sleep(delayMs, { signal, background }).catch(() => undefined);
  }
}

async function listAll<Type extends KubernetesObject>(
  options: ReflectorOptions<Type>,
): Promise<{ items: Type[]; resourceVersion: string }> {
  const { client, resource, selection, signal } = options;
  const items: Type[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await client.list(resource, { ...selection, shared: true, limit: pageSize, continue: token, signal });
    for (const item of page.items) items.push(item);
    token = page.continue;
    if (token === undefined || token === '') return { items, resourceVersion: page.resourceVersion };
  }
}

/** Makes the cache hold exactly `items` and reports what that changes. */
function replace<Type extends KubernetesObject>(
  options: ReflectorOptions<Type>,
  items: readonly Type[],
  synced: boolean,
): void {
  const { cache, onChange } = options;
  const kept = new Set<Type>(items);
  for (const object of items) {
    const previous = cache.put(object);
    if (previous === undefined) onChange({ type: 'added', object, initial: !synced });
    else if (previous.metadata?.uid !== object.metadata?.uid) {
      onChange({ type: 'deleted', object: previous });
      onChange({ type: 'added', object, initial: false });
    } else if (previous.metadata?.resourceVersion !== object.metadata?.resourceVersion) {
      onChange({ type: 'updated', object, previous });
    }
  }
  if (cache.size === items.length) return;
  for (const object of cache.list()) {
    if (kept.has(object)) continue;
    cache.remove(object.metadata?.namespace, object.metadata?.name ?? '');
    onChange({ type: 'deleted', object });
  }
}

/** Resolves when the server ends the watch or the signal aborts; rejects with the watch's error. */
function watchFrom<Type extends KubernetesObject>(
  options: ReflectorOptions<Type>,
  resourceVersion: string,
  advance: (resourceVersion: string) => void,
): Promise<void> {
  const { client, resource, selection, signal } = options;
  return new Promise((resolve, reject) => {
    let subscription: Subscription | undefined;
    const stop = () => {
      subscription?.unsubscribe();
      resolve();
    };
    const ended = () => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop, { once: true });
    subscription = client
      .watch(resource, { ...selection, shared: true, resourceVersion, allowWatchBookmarks: true })
      .subscribe({
        next: (event) => advance(apply(options, event)),
        error: (error: unknown) => {
          ended();
          reject(error);
        },
        complete: () => {
          ended();
          resolve();
        },
      });
  });
}

/** Brings one event into the cache and returns the resourceVersion to go on from. */
function apply<Type extends KubernetesObject>(options: ReflectorOptions<Type>, event: WatchEvent<Type>): string {
  if (event.type === 'BOOKMARK') return event.resourceVersion;
  const { cache, onChange } = options;
  const { object } = event;
  const metadata = object.metadata ?? {};
  if (event.type === 'DELETED') {
    if (cache.remove(metadata.namespace, metadata.name ?? '') !== undefined) onChange({ type: 'deleted', object });
  } else {
    const previous = cache.put(object);
    if (previous === undefined) onChange({ type: 'added', object, initial: false });
    else onChange({ type: 'updated', object, previous });
  }
  return metadata.resourceVersion ?? '';
}
