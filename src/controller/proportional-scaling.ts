/**
 * How a change of a Deployment's size is divided among its ReplicaSets in the middle of a rollout. Pure functions.
 *
 * @see kubernetes/pkg/controller/deployment/util/deployment_util.go
 */
import type { Deployment, ReplicaSet } from '../api/index.ts';
import { desiredReplicasOf, maxReplicasOf } from './revisions.ts';
import { byCreation, maxSurgeOf, replicasOf, totalReplicas } from './rolling-update.ts';

/** Whether the rollout has ended: the new ReplicaSet has its full, available size. */
export function isSaturated(deployment: Deployment, replicaSet: ReplicaSet | undefined): boolean {
  if (replicaSet === undefined) return false;
  const wanted = replicasOf(deployment);
  return (
    replicasOf(replicaSet) === wanted &&
    desiredReplicasOf(replicaSet) === wanted &&
    (replicaSet.status?.availableReplicas ?? 0) === wanted
  );
}

/**
 * New sizes when a Deployment changes its size in the middle of a rollout: each active ReplicaSet gets its share, what
 * rounding leaves goes to the largest. Growing prefers newer ReplicaSets, shrinking older ones.
 */
export function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - totalReplicas(sets);
  const newerFirst = toAdd > 0 ? -1 : 1;
  const ordered = [...sets].sort(
    (left, right) => replicasOf(right) - replicasOf(left) || newerFirst * byCreation(left, right),
  );
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const replicaSet of ordered) {
    const share = shareOf(replicaSet, deployment, toAdd, added);
    sizes.set(replicaSet, replicasOf(replicaSet) + share);
    added += share;
  }
  const largest = ordered[0];
  if (largest !== undefined && toAdd !== 0) {
    sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  }
  return sizes;
}

function shareOf(replicaSet: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  const size = replicasOf(replicaSet);
  if (size === 0 || toAdd === 0 || toAdd === added) return 0;
  const share = fairShare(replicaSet, deployment, size);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
}

/** By how much the ReplicaSet would change if it kept its part of the whole. */
function fairShare(replicaSet: ReplicaSet, deployment: Deployment, size: number): number {
  const wanted = replicasOf(deployment);
  if (wanted === 0) return -size;
  const before = maxReplicasOf(replicaSet) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.floor((size * (wanted + maxSurgeOf(deployment))) / before + 0.5) - size;
}
