/**
 * statefulset-controller: keeps pods with stable names and storage, one after the other or all at once, and replaces them
 * from the highest ordinal down when the template changes.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_control.go
 */
import {
  type ControllerRevision,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
  type StatefulSetStatus,
} from '../../src/api/index.ts';
import {
  controllerRevisions,
  keyOf,
  persistentVolumeClaims,
  pods,
  type Resource,
  statefulSets,
} from '../../src/client/index.ts';
import {
  byRevision,
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  claimOwner,
  claimsOf,
  controllerIndex,
  controllerIndexName,
  controllerOf,
  currentRevision,
  identityLabels,
  isPodAvailable,
  isPodReady,
  keyFor,
  matcherOf,
  messageOf,
  nextAvailableInMs,
  ordinalOf,
  orphansOf,
  type ReconcileResult,
  type Reconciler,
  revisionNameOf,
  scaledValue,
  semanticallyEqual,
  slowStart,
  splitKey,
  startOrdinal,
  statefulPod,
  templateOfRevision,
  truncateHistory,
  withClaimOwner,
} from '../../src/controller/index.ts';

export const statefulSetController: ControllerDefinition = {
  name: 'statefulset-controller',
  queue: 'statefulset',
  emits: ['SuccessfulCreate', 'FailedCreate', 'SuccessfulDelete', 'FailedDelete', 'SuccessfulUpdate', 'FailedUpdate'],
  reconciles: statefulSets,
  interests: [{ resource: pods, interest: 'controlled-by:StatefulSet' }],
  owns: [pods],
  reads: [persistentVolumeClaims],
  create: createReconciler,
};

/** The two revisions that a rolling update moves between. */
interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly all: readonly ControllerRevision[];
  readonly collisionCount: number;
}

/** What a rolling update goes by. */
interface Replacement {
  readonly set: StatefulSet;
  readonly revisions: Revisions;
  readonly byOrdinal: ReadonlyMap<number, Pod>;
  readonly isSettled: (pod: Pod) => boolean;
}

const isTerminating = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);
const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
const hashOfRevisions = 'controller.kubernetes.io/hash';
const historyLimit = 10;
/** How soon to look again at a claim that is to go. */
const staleClaimRetryMs = 1_000;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const setLister = dependencies.lister(statefulSets);
  const podLister = dependencies.lister(pods);
  const claimLister = dependencies.lister(persistentVolumeClaims);
  const revisionLister = dependencies.lister(controllerRevisions);
  dependencies.index(pods, controllerIndexName, controllerIndex);
  dependencies.index(controllerRevisions, controllerIndexName, controllerIndex);
  dependencies.observe(pods, ({ type, object }) => {
    if (type === 'deleted' || controllerOf(object) !== undefined) return;
    for (const set of setLister.list(object.metadata?.namespace)) {
      if (matcherOf(set.spec?.selector)(object.metadata?.labels)) dependencies.enqueue(keyFor(set));
    }
  });

  /** Reports a write on the set; a refusal is passed on. */
  async function reported<Result>(
    set: StatefulSet,
    verb: string,
    what: string,
    success: string,
    act: () => Promise<Result>,
    failing = what,
  ) {
    try {
      const result = await act();
      events.event(
        set,
        'Normal',
        `Successful${verb}`,
        `${verb} ${what} in StatefulSet ${set.metadata?.name} ${success}`,
      );
      return result;
    } catch (error) {
      if (isAlreadyExists(error) || isNotFound(error)) throw error;
      reportFailure(set, verb, failing, messageOf(error));
      throw error;
    }
  }

  function reportFailure(set: StatefulSet, verb: string, what: string, why: string): void {
    const message = `${verb} ${what} in StatefulSet ${set.metadata?.name} failed error: ${why}`;
    events.event(set, 'Warning', `Failed${verb}`, message);
  }

  async function ensureClaims(set: StatefulSet, ordinal: number, podName: string): Promise<void> {
    for (const wanted of claimsOf(set, ordinal)) {
      const name = wanted.metadata?.name ?? '';
      if (claimLister.get(set.metadata?.namespace, name) !== undefined) continue;
      const owner = claimOwner(set, undefined, false);
      const created: PersistentVolumeClaim =
        owner === undefined ? wanted : { ...wanted, metadata: { ...wanted.metadata, ownerReferences: [owner] } };
      try {
        await reported(
          set,
          'Create',
          `Claim ${name} Pod ${podName}`,
          'success',
          () => client.create(persistentVolumeClaims, created),
          `Claim ${name} for Pod ${podName}`,
        );
      } catch (error) {
        if (isAlreadyExists(error)) continue;
        // The pod cannot be made without: that is told, too.
        reportFailure(set, 'Create', `Pod ${podName}`, `failed to create PVC ${name}: ${messageOf(error)}`);
        throw error;
      }
    }
  }

  /** Brings the owners of the claims of a pod in line with the retention policy. True when that changed one. */
  async function retainClaims(set: StatefulSet, pod: Pod, condemned: boolean): Promise<boolean> {
    let changed = false;
    for (const { metadata } of claimsOf(set, ordinalOf(set, pod))) {
      const current = claimLister.get(set.metadata?.namespace, metadata?.name ?? '');
      if (current === undefined) continue;
      const ownerReferences = withClaimOwner(current.metadata?.ownerReferences, set, claimOwner(set, pod, condemned));
      if (semanticallyEqual(current.metadata?.ownerReferences, ownerReferences)) continue;
      await client.update(persistentVolumeClaims, { ...current, metadata: { ...current.metadata, ownerReferences } });
      changed = true;
    }
    return changed;
  }

  /** Whether a claim of the ordinal is to go with a pod of that name that is gone: the new pod must not take it over. */
  function hasStaleClaim(set: StatefulSet, ordinal: number, podName: string): boolean {
    return claimsOf(set, ordinal).some(({ metadata }) =>
      claimLister
        .get(set.metadata?.namespace, metadata?.name ?? '')
        ?.metadata?.ownerReferences?.some(({ kind, name }) => kind === 'Pod' && name === podName),
    );
  }

  /**
   * A pod that was adopted, or whose labels somebody took away, gets those back that say which one it is; and its claims follow
   * the retention policy. Either is told as an update of the pod.
   */
  async function conform(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    const labels = identityLabels(pod.metadata?.name ?? '', ordinal);
    const known = Object.entries(labels).every(([name, value]) => pod.metadata?.labels?.[name] === value);
    const what = `Pod ${pod.metadata?.name}`;
    let retained: boolean;
    try {
      retained = await retainClaims(set, pod, false);
    } catch (error) {
      if (!isConflict(error)) reportFailure(set, 'Update', what, messageOf(error));
      throw error;
    }
    if (known && !retained) return;
    await reported(set, 'Update', what, 'successful', async () => {
      if (!known) await client.patch(pods, keyOf(pod), 'merge', { metadata: { labels } });
    });
  }

  /** Undefined when it has to wait. */
  async function createPod(set: StatefulSet, revision: ControllerRevision, ordinal: number): Promise<Pod | undefined> {
    const pod = statefulPod(set, templateOfRevision(revision), revision.metadata?.name ?? '', ordinal);
    const name = pod.metadata?.name ?? '';
    if (hasStaleClaim(set, ordinal, name)) {
      dependencies.enqueueAfter(keyFor(set), staleClaimRetryMs);
      return undefined;
    }
    await ensureClaims(set, ordinal, name);
    return await reported(set, 'Create', `Pod ${name}`, 'successful', () => client.create(pods, pod));
  }

  async function deletePod(set: StatefulSet, pod: Pod): Promise<void> {
    try {
      await reported(set, 'Delete', `Pod ${pod.metadata?.name}`, 'successful', () => client.delete(pods, keyOf(pod)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function revisionsOf(set: StatefulSet): Promise<Revisions> {
    const candidates = [
      ...revisionLister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
      ...revisionLister.byIndex(controllerIndexName, orphansOf(set.metadata?.namespace ?? '')),
    ];
    const owned = await claim(
      {
        client,
        owner: set,
        ownerResource: statefulSets as Resource,
        ownedResource: controllerRevisions,
        matches: matcherOf(set.spec?.selector),
      },
      candidates,
    );
    const existing = owned.sort(byRevision);
    const { revision: update, collisionCount } = await currentRevision(
      {
        client,
        owner: set,
        ownerResource: statefulSets as Resource,
        hashLabel: hashOfRevisions,
        collisionCount: set.status?.collisionCount ?? 0,
      },
      existing,
    );
    const current = existing.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? update;
    return { current, update, all: existing, collisionCount };
  }

  function countPods(set: StatefulSet, revisions: Revisions, owned: readonly Pod[]): StatefulSetStatus {
    const nowMs = clock.now();
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const ready = owned.filter(isRunningAndReady);
    const count = (revision: ControllerRevision) =>
      owned.filter((pod) => !isTerminating(pod) && revisionNameOf(pod) === revision.metadata?.name).length;
    return {
      observedGeneration: set.metadata?.generation,
      replicas: owned.length,
      readyReplicas: ready.length,
      availableReplicas: ready.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length,
      currentReplicas: count(revisions.current),
      updatedReplicas: count(revisions.update),
      currentRevision: revisions.current.metadata?.name,
      updateRevision: revisions.update.metadata?.name,
      collisionCount: revisions.collisionCount,
      conditions: set.status?.conditions,
    };
  }

  /** One step; returns the pods as they are afterwards. */
  async function step(set: StatefulSet, revisions: Revisions, owned: readonly Pod[]): Promise<Pod[]> {
    const start = startOrdinal(set);
    const end = start + (set.spec?.replicas ?? 1);
    const monotonic = set.spec?.podManagementPolicy !== 'Parallel';
    const minReadySeconds = set.spec?.minReadySeconds ?? 0;
    const isSettled = (pod: Pod) => isRunningAndReady(pod) && isPodAvailable(pod, minReadySeconds, clock.now());
    const byOrdinal = new Map(owned.map((pod) => [ordinalOf(set, pod), pod]));
    const left = [...owned];
    const missing: number[] = [];
    const create = async (ordinal: number) => {
      const revision = belowPartition(set, ordinal) ? revisions.current : revisions.update;
      const created = await createPod(set, revision, ordinal);
      if (created !== undefined) left.push(created);
    };
    for (let ordinal = start; ordinal < end; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      if (pod === undefined) {
        if (!monotonic) missing.push(ordinal);
        else {
          await create(ordinal);
          return left;
        }
      } else if (isFinished(pod)) {
        // The next one comes when this one is gone.
        if (!isTerminating(pod)) await deletePod(set, pod);
        if (monotonic) return left;
      } else {
        if (pod.status?.phase === 'Pending') await ensureClaims(set, ordinal, pod.metadata?.name ?? '');
        if (monotonic && (isTerminating(pod) || !isSettled(pod))) return left;
        await conform(set, pod, ordinal);
      }
    }
    const { failure } = await slowStart(missing.length, 1, () => create(missing.shift() ?? -1));
    if (failure !== undefined) throw failure;
    const condemned = owned.filter(
      (pod) => ordinalOf(set, pod) >= end || (ordinalOf(set, pod) >= 0 && ordinalOf(set, pod) < start),
    );
    condemned.sort((first, second) => ordinalOf(set, second) - ordinalOf(set, first));
    for (const pod of condemned) await retainClaims(set, pod, true);
    for (const pod of condemned) {
      if (isTerminating(pod)) {
        if (monotonic) return left;
        continue;
      }
      if (monotonic && !isSettled(pod) && pod !== firstUnhealthy(owned, set, isSettled)) return left;
      await deletePod(set, pod);
      if (monotonic) return left;
    }
    if (set.spec?.updateStrategy?.type === 'OnDelete') return left;
    const several = dependencies.settings.features?.includes('MaxUnavailableStatefulSet') === true;
    await (several ? replaceSome : replaceOne)({ set, revisions, byOrdinal, isSettled });
    return left;
  }

  /** From the highest ordinal down to the partition: the first that is old is deleted, the first that is unwell waits. */
  async function replaceOne({ set, revisions, byOrdinal, isSettled }: Replacement): Promise<void> {
    const start = startOrdinal(set);
    const end = start + (set.spec?.replicas ?? 1);
    const lowest = Math.max(start, start + (set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0));
    for (let ordinal = end - 1; ordinal >= lowest; ordinal--) {
      const pod = byOrdinal.get(ordinal);
      if (pod === undefined) return;
      if (revisionNameOf(pod) !== revisions.update.metadata?.name && !isTerminating(pod)) {
        await deletePod(set, pod);
        return;
      }
      if (isTerminating(pod) || !isSettled(pod)) return;
    }
  }

  /** As many old pods, from the highest ordinal down to the partition, as may be missing beside those that are unwell. */
  async function replaceSome({ set, revisions, byOrdinal, isSettled }: Replacement): Promise<void> {
    const start = startOrdinal(set);
    const replicas = set.spec?.replicas ?? 1;
    const { partition = 0, maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
    let left = Math.max(1, scaledValue(maxUnavailable, replicas, 'down'));
    for (let ordinal = start; ordinal < start + replicas; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      if (pod === undefined || isTerminating(pod) || !isSettled(pod)) left--;
    }
    for (let ordinal = start + replicas - 1; ordinal >= start + partition && left > 0; ordinal--) {
      const pod = byOrdinal.get(ordinal);
      if (pod === undefined || isTerminating(pod)) continue;
      if (revisionNameOf(pod) === revisions.update.metadata?.name) continue;
      await deletePod(set, pod);
      left--;
    }
  }

  async function writeStatus(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (semanticallyEqual(withoutZeros(set.status), withoutZeros(status))) return;
    try {
      await client.update(statefulSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      const fresh = await client.get(statefulSets, keyOf(set));
      await client.update(statefulSets, { ...fresh, status }, { subresource: 'status' });
    }
  }

  async function sync(set: StatefulSet): Promise<ReconcileResult | undefined> {
    const candidates = [
      ...podLister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
      ...podLister
        .byIndex(controllerIndexName, orphansOf(set.metadata?.namespace ?? ''))
        .filter((pod) => ordinalOf(set, pod) >= 0),
    ];
    const owned = await claim(
      {
        client,
        owner: set,
        ownerResource: statefulSets as Resource,
        ownedResource: pods,
        matches: matcherOf(set.spec?.selector),
      },
      candidates,
    );
    const revisions = await revisionsOf(set);
    const deleting = set.metadata?.deletionTimestamp !== undefined;
    // What could be done, and what is, is told also when a step failed.
    let failure: unknown;
    let after: Pod[] = owned;
    try {
      if (!deleting) after = await step(set, revisions, owned);
    } catch (error) {
      failure = error;
    }
    const status = countPods(set, revisions, after);
    const wanted = set.spec?.replicas ?? 1;
    const whole = status.updatedReplicas === wanted && status.replicas === wanted && status.readyReplicas === wanted;
    if (set.spec?.updateStrategy?.type !== 'OnDelete' && whole) {
      status.currentReplicas = status.updatedReplicas;
      status.currentRevision = status.updateRevision;
    }
    await writeStatus(set, status);
    const used = new Set([status.currentRevision, status.updateRevision, ...after.map(revisionNameOf)]);
    const inUse = ({ metadata }: ControllerRevision) => used.has(metadata?.name ?? '');
    await truncateHistory(client, revisions.all, inUse, set.spec?.revisionHistoryLimit ?? historyLimit);
    if (failure !== undefined) throw failure;
    const waitMs = nextAvailableInMs(after, set.spec?.minReadySeconds ?? 0, clock.now());
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const set = setLister.get(namespace, name);
      return set === undefined ? undefined : await sync(set);
    },
  };
}

function belowPartition(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return false;
  if (rollingUpdate?.partition === undefined) return ordinal < startOrdinal(set) + (set.status?.currentReplicas ?? 0);
  return ordinal < startOrdinal(set) + rollingUpdate.partition;
}

function firstUnhealthy(owned: readonly Pod[], set: StatefulSet, isSettled: (pod: Pod) => boolean): Pod | undefined {
  const unhealthy = owned.filter((pod) => isTerminating(pod) || !isSettled(pod));
  return unhealthy.sort((left, right) => ordinalOf(set, left) - ordinalOf(set, right))[0];
}

/** Zero counts are not stored; for a comparison they are as good as absent. */
function withoutZeros(status: StatefulSetStatus | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== 0));
}
