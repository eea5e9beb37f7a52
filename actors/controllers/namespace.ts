/**
 * namespace-controller: empties a namespace that is being deleted, pods first, and lets it go when nothing is left; until
 * then its conditions say what keeps it.
 *
 * @see kubernetes/pkg/controller/namespace/deletion/namespaced_resources_deleter.go
 */
import {
  isMethodNotSupported,
  isNotFound,
  type Namespace,
  type NamespaceCondition,
  type Pod,
} from '../../src/api/index.ts';
import { apiServices, type KubernetesObject, keyOf, namespaces, pods, type Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  createResourceCatalog,
  isPodFinished,
  messageOf,
  type Reconciler,
  semanticallyEqual,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

const kubernetesFinalizer = 'kubernetes';
const deletionDelayMs = 5_000;
/** How soon to look again at content that finalizers or grace periods hold. */
const recheckMs = 5_000;

export const namespaceController: ControllerDefinition = {
  name: 'namespace-controller',
  queue: 'namespace',
  workers: 10,
  reads: [namespaces],
  create: createReconciler,
};

/** What is left in a namespace after everything was asked to go. */
interface Remains {
  /** Objects by resource, such as `pods.` or `deployments.apps`. */
  readonly counts: Map<string, number>;
  readonly finalizers: Map<string, number>;
  readonly errors: string[];
  /** Group versions, such as `metrics.k8s.io/v1beta1`, whose servers cannot be asked what they have. */
  readonly undiscovered: readonly string[];
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, settings } = dependencies;
  const { clock } = context;
  const lister = dependencies.lister(namespaces);
  const catalog = createResourceCatalog(dependencies);
  const delayMs = settings.namespaceDeletionDelayMs ?? deletionDelayMs;

  // Pods leave one by one as their kubelets let go of them: look again when one does.
  const leaving = dependencies.parts(pods, 'namespace', ({ type, object }) => {
    const namespace = object.metadata?.namespace;
    if (type !== 'deleted' || namespace === undefined) return;
    if (lister.get(undefined, namespace)?.metadata?.deletionTimestamp !== undefined) dependencies.enqueue(namespace);
  });
  dependencies.observe(namespaces, ({ type, object }) => {
    const { deletionTimestamp, finalizers = [], name = '' } = object.metadata ?? {};
    if (type === 'deleted') leaving.drop(name);
    if (type === 'deleted' || deletionTimestamp === undefined) return;
    void leaving.want(name);
    // Whoever holds the namespace itself by a finalizer has upstream's time to see it whole; nobody waits for it to be empty.
    dependencies.enqueueAfter(name, finalizers.length > 0 ? deletionDelayMs : delayMs);
  });

  /** Deletes all of one resource and counts what stays. What nothing accounts for has no business to be there still. */
  async function deleteAll(resource: Resource, { metadata }: Namespace, remains: Remains): Promise<void> {
    const { name: namespace = '', deletionTimestamp } = metadata ?? {};
    try {
      let { items } = await client.list(resource, { namespace });
      if (items.length === 0) return;
      const graceMs =
        resource.resource === 'pods' && resource.group === '' ? longestGraceMs(items as readonly Pod[]) : 0;
      const isLeaving = clock.now() - timeMs(deletionTimestamp) < graceMs;
      // What is on its way out already only needs waiting for.
      if (items.some(({ metadata }) => metadata?.deletionTimestamp === undefined)) {
        await deleteCollection(resource, namespace);
        items = (await client.list(resource, { namespace })).items;
      }
      if (items.length === 0) return;
      remains.counts.set(nameOf(resource), items.length);
      for (const item of items) {
        for (const finalizer of item.metadata?.finalizers ?? []) {
          remains.finalizers.set(finalizer, (remains.finalizers.get(finalizer) ?? 0) + 1);
        }
      }
      if (isLeaving || items.some((item) => (item.metadata?.finalizers?.length ?? 0) > 0)) return;
      const which = `${resource.group}/${resource.version}, Resource=${resource.resource}`;
      remains.errors.push(`unexpected items still remain in namespace: ${namespace} for gvr: ${which}`);
    } catch (error) {
      if (!isNotFound(error)) remains.errors.push(messageOf(error));
    }
  }

  async function deleteCollection(resource: Resource, namespace: string): Promise<void> {
    try {
      await client.deleteCollection(resource, { namespace, propagationPolicy: 'Background' });
    } catch (error) {
      if (!isMethodNotSupported(error)) throw error;
      const { items } = await client.list(resource, { namespace });
      await Promise.all(items.map((item) => deleteOne(resource, item)));
    }
  }

  async function deleteOne(resource: Resource, item: KubernetesObject): Promise<void> {
    try {
      await client.delete(resource, keyOf(item), { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Nobody knows what other servers keep in a namespace while they are not to be reached: it must not go. */
  async function unreachableVersions(): Promise<string[]> {
    const { items } = await client.list(apiServices);
    return items
      .filter(({ spec, status }) => spec?.service && conditionOf(status?.conditions, 'Available')?.status !== 'True')
      .map(({ spec }) => `${spec?.group}/${spec?.version}`)
      .sort();
  }

  /** Pods go before everything else, so that they do not outlive what they depend on. */
  async function empty(namespace: Namespace): Promise<Remains> {
    const remains: Remains = {
      counts: new Map(),
      finalizers: new Map(),
      errors: [],
      undiscovered: await unreachableVersions(),
    };
    await deleteAll(pods as Resource, namespace, remains);
    if (remains.counts.size > 0) return remains;
    const others = catalog
      .all()
      .filter(({ namespaced, resource, group }) => namespaced && (group !== '' || resource !== 'pods'));
    await Promise.all(others.map((resource) => deleteAll(resource, namespace, remains)));
    return remains;
  }

  async function writeConditions(namespace: Namespace, remains: Remains): Promise<Namespace> {
    const conditions = mergeConditions(namespace.status?.conditions, conditionsOf(remains, timeText(clock.now())));
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    if (semanticallyEqual(status, namespace.status)) return namespace;
    return await client.update(namespaces, { ...namespace, status }, { subresource: 'status' });
  }

  return {
    async reconcile(name) {
      if (lister.get(undefined, name)?.metadata?.deletionTimestamp === undefined) return undefined;
      try {
        const namespace = await client.get(namespaces, { name });
        const finalizers = namespace.spec?.finalizers ?? [];
        if (namespace.metadata?.deletionTimestamp === undefined || finalizers.length === 0) return undefined;
        const remains = await empty(namespace);
        const written = await writeConditions(namespace, remains);
        if (remains.counts.size > 0 || remains.errors.length > 0 || remains.undiscovered.length > 0) {
          return { requeueAfterMs: recheckMs, background: true };
        }
        const left = finalizers.filter((finalizer) => finalizer !== kubernetesFinalizer);
        if (left.length === finalizers.length) return undefined;
        const finalized: Namespace = { ...written, spec: { ...written.spec, finalizers: left } };
        await client.update(namespaces, finalized, { subresource: 'finalize' });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };
}

/** How long the pod that may take the longest of all that still run has to end. */
function longestGraceMs(items: readonly Pod[]): number {
  const graces = items
    .filter((pod) => !isPodFinished(pod))
    .map(({ spec }) => (spec?.terminationGracePeriodSeconds ?? 0) * 1000);
  return Math.max(0, ...graces);
}

function nameOf({ group, resource }: Resource): string {
  return `${resource}.${group}`;
}

type Verdict = readonly [type: string, status: 'True' | 'False', reason: string, message: string];

function conditionsOf(remains: Remains, now: string): NamespaceCondition[] {
  const { counts, finalizers, errors, undiscovered } = remains;
  const verdicts: Verdict[] = [
    undiscovered.length === 0
      ? ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered']
      : ['NamespaceDeletionDiscoveryFailure', 'True', 'DiscoveryFailed', undiscoveredText(undiscovered)],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      'False',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    errors.length === 0
      ? [
          'NamespaceDeletionContentFailure',
          'False',
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        ]
      : [
          'NamespaceDeletionContentFailure',
          'True',
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${errors.length} remaining: ${[...errors].sort().join(', ')}`,
        ],
    counts.size === 0
      ? ['NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed']
      : [
          'NamespaceContentRemaining',
          'True',
          'SomeResourcesRemain',
          `Some resources are remaining: ${listed(counts, (name, count) => `${name} has ${count} resource instances`)}`,
        ],
    finalizers.size === 0
      ? [
          'NamespaceFinalizersRemaining',
          'False',
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        ]
      : [
          'NamespaceFinalizersRemaining',
          'True',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${listed(finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
        ],
  ];
  return verdicts.map(([type, status, reason, message]) => ({
    type,
    status,
    lastTransitionTime: now,
    reason,
    message,
  }));
}

function undiscoveredText(versions: readonly string[]): string {
  const each = versions.map((version) => `${version}: stale GroupVersion discovery: ${version}`).join(', ');
  return `Discovery failed for some groups, ${versions.length} failing: unable to retrieve the complete list of server APIs: ${each}`;
}

function listed(counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string {
  return [...counts]
    .map(([name, count]) => text(name, count))
    .sort()
    .join(', ');
}

/** A condition that says the same as before keeps its time. */
function mergeConditions(
  before: readonly NamespaceCondition[] | undefined,
  now: readonly NamespaceCondition[],
): NamespaceCondition[] {
  return now.map((condition) => {
    const current = before?.find(({ type }) => type === condition.type);
    if (current === undefined || current.status !== condition.status) return condition;
    return { ...condition, lastTransitionTime: current.lastTransitionTime };
  });
}
