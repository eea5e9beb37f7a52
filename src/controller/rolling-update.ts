/**
 * The arithmetic of Deployments: how many pods more and fewer than asked for a rollout may have, and how large the new ReplicaSet
 * may be now. Pure functions.
 *
 * @see kubernetes/pkg/controller/deployment/util/deployment_util.go
 */
import type { Deployment, IntOrString, ReplicaSet } from '../api/index.ts';
import { timeMs } from './times.ts';

/** A number, or a percentage of `total` rounded as told. Zero for what is neither. */
export function scaledValue(value: IntOrString | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value);
  if (percent === null) return /^\d+$/.test(value) ? Number(value) : 0;
  const scaled = (Number(percent[1]) * total) / 100;
  return round === 'up' ? Math.ceil(scaled) : Math.floor(scaled);
}

/** Pods above and below the wanted number. Never both zero: then nothing could move, and one may be missing. */
export function fenceposts(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  const total = replicasOf(deployment);
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, total, 'up');
  const unavailable = scaledValue(maxUnavailable, total, 'down');
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec?.strategy?.type === 'RollingUpdate';
}

export function replicasOf(object: Deployment | ReplicaSet): number {
  return object.spec?.replicas ?? 1;
}

export function maxSurgeOf(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

export function maxUnavailableOf(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, replicas);
}

export const totalReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, replicaSet) => sum + replicasOf(replicaSet), 0);

export const actualReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, replicaSet) => sum + (replicaSet.status?.replicas ?? 0), 0);

export const availableReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, replicaSet) => sum + (replicaSet.status?.availableReplicas ?? 0), 0);

export const activeSets = (sets: readonly ReplicaSet[]): ReplicaSet[] =>
  sets.filter((replicaSet) => replicasOf(replicaSet) > 0);

/** What the new ReplicaSet may be scaled to now, given the sizes of all (itself included). */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], newSize: number): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const total = totalReplicas(all);
  const most = wanted + fenceposts(deployment).surge;
  if (total >= most) return newSize;
  return newSize + Math.min(most - total, wanted - newSize);
}

/** Oldest first; names tell apart those of one second. */
export function byCreation(left: ReplicaSet, right: ReplicaSet): number {
  const difference = timeMs(left.metadata?.creationTimestamp) - timeMs(right.metadata?.creationTimestamp);
  if (difference !== 0) return difference;
  return (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
}

/**
 * The one ReplicaSet that has pods, or the newest when none has; undefined while several have. It takes a change of size
 * alone.
 */
export function activeOrLatest(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const active = activeSets(newSet === undefined ? oldSets : [...oldSets, newSet]);
  if (active.length > 1) return undefined;
  return active[0] ?? newSet ?? [...oldSets].sort(byCreation).at(-1);
}
