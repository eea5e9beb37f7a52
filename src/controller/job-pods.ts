/**
 * The pods of a Job by what they say: how many are active, which indexes are done or lost, which pods have to stay until another has
 * taken over their index, and what a new pod has besides the template. Pure functions.
 *
 * @see kubernetes/pkg/controller/job/indexed_job_utils.go
 */
import type { Job, Pod, PodTemplateSpec } from '../api/index.ts';
import { conditionOf } from './conditions.ts';
import {
  type FailureVerdict,
  indexAnnotation,
  indexOf,
  isIndexed,
  judgeFailure,
  parseIndexes,
} from './job-policies.ts';

export const jobTrackingFinalizer = 'batch.kubernetes.io/job-tracking';

/** The pods of a Job, sorted out. */
export interface JobTally {
  readonly active: Pod[];
  readonly terminating: number;
  /** Finished pods that still have the finalizer. */
  readonly succeeded: Pod[];
  readonly failed: Pod[];
  readonly verdicts: ReadonlyMap<Pod, FailureVerdict>;
}

/** Completion indexes that are decided. */
export interface JobIndexes {
  readonly succeeded: Set<number>;
  readonly failed: Set<number>;
}

/** Indexes that have succeeded, and those that failed as often as they may. */
export function jobIndexesOf(job: Job, counts: JobTally): JobIndexes {
  if (!isIndexed(job)) return { succeeded: new Set(), failed: new Set() };
  const succeeded = parseIndexes(job.status?.completedIndexes);
  for (const pod of counts.succeeded) if (indexOf(pod) >= 0) succeeded.add(indexOf(pod));
  const failed = parseIndexes(job.status?.failedIndexes);
  const limit = job.spec?.backoffLimitPerIndex;
  // Pods that were deleted because the Job has failed say nothing about their index.
  if (conditionOf(job.status?.conditions, 'FailureTarget') !== undefined) return { succeeded, failed };
  for (const pod of counts.failed) {
    const index = indexOf(pod);
    const action = counts.verdicts.get(pod)?.action;
    if (limit === undefined || index < 0 || succeeded.has(index) || action === 'Ignore') continue;
    if (action === 'FailIndex' || failuresOf(pod) >= limit) failed.add(index);
  }
  return { succeeded, failed };
}

const indexFailuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';

const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

function failuresOf(pod: Pod): number {
  return Number(pod.metadata?.annotations?.[indexFailuresAnnotation] ?? 0);
}

function ignoredFailuresOf(pod: Pod): number {
  return Number(pod.metadata?.annotations?.[ignoredFailuresAnnotation] ?? 0);
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
  if (job.spec?.backoffLimitPerIndex === undefined || job.metadata?.deletionTimestamp !== undefined) return held;
  const settled = new Set([...counts.active.map(indexOf), ...indexes.succeeded, ...indexes.failed]);
  for (const pod of counts.failed) {
    const index = indexOf(pod);
    if (index < 0 || index >= (job.spec.completions ?? 0) || settled.has(index)) continue;
    const other = held.get(index);
    if (other === undefined || indexFailuresOf(pod) > indexFailuresOf(other)) held.set(index, pod);
  }
  return held;
}

/** The lowest indexes that no pod works on and that are not decided. */
export function pendingIndexes(job: Job, active: readonly Pod[], indexes: JobIndexes, count: number): number[] {
  const taken = new Set([...active.map(indexOf), ...indexes.succeeded, ...indexes.failed]);
  const pending: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && pending.length < count; index++) {
    if (!taken.has(index)) pending.push(index);
  }
  return pending;
}

/** Sets what a pod of a Job has besides its template: the finalizer, and for indexed Jobs its index. */
export function prepareJobPod(job: Job, pod: Pod, index: number | undefined, replaced: Pod | undefined): void {
  const metadata = pod.metadata ?? {};
  pod.metadata = metadata;
  metadata.finalizers = [...(metadata.finalizers ?? []), jobTrackingFinalizer];
  if (index === undefined) return;
  const name = job.metadata?.name ?? '';
  metadata.generateName = `${name}-${index}-`;
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
