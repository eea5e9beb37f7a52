/**
 * What controllers ask of pods: active, ready, available since when, and which to delete first.
 *
 * @see kubernetes/pkg/controller/controller_utils.go
 */
import type { Pod, PodCondition } from '../api/index.ts';
import { timeMs } from './times.ts';

const none: readonly PodCondition[] = [];

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  for (const condition of pod.status?.conditions ?? none) if (condition.type === type) return condition;
  return undefined;
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata?.deletionTimestamp === undefined;
}

/** Being deleted and not finished: counted as terminating replicas. */
export function isPodTerminating(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata?.deletionTimestamp !== undefined;
}

export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Finished, or being deleted with no container that runs: it needs its volumes no more. */
export function isPodTerminated(pod: Pod): boolean {
  if (isPodFinished(pod)) return true;
  const statuses = pod.status?.containerStatuses ?? [];
  const runs = statuses.some(({ state }) => state?.terminated === undefined && state?.waiting === undefined);
  return pod.metadata?.deletionTimestamp !== undefined && !runs;
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const since = timeMs(ready.lastTransitionTime);
  return since > 0 && since + minReadySeconds * 1000 <= nowMs;
}

/** Milliseconds until a ready pod counts as available; undefined when it is not ready or already available. */
function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True' || minReadySeconds === 0) return undefined;
  const leftMs = timeMs(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs;
  return leftMs > 0 ? leftMs : undefined;
}

/** When the next of the pods counts as available; undefined when none waits for that. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  if (minReadySeconds === 0) return undefined;
  let firstMs: number | undefined;
  for (const pod of pods) {
    const leftMs = availableInMs(pod, minReadySeconds, nowMs);
    if (leftMs !== undefined && (firstMs === undefined || leftMs < firstMs)) firstMs = leftMs;
  }
  return firstMs;
}

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.[deletionCostAnnotation];
  return text !== undefined && /^-?(0|[1-9]\d*)$|^\+?(0|[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod, sidecars: boolean): number {
  let most = 0;
  if (!sidecars) {
    for (const status of pod.status?.containerStatuses ?? []) most = Math.max(most, status.restartCount);
    return most;
  }
  const always = new Set(
    (pod.spec?.initContainers ?? []).filter((init) => init.restartPolicy === 'Always').map((init) => init.name),
  );
  for (const status of pod.status?.initContainerStatuses ?? []) {
    if (always.has(status.name)) most = Math.max(most, status.restartCount);
  }
  return most;
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** Steps of a power of two in which ages are told apart, so that rollouts spread over nodes rather than ages. */
function ageStep(nowMs: number, sinceMs: number): number {
  const age = nowMs - sinceMs;
  return age <= 0 ? 0 : Math.floor(Math.log2(age * 1_000_000));
}

/** What the order of deletion depends on, computed once a pod: a set of ten thousand is compared 130,000 times. */
interface Standing {
  readonly pod: Pod;
  /** Of all but the last, the lowest goes first. */
  readonly assigned: number;
  readonly phase: number;
  readonly ready: number;
  readonly cost: number;
  readonly rank: number;
  /** Since when it is ready; undefined while it is not, 0 when that is not known. */
  readonly readySinceMs: number | undefined;
  readonly createdMs: number;
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly uid: string;
}

function standingOf(pod: Pod, rank: number): Standing {
  const ready = podCondition(pod, 'Ready');
  const isReady = ready?.status === 'True';
  return {
    pod,
    assigned: pod.spec?.nodeName ? 1 : 0,
    phase: phaseRank[pod.status?.phase ?? ''] ?? 0,
    ready: isReady ? 1 : 0,
    cost: deletionCost(pod),
    rank,
    readySinceMs: isReady ? timeMs(ready.lastTransitionTime) : undefined,
    createdMs: timeMs(pod.metadata?.creationTimestamp),
    restarts: restarts(pod, false),
    sidecarRestarts: restarts(pod, true),
    uid: pod.metadata?.uid ?? '',
  };
}

/**
 * The pods in the order in which to delete them: unassigned, pending, not ready, cheap (pod-deletion-cost), doubled up on a
 * node (`rankOf`: related pods on the same node), lately ready, restarted often, young.
 */
export function rankForDeletion(pods: readonly Pod[], rankOf: (pod: Pod) => number, nowMs: number): Pod[] {
  const inSteps: AgeOrder = (left, right, leftMs, rightMs) => {
    if (leftMs === rightMs) return 0;
    // Ages within one step are as good as equal: then the uid decides at once.
    const difference = ageStep(nowMs, leftMs) - ageStep(nowMs, rightMs);
    return difference === 0 ? compareUids(left, right) : difference;
  };
  const standings = pods.map((pod) => standingOf(pod, rankOf(pod)));
  return standings
    .sort((left, right) => compare(left, right, inSteps) || compareUids(left, right))
    .map(({ pod }) => pod);
}

/** The same order without costs and neighbours, where every difference of age counts: the order of Jobs. */
export function rankByAge(pods: readonly Pod[]): Pod[] {
  const standings = pods.map((pod) => ({ ...standingOf(pod, 0), cost: 0 }));
  const exactly: AgeOrder = (_left, _right, leftMs, rightMs) => rightMs - leftMs;
  return standings.sort((left, right) => compare(left, right, exactly)).map(({ pod }) => pod);
}

/** Which of two goes first by the times since when they are ready, or there. */
type AgeOrder = (left: Standing, right: Standing, leftMs: number, rightMs: number) => number;

function compare(left: Standing, right: Standing, byAge: AgeOrder): number {
  return (
    left.assigned - right.assigned ||
    left.phase - right.phase ||
    left.ready - right.ready ||
    left.cost - right.cost ||
    right.rank - left.rank ||
    compareReadySince(left, right, byAge) ||
    right.restarts - left.restarts ||
    right.sidecarRestarts - left.sidecarRestarts ||
    compareCreation(left, right, byAge)
  );
}

function compareUids(left: Standing, right: Standing): number {
  return left.uid < right.uid ? -1 : 1;
}

function compareReadySince(left: Standing, right: Standing, byAge: AgeOrder): number {
  const [leftMs, rightMs] = [left.readySinceMs, right.readySinceMs];
  if (leftMs === undefined || rightMs === undefined) return 0;
  if (leftMs === 0 || rightMs === 0) return Number(rightMs === 0) - Number(leftMs === 0);
  return byAge(left, right, leftMs, rightMs);
}

function compareCreation(left: Standing, right: Standing, byAge: AgeOrder): number {
  const [leftMs, rightMs] = [left.createdMs, right.createdMs];
  if (leftMs !== rightMs && (leftMs === 0 || rightMs === 0)) return leftMs === 0 ? -1 : 1;
  return byAge(left, right, leftMs, rightMs);
}
