/**
 * daemonset-controller: one pod for each node that fits, updated node by node, with surge if asked for.
 *
 * @see kubernetes/pkg/controller/daemon/daemon_controller.go
 */
import {
  type ControllerRevision,
  type DaemonSet,
  type DaemonSetStatus,
  isConflict,
  isNotFound,
  type Node,
  type Pod,
  templateHash,
} from '../../src/api/index.ts';
import { controllerRevisions, daemonSets, keyOf, nodes, pods, type Resource } from '../../src/client/index.ts';
import {
  BackOff,
  byRevision,
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  controllerIndex,
  controllerIndexName,
  controllerOf,
  createPodControl,
  currentRevision,
  daemonFenceposts,
  daemonHashLabel,
  daemonTemplate,
  Expectations,
  hasTemplateOf,
  isEmptySelector,
  isNamespaceTerminating,
  isPodAvailable,
  isPodFinished,
  isPodReady,
  type Key,
  keyFor,
  matcherOf,
  nextAvailableInMs,
  orphansOf,
  placementOf,
  type ReconcileResult,
  type Reconciler,
  semanticallyEqual,
  slowStart,
  splitKey,
  targetNodeOf,
  timeMs,
  truncateHistory,
  withHashLabel,
} from '../../src/controller/index.ts';

const burst = 250;
const historyLimit = 10;

export const daemonSetController: ControllerDefinition = {
  name: 'daemonset-controller',
  queue: 'daemonset',
  queues: [{ name: 'daemonset-node-updates', takes: (key) => key.startsWith(nodePrefix) }],
  serviceAccount: 'daemon-set-controller',
  reconciles: daemonSets,
  interests: [{ resource: pods, interest: 'controlled-by:DaemonSet' }],
  create: createReconciler,
};

const nodeIndexName = 'target-node';
/** Keys of nodes; others are those of sets. */
const nodePrefix = 'node:';
const gone = { run: false, stay: false };
const failedPodBackOff = { firstMs: 1_000, mostMs: 900_000 };

/** What one sync works on. */
interface Daemon {
  readonly key: Key;
  readonly set: DaemonSet;
  readonly hash: string;
  readonly podsByNode: ReadonlyMap<string, readonly Pod[]>;
}

const isTerminating = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;

/** Whatever else changed in a node, no pod of a set is to be elsewhere for it. */
function hasSamePlacements(node: Node, previous: Node): boolean {
  return (
    semanticallyEqual(node.metadata?.labels, previous.metadata?.labels) &&
    semanticallyEqual(node.spec?.taints, previous.spec?.taints)
  );
}

/** Bound pods first, then the oldest. */
function byAge(left: Pod, right: Pod): number {
  const bound = Number(!!right.spec?.nodeName) - Number(!!left.spec?.nodeName);
  if (bound !== 0) return bound;
  const age = timeMs(left.metadata?.creationTimestamp) - timeMs(right.metadata?.creationTimestamp);
  return age !== 0 ? age : (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const setLister = dependencies.lister(daemonSets);
  const nodeLister = dependencies.lister(nodes);
  const podLister = dependencies.lister(pods);
  const expectations = new Expectations(clock);
  const podControl = createPodControl(client, events);
  /** A kubelet may refuse the next pod as it did the one before. */
  const failedPods = new BackOff(clock, failedPodBackOff);
  dependencies.index(pods, controllerIndexName, controllerIndex);
  dependencies.index(controllerRevisions, controllerIndexName, controllerIndex);

  function ownerKey(owned: Pod | ControllerRevision): Key | undefined {
    const reference = controllerOf(owned);
    if (reference?.kind !== 'DaemonSet') return undefined;
    const set = setLister.get(owned.metadata?.namespace, reference.name);
    return set?.metadata?.uid === reference.uid ? keyFor(set) : undefined;
  }

  dependencies.observe(pods, ({ type, object: pod }) => {
    const key = ownerKey(pod);
    if (key !== undefined) {
      if (type === 'deleted' || isTerminating(pod)) expectations.deletionObserved(key, keyFor(pod));
      else if (type === 'added') expectations.creationObserved(key);
      dependencies.enqueue(key);
    } else if (type !== 'deleted' && controllerOf(pod) === undefined) offer(pod);
  });
  dependencies.observe(controllerRevisions, ({ type, object: revision }) => {
    const key = ownerKey(revision);
    if (type === 'deleted' && key !== undefined) dependencies.enqueue(key);
    else if (type !== 'deleted' && controllerOf(revision) === undefined) offer(revision);
  });

  /** Some set may want to adopt what nobody owns. */
  function offer({ metadata }: Pod | ControllerRevision): void {
    for (const set of setLister.list(metadata?.namespace)) {
      if (matcherOf(set.spec?.selector)(metadata?.labels)) dependencies.enqueue(keyFor(set));
    }
  }
  dependencies.observe(daemonSets, ({ type, object }) => {
    if (type === 'deleted') expectations.forget(keyFor(object));
  });
  dependencies.index(pods, nodeIndexName, (pod) => [targetNodeOf(pod)]);
  dependencies.observe(nodes, (change) => {
    if (change.type === 'updated' && hasSamePlacements(change.object, change.previous)) return;
    dependencies.enqueue(nodePrefix + (change.object.metadata?.name ?? ''));
  });

  /** Finds the sets to which it matters how the node is now. */
  function lookAtNode(name: string): void {
    const node = nodeLister.get(undefined, name);
    const present = new Set(podLister.byIndex(nodeIndexName, name).map(ownerKey));
    for (const set of setLister.list()) {
      const scheduled = present.has(keyFor(set));
      const { run, stay } = node === undefined ? gone : placementOf(set, node);
      // A pod that may stay where it would not be put is counted as misplaced when its set is looked at for another reason.
      const matters = scheduled ? !stay || (set.status?.numberMisscheduled ?? 0) > 0 : run;
      if (matters || node === undefined) dependencies.enqueue(keyFor(set));
    }
  }

  const isAvailable = (set: DaemonSet, pod: Pod) => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, clock.now());
  const isCurrent = ({ hash }: Daemon, pod: Pod) => pod.metadata?.labels?.[daemonHashLabel] === hash;
  const surges = ({ set }: Daemon, desired: number) =>
    set.spec?.updateStrategy?.type === 'RollingUpdate' && daemonFenceposts(set, desired).surge > 0;

  /** What must happen on one node so that it has the pod that it should have. */
  function planNode(daemon: Daemon, node: Node, surge: boolean): { readonly create: boolean; readonly remove: Pod[] } {
    const { run, stay } = placementOf(daemon.set, node);
    const present = daemon.podsByNode.get(node.metadata?.name ?? '') ?? [];
    if (!stay) return { create: false, remove: present.filter((pod) => !isTerminating(pod)) };
    if (present.length === 0) return { create: run, remove: [] };
    const remove: Pod[] = [];
    const running: Pod[] = [];
    for (const pod of [...present].sort(byAge)) {
      if (isTerminating(pod)) continue;
      if (pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded') running.push(pod);
      else if (pod.status.phase !== 'Failed' || mayReplaceFailed(daemon, node)) {
        reportFinished(daemon.set, pod, node);
        remove.push(pod);
      }
    }
    if (!surge) return { create: false, remove: [...remove, ...running.slice(1)] };
    if (running.length === 0) return { create: run, remove };
    const current = running.filter((pod) => isCurrent(daemon, pod));
    const old = running.filter((pod) => !isCurrent(daemon, pod));
    remove.push(...current.slice(1), ...old.slice(1));
    const [newest] = current;
    const [oldest] = old;
    const replaced =
      newest !== undefined && oldest !== undefined && (!isPodReady(oldest) || isAvailable(daemon.set, newest));
    if (replaced) remove.push(oldest);
    return { create: false, remove };
  }

  function mayReplaceFailed({ key, set }: Daemon, node: Node): boolean {
    const backOffKey = `${set.metadata?.uid}/${set.status?.observedGeneration}/${node.metadata?.name}`;
    const leftMs = failedPods.leftMs(backOffKey);
    if (leftMs === 0) failedPods.next(backOffKey);
    else dependencies.enqueueAfter(key, leftMs, { background: true });
    return leftMs === 0;
  }

  function reportFinished(set: DaemonSet, pod: Pod, node: Node): void {
    const where = `${keyFor(pod)} on node ${node.metadata?.name}`;
    if (pod.status?.phase === 'Failed') {
      events.event(set, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${where}, will try to kill it`);
    } else {
      events.event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${where}, will try to delete it`);
    }
  }

  /** Creates and deletes; throws the first failure. True when there was something to do. */
  async function act(daemon: Daemon, create: readonly string[], remove: readonly Pod[]): Promise<boolean> {
    const { key, set, hash } = daemon;
    const wanted = create.slice(0, burst);
    const unwanted = remove.slice(0, burst);
    if (wanted.length + unwanted.length === 0) return false;
    expectations.expect(key, wanted.length, unwanted.map(keyFor));
    let next = 0;
    const creating = slowStart(wanted.length, 1, async () => {
      const node = wanted[next++] ?? '';
      try {
        await podControl.create(set, daemonSets as Resource, daemonTemplate(set, node, hash));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
        expectations.creationObserved(key);
      }
    });
    const deletions = unwanted.map(async (pod) => {
      try {
        await podControl.delete(set, pod);
      } catch (error) {
        expectations.deletionObserved(key, keyFor(pod));
        throw error;
      }
    });
    const [outcome, ...deleted] = await Promise.allSettled([creating, ...deletions]);
    if (outcome.status === 'fulfilled') {
      const { succeeded, failure } = outcome.value;
      for (let skipped = wanted.length - succeeded; skipped > 0; skipped--) expectations.creationObserved(key);
      if (failure !== undefined) throw failure;
    }
    for (const result of deleted) if (result.status === 'rejected') throw result.reason;
    return true;
  }

  async function manage(daemon: Daemon, allNodes: readonly Node[], desired: number): Promise<boolean> {
    const create: string[] = [];
    const remove: Pod[] = [];
    const surge = surges(daemon, desired);
    for (const node of allNodes) {
      const plan = planNode(daemon, node, surge);
      if (plan.create) create.push(node.metadata?.name ?? '');
      remove.push(...plan.remove);
    }
    // Pods that wait for a node that is gone would wait for ever.
    for (const [node, waiting] of daemon.podsByNode) {
      if (nodeLister.get(undefined, node) !== undefined) continue;
      remove.push(...waiting.filter((pod) => !pod.spec?.nodeName && !isTerminating(pod)));
    }
    return await act(daemon, create, remove);
  }

  async function rollOver(daemon: Daemon, allNodes: readonly Node[], desired: number): Promise<void> {
    const { set, podsByNode } = daemon;
    const { surge, unavailable } = daemonFenceposts(set, desired);
    const free: Pod[] = [];
    const candidates: Pod[] = [];
    const surged: Pod[] = [];
    const misplaced: Pod[] = [];
    let busy = 0;
    let available = 0;
    for (const node of allNodes) {
      const present = podsByNode.get(node.metadata?.name ?? '');
      if (present === undefined) continue;
      const alive = present.filter((pod) => !isTerminating(pod));
      const current = alive.filter((pod) => isCurrent(daemon, pod));
      const old = alive.filter((pod) => !isCurrent(daemon, pod));
      const [newPod] = current;
      const [oldPod] = old;
      if (current.length > 1 || old.length > 1) {
        busy++;
        continue;
      }
      const counted = oldPod ?? newPod;
      if (counted !== undefined && isAvailable(set, counted)) available++;
      if (surge > 0) {
        if (oldPod === undefined) continue;
        const oldIsAvailable = isAvailable(set, oldPod);
        if (newPod !== undefined) {
          if (isAvailable(set, newPod)) surged.push(oldPod);
          else busy++;
        } else if (placementOf(set, node).run) (oldIsAvailable ? candidates : free).push(oldPod);
        else (oldIsAvailable ? misplaced : surged).push(oldPod);
      } else if (oldPod === undefined) busy += newPod !== undefined && isAvailable(set, newPod) ? 0 : 1;
      else if (newPod !== undefined) busy++;
      else if (isAvailable(set, oldPod)) candidates.push(oldPod);
      else {
        free.push(oldPod);
        busy++;
      }
    }
    const turns = Math.max(0, (surge > 0 ? surge : unavailable) - busy);
    const chosen = [...free, ...candidates.slice(0, turns)];
    // A pod where none would be put goes when there are as many available as there should be without it.
    surged.push(...misplaced.slice(0, Math.max(0, available - desired)));
    if (surge > 0) await act(daemon, chosen.map(targetNodeOf), surged);
    else await act(daemon, [], chosen);
  }

  function statusOf(daemon: Daemon, allNodes: readonly Node[], collisionCount: number | undefined): DaemonSetStatus {
    const { set, podsByNode } = daemon;
    const counts = { desired: 0, current: 0, ready: 0, available: 0, updated: 0, misscheduled: 0 };
    for (const node of allNodes) {
      const [pod] = [...(podsByNode.get(node.metadata?.name ?? '') ?? [])].sort(byAge);
      if (!placementOf(set, node).run) {
        if (pod !== undefined) counts.misscheduled++;
        continue;
      }
      counts.desired++;
      if (pod === undefined) continue;
      counts.current++;
      if (isPodReady(pod)) counts.ready++;
      if (isAvailable(set, pod)) counts.available++;
      if (isCurrent(daemon, pod)) counts.updated++;
    }
    const unavailable = counts.desired - counts.available;
    return {
      currentNumberScheduled: counts.current,
      numberMisscheduled: counts.misscheduled,
      desiredNumberScheduled: counts.desired,
      numberReady: counts.ready,
      observedGeneration: set.metadata?.generation,
      ...(counts.updated === 0 ? {} : { updatedNumberScheduled: counts.updated }),
      ...(counts.available === 0 ? {} : { numberAvailable: counts.available }),
      ...(unavailable <= 0 ? {} : { numberUnavailable: unavailable }),
      ...(collisionCount === undefined || collisionCount === 0 ? {} : { collisionCount }),
      ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    };
  }

  async function writeStatus(set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (semanticallyEqual(set.status, status)) return;
    try {
      await client.update(daemonSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error)) throw error;
      const fresh = await client.get(daemonSets, keyOf(set));
      await client.update(daemonSets, { ...fresh, status }, { subresource: 'status' });
    }
  }

  async function claimed<Owned extends Pod | ControllerRevision>(
    set: DaemonSet,
    resource: Resource<Owned>,
  ): Promise<Owned[]> {
    const lister = dependencies.lister(resource);
    const candidates = [
      ...lister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
      ...lister.byIndex(controllerIndexName, orphansOf(set.metadata?.namespace ?? '')),
    ];
    const matches = matcherOf(set.spec?.selector);
    return await claim(
      { client, owner: set, ownerResource: daemonSets as Resource, ownedResource: resource, matches },
      candidates,
    );
  }

  function groupByNode(owned: readonly Pod[]): Map<string, Pod[]> {
    const groups = new Map<string, Pod[]>();
    for (const pod of owned) {
      // It has ended and is about to go: whatever holds it, its place is free.
      if (isTerminating(pod) && isPodFinished(pod)) continue;
      const node = targetNodeOf(pod);
      const group = groups.get(node);
      if (group === undefined) groups.set(node, [pod]);
      else group.push(pod);
    }
    return groups;
  }

  /** The set's revisions, oldest first; of those that store its template only the newest stays, and pods of the others become its. */
  async function historyOf(set: DaemonSet, owned: readonly Pod[]): Promise<ControllerRevision[]> {
    const found = (await claimed(set, controllerRevisions)).sort(byRevision);
    const labelled = await Promise.all(found.map((revision) => withHashLabel(client, revision, daemonHashLabel)));
    const same = labelled.filter((revision) => hasTemplateOf(revision, set));
    const kept = same.at(-1);
    if (kept === undefined || same.length === 1) return labelled;
    const hash = kept.metadata?.labels?.[daemonHashLabel];
    const labels = { [daemonHashLabel]: hash };
    for (const pod of owned) {
      if (pod.metadata?.labels?.[daemonHashLabel] === hash) continue;
      await client.patch(pods, keyOf(pod), 'merge', { metadata: { labels } });
    }
    for (const revision of same.slice(0, -1)) await client.delete(controllerRevisions, keyOf(revision));
    return labelled.filter((revision) => revision === kept || !same.includes(revision));
  }

  async function sync(key: Key, set: DaemonSet): Promise<ReconcileResult | undefined> {
    if (isEmptySelector(set.spec?.selector)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      events.event(set, 'Warning', 'SelectingAll', message);
      return undefined;
    }
    if (set.metadata?.deletionTimestamp !== undefined) return undefined;
    const owned = await claimed(set, pods);
    const existing = await historyOf(set, owned);
    const { revision, collisionCount } = await currentRevision(
      {
        client,
        owner: set,
        ownerResource: daemonSets as Resource,
        hashLabel: daemonHashLabel,
        hashOf: (count) => templateHash(set.spec?.template, count),
        collisionCount: set.status?.collisionCount ?? 0,
      },
      existing,
    );
    const hash = revision.metadata?.labels?.[daemonHashLabel] ?? '';
    const allNodes = nodeLister.list();
    const desired = allNodes.filter((node) => placementOf(set, node).run).length;
    const daemon: Daemon = { key, set, hash, podsByNode: groupByNode(owned) };
    // The status says how things are also when something failed.
    let failure: unknown;
    const mayAct = expectations.satisfied(key);
    try {
      const settled = mayAct && !(await manage(daemon, allNodes, desired));
      // What was just done is not in the pods that were read: an update must wait until it is.
      if (settled) {
        if (set.spec?.updateStrategy?.type === 'RollingUpdate') await rollOver(daemon, allNodes, desired);
        const used = new Set([hash, ...owned.map((pod) => pod.metadata?.labels?.[daemonHashLabel])]);
        const inUse = ({ metadata }: ControllerRevision) => used.has(metadata?.labels?.[daemonHashLabel]);
        // Old ones that pods still have count, though they stay.
        const old = existing.filter(({ metadata }) => metadata?.name !== revision.metadata?.name).length;
        await truncateHistory(client, existing, inUse, set.spec?.revisionHistoryLimit ?? historyLimit, old);
      }
    } catch (error) {
      failure = error;
    }
    const status = statusOf(daemon, allNodes, collisionCount);
    // A generation counts as seen only when it was acted on.
    const observedGeneration = mayAct ? status.observedGeneration : set.status?.observedGeneration;
    await writeStatus(set, { ...status, observedGeneration });
    if (failure !== undefined) throw failure;
    const waitMs = nextAvailableInMs(owned, set.spec?.minReadySeconds ?? 0, clock.now());
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }

  return {
    async reconcile(key) {
      if (key.startsWith(nodePrefix)) {
        lookAtNode(key.slice(nodePrefix.length));
        return undefined;
      }
      const { namespace, name } = splitKey(key);
      const set = setLister.get(namespace, name);
      return set === undefined ? undefined : await sync(key, set);
    },
  };
}
