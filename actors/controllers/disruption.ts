/**
 * disruption-controller: keeps the status of PodDisruptionBudgets: how many pods are healthy, how many must be, and how many
 * may be evicted now. Evictions themselves are decided by the API server.
 *
 * @see kubernetes/pkg/controller/disruption/disruption.go
 */
import {
  conditionsOfBudget,
  goSelector,
  isConflict,
  isDisruptionAllowedCurrent,
  isNotFound,
  isStatusError,
  type OwnerReference,
  type Pod,
  type PodDisruptionBudget,
  withDisruptionAllowed,
} from '../../src/api/index.ts';
import {
  deployments,
  type KubernetesObject,
  keyOf,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  conditionOf,
  controllerOf,
  createResourceCatalog,
  isPodFinished,
  isPodReady,
  keyFor,
  matcherOf,
  messageOf,
  type Reconciler,
  scaledValue,
  semanticallyEqual,
  splitKey,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

/** An eviction that did not become a deletion within this time does not count any more. */
const evictionTimeoutMs = 120_000;
/** A pod that was to be disrupted and is not being deleted after this time is not disrupted any more. */
const staleDisruptionMs = 120_000;
/** Keys of pods whose disruption may be stale; others are those of budgets. */
const stalePrefix = 'stale:';

export const disruptionController: ControllerDefinition = {
  name: 'disruption-controller',
  queue: 'disruption',
  queues: [{ name: 'stale_pod_disruption', takes: (key) => key.startsWith(stalePrefix) }],
  component: 'controllermanager',
  serviceAccount: 'disruption-controller',
  reconciles: podDisruptionBudgets,
  create: createReconciler,
};

/** How many pods there should be, by the uid of what says so. */
type Scales = Map<string, number>;

/** What may be scaled, as far as that is looked at here. */
interface Scalable extends KubernetesObject {
  spec?: { readonly replicas?: number | undefined } | undefined;
}

interface Expectation {
  readonly expected: number;
  readonly desired: number;
  /** Some pods have no controller: what they are part of cannot be told. */
  readonly unmanaged: boolean;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const budgetLister = dependencies.lister(podDisruptionBudgets);
  const catalog = createResourceCatalog(dependencies);
  const scalable = [
    dependencies.parts(deployments, 'namespace'),
    dependencies.parts(replicaSets, 'namespace'),
    dependencies.parts(replicationControllers, 'namespace'),
    dependencies.parts(statefulSets, 'namespace'),
  ] as const;
  const [deploymentLister, replicaSetLister, controllerLister, statefulSetLister] = [
    scalable[0].lister,
    scalable[1].lister,
    scalable[2].lister,
    scalable[3].lister,
  ];

  const guarded = dependencies.parts(pods, 'namespace', (change) => {
    const { type, object: pod } = change;
    if (type !== 'deleted') lookForStale(pod);
    const former = type === 'updated' ? change.previous.metadata?.labels : undefined;
    const { namespace, name, labels } = pod.metadata ?? {};
    const budgets = budgetLister
      .list(namespace)
      .map((budget) => ({ budget, matches: matcherOf(budget.spec?.selector) }));
    for (const { budget, matches } of budgets) {
      if (matches(labels) || (former !== undefined && matches(former))) dependencies.enqueue(keyFor(budget));
    }
    const [first, ...others] = budgets.filter(({ matches }) => matches(labels));
    if (others.length === 0) return;
    const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${first?.budget.metadata?.name}" arbitrarily.`;
    events.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', message);
  });
  const podLister = guarded.lister;
  dependencies.observe(podDisruptionBudgets, ({ type, object }) => {
    const { namespace = '' } = object.metadata ?? {};
    if (type !== 'deleted' || budgetLister.list(namespace).length > 0) return;
    for (const parts of [guarded, ...scalable]) parts.drop(namespace);
  });

  /** The cached object that a reference means: of the same uid, or none. */
  function ownerOf(pod: Pod, reference: OwnerReference): Scalable | undefined {
    const { kind, name, uid } = reference;
    const namespace = pod.metadata?.namespace;
    const listers: Readonly<
      Record<string, { get(namespace: string | undefined, name: string): Scalable | undefined }>
    > = {
      Deployment: deploymentLister,
      ReplicaSet: replicaSetLister,
      ReplicationController: controllerLister,
      StatefulSet: statefulSetLister,
    };
    const found = listers[kind]?.get(namespace, name);
    return found?.metadata?.uid === uid ? found : undefined;
  }

  /** Adds the scale of what controls the pod: of a ReplicaSet's Deployment where there is one. @throws Error when nothing tells it */
  async function addScale(pod: Pod, reference: OwnerReference, scales: Scales): Promise<void> {
    const owner = ownerOf(pod, reference);
    const parent = owner !== undefined && reference.kind === 'ReplicaSet' ? controllerOf(owner) : undefined;
    const counted = parent?.kind === 'Deployment' ? ownerOf(pod, parent) : owner;
    if (counted !== undefined) scales.set(counted.metadata?.uid ?? '', counted.spec?.replicas ?? 1);
    else await addScaleOf(pod, reference, scales);
  }

  /** Any kind may have a scale: it is asked for. */
  async function addScaleOf(pod: Pod, { apiVersion, kind, name, uid }: OwnerReference, scales: Scales): Promise<void> {
    const resource = catalog.byKind(apiVersion, kind);
    if (resource === undefined) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
    let scale: Scalable | undefined;
    try {
      const key = resource.namespaced ? { namespace: pod.metadata?.namespace, name } : { name };
      scale = (await client.get(resource, key, { subresource: 'scale' })) as Scalable;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const title = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
      // What is not there is named; a subresource that is not served is not.
      const served = isStatusError(error) && error.status.details?.name !== undefined;
      if (!served) throw new Error(`${title} does not implement the scale subresource`, { cause: error });
    }
    if (scale?.metadata?.uid !== uid) throw new Error(`found no controllers for pod "${pod.metadata?.name}"`);
    scales.set(uid, scale.spec?.replicas ?? 0);
  }

  async function expectation(budget: PodDisruptionBudget, matching: readonly Pod[]): Promise<Expectation> {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    const share = maxUnavailable ?? minAvailable;
    if (share === undefined) return { expected: 0, desired: 0, unmanaged: false };
    if (maxUnavailable === undefined && typeof share === 'number') {
      return { expected: matching.length, desired: share, unmanaged: false };
    }
    const scales: Scales = new Map();
    let unmanaged = false;
    for (const pod of matching) {
      const reference = controllerOf(pod);
      if (reference === undefined) unmanaged = true;
      else if (!scales.has(reference.uid)) await addScale(pod, reference, scales);
    }
    const expected = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
    const scaled = scaledValue(share, expected, 'up');
    return { expected, desired: maxUnavailable === undefined ? scaled : Math.max(0, expected - scaled), unmanaged };
  }

  /** Evicted pods of the budget that are still there and not being deleted yet. */
  function pendingEvictions(budget: PodDisruptionBudget, matching: readonly Pod[]): Record<string, string> {
    const pending: Record<string, string> = {};
    const { namespace } = budget.metadata ?? {};
    for (const pod of matching) {
      const { name = '', deletionTimestamp } = pod.metadata ?? {};
      const time = budget.status?.disruptedPods?.[name];
      if (time === undefined || deletionTimestamp !== undefined) continue;
      if (timeMs(time) + evictionTimeoutMs >= clock.now()) pending[name] = time;
      else {
        // Upstream names the namespace twice.
        const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
        events.event(pod, 'Warning', 'NotDeleted', message);
      }
    }
    return pending;
  }

  /** Takes note of a pod that is to be disrupted and may not be deleted after all. */
  function lookForStale(pod: Pod): void {
    const leftMs = staleInMs(pod);
    if (leftMs !== undefined) {
      dependencies.enqueueAfter(stalePrefix + keyFor(pod), leftMs, { background: true });
    }
  }

  /** Milliseconds until the pod's disruption is stale; undefined when it has none that could be. The kubelet's never are. */
  function staleInMs(pod: Pod): number | undefined {
    const disrupted = conditionOf(pod.status?.conditions, 'DisruptionTarget');
    if (pod.metadata?.deletionTimestamp !== undefined || isPodFinished(pod)) return undefined;
    if (disrupted?.status !== 'True' || disrupted.reason === 'TerminationByKubelet') return undefined;
    return Math.max(0, timeMs(disrupted.lastTransitionTime) + staleDisruptionMs - clock.now());
  }

  async function clearStale(key: string): Promise<void> {
    const { namespace, name } = splitKey(key);
    const pod = podLister.get(namespace, name);
    const leftMs = pod === undefined ? undefined : staleInMs(pod);
    if (pod === undefined || leftMs === undefined) return;
    if (leftMs > 0) return lookForStale(pod);
    const { generation: observedGeneration } = pod.metadata ?? {};
    const condition = { status: 'False', reason: null, message: null, lastTransitionTime: timeText(clock.now()) };
    const conditions = [{ type: 'DisruptionTarget', observedGeneration, ...condition }];
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions } };
    await client.patch(pods, keyOf(pod), 'strategic', patch, { subresource: 'status' });
  }

  async function statusOf(
    budget: PodDisruptionBudget,
    matching: readonly Pod[],
  ): Promise<NonNullable<PodDisruptionBudget['status']>> {
    const { expected, desired, unmanaged } = await expectation(budget, matching);
    if (unmanaged) {
      const message =
        `Pods selected by this PodDisruptionBudget (selector: ${goSelector(budget.spec?.selector)}) were found to be unmanaged. ` +
        'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
        'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';
      events.event(budget, 'Warning', 'UnmanagedPods', message);
    }
    const disruptedPods = pendingEvictions(budget, matching);
    const healthy = matching.filter(
      (pod) =>
        isPodReady(pod) &&
        pod.metadata?.deletionTimestamp === undefined &&
        !((pod.metadata?.name ?? '') in disruptedPods),
    ).length;
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
    const status: NonNullable<PodDisruptionBudget['status']> = {
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      observedGeneration: budget.metadata?.generation,
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    };
    const { conditions, ...told } = budget.status ?? {};
    // The condition is not looked at for anything but its status: a failure that changes no number stays in it.
    const conditional = { ...status, ...(conditions === undefined ? {} : { conditions }) };
    if (semanticallyEqual(told, status) && isDisruptionAllowedCurrent({ ...budget, status: conditional }))
      return conditional;
    return { ...status, conditions: conditionsOfBudget(conditional, timeText(clock.now())) };
  }

  /** Nothing may be evicted while the numbers cannot be told; what was told before stands. */
  function failedStatus(budget: PodDisruptionBudget, error: unknown): NonNullable<PodDisruptionBudget['status']> {
    const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, conditions, ...told } = budget.status ?? {};
    const { observedGeneration } = told;
    const verdict = { status: 'False', reason: 'SyncFailed', message: messageOf(error), observedGeneration };
    return {
      ...told,
      disruptionsAllowed: 0,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      conditions: withDisruptionAllowed(conditions, verdict, timeText(clock.now())),
    };
  }

  async function write(budget: PodDisruptionBudget, status: NonNullable<PodDisruptionBudget['status']>): Promise<void> {
    if (semanticallyEqual(budget.status, status)) return;
    try {
      await client.update(podDisruptionBudgets, { ...budget, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
  }

  return {
    async reconcile(key) {
      if (key.startsWith(stalePrefix)) {
        await clearStale(key.slice(stalePrefix.length));
        return undefined;
      }
      const { namespace, name } = splitKey(key);
      if (budgetLister.get(namespace, name) !== undefined) {
        await Promise.all([guarded, ...scalable].map((parts) => parts.want(namespace)));
      }
      // Evictions change the status too, and the cache may not show them yet: a conflict brings this back.
      const budget = budgetLister.get(namespace, name);
      if (budget === undefined) return undefined;
      const matches = matcherOf(budget.spec?.selector);
      const matching = podLister.list(namespace).filter((pod) => matches(pod.metadata?.labels));
      if (matching.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
      let status: NonNullable<PodDisruptionBudget['status']>;
      try {
        status = await statusOf(budget, matching);
      } catch (error) {
        if (isConflict(error)) throw error;
        const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
        events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
        await write(budget, failedStatus(budget, error));
        return undefined;
      }
      await write(budget, status);
      const firstMs = Math.min(...Object.values(status.disruptedPods ?? {}).map(timeMs));
      if (firstMs === Number.POSITIVE_INFINITY) return undefined;
      return { requeueAfterMs: Math.max(1, firstMs + evictionTimeoutMs + 1 - clock.now()), background: true };
    },
  };
}
