/**
 * The reconciler behind ReplicaSets and ReplicationControllers: keeps as many pods as asked for, adopts and releases by
 * selector, and reports what there is. Creates in slow-start batches; deletes the least valuable pods first.
 *
 * @see kubernetes/pkg/controller/replicaset/replica_set.go
 */
import {
  isNotFound,
  type Pod,
  type PodTemplateSpec,
  type ReplicaSet,
  type ReplicaSetStatus,
  type ReplicationController,
} from '../api/index.ts';
import { type Change, type MemberPaths, pods, type Resource } from '../client/index.ts';
import { slowStart } from './batches.ts';
import { conditionOf, newCondition, withCondition, withoutCondition } from './conditions.ts';
import { controllerMetrics } from './controller-metrics.ts';
import { semanticallyEqual } from './equality.ts';
import { Expectations } from './expectations.ts';
import { keyFor, splitKey } from './keys.ts';
import { askedOnce, type LabelMatcher } from './label-selectors.ts';
import { claim, controllerIndex, controllerIndexName, controllerOf, orphansOf } from './owner-references.ts';
import { createPodControl, isNamespaceTerminating, messageOf } from './pod-control.ts';
import {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminating,
  nextAvailableInMs,
  rankForDeletion,
} from './pods.ts';
import { timeMs } from './times.ts';
import type { ControllerDependencies, Key, ReconcileResult, Reconciler } from './types.ts';

/** ReplicaSet and ReplicationController as one. */
export type Replicated = ReplicaSet | ReplicationController;

/** How the two kinds differ. */
export interface ReplicatedKind<Type extends Replicated> {
  readonly resource: Resource<Type>;
  matcherOf(object: Type): LabelMatcher;
  templateOf(object: Type): PodTemplateSpec;
  /** Whether its status counts terminating replicas. */
  readonly countsTerminating: boolean;
}

/** What is read here of pods: counting, claiming and ranking them for deletion needs no more. Whoever reads more adds it. */
export const replicaPodMembers: MemberPaths = [
  'metadata',
  'spec.nodeName',
  'spec.initContainers',
  'status.phase',
  'status.conditions',
  'status.containerStatuses',
  'status.initContainerStatuses',
];

/** Pods created or deleted in one go. */
const burstReplicas = 500;

export function createReplicaReconciler<Type extends Replicated>(
  kind: ReplicatedKind<Type>,
  dependencies: ControllerDependencies,
): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const metrics = controllerMetrics(context.metrics, 'replicaset_controller_');
  const owners = dependencies.lister(kind.resource);
  const podLister = dependencies.lister(pods);
  const podControl = createPodControl(client, events);
  const expectations = new Expectations(clock);
  dependencies.index(pods, controllerIndexName, controllerIndex);
  dependencies.index(kind.resource, controllerIndexName, controllerIndex);

  /** Key of the object that controls the pod, if it is of this kind and still the same one. */
  function ownerKey(pod: Pod): Key | undefined {
    const reference = controllerOf(pod);
    if (reference?.kind !== kind.resource.kind) return undefined;
    const owner = owners.get(pod.metadata?.namespace, reference.name);
    return owner?.metadata?.uid === reference.uid ? keyFor(owner) : undefined;
  }

  function enqueueMatching(pod: Pod): void {
    if (controllerOf(pod) !== undefined) return;
    for (const owner of owners.list(pod.metadata?.namespace)) {
      if (kind.matcherOf(owner)(pod.metadata?.labels)) dependencies.enqueue(keyFor(owner));
    }
  }

  function podDeleted(pod: Pod): void {
    const key = ownerKey(pod);
    if (key === undefined) return;
    expectations.deletionObserved(key, keyFor(pod));
    dependencies.enqueue(key);
  }

  /** Somebody may want an orphan when it comes, and when what decides that has changed. */
  function wakesAdopters(change: Change<Pod>): boolean {
    if (change.type !== 'updated') return true;
    const { object, previous } = change;
    if (!semanticallyEqual(object.metadata?.labels, previous.metadata?.labels)) return true;
    return controllerOf(previous) !== undefined;
  }

  function podChanged(change: Change<Pod>): void {
    const pod = change.object;
    if (change.type === 'deleted') {
      podDeleted(pod);
      return;
    }
    if (pod.metadata?.deletionTimestamp !== undefined) {
      podDeleted(pod);
      if (change.type === 'updated') podReassigned(pod, change.previous);
      return;
    }
    const key = ownerKey(pod);
    if (change.type === 'added') {
      if (key !== undefined) expectations.creationObserved(key);
    } else podReassigned(pod, change.previous);
    if (key !== undefined) dependencies.enqueue(key);
    else if (wakesAdopters(change)) enqueueMatching(pod);
  }

  /** The owner that a pod had before must look too. */
  function podReassigned(pod: Pod, previous: Pod): void {
    if (controllerOf(pod)?.uid === controllerOf(previous)?.uid) return;
    const key = ownerKey(previous);
    if (key !== undefined) dependencies.enqueue(key);
  }

  dependencies.observe(pods, podChanged);
  dependencies.observe(kind.resource, (change) => {
    // One that took the name of another between two lists comes as its update: it expects nothing yet.
    const replaced = change.type === 'updated' && change.previous.metadata?.uid !== change.object.metadata?.uid;
    if (change.type === 'deleted' || replaced) expectations.forget(keyFor(change.object));
  });

  async function manage(owner: Type, key: Key, active: readonly Pod[]): Promise<unknown> {
    const difference = active.length - (owner.spec?.replicas ?? 1);
    if (difference < 0) return scaleUp(owner, key, Math.min(-difference, burstReplicas));
    if (difference > 0) return scaleDown(owner, key, active, Math.min(difference, burstReplicas));
    return undefined;
  }

  /** Resolves with the first failure. */
  async function scaleUp(owner: Type, key: Key, count: number): Promise<unknown> {
    expectations.expectCreations(key, count);
    const template = kind.templateOf(owner);
    const { succeeded, failure } = await slowStart(count, 1, async () => {
      try {
        await podControl.create(owner, kind.resource, template);
      } catch (error) {
        // Nothing can be created here any more: what is expected never comes, so that nothing is tried again either.
        if (!isNamespaceTerminating(error)) throw error;
      }
    });
    for (let skipped = count - succeeded; skipped > 0; skipped--) expectations.creationObserved(key);
    return failure;
  }

  async function scaleDown(owner: Type, key: Key, active: readonly Pod[], count: number): Promise<unknown> {
    const victims = (count < active.length ? rank(owner, active) : active).slice(0, count);
    if (count < active.length) measureAges(victims, active);
    expectations.expectDeletions(key, victims.map(keyFor));
    const failures: unknown[] = [];
    const remove = async (pod: Pod) => {
      try {
        await podControl.delete(owner, pod);
        if (podLister.get(pod.metadata?.namespace, pod.metadata?.name ?? '') === undefined) {
          expectations.deletionObserved(key, keyFor(pod));
        }
      } catch (error) {
        expectations.deletionObserved(key, keyFor(pod));
        failures.push(error);
      }
    };
    await Promise.all(victims.map(remove));
    return failures[0];
  }

  /** How old the ready ones among those that go are, measured by the youngest ready pod. */
  function measureAges(victims: readonly Pod[], active: readonly Pod[]): void {
    const ageMs = (pod: Pod) => Math.max(1, clock.now() - timeMs(pod.metadata?.creationTimestamp));
    const youngestMs = active.filter(isPodReady).reduce((least, pod) => Math.min(least, ageMs(pod)), Infinity);
    for (const pod of victims) {
      if (!isPodReady(pod)) continue;
      metrics.observe('replicaset_controller_sorting_deletion_age_ratio', [], ageMs(pod) / youngestMs);
    }
  }

  /** Pods of all ReplicaSets of one Deployment count when pods are spread over nodes; without an owner nothing does. */
  function rank(owner: Type, active: readonly Pod[]): Pod[] {
    const perNode = new Map<string, number>();
    for (const pod of relatedPods(owner)) {
      const node = pod.spec?.nodeName ?? '';
      if (isPodActive(pod)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
    }
    return rankForDeletion(active, (pod) => perNode.get(pod.spec?.nodeName ?? '') ?? 0, clock.now());
  }

  function relatedPods(owner: Type): Pod[] {
    const uid = controllerOf(owner)?.uid;
    const siblings = uid === undefined ? [] : owners.byIndex(controllerIndexName, uid);
    return siblings.flatMap((sibling) => podLister.byIndex(controllerIndexName, sibling.metadata?.uid ?? ''));
  }

  function statusOf(owner: Type, active: readonly Pod[], terminating: number, failure: unknown): ReplicaSetStatus {
    const nowMs = clock.now();
    const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
    const wanted = Object.entries(kind.templateOf(owner).metadata?.labels ?? {});
    const isLabelled = askedOnce((labels) => wanted.every(([name, value]) => labels?.[name] === value));
    const counts = { labelled: 0, ready: 0, available: 0 };
    // One pass: a set of ten thousand pods is counted with every batch of their changes.
    for (const pod of active) {
      if (isLabelled(pod.metadata?.labels)) counts.labelled++;
      if (!isPodReady(pod)) continue;
      counts.ready++;
      if (minReadySeconds === 0 || isPodAvailable(pod, minReadySeconds, nowMs)) counts.available++;
    }
    return {
      replicas: active.length,
      fullyLabeledReplicas: counts.labelled,
      readyReplicas: counts.ready,
      availableReplicas: counts.available,
      observedGeneration: owner.metadata?.generation,
      conditions: conditionsOf(owner, active.length, failure),
      ...(kind.countsTerminating ? { terminatingReplicas: terminating } : {}),
    };
  }

  function conditionsOf(owner: Type, replicas: number, failure: unknown) {
    const current = owner.status?.conditions;
    const failed = conditionOf(current, 'ReplicaFailure') !== undefined;
    if (failure === undefined) return failed ? withoutCondition(current, 'ReplicaFailure') : current;
    if (failed) return current;
    const reason = replicas < (owner.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
    return withCondition(current, newCondition(clock, 'ReplicaFailure', 'True', reason, messageOf(failure)));
  }

  async function writeStatus(owner: Type, status: ReplicaSetStatus): Promise<void> {
    const current = owner.status;
    if (owner.metadata?.generation === current?.observedGeneration && sameStatus(current, status)) return;
    try {
      await client.update(kind.resource, { ...owner, status }, { subresource: 'status', quiet: true });
    } catch (error) {
      if (isNotFound(error)) return;
      // Whatever was wrong: once more, with the object as it is by now.
      const fresh = await client.get(kind.resource, splitKey(keyFor(owner)));
      await client.update(kind.resource, { ...fresh, status }, { subresource: 'status', quiet: true });
    }
  }

  return {
    async reconcile(key): Promise<ReconcileResult | undefined> {
      const { namespace, name } = splitKey(key);
      const owner = owners.get(namespace, name);
      if (owner === undefined) {
        expectations.forget(key);
        return undefined;
      }
      const mayAct = expectations.satisfied(key);
      const matches = askedOnce(kind.matcherOf(owner));
      const controlled = podLister.byIndex(controllerIndexName, owner.metadata?.uid ?? '');
      const orphans = podLister.byIndex(controllerIndexName, orphansOf(namespace));
      // Pods that have ended or are about to go are neither adopted nor released.
      const active = await claim(
        { client, owner, ownerResource: kind.resource as Resource, ownedResource: pods, matches },
        controlled.filter(isPodActive).concat(orphans.filter(isPodActive)),
      );
      const terminating = kind.countsTerminating
        ? controlled.filter((pod) => isPodTerminating(pod) && matches(pod.metadata?.labels)).length
        : 0;
      let failure: unknown;
      if (mayAct && owner.metadata?.deletionTimestamp === undefined) failure = await manage(owner, key, active);
      await writeStatus(owner, statusOf(owner, active, terminating, failure));
      if (failure !== undefined) throw failure;
      return nextAvailability(owner, active);
    },
  };

  function nextAvailability(owner: Type, active: readonly Pod[]): ReconcileResult | undefined {
    const waitMs = nextAvailableInMs(active, owner.spec?.minReadySeconds ?? 0, clock.now());
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }
}

function sameStatus(left: ReplicaSetStatus | undefined, right: ReplicaSetStatus): boolean {
  return (
    (left?.replicas ?? 0) === right.replicas &&
    (left?.fullyLabeledReplicas ?? 0) === right.fullyLabeledReplicas &&
    (left?.readyReplicas ?? 0) === right.readyReplicas &&
    (left?.availableReplicas ?? 0) === right.availableReplicas &&
    left?.terminatingReplicas === right.terminatingReplicas &&
    semanticallyEqual(left?.conditions, right.conditions)
  );
}
