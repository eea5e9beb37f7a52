/**
 * The accounts of a Job: every finished pod is counted exactly once. Its uid goes into the status, then its finalizer goes, then
 * the uid makes way for a higher number. Pure functions over one look at the pods.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go, tracking_utils.go
 */
import type { Job, JobStatus, Pod } from '../api/index.ts';
import { hasValidIndex, isJobPodFailed, isTracked, type JobIndexes } from './job-pods.ts';
import { formatIndexes, indexOf, isIndexed, judgeFailure, parseIndexes } from './job-policies.ts';

/** The status names no more pods than this at once, so that it stays small. */
const namedMost = 500;

/** What is known of the pods when they are counted. */
export interface JobAccount {
  readonly job: Job;
  readonly owned: readonly Pod[];
  /** The Job fails, or ends otherwise: then its pods do not have to end first. */
  readonly ends: 'failing' | 'ending' | undefined;
  /** Pods that keep their finalizer until another one has taken over their index. */
  readonly held: ReadonlySet<Pod>;
  /** Counted, and without finalizer by now, although the cache may not show it. */
  isLetGo(uid: string): boolean;
}

const uidOf = (pod: Pod): string => pod.metadata?.uid ?? '';

export class JobAccounts {
  /** The status that is being put together. */
  readonly status: JobStatus;
  /** Pods that can lose their finalizer once the status is written. */
  readonly done: Pod[] = [];
  /** Rules of the failure policy that fitted, a pod each. */
  readonly actions: string[] = [];
  /** All pods that can be counted are. */
  complete = true;
  readonly #succeeded: Set<string>;
  readonly #failed: Set<string>;
  readonly #waiting = new Set<string>();

  constructor(account: JobAccount, status: JobStatus) {
    this.status = { ...status };
    this.#succeeded = new Set(status.uncountedTerminatedPods?.succeeded ?? []);
    this.#failed = new Set(status.uncountedTerminatedPods?.failed ?? []);
    for (const pod of account.owned) {
      if (isTracked(pod) && !account.isLetGo(uidOf(pod))) this.#waiting.add(uidOf(pod));
    }
    this.settle();
    this.#count(account);
    this.#name();
  }

  get isSettled(): boolean {
    return this.#succeeded.size + this.#failed.size === 0;
  }

  /** The pod's finalizer is gone. */
  letGo(pod: Pod): void {
    this.#waiting.delete(uidOf(pod));
  }

  /** Pods whose finalizers are gone have been counted: the numbers take them over. */
  settle(): void {
    const { status } = this;
    for (const uid of this.#succeeded) if (!this.#waiting.has(uid)) status.succeeded = (status.succeeded ?? 0) + 1;
    for (const uid of this.#failed) if (!this.#waiting.has(uid)) status.failed = (status.failed ?? 0) + 1;
    for (const named of [this.#succeeded, this.#failed]) {
      for (const uid of named) if (!this.#waiting.has(uid)) named.delete(uid);
    }
    this.#name();
  }

  setIndexes(job: Job, { succeeded, failed }: JobIndexes): void {
    if (!isIndexed(job)) return;
    this.status.succeeded = succeeded.size;
    this.status.completedIndexes = formatIndexes(succeeded);
    if (job.spec?.backoffLimitPerIndex === undefined) delete this.status.failedIndexes;
    else this.status.failedIndexes = formatIndexes(failed);
  }

  #name(): void {
    this.status.uncountedTerminatedPods = {
      ...(this.#succeeded.size === 0 ? {} : { succeeded: [...this.#succeeded] }),
      ...(this.#failed.size === 0 ? {} : { failed: [...this.#failed] }),
    };
  }

  #count({ job, owned, ends, held }: JobAccount): void {
    const indexed = isIndexed(job);
    const counted = parseIndexes(indexed ? job.status?.completedIndexes : '', job.spec?.completions);
    const named = new Set(job.status?.uncountedTerminatedPods?.failed ?? []);
    const ordered = indexed ? [...owned].sort((left, right) => indexOf(left) - indexOf(right)) : owned;
    let indexes = 0;
    for (const pod of ordered) {
      const uid = uidOf(pod);
      const { phase } = pod.status ?? {};
      const lost = isJobPodFailed(job, pod);
      if (!this.#waiting.has(uid) || (ends === undefined && (held.has(pod) || (!lost && phase !== 'Succeeded'))))
        continue;
      this.done.push(pod);
      if (phase === 'Succeeded' && !named.has(uid)) {
        // The index is record enough.
        if (!indexed) this.#succeeded.add(uid);
        else if (hasValidIndex(job, pod) && !counted.has(indexOf(pod))) indexes++;
      } else if ((lost || ends === 'failing') && !named.has(uid) && hasValidIndex(job, pod)) {
        const { action } = judgeFailure(job, pod);
        if (action !== undefined) this.actions.push(action);
        if (action !== 'Ignore') this.#failed.add(uid);
      }
      this.complete = indexes + this.#succeeded.size + this.#failed.size < namedMost;
      if (!this.complete) return;
    }
  }
}

/** Whether two statuses say the same: an empty record of uncounted pods is stored, but says nothing. */
export function comparableStatus(status: JobStatus | undefined): Record<string, unknown> {
  const { uncountedTerminatedPods, ...rest } = status ?? {};
  const { succeeded = [], failed = [] } = uncountedTerminatedPods ?? {};
  return { ...rest, uncounted: [succeeded, failed], tracked: uncountedTerminatedPods !== undefined };
}
