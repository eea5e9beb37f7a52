/**
 * garbage-collector-controller: deletes objects whose owners are all gone, waits for dependents when an owner is deleted in
 * the foreground, and cuts the references when dependents are to be orphaned. Works over all kinds, custom ones too.
 *
 * @see kubernetes/pkg/controller/garbagecollector/garbagecollector.go
 */
import { isConflict, isNotFound, type OwnerReference } from '../../src/api/index.ts';
import type { Change, KubernetesObject, Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  controllerMetrics,
  createResourceCatalog,
  foregroundFinalizer,
  OwnerGraph,
  type OwnerNode,
  orphanFinalizer,
  ownersKey,
  type Reconciler,
} from '../../src/controller/index.ts';

/** Keys of the queue: `delete/<uid>` looks at a node, `orphan/<uid>` frees its dependents. */
const deletePrefix = 'delete/';
const orphanPrefix = 'orphan/';

/** Owners that were seen to go are remembered up to this number, as upstream does. */
const goneMax = 500;

/** Events own nothing, come in masses and go by themselves. */
function isFollowed({ group, resource }: Resource): boolean {
  return !(resource === 'events' && (group === '' || group === 'events.k8s.io'));
}

export const garbageCollectorController: ControllerDefinition = {
  name: 'garbage-collector-controller',
  queue: 'garbage_collector_attempt_to_delete',
  queues: [{ name: 'garbage_collector_attempt_to_orphan', takes: (key) => key.startsWith(orphanPrefix) }],
  serviceAccount: 'generic-garbage-collector',
  workers: 20,
  interests: [{ resource: 'all', interest: 'ownership', members: ['metadata'] }],
  create: createReconciler,
};

/** What a reference names an owner by, beside its uid. */
type Identity = Pick<OwnerNode, 'kind' | 'namespace' | 'name'>;

type OwnerState = 'solid' | 'dangling' | 'waiting';

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events, informers } = dependencies;
  // Kinds are known from the informers, which try again by themselves: the number of failures stays 0.
  controllerMetrics(context.metrics, 'garbagecollector_controller_');
  const graph = new OwnerGraph({
    onSuspect: (node) => dependencies.enqueue(deletePrefix + node.uid),
    onOrphan: (node) => dependencies.enqueue(orphanPrefix + node.uid),
    onInvalidNamespace(node, reference) {
      const { apiVersion, kind, name, uid } = reference;
      const what = `[${apiVersion}/${kind}, namespace: ${node.namespace}, name: ${name}, uid: ${uid}]`;
      const message = `ownerRef ${what} does not exist in namespace "${node.namespace}"`;
      if (node.object !== undefined) events.event(node.object, 'Warning', 'OwnerRefInvalidNamespace', message);
    },
  });

  /** Owners that were seen to go, the oldest first: the server need not be asked for them once for each dependent. */
  const gone = new Map<string, Identity>();
  function remember({ uid, kind, namespace, name }: OwnerNode): void {
    gone.set(uid, { kind, namespace, name });
    const [oldest] = gone.keys();
    if (gone.size > goneMax && oldest !== undefined) gone.delete(oldest);
  }

  const handler = (resource: Resource) => (change: Change<KubernetesObject>) => {
    if (change.type !== 'deleted') return graph.observe(resource, change.object);
    const { uid = '' } = change.object.metadata ?? {};
    const node = graph.get(uid);
    if (node?.object !== undefined && node.dependents.size > 0) remember(node);
    graph.remove(uid);
  };

  /** Nodes with an owner of a kind that nobody serves: what becomes of them can be told when somebody does. */
  const awaitingKinds = new Set<string>();

  const catalog = createResourceCatalog(dependencies, (resource) => {
    for (const uid of awaitingKinds) dependencies.enqueue(deletePrefix + uid);
    awaitingKinds.clear();
    const subscription = informers.informer(resource).changes$.subscribe(handler(resource));
    context.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  });
  for (const resource of catalog.all()) if (isFollowed(resource)) dependencies.observe(resource, handler(resource));

  /** Whether the owner that a reference of `node` names is there; found absent, it leaves the graph. */
  async function stateOf(node: OwnerNode, reference: OwnerReference): Promise<OwnerState | 'unknowable'> {
    const isMeant = (owner: Identity) =>
      owner.name === reference.name &&
      owner.kind === reference.kind &&
      (owner.namespace === '' || owner.namespace === node.namespace);
    const known = graph.get(reference.uid);
    if (known?.object !== undefined && isMeant(known)) return liveState(known.object);
    const former = gone.get(reference.uid);
    if (former !== undefined && isMeant(former)) {
      if (known !== undefined && known.object === undefined) graph.remove(reference.uid);
      return 'dangling';
    }
    const resource = catalog.byKind(reference.apiVersion, reference.kind);
    if (resource === undefined) {
      awaitingKinds.add(node.uid);
      return 'unknowable';
    }
    // A cluster-scoped object cannot be owned by a namespaced one; nothing can be concluded from that.
    if (resource.namespaced && node.namespace === '') return 'unknowable';
    try {
      const owner = await client.get(resource, { namespace: node.namespace, name: reference.name });
      if (owner.metadata?.uid === reference.uid) return liveState(owner);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (known !== undefined && known.object === undefined) graph.remove(reference.uid);
    return 'dangling';
  }

  function liveState(owner: KubernetesObject | undefined): OwnerState {
    const { deletionTimestamp, finalizers } = owner?.metadata ?? {};
    return deletionTimestamp !== undefined && finalizers?.includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  async function lookAt(node: OwnerNode): Promise<void> {
    const { object, resource } = node;
    if (object === undefined || resource === undefined) return;
    if (node.deletingDependents) return finishForeground(node);
    if (object.metadata?.deletionTimestamp !== undefined || node.owners.length === 0) return;
    const { owners } = node;
    const states = await Promise.all(owners.map((reference) => stateOf(node, reference)));
    if (states.includes('unknowable')) return;
    const dead = owners.filter((_, at) => states[at] !== 'solid');
    if (dead.length === 0) return;
    // What the graph has may be old, and it does not follow everything: whatever is written is based on the object as it is.
    const latest = await latestOf(node);
    if (latest === undefined || latest.metadata?.deletionTimestamp !== undefined) return;
    if (ownersKey(owners) !== ownersKey(latest.metadata?.ownerReferences ?? [])) return graph.observe(resource, latest);
    if (dead.length < owners.length)
      return cutReferences(latest, node, (owner) => dead.some(({ uid }) => uid === owner));
    const { finalizers = [] } = latest.metadata ?? {};
    if (states.includes('waiting') && node.dependents.size > 0) {
      return remove(await breakCycle(node, latest), node, 'Foreground');
    }
    if (finalizers.includes(orphanFinalizer)) return remove(latest, node, 'Orphan');
    return remove(latest, node, finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background');
  }

  /** Two objects that own each other would wait for each other for ever: this one stops blocking. */
  async function breakCycle(node: OwnerNode, latest: KubernetesObject): Promise<KubernetesObject> {
    const cyclic = [...node.dependents].some((dependent) => dependent.deletingDependents);
    if (!cyclic) return latest;
    const ownerReferences = latest.metadata?.ownerReferences?.map((reference) => ({
      ...reference,
      blockOwnerDeletion: false,
    }));
    return (await patchMetadata(latest, node, { ownerReferences })) ?? latest;
  }

  /** As the server has it now. Undefined when it is gone, or another has its name. */
  async function latestOf(node: OwnerNode): Promise<KubernetesObject | undefined> {
    try {
      const found = await client.get(node.resource!, { namespace: node.namespace, name: node.name });
      return found.metadata?.uid === node.uid ? found : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async function finishForeground(node: OwnerNode): Promise<void> {
    const blocking = [...node.dependents].filter((dependent) =>
      dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true),
    );
    if (blocking.length === 0) return removeFinalizer(node, foregroundFinalizer);
    for (const dependent of blocking)
      if (!dependent.deletingDependents) dependencies.enqueue(deletePrefix + dependent.uid);
  }

  async function cutReferences(
    latest: KubernetesObject,
    node: OwnerNode,
    isDead: (uid: string) => boolean,
  ): Promise<void> {
    const ownerReferences = (latest.metadata?.ownerReferences ?? []).filter(({ uid }) => !isDead(uid));
    await patchMetadata(latest, node, { ownerReferences: ownerReferences.length === 0 ? null : ownerReferences });
  }

  /** The resourceVersion in the patch makes it fail when the object has changed since it was looked at. */
  async function patchMetadata(
    latest: KubernetesObject,
    node: OwnerNode,
    metadata: Record<string, unknown>,
  ): Promise<KubernetesObject | undefined> {
    const { uid, resourceVersion } = latest.metadata ?? {};
    const key = { namespace: node.namespace, name: node.name };
    try {
      return await client.patch(node.resource!, key, 'merge', { metadata: { uid, resourceVersion, ...metadata } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  async function removeFinalizer(node: OwnerNode, finalizer: string): Promise<void> {
    const latest = await latestOf(node);
    const finalizers = latest?.metadata?.finalizers ?? [];
    if (latest === undefined || !finalizers.includes(finalizer)) return;
    const left = finalizers.filter((candidate) => candidate !== finalizer);
    await patchMetadata(latest, node, { finalizers: left.length === 0 ? null : left });
  }

  /** Conditional on the version that was looked at: an object that got a new owner meanwhile stays. */
  async function remove(
    latest: KubernetesObject,
    node: OwnerNode,
    propagationPolicy: 'Orphan' | 'Foreground' | 'Background',
  ): Promise<void> {
    const { uid = '', resourceVersion = '' } = latest.metadata ?? {};
    const key = { namespace: node.namespace, name: node.name };
    try {
      await client.delete(node.resource!, key, {
        propagationPolicy,
        preconditions: { uid, resourceVersion },
        quiet: true,
      });
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error) && graph.get(uid) !== node) return;
      throw error;
    }
  }

  async function orphanDependents(node: OwnerNode): Promise<void> {
    if (node.object === undefined) return;
    const owned = [...node.dependents];
    await Promise.all(
      owned.map(async (dependent) => {
        if (dependent.object === undefined) return;
        const latest = await latestOf(dependent);
        if (latest !== undefined) await cutReferences(latest, dependent, (uid) => uid === node.uid);
      }),
    );
    await removeFinalizer(node, orphanFinalizer);
  }

  return {
    async reconcile(key) {
      const orphan = key.startsWith(orphanPrefix);
      const node = graph.get(key.slice(orphan ? orphanPrefix.length : deletePrefix.length));
      if (node === undefined) return undefined;
      if (orphan) await orphanDependents(node);
      else await lookAt(node);
      return undefined;
    },
  };
}
