/**
 * Runs a ControllerDefinition inside an actor: subscribes to what it watches, waits until the caches have synced, then feeds
 * keys from the work queue to its reconciler. A reconcile that throws comes back with back-off; a bug in an event handler
 * ends the actor.
 */
import { setMaxListeners } from 'node:events';
import { Subscription } from 'rxjs';
import { isStatusError } from '../api/index.ts';
import {
  type Change,
  createBusClient,
  createEventRecorder,
  createParts,
  type Informer,
  type InformerOptions,
  type KubernetesObject,
  type Parts,
  type Resource,
  sharedInformers,
  WorkQueue,
} from '../client/index.ts';
import type { ActorContext, RunningActor } from '../runtime/index.ts';
import { controllerMetrics } from './controller-metrics.ts';
import { keyFor } from './keys.ts';
import { OwnWrites } from './own-writes.ts';
import { controllerOf } from './owner-references.ts';
import type { ControllerDefinition, ControllerDependencies, ControllerSettings, Key, Watch } from './types.ts';

const defaultWorkers = 5;

/**
 * For controllers of workloads: each key costs some round trips, and what is under way together travels together. With five, a
 * thousand Deployments wait for four hundred rounds.
 */
export const manyWorkers = 64;

/** Events come after what they tell of: with 64, two of nine requests until a burst of Deployments is available were events of theirs. */
const eventWritesUsual = 2;

export interface RunOptions {
  readonly settings?: ControllerSettings;
  /** Address of the API server. Default `apiserver`. */
  readonly server?: string;
  /** Whether it asks for what it needs alone, rather than share what others of its thread follow. Default: it has a thread of its own. */
  readonly alone?: boolean;
}

/** Starts the controller and returns at once: it works as soon as its caches have synced, and again after every outage. */
export function runController(
  definition: ControllerDefinition,
  context: ActorContext,
  options: RunOptions = {},
): RunningActor {
  const { bus, clock, log, metrics, activity, signal } = context;
  const address = options.server ?? 'apiserver';
  const alone = options.alone ?? context.host.dedicated;
  const busClient = createBusClient(bus, { address, clock, metrics });
  const informers = sharedInformers(context, address);
  const { reconciles } = definition;
  const { retry } = definition;
  const backOff = retry === undefined ? {} : { retryBaseMs: retry.firstMs, retryMaxMs: retry.mostMs };
  const makeQueue = (name: string) => new WorkQueue<Key>({ name, clock, metrics, activity, ...backOff });
  const mainQueue = makeQueue(definition.queue ?? definition.name);
  const further = (definition.queues ?? []).map(({ name, takes }) => ({ takes, queue: makeQueue(name) }));
  if (definition.runsAs !== undefined) {
    controllerMetrics(metrics, 'running_').set('running_managed_controllers', definition.runsAs, 1);
  }
  const queues = [mainQueue, ...further.map(({ queue }) => queue)];
  const queueOf = (key: Key) =>
    further.length === 0 ? mainQueue : (further.find(({ takes }) => takes(key))?.queue ?? mainQueue);
  const enqueue = (key: Key) => queueOf(key).add(key);
  const component = definition.component ?? definition.name;
  const events = createEventRecorder(busClient, context, { component, writesUsual: eventWritesUsual });
  const subscriptions = new Subscription();
  const awaited = new Set<Informer<KubernetesObject>>();

  const informerOf = <Type extends KubernetesObject>(
    resource: Resource<Type>,
    selection: InformerOptions = {},
  ): Informer<Type> => {
    const wanted = alone
      ? definition.interests?.find((entry) => entry.resource === resource || entry.resource === 'all')
      : undefined;
    const { resource: _, ...interest } = wanted ?? {};
    const informer = informers.informer(resource, { ...selection, ...interest });
    awaited.add(informer as unknown as Informer<KubernetesObject>);
    return informer;
  };
  const ownWrites = reconciles === undefined ? undefined : new OwnWrites(reconciles, informerOf(reconciles).lister);
  const client = ownWrites?.follow(busClient) ?? busClient;
  /** The informers may be shared with other actors of this thread: a bug here must end this actor, not them. */
  const guarded =
    <Type extends KubernetesObject>(handle: (change: Change<Type>) => void) =>
    (change: Change<Type>) => {
      try {
        handle(change);
      } catch (error) {
        context.fail(error);
      }
    };
  const observe = <Type extends KubernetesObject>(
    resource: Resource<Type>,
    handle: (change: Change<Type>) => void,
    selection: InformerOptions = {},
  ) => {
    subscriptions.add(informerOf(resource, selection).changes$.subscribe(guarded(handle)));
  };
  const partsOf = <Type extends KubernetesObject>(
    resource: Resource<Type>,
    by: 'namespace' | 'node',
    handle: (change: Change<Type>) => void = () => undefined,
  ): Parts<Type> => {
    if (!alone) {
      observe(resource, handle);
      const { lister, addIndex, synced } = informerOf(resource);
      return { lister, addIndex, want: synced, drop: () => undefined };
    }
    return createParts(busClient, {
      clock,
      random: context.random,
      log,
      signal,
      resource,
      selectionOf: (part) => (by === 'namespace' ? { namespace: part } : { fieldSelector: `spec.nodeName=${part}` }),
      onChange: guarded(handle),
    });
  };
  const dependencies: ControllerDependencies = {
    context,
    client,
    informers,
    events,
    settings: options.settings ?? {},
    lister: (resource, selection) => informerOf(resource, selection).lister,
    index: (resource, name, valuesOf) => informerOf(resource).addIndex(name, valuesOf),
    observe,
    parts: partsOf,
    synced: allSynced,
    enqueue,
    enqueueAfter: (key, delayMs, delay) => queueOf(key).addAfter(key, delayMs, delay),
  };

  setMaxListeners(0, signal);
  for (const resource of definition.reads ?? []) informerOf(resource);
  const reconciler = definition.create(dependencies);
  if (definition.reconciles !== undefined) {
    observe(definition.reconciles, (change) => {
      if (definition.wakes?.(change as Change<never>) !== false) enqueue(keyFor(change.object));
    });
  }
  for (const resource of definition.owns ?? []) {
    observe(resource, (change) => {
      enqueueOwner(change.object);
      if (change.type === 'updated') enqueueOwner(change.previous);
    });
  }
  for (const watch of definition.watches ?? []) observeWatch(watch as unknown as Watch);

  function enqueueOwner(object: KubernetesObject): void {
    const owner = controllerOf(object);
    if (owner?.kind !== definition.reconciles?.kind || owner === undefined) return;
    const namespace = object.metadata?.namespace;
    enqueue(namespace === undefined ? owner.name : `${namespace}/${owner.name}`);
  }

  function observeWatch(watch: Watch): void {
    observe(watch.resource, (change) => {
      const previous = change.type === 'updated' ? change.previous : undefined;
      for (const key of watch.keys(change.object, previous, dependencies)) enqueue(key);
    });
  }

  async function handle(key: Key): Promise<void> {
    if (ownWrites?.isStale(key) === true) return;
    const queue = queueOf(key);
    try {
      const result = await reconciler.reconcile(key);
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) {
        queue.addAfter(key, result.requeueAfterMs, { background: result.background ?? false });
      }
    } catch (error) {
      if (signal.aborted) return;
      report(key, error);
      queue.addRateLimited(key);
    }
  }

  /** Lost races and refusals are part of the day; anything else is worth a person's attention. */
  function report(key: Key, error: unknown): void {
    const fields = {
      key,
      error: error instanceof Error ? error.message : String(error),
      retries: queueOf(key).retries(key),
    };
    const refused = isStatusError(error) || (error instanceof Error && isStatusError(error.cause));
    if (refused) log.debug('reconcile failed', fields);
    else log.warn('reconcile failed', { ...fields, stack: error instanceof Error ? error.stack : undefined });
  }

  async function allSynced(): Promise<void> {
    await Promise.all([...awaited].map((informer) => informer.synced()));
  }

  async function begin(): Promise<void> {
    await allSynced();
    if (signal.aborted) return;
    await reconciler.start?.();
    for (const queue of queues) queue.run(definition.workers ?? defaultWorkers, handle);
  }

  const stop = () => {
    subscriptions.unsubscribe();
    for (const queue of queues) queue.stop();
  };
  signal.addEventListener('abort', stop, { once: true });
  begin().catch((error: unknown) => context.fail(error));
  return { stop };
}
