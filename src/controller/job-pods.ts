/**
 * The pods of a Job by what they say: how many are active, which indexes are done or lost, which pods have to stay until another has
 * taken over their index, and what a new pod has besides the template. Pure functions.
 *
 * @see kubernetes/pkg/controller/job/indexed_job_utils.go
 */
import type { Job, Pod, PodTemplateSpec } from '../api/index.ts';
import {
  type FailureVerdict,
  indexAnnotation,
  indexOf,
  isIndexed,
  judgeFailure,
  parseIndexes,
} from './job-policies.ts';
import { isPodActive, isPodTerminating, podCondition, rankByAge } from './pods.ts';
import { timeMs } from './times.ts';

export const jobTrackingFinalizer = 'batch.kubernetes.io/job-tracking';

/** Whether the pod has still to be counted. */
export function isTracked(pod: Pod): boolean {
  return pod.metadata?.finalizers?.includes(jobTrackingFinalizer) ?? false;
}

/** The pods of a Job, sorted out. */
export interface JobTally {
  readonly active: Pod[];
  readonly terminating: Pod[];
  /** Pods that have still to be counted; of an indexed Job those of its indexes alone. */
  readonly waiting: Pod[];
  /** Of those that wait the finished ones that the status does not name. */
  readonly succeeded: Pod[];
  readonly failed: Pod[];
  /** Of all pods that wait and have failed. */
  readonly verdicts: ReadonlyMap<Pod, FailureVerdict>;
}

/** Completion indexes that are decided. */
export interface JobIndexes {
  readonly succeeded: Set<number>;
  readonly failed: Set<number>;
}

/** A pod that is being deleted is replaced when it has ended, not before. A failure policy has to see how it ends. */
export function replacesFailedOnly(job: Job): boolean {
  return job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;
}

/** Failed, or being deleted without having succeeded; where only failed pods are replaced a deleted pod has first to end. */
export function isJobPodFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesFailedOnly(job)) return false;
  return pod.metadata?.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** Whether the pod counts by its index: it always does for a Job without. */
export function hasValidIndex(job: Job, pod: Pod): boolean {
  return !isIndexed(job) || (indexOf(pod) >= 0 && indexOf(pod) < (job.spec?.completions ?? 0));
}

/**
 * Sorts out the pods. `isLetGo`: the pod was counted and has lost its finalizer, although the cache may not show it; `isNamed`: the
 * status names it among those that are being counted.
 */
export function tallyPods(
  job: Job,
  owned: readonly Pod[],
  isLetGo: (uid: string) => boolean,
  isNamed: (uid: string) => boolean = () => false,
): JobTally {
  const waiting = owned.filter((pod) => isTracked(pod) && !isLetGo(pod.metadata?.uid ?? '') && hasValidIndex(job, pod));
  const lost = waiting.filter((pod) => isJobPodFailed(job, pod));
  const isNew = (pod: Pod) => !isNamed(pod.metadata?.uid ?? '');
  return {
    active: owned.filter(isPodActive),
    terminating: owned.filter(isPodTerminating),
    waiting,
    succeeded: waiting.filter((pod) => pod.status?.phase === 'Succeeded' && isNew(pod)),
    failed: lost.filter(isNew),
    verdicts: new Map(lost.map((pod) => [pod, judgeFailure(job, pod)])),
  };
}

/** When the pod ended: when its last container did, else when it became unready, was deleted (without the grace) or was made. */
export function finishedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => timeMs(state?.terminated?.finishedAt));
  if (ends.length > 0 && !ends.includes(0)) return Math.max(...ends);
  const unready = podCondition(pod, 'Ready');
  if (unready?.status === 'False' && timeMs(unready.lastTransitionTime) > 0) return timeMs(unready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata ?? {};
  if (deletionTimestamp !== undefined) return timeMs(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return timeMs(creationTimestamp);
}

/**
 * The active pods that have to go: of an indexed Job those without an index of the Job, and all but one of each index; then, in
 * the order of deletion, as many more as it takes to make `atLeast`.
 */
export function surplusPods(job: Job, active: readonly Pod[], atLeast: number): Pod[] {
  let surplus: Pod[] = [];
  let left: readonly Pod[] = active;
  if (isIndexed(job)) {
    const kept = new Map<number, Pod>();
    for (const pod of rankByAge(active)) if (hasValidIndex(job, pod)) kept.set(indexOf(pod), pod);
    left = [...kept.values()];
    surplus = active.filter((pod) => kept.get(indexOf(pod)) !== pod);
  }
  if (surplus.length >= atLeast) return surplus;
  return [...surplus, ...rankByAge(left).slice(0, atLeast - surplus.length)];
}

/** Indexes that have succeeded, and those that failed as often as they may; those beyond the completions of today are no more. */
export function jobIndexesOf(job: Job, counts: JobTally): JobIndexes {
  if (!isIndexed(job)) return { succeeded: new Set(), failed: new Set() };
  const { completions = 0, backoffLimitPerIndex: limit } = job.spec ?? {};
  const succeeded = parseIndexes(job.status?.completedIndexes, completions);
  for (const pod of counts.waiting) if (pod.status?.phase === 'Succeeded') succeeded.add(indexOf(pod));
  if (limit === undefined) return { succeeded, failed: new Set() };
  const failed = parseIndexes(job.status?.failedIndexes, completions);
  for (const [pod, { action }] of counts.verdicts) {
    if (action === 'FailIndex' || (action !== 'Ignore' && failuresOf(pod) >= limit)) failed.add(indexOf(pod));
  }
  return { succeeded, failed };
}

const indexFailuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';

const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

const countMost = 2 ** 31 - 1;

/** What people make of the annotation is no number, and counts as none. */
function countIn(pod: Pod, annotation: string): number {
  const text = pod.metadata?.annotations?.[annotation] ?? '';
  return /^\+?\d+$/.test(text) && Number(text) <= countMost ? Number(text) : 0;
}

function failuresOf(pod: Pod): number {
  return countIn(pod, indexFailuresAnnotation);
}

function ignoredFailuresOf(pod: Pod): number {
  return countIn(pod, ignoredFailuresAnnotation);
}

/** How often the pod's index had failed before it, counted or not. */
export function indexFailuresOf(pod: Pod): number {
  return failuresOf(pod) + ignoredFailuresOf(pod);
}

/**
 * With a back-off limit for each index the last failed pod of an index says how often the index has failed: it is not counted, and
 * keeps its finalizer, until another pod of the index has taken over.
 */
export function heldBackPods(job: Job, counts: JobTally, indexes: JobIndexes): Map<number, Pod> {
  const held = new Map<number, Pod>();
  if (!isIndexed(job) || job.spec?.backoffLimitPerIndex === undefined) return held;
  const settled = new Set([...counts.active.map(indexOf), ...indexes.succeeded, ...indexes.failed]);
  for (const pod of counts.verdicts.keys()) {
    const index = indexOf(pod);
    if (settled.has(index)) continue;
    const other = held.get(index);
    const isLater =
      other === undefined || (indexFailuresOf(pod) >= indexFailuresOf(other) && finishedMs(pod) >= finishedMs(other));
    if (isLater) held.set(index, pod);
  }
  return held;
}

/** The lowest indexes that no pod works on and that are not decided. */
export function pendingIndexes(job: Job, working: readonly Pod[], indexes: JobIndexes, count: number): number[] {
  const taken = new Set([...working.map(indexOf), ...indexes.succeeded, ...indexes.failed]);
  const pending: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && pending.length < count; index++) {
    if (!taken.has(index)) pending.push(index);
  }
  return pending;
}

/** What is generated has five more letters, and no more than 63 in all. */
const generatedNameMost = 58;

/** Why pods are created, in the words of the metrics. `failed`: all that the Job has lost so far. */
export function creationReason(job: Job, failed: number, terminating: number): string {
  if (job.spec?.podReplacementPolicy === 'Failed' && failed > 0) return 'recreate_failed';
  return failed > 0 || terminating > 0 ? 'recreate_terminating_or_failed' : 'new';
}

/** Sets what a pod of a Job has besides its template: the finalizer, and for indexed Jobs its index. */
export function prepareJobPod(job: Job, pod: Pod, index: number | undefined, replaced: Pod | undefined): void {
  const metadata = pod.metadata ?? {};
  pod.metadata = metadata;
  if (!isTracked(pod)) metadata.finalizers = [...(metadata.finalizers ?? []), jobTrackingFinalizer];
  if (index === undefined) return;
  const name = job.metadata?.name ?? '';
  metadata.generateName = `${name.slice(0, generatedNameMost - `-${index}-`.length)}-${index}-`;
  metadata.annotations = { ...metadata.annotations, [indexAnnotation]: String(index) };
  metadata.labels = { ...metadata.labels, [indexAnnotation]: String(index) };
  if (job.spec?.backoffLimitPerIndex !== undefined) {
    const ignored = replaced !== undefined && judgeFailure(job, replaced).action === 'Ignore';
    const failed = replaced === undefined ? 0 : failuresOf(replaced) + Number(!ignored);
    metadata.annotations[indexFailuresAnnotation] = String(failed);
    const ignoredBefore = replaced === undefined ? 0 : ignoredFailuresOf(replaced) + Number(ignored);
    if (ignoredBefore > 0) metadata.annotations[ignoredFailuresAnnotation] = String(ignoredBefore);
  }
  const spec: NonNullable<PodTemplateSpec['spec']> = { ...pod.spec, containers: pod.spec?.containers ?? [] };
  const fieldPath = `metadata.labels['${indexAnnotation}']`;
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath } } };
  const withIndex = <Kind extends { env?: { name: string }[] | undefined }>(container: Kind): Kind => ({
    ...container,
    env: container.env?.some((env) => env.name === variable.name)
      ? container.env
      : [...(container.env ?? []), variable],
  });
  spec.containers = spec.containers.map(withIndex);
  if (spec.initContainers !== undefined) spec.initContainers = spec.initContainers.map(withIndex);
  spec.hostname = `${name}-${index}`;
  pod.spec = spec;
}
