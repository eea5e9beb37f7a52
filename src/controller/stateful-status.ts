/**
 * The status of a StatefulSet from its pods and revisions, and when it is worth writing. Pure functions.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_control.go
 */
import type { ControllerRevision, Pod, StatefulSet, StatefulSetStatus } from '../api/index.ts';
import { isPodAvailable, isPodReady } from './pods.ts';
import { revisionNameOf } from './stateful-pods.ts';

/** The two revisions that a rolling update moves between. */
export interface StatefulRevisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly collisionCount: number;
}

export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);

/** Whether the API server has the pod; one that is still to be made has no phase. */
export const isStatefulPodMade = (pod: Pod): boolean => (pod.status?.phase ?? '') !== '';

/**
 * Counts of the pods as they were seen: what was just made is not among them, and what was just deleted still is. Only the pods
 * that were deleted for the update, `replaced`, leave the current ones at once. What others wrote into the status does not stay.
 */
export function statefulSetStatus(
  set: StatefulSet,
  revisions: StatefulRevisions,
  pods: readonly Pod[],
  replaced: number,
  nowMs: number,
): StatefulSetStatus {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const made = pods.filter(isStatefulPodMade);
  const ready = made.filter(isRunningAndReady);
  const count = (revision: ControllerRevision) =>
    made.filter(
      (pod) => pod.metadata?.deletionTimestamp === undefined && revisionNameOf(pod) === revision.metadata?.name,
    ).length;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata?.generation,
    replicas: made.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length,
    currentReplicas: Math.max(0, count(revisions.current) - replaced),
    updatedReplicas: count(revisions.update),
    currentRevision: revisions.current.metadata?.name,
    updateRevision: revisions.update.metadata?.name,
    collisionCount: revisions.collisionCount,
  };
  completeUpdate(set, status);
  return status;
}

/** When all pods are there, ready and updated, the update is over: its revision is the current one. */
function completeUpdate(set: StatefulSet, status: StatefulSetStatus): void {
  const { updatedReplicas, readyReplicas, replicas } = status;
  const wanted = set.spec?.replicas ?? 1;
  if (set.spec?.updateStrategy?.type !== 'RollingUpdate') return;
  if ([updatedReplicas, readyReplicas, replicas].some((count) => count !== wanted)) return;
  status.currentReplicas = updatedReplicas;
  status.currentRevision = status.updateRevision;
}

const counts = ['replicas', 'readyReplicas', 'availableReplicas', 'currentReplicas', 'updatedReplicas'] as const;

/** Whether a status is worth writing; a count of collisions alone is not. */
export function isStatusInconsistent(set: StatefulSet, status: StatefulSetStatus): boolean {
  const { status: written } = set;
  return (
    (status.observedGeneration ?? 0) > (written?.observedGeneration ?? 0) ||
    counts.some((name) => (status[name] ?? 0) !== (written?.[name] ?? 0)) ||
    status.currentRevision !== written?.currentRevision ||
    status.updateRevision !== written?.updateRevision
  );
}
