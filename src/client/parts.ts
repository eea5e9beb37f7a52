/**
 * Follows parts of a resource, each while somebody wants it: the pods of the namespaces that have Services, or of the nodes that
 * are tainted. All parts are in one cache, and changes of all are told to one listener; what nobody wants is neither sent nor
 * decoded. Above a number of parts everything is followed instead, by one watch.
 */
import type { InformersOptions } from './informers.ts';
import { ObjectCache } from './object-cache.ts';
import { reflect } from './reflector.ts';
import type { Change, Client, InformerOptions, KubernetesObject, Parts, Resource } from './types.ts';

export interface PartsOptions<Type extends KubernetesObject> extends InformersOptions {
  readonly resource: Resource<Type>;
  /** What selects a part. */
  selectionOf(part: string): InformerOptions;
  onChange(change: Change<Type>): void;
  /** Parts that are followed one by one. Default 64. */
  readonly partsMax?: number;
}

interface Part<Type> {
  readonly stop: AbortController;
  readonly synced: Promise<void>;
  /** What came by this part; the common cache holds the same objects. */
  readonly objects: ObjectCache<Type & KubernetesObject>;
}

const everything = '';
const partsMaxDefault = 64;

/** Nothing is asked of the server before the first `want`. All ends with the signal. */
export function createParts<Type extends KubernetesObject>(client: Client, options: PartsOptions<Type>): Parts<Type> {
  const { clock, random, log, signal, resource, selectionOf, onChange, partsMax = partsMaxDefault } = options;
  const cache = new ObjectCache<Type>();
  const parts = new Map<string, Part<Type>>();
  const wanted = new Set<string>();

  /** Two parts, or a part and everything, may bring the same news: only what is newer than the cache is passed on. */
  function apply(change: Change<Type>): void {
    const { object } = change;
    const { namespace, name = '' } = object.metadata ?? {};
    const known = cache.get(namespace, name);
    if (change.type === 'deleted') {
      if (known === undefined) return;
      cache.remove(namespace, name);
      onChange(change);
      return;
    }
    if (known?.metadata?.resourceVersion === object.metadata?.resourceVersion) return;
    cache.put(object);
    onChange(
      known === undefined ? { type: 'added', object, initial: false } : { type: 'updated', object, previous: known },
    );
  }

  function begin(part: string): Part<Type> {
    const stop = new AbortController();
    const objects = new ObjectCache<Type>();
    const end = () => stop.abort();
    signal.addEventListener('abort', end, { once: true });
    const synced = new Promise<void>((resolve, reject) => {
      stop.signal.addEventListener('abort', () => reject(new Error(`${resource.resource} are no longer followed`)), {
        once: true,
      });
      void reflect({
        client,
        clock,
        random,
        log,
        signal: stop.signal,
        resource,
        selection: part === everything ? {} : selectionOf(part),
        cache: objects,
        onChange: (change) => {
          if (!stop.signal.aborted) apply(change);
        },
        onSynced: resolve,
      }).finally(() => signal.removeEventListener('abort', end));
    });
    // Whoever waits hears of the end; nobody has to wait.
    synced.catch(() => undefined);
    if (signal.aborted) end();
    const begun = { stop, synced, objects };
    parts.set(part, begun);
    return begun;
  }

  function end(name: string): void {
    const part = parts.get(name);
    if (part === undefined) return;
    parts.delete(name);
    part.stop.abort();
    if (parts.has(everything)) return;
    for (const { metadata } of part.objects.list()) cache.remove(metadata?.namespace, metadata?.name ?? '');
  }

  /** One watch takes over from the many as soon as it has seen everything. */
  function beginEverything(): Part<Type> {
    const whole = begin(everything);
    whole.synced.then(
      () => {
        for (const [name, part] of parts) {
          if (name === everything) continue;
          parts.delete(name);
          part.stop.abort();
        }
      },
      () => undefined,
    );
    return whole;
  }

  return {
    lister: cache,
    want(part) {
      wanted.add(part);
      const followed = parts.get(everything) ?? parts.get(part);
      if (followed !== undefined) return followed.synced;
      return (parts.size < partsMax ? begin(part) : beginEverything()).synced;
    },
    drop(part) {
      wanted.delete(part);
      end(part);
      // Many parts may go one by one: one watch of everything goes with the last of them.
      if (wanted.size === 0) end(everything);
    },
    addIndex: (name, valuesOf) => cache.addIndex(name, valuesOf),
  };
}
