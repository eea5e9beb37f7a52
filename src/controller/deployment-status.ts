/**
 * The status of a Deployment from its ReplicaSets, and its conditions Available, Progressing and ReplicaFailure. Pure but for
 * the clock.
 *
 * @see kubernetes/pkg/controller/deployment/progress.go
 */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../api/index.ts';
import type { Clock } from '../runtime/index.ts';
import { conditionOf, withCondition, withoutCondition } from './conditions.ts';
import { actualReplicas, availableReplicas, maxUnavailableOf, replicasOf, totalReplicas } from './rolling-update.ts';
import { timeMs, timeText } from './times.ts';

export const progressReasons = {
  created: 'NewReplicaSetCreated',
  found: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  timedOut: 'ProgressDeadlineExceeded',
  createError: 'ReplicaSetCreateError',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
} as const;

/** This many seconds stand for no deadline. */
const noDeadline = 2_147_483_647;

export function hasProgressDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== noDeadline;
}

export function deploymentCondition(
  clock: Clock,
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): DeploymentCondition {
  const now = timeText(clock.now());
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Counts and the Available condition. The other conditions are the Deployment's as they are. */
export function calculateStatus(
  clock: Clock,
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): DeploymentStatus {
  const available = availableReplicas(all);
  const enough = available >= replicasOf(deployment) - maxUnavailableOf(deployment);
  const condition = enough
    ? deploymentCondition(
        clock,
        'Available',
        'True',
        'MinimumReplicasAvailable',
        'Deployment has minimum availability.',
      )
    : deploymentCondition(
        clock,
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
      );
  const counts: DeploymentStatus = {
    replicas: actualReplicas(all),
    updatedReplicas: newSet === undefined ? 0 : actualReplicas([newSet]),
    readyReplicas: all.reduce((sum, replicaSet) => sum + (replicaSet.status?.readyReplicas ?? 0), 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalReplicas(all) - available),
  };
  // Counts of zero are not written, so that a status is equal to the stored one if it says the same.
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata?.generation,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    conditions: withCondition(deployment.status?.conditions, condition),
  };
  const { collisionCount } = deployment.status ?? {};
  if (collisionCount !== undefined) status.collisionCount = collisionCount;
  const terminating = terminatingReplicas(all);
  if (terminating !== undefined) status.terminatingReplicas = terminating;
  return status;
}

/** Unknown as long as one ReplicaSet does not say. */
function terminatingReplicas(all: readonly ReplicaSet[]): number | undefined {
  let sum = 0;
  for (const { status } of all) {
    if (status?.terminatingReplicas === undefined) return undefined;
    sum += status.terminatingReplicas;
  }
  return sum;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** Whether `status` is further than what the Deployment says: more updated, fewer old, more ready or available. */
function isProgressing(deployment: Deployment, status: DeploymentStatus): boolean {
  const before = deployment.status ?? {};
  const old = (of: DeploymentStatus) => (of.replicas ?? 0) - (of.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(status) < old(before) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(clock: Clock, deployment: Deployment, status: DeploymentStatus): boolean {
  const condition = conditionOf(status.conditions, 'Progressing');
  if (condition === undefined || condition.reason === progressReasons.available) return false;
  if (condition.reason === progressReasons.timedOut) return true;
  const deadlineMs = (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
  return timeMs(condition.lastUpdateTime) + deadlineMs < clock.now();
}

/** Sets Progressing and ReplicaFailure in `status` for a rollout that goes on. */
export function setRolloutConditions(
  clock: Clock,
  deployment: Deployment,
  status: DeploymentStatus,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): void {
  const current = conditionOf(deployment.status?.conditions, 'Progressing');
  const settled =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === progressReasons.available;
  if (!hasProgressDeadline(deployment)) status.conditions = withoutCondition(status.conditions, 'Progressing');
  else if (!settled) setProgress(clock, deployment, status, current, newSet);
  const failure = failureOf(all, newSet);
  status.conditions =
    failure === undefined
      ? withoutCondition(status.conditions, 'ReplicaFailure')
      : withCondition(status.conditions, failure);
}

function setProgress(
  clock: Clock,
  deployment: Deployment,
  status: DeploymentStatus,
  current: DeploymentCondition | undefined,
  newSet: ReplicaSet | undefined,
): void {
  const who =
    newSet === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${newSet.metadata?.name}"`;
  const make = (state: 'True' | 'False', reason: string, what: string) =>
    deploymentCondition(clock, 'Progressing', state, reason, `${who} ${what}`);
  if (isComplete(deployment, status)) {
    const condition = make('True', progressReasons.available, 'has successfully progressed.');
    status.conditions = withCondition(status.conditions, condition);
  } else if (isProgressing(deployment, status)) {
    const condition = make('True', progressReasons.updated, 'is progressing.');
    // The update time must move with each step, although status and reason stay: the deadline is counted from it.
    if (current?.status === 'True') condition.lastTransitionTime = current.lastTransitionTime;
    status.conditions = [...withoutCondition(status.conditions, 'Progressing'), condition];
  } else if (hasTimedOut(clock, deployment, status)) {
    const condition = make('False', progressReasons.timedOut, 'has timed out progressing.');
    status.conditions = withCondition(status.conditions, condition);
  }
}

/** The new ReplicaSet's failure, or else that of any other. */
function failureOf(all: readonly ReplicaSet[], newSet: ReplicaSet | undefined): DeploymentCondition | undefined {
  const sets = newSet === undefined ? all : [newSet, ...all];
  for (const replicaSet of sets) {
    const condition = conditionOf(replicaSet.status?.conditions, 'ReplicaFailure');
    if (condition !== undefined) return { ...condition, lastUpdateTime: condition.lastTransitionTime };
  }
  return undefined;
}

/** Milliseconds until the progress deadline must be looked at; undefined when there is nothing to wait for. */
export function progressCheckInMs(clock: Clock, deployment: Deployment, status: DeploymentStatus): number | undefined {
  const condition = conditionOf(status.conditions, 'Progressing');
  if (!hasProgressDeadline(deployment) || condition === undefined) return undefined;
  if (isComplete(deployment, status) || condition.reason === progressReasons.timedOut) return undefined;
  const deadlineMs = (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(0, timeMs(condition.lastUpdateTime) + deadlineMs - clock.now()) + 1_000;
}
