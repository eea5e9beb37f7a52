/**
 * job-controller: runs pods until enough of them have succeeded, or too many have failed. Finished pods are counted exactly
 * once: they keep a finalizer until the Job's status has taken them into account.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go
 */
import { isNotFound, type Job, type JobCondition, type JobStatus, type Pod } from '../../src/api/index.ts';
import { jobs, keyOf, pods, type Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  conditionOf,
  controllerIndex,
  controllerIndexName,
  controllerOf,
  createPodControl,
  Expectations,
  formatIndexes,
  heldBackPods,
  indexFailuresOf,
  isIndexed,
  isNamespaceTerminating,
  isPodActive,
  isPodReady,
  isPodTerminating,
  type JobIndexes,
  type JobTally,
  jobIndexesOf,
  jobTrackingFinalizer,
  judgeFailure,
  type Key,
  keyFor,
  matcherOf,
  matchSuccessPolicy,
  orphansOf,
  parseIndexes,
  pendingIndexes,
  prepareJobPod,
  type ReconcileResult,
  type Reconciler,
  rankForDeletion,
  semanticallyEqual,
  slowStart,
  splitKey,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

const defaultManager = 'kubernetes.io/job-controller';
const backoffBaseMs = 10_000;
const backoffMaxMs = 600_000;
const podsPerSync = 500;

export const jobController: ControllerDefinition = {
  name: 'job-controller',
  emits: ['PodFailurePolicy', 'BackoffLimitExceeded', 'DeadlineExceeded', 'MaxFailedIndexesExceeded', 'FailedIndexes'],
  reconciles: jobs,
  interests: [{ resource: pods, interest: 'controlled-by:Job' }],
  create: createReconciler,
};

/** Failures in a row, for the back-off of new pods. */
interface Failures {
  count: number;
  lastMs: number;
}

/** Why a Job ends. */
interface Ending {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

const isFinished = (job: Job): boolean =>
  (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );

const isTracked = (pod: Pod): boolean => pod.metadata?.finalizers?.includes(jobTrackingFinalizer) ?? false;

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const jobLister = dependencies.lister(jobs);
  const podLister = dependencies.lister(pods);
  const podControl = createPodControl(client, events);
  const expectations = new Expectations(clock);
  const failures = new Map<Key, Failures>();
  /** Pods that were counted and lost their finalizer, as long as the cache still shows it: they must not count again. */
  const untracked = new Set<string>();
  dependencies.index(pods, controllerIndexName, controllerIndex);

  dependencies.observe(pods, ({ type, object: pod }) => {
    if (type === 'deleted' || !isTracked(pod)) untracked.delete(pod.metadata?.uid ?? '');
    const reference = controllerOf(pod);
    if (reference !== undefined && reference.kind !== 'Job') return;
    if (reference === undefined) {
      if (type === 'deleted') return;
      for (const job of jobLister.list(pod.metadata?.namespace)) {
        if (matcherOf(job.spec?.selector)(pod.metadata?.labels)) dependencies.enqueue(keyFor(job));
      }
      return;
    }
    const job = jobLister.get(pod.metadata?.namespace, reference.name);
    if (job?.metadata?.uid !== reference.uid || job === undefined) {
      // The Job is gone: nobody will count this pod any more.
      if (type !== 'deleted' && isTracked(pod)) dependencies.enqueue(`${orphanPrefix}${keyFor(pod)}`);
      return;
    }
    const key = keyFor(job);
    if (type === 'added' && pod.metadata?.deletionTimestamp === undefined) expectations.creationObserved(key);
    if (type === 'deleted' || pod.metadata?.deletionTimestamp !== undefined)
      expectations.deletionObserved(key, keyFor(pod));
    dependencies.enqueue(key);
  });
  dependencies.observe(jobs, ({ type, object: job }) => {
    if (type !== 'deleted') return;
    expectations.forget(keyFor(job));
    failures.delete(keyFor(job));
    for (const pod of podLister.byIndex(controllerIndexName, job.metadata?.uid ?? '')) {
      if (isTracked(pod)) dependencies.enqueue(`${orphanPrefix}${keyFor(pod)}`);
    }
  });

  async function untrack(pod: Pod): Promise<void> {
    const finalizers = (pod.metadata?.finalizers ?? []).filter((other) => other !== jobTrackingFinalizer);
    const { uid, resourceVersion } = pod.metadata ?? {};
    const metadata = { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers };
    try {
      await client.patch(pods, keyOf(pod), 'merge', { metadata });
      const cached = podLister.get(pod.metadata?.namespace, pod.metadata?.name ?? '');
      if (cached !== undefined && cached.metadata?.uid === uid && isTracked(cached)) untracked.add(uid ?? '');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  function tally(job: Job, owned: readonly Pod[]): JobTally {
    const uncounted = job.status?.uncountedTerminatedPods;
    const known = new Set([...(uncounted?.succeeded ?? []), ...(uncounted?.failed ?? [])]);
    const replaceFailedOnly = job.spec?.podReplacementPolicy === 'Failed';
    const failedNow = (pod: Pod) =>
      pod.status?.phase === 'Failed' ||
      (!replaceFailedOnly && pod.metadata?.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded');
    const isCounted = (uid = '') => known.has(uid) || untracked.has(uid);
    const fresh = owned.filter((pod) => isTracked(pod) && !isCounted(pod.metadata?.uid));
    const failed = fresh.filter(failedNow);
    return {
      active: owned.filter(isPodActive),
      terminating: owned.filter(isPodTerminating).length,
      succeeded: fresh.filter((pod) => pod.status?.phase === 'Succeeded'),
      failed,
      verdicts: new Map(failed.map((pod) => [pod, judgeFailure(job, pod)])),
    };
  }

  function backoffMs(key: Key, counts: JobTally): number {
    let record = failures.get(key) ?? { count: 0, lastMs: 0 };
    if (counts.succeeded.length > 0) record = { count: 0, lastMs: 0 };
    for (const pod of counts.failed) {
      record = { count: record.count + 1, lastMs: Math.max(record.lastMs, Math.min(finishedMs(pod), clock.now())) };
    }
    failures.set(key, record);
    if (record.count === 0) return 0;
    const delayMs = Math.min(backoffBaseMs * 2 ** (record.count - 1), backoffMaxMs);
    return Math.max(0, record.lastMs + delayMs - clock.now());
  }

  function finishedMs(pod: Pod): number {
    const times = (pod.status?.containerStatuses ?? []).map(({ state }) => timeMs(state?.terminated?.finishedAt));
    return Math.max(0, ...times) || timeMs(pod.metadata?.deletionTimestamp) || clock.now();
  }

  /** Why the Job ends now, if it does. */
  function endingOf(
    job: Job,
    counts: JobTally,
    succeeded: number,
    failed: number,
    indexes: JobIndexes,
  ): Ending | undefined {
    const conditions = job.status?.conditions;
    for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
      const known = conditionOf(conditions, type);
      if (known?.status === 'True') return { type, reason: known.reason ?? '', message: known.message ?? '' };
    }
    const fail = (reason: string, message: string): Ending => ({ type: 'FailureTarget', reason, message });
    const fatal = [...counts.verdicts.values()].find(({ action }) => action === 'FailJob');
    if (fatal !== undefined) return fail('PodFailurePolicy', fatal.message);
    const { backoffLimit = 6, activeDeadlineSeconds, completions, maxFailedIndexes } = job.spec ?? {};
    if (failed > (job.status?.failed ?? 0) && failed > backoffLimit) {
      return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    }
    if (restartsOf(job, counts.active) > backoffLimit) {
      return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    }
    const startMs = timeMs(job.status?.startTime);
    if (activeDeadlineSeconds !== undefined && job.spec?.suspend !== true && startMs > 0) {
      if (clock.now() - startMs >= activeDeadlineSeconds * 1000) {
        return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
      }
    }
    if (maxFailedIndexes !== undefined && indexes.failed.size > maxFailedIndexes) {
      return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
    }
    if (indexes.failed.size > 0 && indexes.failed.size + indexes.succeeded.size >= (completions ?? 0)) {
      return fail('FailedIndexes', 'Job has failed indexes');
    }
    const policy = matchSuccessPolicy(job, indexes.succeeded);
    if (policy !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: policy };
    const done = completions === undefined ? succeeded > 0 && counts.active.length === 0 : succeeded >= completions;
    if (!done || counts.active.length > 0 || job.spec?.suspend === true) return undefined;
    const message = 'Reached expected number of succeeded pods';
    return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
  }

  /** `counted`: the pods count as failed; pods that were only too many lose their finalizer before they go. */
  async function removePods(job: Job, key: Key, unwanted: readonly Pod[], counted: boolean): Promise<void> {
    if (unwanted.length === 0) return;
    expectations.expectDeletions(key, unwanted.map(keyFor));
    await Promise.all(
      unwanted.map(async (pod) => {
        try {
          if (!counted && isTracked(pod)) await untrack(pod);
          await podControl.delete(job, pod);
        } catch (error) {
          expectations.deletionObserved(key, keyFor(pod));
          throw error;
        }
      }),
    );
  }

  /** Starts or removes pods. Returns when to come back for pods that back off. */
  async function manage(
    job: Job,
    key: Key,
    counts: JobTally,
    succeeded: number,
    indexes: JobIndexes,
    held: ReadonlyMap<number, Pod>,
  ): Promise<number | undefined> {
    const { active } = counts;
    if (job.spec?.suspend === true) {
      await removePods(job, key, active, false);
      return undefined;
    }
    const { parallelism = 1, completions } = job.spec ?? {};
    const left = completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
    const wanted = Math.min(left, parallelism);
    if (active.length > wanted) {
      const surplus = rankForDeletion(active, () => 0, clock.now()).slice(0, active.length - wanted);
      await removePods(job, key, surplus, false);
      return undefined;
    }
    const replaceFailedOnly = job.spec?.podReplacementPolicy === 'Failed';
    const missing = Math.min(wanted - active.length - (replaceFailedOnly ? counts.terminating : 0), podsPerSync);
    if (missing <= 0) return undefined;
    if (job.spec?.backoffLimitPerIndex !== undefined) {
      const pending = pendingIndexes(job, active, indexes, missing);
      const waitsMs = pending.map((index) => indexBackoffMs(held.get(index)));
      await createPods(
        job,
        key,
        pending.filter((_, at) => waitsMs[at] === 0),
        held,
      );
      const waiting = waitsMs.filter((ms) => ms > 0);
      return waiting.length === 0 ? undefined : Math.min(...waiting);
    }
    const waitMs = backoffMs(key, counts);
    if (waitMs > 0) return waitMs;
    await createPods(job, key, isIndexed(job) ? pendingIndexes(job, active, indexes, missing) : missing);
    return undefined;
  }

  /** Each index has a back-off of its own, which its last failed pod tells. */
  function indexBackoffMs(last: Pod | undefined): number {
    if (last === undefined) return 0;
    const delayMs = Math.min(backoffBaseMs * 2 ** indexFailuresOf(last), backoffMaxMs);
    return Math.max(0, finishedMs(last) + delayMs - clock.now());
  }

  async function createPods(
    job: Job,
    key: Key,
    wanted: number | readonly number[],
    replaced: ReadonlyMap<number, Pod> = new Map(),
  ): Promise<void> {
    const count = typeof wanted === 'number' ? wanted : wanted.length;
    if (count === 0) return;
    let next = 0;
    expectations.expectCreations(key, count);
    const { succeeded, failure } = await slowStart(count, 1, async () => {
      const index = typeof wanted === 'number' ? undefined : wanted[next++];
      try {
        const before = replaced.get(index ?? -1);
        await podControl.create(job, jobs as Resource, job.spec?.template ?? {}, (pod) =>
          prepareJobPod(job, pod, index, before),
        );
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
        expectations.creationObserved(key);
      }
    });
    for (let skipped = count - succeeded; skipped > 0; skipped--) expectations.creationObserved(key);
    if (failure !== undefined) throw failure;
  }

  /** Counts finished pods once: their uids go into the status, then their finalizers go, then the numbers are raised. */
  async function account(
    job: Job,
    counts: JobTally,
    owned: readonly Pod[],
    status: JobStatus,
    ending: Ending | undefined,
    held: ReadonlySet<Pod>,
  ): Promise<Job> {
    const { succeeded: done = [], failed: lost = [] } = job.status?.uncountedTerminatedPods ?? {};
    const uid = (pod: Pod) => pod.metadata?.uid ?? '';
    const counted = counts.failed.filter(
      (pod) => counts.verdicts.get(pod)?.action !== 'Ignore' && ending?.type !== 'SuccessCriteriaMet' && !held.has(pod),
    );
    const indexed = isIndexed(job);
    const succeeded = [...done, ...(indexed ? [] : counts.succeeded.map(uid))];
    const failed = [...lost, ...counted.map(uid)];
    let current = job;
    if (counts.succeeded.length + counted.length > 0) {
      // A job is not over while pods are still to be counted: the server refuses such a status.
      current = await write(job, { ...unfinished(status), uncountedTerminatedPods: { succeeded, failed } });
    }
    const finished = owned.filter(
      (pod) => isTracked(pod) && !held.has(pod) && (!isPodActive(pod) || ending !== undefined),
    );
    await Promise.all(finished.map(untrack));
    const final: JobStatus = {
      ...status,
      succeeded: indexed ? parseIndexes(status.completedIndexes).size : (job.status?.succeeded ?? 0) + succeeded.length,
      failed: (job.status?.failed ?? 0) + failed.length,
      uncountedTerminatedPods: {},
    };
    return await write(current, final);
  }

  async function write(job: Job, status: JobStatus): Promise<Job> {
    const wanted = { ...status };
    for (const field of ['active', 'succeeded', 'failed'] as const) if (wanted[field] === 0) delete wanted[field];
    if (semanticallyEqual(withUncounted(job.status), withUncounted(wanted))) return job;
    return await client.update(jobs, { ...job, status: wanted }, { subresource: 'status' });
  }

  function report(job: Job, condition: JobCondition): void {
    const failed = condition.type === 'FailureTarget';
    if (failed) events.event(job, 'Warning', condition.reason ?? '', condition.message ?? '');
    else events.event(job, 'Normal', 'Completed', 'Job completed');
  }

  function newCondition(type: string, status: string, reason: string, message: string): JobCondition {
    const now = timeText(clock.now());
    return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
  }

  /** Suspended and Resumed, with their events and the start time. */
  function setSuspended(job: Job, status: JobStatus): void {
    const current = conditionOf(status.conditions, 'Suspended');
    const others = (status.conditions ?? []).filter(({ type }) => type !== 'Suspended');
    if (job.spec?.suspend === true && current?.status !== 'True') {
      status.conditions = [...others, newCondition('Suspended', 'True', 'JobSuspended', 'Job suspended')];
      events.event(job, 'Normal', 'Suspended', 'Job suspended');
    } else if (job.spec?.suspend !== true && current?.status === 'True') {
      status.conditions = [...others, newCondition('Suspended', 'False', 'JobResumed', 'Job resumed')];
      status.startTime = timeText(clock.now());
      events.event(job, 'Normal', 'Resumed', 'Job resumed');
    }
    if (job.spec?.suspend === true) delete status.startTime;
  }

  async function sync(job: Job, key: Key): Promise<ReconcileResult | undefined> {
    const owned = await claim(
      {
        client,
        owner: job,
        ownerResource: jobs as Resource,
        ownedResource: pods,
        matches: matcherOf(job.spec?.selector),
        finalizers: [jobTrackingFinalizer],
      },
      [
        ...podLister.byIndex(controllerIndexName, job.metadata?.uid ?? ''),
        ...podLister.byIndex(controllerIndexName, orphansOf(job.metadata?.namespace ?? '')),
      ],
    );
    const status: JobStatus = { ...job.status };
    if (status.startTime === undefined && job.spec?.suspend !== true) status.startTime = timeText(clock.now());
    const started: Job = { ...job, status };
    const counts = tally(job, owned);
    const uncounted = job.status?.uncountedTerminatedPods;
    const indexes = jobIndexesOf(job, counts);
    const countable = counts.failed.filter((pod) => counts.verdicts.get(pod)?.action !== 'Ignore').length;
    const succeeded = isIndexed(job)
      ? indexes.succeeded.size
      : (job.status?.succeeded ?? 0) + counts.succeeded.length + (uncounted?.succeeded?.length ?? 0);
    const failed = (job.status?.failed ?? 0) + countable + (uncounted?.failed?.length ?? 0);
    const ending = endingOf(started, counts, succeeded, failed, indexes);
    const held = ending === undefined ? heldBackPods(job, counts, indexes) : new Map<number, Pod>();
    let waitMs: number | undefined;
    if (ending !== undefined) await removePods(job, key, counts.active, true);
    else if (expectations.satisfied(key) && job.metadata?.deletionTimestamp === undefined) {
      waitMs = await manage(job, key, counts, succeeded, indexes, held);
    }
    setSuspended(job, status);
    if (ending !== undefined && conditionOf(status.conditions, ending.type) === undefined) {
      status.conditions = [
        ...(status.conditions ?? []),
        newCondition(ending.type, 'True', ending.reason, ending.message),
      ];
    }
    status.active = ending === undefined ? counts.active.length : 0;
    status.ready = ending === undefined ? counts.active.filter(isPodReady).length : 0;
    status.terminating = counts.terminating + (ending === undefined ? 0 : counts.active.length);
    if (isIndexed(job)) {
      if (indexes.succeeded.size > 0) status.completedIndexes = formatIndexes(indexes.succeeded);
      if (job.spec?.backoffLimitPerIndex !== undefined) status.failedIndexes = formatIndexes(indexes.failed);
    }
    const over = ending !== undefined && counts.active.length === 0 && counts.terminating === 0;
    if (over) finish(job, status, ending);
    await account(job, counts, owned, status, ending, new Set(held.values()));
    return nextLook(job, status, waitMs, over);
  }

  function finish(job: Job, status: JobStatus, ending: Ending): void {
    const failed = ending.type === 'FailureTarget';
    const condition = newCondition(failed ? 'Failed' : 'Complete', 'True', ending.reason, ending.message);
    status.conditions = [...(status.conditions ?? []), condition];
    if (!failed) status.completionTime = timeText(clock.now());
    report(job, { ...condition, type: ending.type });
  }

  function nextLook(
    job: Job,
    status: JobStatus,
    waitMs: number | undefined,
    over: boolean,
  ): ReconcileResult | undefined {
    if (waitMs !== undefined) return { requeueAfterMs: waitMs };
    const deadline = job.spec?.activeDeadlineSeconds;
    if (over || deadline === undefined || status.startTime === undefined) return undefined;
    const leftMs = timeMs(status.startTime) + deadline * 1000 - clock.now();
    return leftMs > 0 ? { requeueAfterMs: leftMs, background: true } : undefined;
  }

  return {
    async reconcile(key) {
      if (key.startsWith(orphanPrefix)) {
        const { namespace, name } = splitKey(key.slice(orphanPrefix.length));
        const pod = podLister.get(namespace, name);
        if (pod !== undefined && isTracked(pod)) await untrack(pod);
        return undefined;
      }
      const { namespace, name } = splitKey(key);
      const job = jobLister.get(namespace, name);
      if (job === undefined || isFinished(job)) return undefined;
      const { managedBy } = job.spec ?? {};
      if (managedBy !== undefined && managedBy !== defaultManager) return undefined;
      return await sync(job, key);
    },
  };
}

const orphanPrefix = 'orphan:';

/** The status without what says that the job is over. */
function unfinished({ completionTime: _, conditions, ...status }: JobStatus): JobStatus {
  const open = conditions?.filter(({ type }) => type !== 'Complete' && type !== 'Failed');
  return open === undefined ? status : { ...status, conditions: open };
}

/** Sum of the restarts of pods that restart their containers themselves. */
function restartsOf(job: Job, active: readonly Pod[]): number {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return 0;
  let sum = 0;
  for (const { status } of active) {
    for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
      sum += container.restartCount;
    }
  }
  return sum;
}

/** An empty record of uncounted pods is stored, but says nothing. */
function withUncounted(status: JobStatus | undefined): Record<string, unknown> {
  const { uncountedTerminatedPods, ...rest } = status ?? {};
  const { succeeded = [], failed = [] } = uncountedTerminatedPods ?? {};
  return { ...rest, uncounted: [succeeded, failed], tracked: uncountedTerminatedPods !== undefined };
}
