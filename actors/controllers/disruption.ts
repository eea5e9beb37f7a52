/**
 * disruption-controller: keeps the status of PodDisruptionBudgets: how many pods are healthy, how many must be, and how many
 * may be evicted now. Evictions themselves are decided by the API server.
 *
 * @see kubernetes/pkg/controller/disruption/disruption.go
 */
import { isNotFound, type Pod, type PodDisruptionBudget } from '../../src/api/index.ts';
import {
  deployments,
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

export const disruptionController: ControllerDefinition = {
  name: 'disruption-controller',
  component: 'controllermanager',
  serviceAccount: 'disruption-controller',
  reconciles: podDisruptionBudgets,
  create: createReconciler,
};

interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const budgetLister = dependencies.lister(podDisruptionBudgets);
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
    const states = change.type === 'updated' ? [change.object, change.previous] : [change.object];
    for (const budget of budgetLister.list(change.object.metadata?.namespace)) {
      const matches = matcherOf(budget.spec?.selector);
      if (states.some((pod) => matches(pod.metadata?.labels))) dependencies.enqueue(keyFor(budget));
    }
  });
  const podLister = guarded.lister;
  dependencies.observe(podDisruptionBudgets, ({ type, object }) => {
    const { namespace = '' } = object.metadata ?? {};
    if (type !== 'deleted' || budgetLister.list(namespace).length > 0) return;
    for (const parts of [guarded, ...scalable]) parts.drop(namespace);
  });

  /** The object whose scale says how many pods there should be. @throws Error for a pod without one */
  function scaleOf(pod: Pod): Scale {
    const namespace = pod.metadata?.namespace;
    const owner = controllerOf(pod);
    const scaled = (object: {
      metadata?: { uid?: string | undefined } | undefined;
      spec?: { replicas?: number | undefined } | undefined;
    }) => ({
      uid: object.metadata?.uid ?? '',
      replicas: object.spec?.replicas ?? 1,
    });
    if (owner?.kind === 'ReplicaSet') {
      const replicaSet = replicaSetLister.get(namespace, owner.name);
      const parent = replicaSet === undefined ? undefined : controllerOf(replicaSet);
      const deployment = parent?.kind === 'Deployment' ? deploymentLister.get(namespace, parent.name) : undefined;
      if (deployment !== undefined) return scaled(deployment);
      if (replicaSet !== undefined) return scaled(replicaSet);
    }
    const found =
      owner?.kind === 'StatefulSet'
        ? statefulSetLister.get(namespace, owner.name)
        : owner?.kind === 'ReplicationController'
          ? controllerLister.get(namespace, owner.name)
          : undefined;
    if (found !== undefined) return scaled(found);
    const why = owner === undefined ? 'found no controllers for pod' : 'found no scale of the controller of pod';
    throw new Error(`${why} "${pod.metadata?.name}"`);
  }

  function expectedScale(matching: readonly Pod[]): number {
    const scales = new Map(matching.map((pod) => scaleOf(pod)).map(({ uid, replicas }) => [uid, replicas]));
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  function expectation(budget: PodDisruptionBudget, matching: readonly Pod[]): { expected: number; desired: number } {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    if (maxUnavailable !== undefined) {
      const expected = expectedScale(matching);
      return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up')) };
    }
    if (typeof minAvailable === 'string') {
      const expected = expectedScale(matching);
      return { expected, desired: scaledValue(minAvailable, expected, 'up') };
    }
    return { expected: matching.length, desired: minAvailable ?? 1 };
  }

  /** Evicted pods that are still there and not being deleted yet. */
  function pendingEvictions(budget: PodDisruptionBudget): Record<string, string> {
    const pending: Record<string, string> = {};
    for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
      const pod = podLister.get(budget.metadata?.namespace, name);
      const alive = pod !== undefined && pod.metadata?.deletionTimestamp === undefined;
      if (alive && timeMs(time) + evictionTimeoutMs > clock.now()) pending[name] = time;
    }
    return pending;
  }

  function statusOf(budget: PodDisruptionBudget, matching: readonly Pod[]): NonNullable<PodDisruptionBudget['status']> {
    const { expected, desired } = expectation(budget, matching);
    const disruptedPods = pendingEvictions(budget);
    const healthy = matching.filter(
      (pod) =>
        isPodReady(pod) &&
        pod.metadata?.deletionTimestamp === undefined &&
        !((pod.metadata?.name ?? '') in disruptedPods),
    ).length;
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
    return {
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      observedGeneration: budget.metadata?.generation,
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
      conditions: conditionsOf(budget, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', ''),
    };
  }

  function conditionsOf(budget: PodDisruptionBudget, reason: string, message: string) {
    const status = reason === 'SufficientPods' ? 'True' : 'False';
    const current = conditionOf(budget.status?.conditions, 'DisruptionAllowed');
    const since = current?.status === status ? current.lastTransitionTime : timeText(clock.now());
    const { generation } = budget.metadata ?? {};
    return [
      {
        type: 'DisruptionAllowed',
        status,
        ...(generation === undefined ? {} : { observedGeneration: generation }),
        lastTransitionTime: since,
        reason,
        message,
      },
    ];
  }

  /** Nothing may be evicted while the numbers cannot be told. */
  function failedStatus(budget: PodDisruptionBudget, error: unknown): NonNullable<PodDisruptionBudget['status']> {
    const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = budget.status ?? {};
    const conditions = conditionsOf(budget, 'SyncFailed', messageOf(error));
    const { generation } = budget.metadata ?? {};
    return {
      disruptionsAllowed: 0,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      observedGeneration: generation,
      conditions,
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
        status = statusOf(budget, matching);
      } catch (error) {
        const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
        events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
        status = failedStatus(budget, error);
      }
      await write(budget, status);
      return status.disruptedPods === undefined ? undefined : { requeueAfterMs: evictionTimeoutMs, background: true };
    },
  };
}
