/**
 * statefulset-controller: keeps pods with stable names and storage, one after the other or all at once, and replaces them
 * from the highest ordinal down when the template changes.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_control.go
 */
import {
  type ControllerRevision,
  isConflict,
  isNotFound,
  type Pod,
  revisionHash,
  type StatefulSet,
  type StatefulSetStatus,
} from '../../src/api/index.ts';
import {
  type Change,
  controllerRevisions,
  keyOf,
  persistentVolumeClaims,
  pods,
  type Resource,
  statefulSets,
} from '../../src/client/index.ts';
import {
  absentPod,
  byRevision,
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  controllerIndex,
  controllerIndexName,
  controllerOf,
  createStatefulPodControl,
  currentRevision,
  Expectations,
  endOrdinal,
  isMemberOf,
  isPodAvailable,
  isPodFinished,
  isRunningAndReady,
  isStatefulPodMade,
  isStatusInconsistent,
  isWanted,
  keyFor,
  matcherOf,
  nextAvailableInMs,
  ordinalOf,
  orphansOf,
  type ReconcileResult,
  type Reconciler,
  revisionData,
  revisionNameOf,
  type StatefulRevisions,
  scaledValue,
  semanticallyEqual,
  slowStart,
  splitKey,
  startOrdinal,
  statefulPod,
  statefulSetStatus,
  templateOfRevision,
  truncateHistory,
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

interface Revisions extends StatefulRevisions {
  readonly all: readonly ControllerRevision[];
}

/** One look at a set: what there is, and what is to become of it. */
interface Plan {
  readonly set: StatefulSet;
  readonly revisions: Revisions;
  /** Whether pods come and go one after the other. */
  readonly monotonic: boolean;
  /** A pod for each ordinal that is wanted, in their order; for those that are still to be made, one with name and revision alone. */
  readonly replicas: readonly Pod[];
  /** Pods of other ordinals, the highest first. */
  readonly condemned: readonly Pod[];
  /** How many pods were deleted for the update. */
  replaced: number;
}

const isTerminating = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;
const hashOfRevisions = 'controller.kubernetes.io/hash';
const historyLimit = 10;
/** Pods that are worked on at once where their order does not matter. */
const batchMost = 500;
/** How soon to look again at a claim that is to go. */
const staleClaimRetryMs = 1_000;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const setLister = dependencies.lister(statefulSets);
  const podLister = dependencies.lister(pods);
  const revisionLister = dependencies.lister(controllerRevisions);
  const podControl = createStatefulPodControl(client, events, dependencies.lister(persistentVolumeClaims));
  dependencies.index(pods, controllerIndexName, controllerIndex);
  dependencies.index(controllerRevisions, controllerIndexName, controllerIndex);
  const expectations = new Expectations(clock);
  dependencies.observe(statefulSets, (change) => {
    const replaced = change.type === 'updated' && change.previous.metadata?.uid !== change.object.metadata?.uid;
    if (change.type === 'deleted' || replaced) expectations.forget(keyFor(change.object));
  });
  dependencies.observe(pods, (change) => {
    const { object } = change;
    podSeen(change);
    if (!wakesAdopters(change)) return;
    for (const set of setLister.list(object.metadata?.namespace)) {
      if (matcherOf(set.spec?.selector)(object.metadata?.labels)) dependencies.enqueue(keyFor(set));
    }
  });

  /** What was done to a pod has come back. */
  function podSeen({ type, object }: Change<Pod>): void {
    const owner = controllerOf(object);
    if (owner?.kind !== statefulSets.kind) return;
    const key = `${object.metadata?.namespace}/${owner.name}`;
    if (type === 'added') expectations.creationObserved(key);
    if (type === 'deleted' || isTerminating(object)) expectations.deletionObserved(key, keyFor(object));
  }

  async function createPod(set: StatefulSet, pod: Pod): Promise<void> {
    const key = keyFor(set);
    expectations.raise(key, 1);
    try {
      await podControl.create(set, pod);
    } catch (error) {
      expectations.creationObserved(key);
      throw error;
    }
  }

  async function deletePod(set: StatefulSet, pod: Pod): Promise<void> {
    const key = keyFor(set);
    expectations.raise(key, 0, keyFor(pod));
    try {
      await podControl.delete(set, pod);
    } catch (error) {
      expectations.deletionObserved(key, keyFor(pod));
      throw error;
    }
  }

  const isAvailable = ({ set }: Plan, pod: Pod): boolean =>
    !isTerminating(pod) && isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, clock.now());

  /** The set's revisions, oldest first, with those of its labels that nobody had. */
  async function historyOf(set: StatefulSet): Promise<ControllerRevision[]> {
    const matches = matcherOf(set.spec?.selector);
    const found = [
      ...revisionLister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
      ...revisionLister.byIndex(controllerIndexName, orphansOf(set.metadata?.namespace ?? '')),
    ].filter(({ metadata }) => matches(metadata?.labels));
    const owned = await claim(
      { client, owner: set, ownerResource: statefulSets as Resource, ownedResource: controllerRevisions, matches },
      found,
    );
    return owned.sort(byRevision);
  }

  async function revisionsOf(set: StatefulSet, all: readonly ControllerRevision[]): Promise<Revisions> {
    const { revision: update, collisionCount } = await currentRevision(
      {
        client,
        owner: set,
        ownerResource: statefulSets as Resource,
        hashLabel: hashOfRevisions,
        hashOf: (count) => revisionHash(revisionData(set), count),
        labelsFirstTry: true,
        collisionCount: set.status?.collisionCount ?? 0,
      },
      all,
    );
    const current = all.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? update;
    return { current, update, all, collisionCount };
  }

  function planOf(set: StatefulSet, revisions: Revisions, owned: readonly Pod[]): Plan {
    const byOrdinal = new Map(owned.map((pod) => [ordinalOf(set, pod), pod]));
    const replicas: Pod[] = [];
    for (let ordinal = startOrdinal(set); ordinal < endOrdinal(set); ordinal++) {
      const revision = isBelowPartition(set, ordinal) ? revisions.current : revisions.update;
      replicas.push(byOrdinal.get(ordinal) ?? absentPod(set, revision.metadata?.name ?? '', ordinal));
    }
    const condemned = owned.filter((pod) => ordinalOf(set, pod) >= 0 && !isWanted(set, pod));
    condemned.sort((left, right) => ordinalOf(set, right) - ordinalOf(set, left));
    const monotonic = set.spec?.podManagementPolicy !== 'Parallel';
    return { set, revisions, monotonic, replicas, condemned, replaced: 0 };
  }

  /** What stands for an absent pod, as it is to be created. */
  function madeOf({ set, revisions }: Plan, absent: Pod): Pod {
    const name = revisionNameOf(absent);
    const revision = name === revisions.update.metadata?.name ? revisions.update : revisions.current;
    return statefulPod(set, templateOfRevision(revision), name, ordinalOf(set, absent));
  }

  /** One after the other until `act` says to stop, or all of them in growing batches. True when nothing more is to be done. */
  async function forEach({ monotonic }: Plan, all: readonly Pod[], act: (pod: Pod) => Promise<boolean>) {
    if (monotonic) {
      for (const pod of all) if (await act(pod)) return true;
      return false;
    }
    const each = async (index: number) => {
      const pod = all[index];
      if (pod !== undefined) await act(pod);
    };
    const { failure } = await slowStart(all.length, 1, each, batchMost);
    if (failure !== undefined) throw failure;
    return false;
  }

  /** True when the next pod has to wait for this one. */
  async function processReplica(plan: Plan, pod: Pod): Promise<boolean> {
    const { set, monotonic } = plan;
    if (isPodFinished(pod)) {
      // The next one comes when this one is gone.
      if (!isTerminating(pod)) await deletePod(set, pod);
      return true;
    }
    if (!isStatefulPodMade(pod)) {
      if (podControl.hasStaleClaim(set, pod)) dependencies.enqueueAfter(keyFor(set), staleClaimRetryMs);
      else await createPod(set, madeOf(plan, pod));
      return true;
    }
    if (pod.status?.phase === 'Pending') await podControl.completeClaims(set, pod);
    if (monotonic && !(isRunningAndReady(pod) && isAvailable(plan, pod))) return true;
    await podControl.conform(set, pod);
    return false;
  }

  /** True when no other may go before this one is gone. */
  async function processCondemned(plan: Plan, pod: Pod): Promise<boolean> {
    const { set, monotonic, replicas, condemned } = plan;
    if (isTerminating(pod)) return monotonic;
    if (monotonic && !(isRunningAndReady(pod) && isAvailable(plan, pod))) {
      const unavailable = [...replicas, ...condemned.toReversed()].find((other) => !isAvailable(plan, other));
      if (pod !== unavailable) return true;
    }
    await deletePod(set, pod);
    return true;
  }

  /** One step towards what is asked for. */
  async function step(plan: Plan): Promise<void> {
    const { set, replicas, condemned } = plan;
    if (await forEach(plan, replicas, (pod) => processReplica(plan, pod))) return;
    const retain = async (pod: Pod) => {
      await podControl.retainClaims(set, pod);
      return false;
    };
    await forEach(plan, condemned, retain);
    if (await forEach(plan, condemned, (pod) => processCondemned(plan, pod))) return;
    if (set.spec?.updateStrategy?.type === 'OnDelete') return;
    const several = dependencies.settings.features?.includes('MaxUnavailableStatefulSet') === true;
    await (several ? replaceSome(plan) : replaceOne(plan));
  }

  async function replace(plan: Plan, pod: Pod): Promise<void> {
    try {
      await deletePod(plan.set, pod);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    plan.replaced++;
  }

  const isOld = ({ revisions }: Plan, pod: Pod): boolean =>
    revisionNameOf(pod) !== revisions.update.metadata?.name && !isTerminating(pod);

  /** Pods down to the partition, the highest ordinal first. */
  const updatable = ({ set, replicas }: Plan): Pod[] =>
    replicas.slice(set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0).reverse();

  /** The first that is old is deleted, the first that is unavailable waits. */
  async function replaceOne(plan: Plan): Promise<void> {
    for (const pod of updatable(plan)) {
      if (isOld(plan, pod)) {
        await replace(plan, pod);
        return;
      }
      if (!isAvailable(plan, pod)) return;
    }
  }

  /** As many old pods as may be missing beside those that are unavailable. */
  async function replaceSome(plan: Plan): Promise<void> {
    const { replicas, set } = plan;
    const { maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
    const unavailable = replicas.filter((pod) => !isAvailable(plan, pod)).length;
    const most = Math.max(1, scaledValue(maxUnavailable, replicas.length, 'down')) - unavailable;
    for (const pod of updatable(plan)) {
      if (plan.replaced >= most) return;
      if (isOld(plan, pod)) await replace(plan, pod);
    }
  }

  async function writeStatus(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (!isStatusInconsistent(set, status)) return;
    try {
      await client.update(statefulSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      const fresh = await client.get(statefulSets, keyOf(set));
      await client.update(statefulSets, { ...fresh, status }, { subresource: 'status' });
    }
  }

  /** The pods of the set, by labels and by name. */
  async function podsOf(set: StatefulSet): Promise<Pod[]> {
    return await claim(
      {
        client,
        owner: set,
        ownerResource: statefulSets as Resource,
        ownedResource: pods,
        matches: matcherOf(set.spec?.selector),
        fits: (pod) => isMemberOf(set, pod),
      },
      [
        ...podLister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
        ...podLister.byIndex(controllerIndexName, orphansOf(set.metadata?.namespace ?? '')),
      ],
    );
  }

  async function sync(set: StatefulSet): Promise<ReconcileResult | undefined> {
    const history = await historyOf(set);
    const owned = await podsOf(set);
    const revisions = await revisionsOf(set, history);
    const plan = planOf(set, revisions, owned);
    // What could be done, and what is, is told also when a step failed.
    let failure: unknown;
    let known: readonly Pod[] = owned;
    if (set.metadata?.deletionTimestamp === undefined) {
      known = [...plan.replicas, ...plan.condemned];
      try {
        await step(plan);
      } catch (error) {
        failure = error;
      }
    }
    await writeStatus(set, statefulSetStatus(set, revisions, known, plan.replaced, clock.now()));
    const used = new Set([revisions.current, revisions.update].map(({ metadata }) => metadata?.name));
    for (const pod of owned) used.add(revisionNameOf(pod));
    const inUse = ({ metadata }: ControllerRevision) => used.has(metadata?.name);
    await truncateHistory(client, revisions.all, inUse, set.spec?.revisionHistoryLimit ?? historyLimit);
    if (failure !== undefined) throw failure;
    const waitMs = nextAvailableInMs(owned, set.spec?.minReadySeconds ?? 0, clock.now());
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const set = setLister.get(namespace, name);
      // As long as the cache lags behind what was done last, it would be done again.
      return set === undefined || !expectations.satisfied(key) ? undefined : await sync(set);
    },
  };
}

/** Some set may want an orphan when it comes, and when what decides that has changed. */
function wakesAdopters(change: Change<Pod>): boolean {
  if (change.type === 'deleted' || controllerOf(change.object) !== undefined) return false;
  if (change.type === 'added') return change.object.metadata?.deletionTimestamp === undefined;
  const { object, previous } = change;
  return controllerOf(previous) !== undefined || !semanticallyEqual(object.metadata?.labels, previous.metadata?.labels);
}

function isBelowPartition(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (rollingUpdate !== undefined) return ordinal < startOrdinal(set) + (rollingUpdate.partition ?? 0);
  return type === 'RollingUpdate' && ordinal < startOrdinal(set) + (set.status?.currentReplicas ?? 0);
}
