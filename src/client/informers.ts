/**
 * Informers of one client: for each resource and selection one cache that follows the API server, shared by everybody who
 * asks for it. Controllers, the scheduler and the proxies read and subscribe here.
 */
import { setMaxListeners } from 'node:events';
import { Observable, Subject } from 'rxjs';
import type { ActorContext, Clock, Log, Random } from '../runtime/index.ts';
import { createBusClient } from './bus.ts';
import { ObjectCache } from './object-cache.ts';
import { reflect } from './reflector.ts';
import type { Change, Client, Informer, InformerOptions, Informers, KubernetesObject, Resource } from './types.ts';

export interface InformersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends all watches. */
  readonly signal: AbortSignal;
}

/** Each informer starts when it is asked for first, and runs until the signal aborts. */
export function createInformers(client: Client, options: InformersOptions): Informers {
  const informers = new Map<string, Informer<KubernetesObject>>();
  // One signal ends them all: many listeners are no leak.
  setMaxListeners(0, options.signal);
  return {
    informer<Type extends KubernetesObject>(resource: Resource<Type>, selection: InformerOptions = {}) {
      const { group, version, resource: plural } = resource;
      const { namespace = '', labelSelector = '', fieldSelector = '', interest = '', members = [] } = selection;
      const key = [group, version, plural, namespace, labelSelector, fieldSelector, interest, ...members].join('|');
      const existing = informers.get(key);
      if (existing !== undefined) return existing as unknown as Informer<Type>;
      const created = startInformer(client, options, resource, selection);
      informers.set(key, created as unknown as Informer<KubernetesObject>);
      return created;
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.synced()));
    },
  };
}

/**
 * The informers of this thread: actors in one thread that follow the same resources decode each object once. They live as
 * long as the thread, with the identity of the actor that asked first.
 */
export function sharedInformers(context: ActorContext, address = 'apiserver'): Informers {
  return context.host.share(`informers/${address}`, (shared) => {
    const client = createBusClient(shared.bus, { address, clock: shared.clock });
    const { clock, random, log, signal } = shared;
    return createInformers(client, { clock, random, log, signal });
  });
}

function startInformer<Type extends KubernetesObject>(
  client: Client,
  options: InformersOptions,
  resource: Resource<Type>,
  selection: InformerOptions,
): Informer<Type> {
  const cache = new ObjectCache<Type>();
  const changes = new Subject<Change<Type>>();
  let hasSynced = false;
  let markSynced = () => {};
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });
  void reflect({
    client,
    ...options,
    resource,
    selection,
    cache,
    onChange: (change) => changes.next(change),
    onSynced: () => {
      hasSynced = true;
      markSynced();
    },
  });
  return {
    resource,
    lister: cache,
    changes$: new Observable((subscriber) => {
      for (const object of cache.list()) subscriber.next({ type: 'added', object, initial: true });
      return changes.subscribe(subscriber);
    }),
    get hasSynced() {
      return hasSynced;
    },
    synced: () => synced,
    addIndex: (name, valuesOf) => cache.addIndex(name, valuesOf),
  };
}
