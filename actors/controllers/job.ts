/**
 * job-controller: runs pods until enough of them have succeeded, or too many have failed. Finished pods are counted exactly
 * once: they keep a finalizer until the Job's status has taken them into account.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go
 */
import { isNotFound, type Job, type JobStatus, type Pod } from '../../src/api/index.ts';
import { jobs, keyOf, pods, type Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  conditionOf,
  controllerIndex,
  controllerIndexName,
  controllerMetrics,
  controllerOf,
  createPodControl,
  creationReason,
  Expectations,
  finishedMs,
  formatIndexes,
  hasValidIndex,
  heldBackPods,
  indexFailuresOf,
  isIndexed,
  isJobPodFailed,
  isNamespaceTerminating,
  isPodFinished,
  isPodReady,
  isTracked,
  type JobIndexes,
  type JobTally,
  jobIndexesOf,
  jobTrackingFinalizer,
  judgeFailure,
  type Key,
  keyFor,
  manyWorkers,
  matcherOf,
  matchSuccessPolicy,
  orphansOf,
  pendingIndexes,
  prepareJobPod,
  type ReconcileResult,
  type Reconciler,
  semanticallyEqual,
  slowStart,
  splitKey,
  surplusPods,
  tallyPods,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

const defaultManager = 'kubernetes.io/job-controller';
const backoffBaseMs = 10_000;
const backoffMaxMs = 600_000;
const podsPerSync = 500;
/** The status names no more pods than this at once, so that it stays small. */
const uncountedMost = 500;
/** When expectations are taken for lost. */
const expectationsLookMs = 301_000;

export const jobController: ControllerDefinition = {
  name: 'job-controller',
  queue: 'job',
  queues: [{ name: 'job_orphan_pod', takes: (key) => key.startsWith(orphanPrefix) }],
  emits: ['PodFailurePolicy', 'BackoffLimitExceeded', 'DeadlineExceeded', 'MaxFailedIndexesExceeded', 'FailedIndexes'],
  reconciles: jobs,
  workers: manyWorkers,
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

/** Finished, and not yet counted. */
const waitsForAccount = (pod: Pod): boolean => isPodFinished(pod) && isTracked(pod);

const uidOf = (pod: Pod): string => pod.metadata?.uid ?? '';

/** What a look at the pods has changed of them. */
interface Changed {
  readonly created: number;
  readonly removed: readonly Pod[];
  /** When to come back for pods that back off. */
  readonly waitMs?: number;
  /** The first refusal: it is told when the status is written. */
  readonly failure?: unknown;
}

const unchanged: Changed = { created: 0, removed: [] };

/** What the accounts of a Job are made of. */
interface Account {
  readonly owned: readonly Pod[];
  readonly status: JobStatus;
  readonly indexes: JobIndexes;
  readonly ending: Ending | undefined;
  /** Pods that keep their finalizer until another one has taken over their index. */
  readonly held: ReadonlySet<Pod>;
  readonly backoff: Failures;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const jobLister = dependencies.lister(jobs);
  const podLister = dependencies.lister(pods);
  const podControl = createPodControl(client, events);
  const expectations = new Expectations(clock);
  const metrics = controllerMetrics(context.metrics, 'job_controller_');
  const failures = new Map<Key, Failures>();
  /** Pods that were counted and lost their finalizer, as long as the cache still shows it: they must not count again. */
  const untracked = new Set<string>();
  dependencies.index(pods, controllerIndexName, controllerIndex);

  dependencies.observe(pods, (change) => {
    const { type, object: pod } = change;
    const waited = type === 'added' ? false : waitsForAccount(type === 'updated' ? change.previous : pod);
    const waits = type === 'deleted' ? false : waitsForAccount(pod);
    if (waits !== waited) {
      metrics.count('job_controller_terminated_pods_tracking_finalizer_total', [waits ? 'add' : 'delete']);
    }
    if (type === 'deleted' || !isTracked(pod)) untracked.delete(pod.metadata?.uid ?? '');
    const reference = controllerOf(pod);
    if (reference !== undefined && reference.kind !== 'Job') return;
    if (reference === undefined) {
      if (type === 'deleted') return;
      // Nobody will count it, unless somebody adopts it.
      if (isTracked(pod)) dependencies.enqueue(`${orphanPrefix}${keyFor(pod)}`);
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
    const { managedBy = defaultManager } = job.spec ?? {};
    if (type === 'added' && managedBy !== defaultManager) {
      metrics.count('job_controller_jobs_by_external_controller_total', [managedBy]);
    }
    if (type !== 'deleted') return;
    expectations.forget(keyFor(job));
    failures.delete(keyFor(job));
    for (const pod of podLister.byIndex(controllerIndexName, job.metadata?.uid ?? '')) {
      if (isTracked(pod)) dependencies.enqueue(`${orphanPrefix}${keyFor(pod)}`);
    }
  });

  /** Whether no Job will ever take the pod into account. */
  function isOrphan(pod: Pod): boolean {
    const reference = controllerOf(pod);
    if (reference === undefined) return true;
    if (reference.kind !== 'Job') return false;
    const job = jobLister.get(pod.metadata?.namespace, reference.name);
    return job?.metadata?.uid !== reference.uid || isFinished(job);
  }

  async function untrack(pod: Pod): Promise<void> {
    const { uid } = pod.metadata ?? {};
    const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [jobTrackingFinalizer] };
    try {
      await client.patch(pods, keyOf(pod), 'strategic', { metadata });
      const cached = podLister.get(pod.metadata?.namespace, pod.metadata?.name ?? '');
      if (cached !== undefined && cached.metadata?.uid === uid && isTracked(cached)) untracked.add(uid ?? '');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The back-off after what has finished since the last look. It is remembered when the status tells of it. */
  function failuresWith(key: Key, counts: JobTally): Failures {
    const known = failures.get(key) ?? { count: 0, lastMs: 0 };
    const succeededMs = counts.succeeded.map(finishedMs).reduce((last, ms) => Math.max(last, ms), 0);
    const failedMs = counts.failed.map(finishedMs);
    const after = counts.succeeded.length === 0 ? failedMs : failedMs.filter((ms) => ms > succeededMs);
    const before = counts.succeeded.length === 0 ? known : { count: 0, lastMs: 0 };
    return {
      count: before.count + after.length,
      lastMs: after.reduce((last, ms) => Math.max(last, ms), before.lastMs),
    };
  }

  function backoffMs({ count, lastMs }: Failures): number {
    if (count === 0) return 0;
    const delayMs = Math.min(backoffBaseMs * 2 ** (count - 1), backoffMaxMs);
    return Math.max(0, Math.min(lastMs, clock.now()) + delayMs - clock.now());
  }

  /** Why the Job ends now, if it does for another reason than that enough pods have succeeded. */
  function endingOf(
    job: Job,
    owned: readonly Pod[],
    tally: JobTally,
    failed: number,
    indexes: JobIndexes,
  ): Ending | undefined {
    const conditions = job.status?.conditions;
    for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
      const known = conditionOf(conditions, type);
      if (known?.status === 'True') return { type, reason: known.reason ?? '', message: known.message ?? '' };
    }
    const fail = (reason: string, message: string): Ending => ({ type: 'FailureTarget', reason, message });
    const fatal = [...tally.verdicts.values()].find(({ action }) => action === 'FailJob');
    if (fatal !== undefined) return fail('PodFailurePolicy', fatal.message);
    const { backoffLimit = 6, activeDeadlineSeconds, completions = 0, maxFailedIndexes } = job.spec ?? {};
    if (failed > backoffLimit || restartsOf(job, owned) >= Math.max(1, backoffLimit)) {
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
    if (indexes.failed.size > 0 && indexes.failed.size + indexes.succeeded.size >= completions) {
      return fail('FailedIndexes', 'Job has failed indexes');
    }
    const policy = matchSuccessPolicy(job, indexes.succeeded);
    if (policy === undefined) return undefined;
    return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: policy };
  }

  /** `counted`: the pods count as failed; pods that were only too many lose their finalizer before they go. */
  async function removePods(job: Job, key: Key, unwanted: readonly Pod[], counted: boolean): Promise<Changed> {
    if (unwanted.length === 0) return unchanged;
    expectations.expectDeletions(key, unwanted.map(keyFor));
    const outcomes = await Promise.allSettled(
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
    const removed = unwanted.filter((_, at) => outcomes[at]?.status === 'fulfilled');
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    return { created: 0, removed, ...(refused === undefined ? {} : { failure: refused.reason as unknown }) };
  }

  /** Starts or removes pods. */
  async function manage(
    job: Job,
    key: Key,
    counts: JobTally,
    succeeded: number,
    indexes: JobIndexes,
    held: ReadonlyMap<number, Pod>,
  ): Promise<Changed> {
    const { active } = counts;
    if (job.spec?.suspend === true) return await removePods(job, key, active, false);
    const { parallelism = 1, completions } = job.spec ?? {};
    const left = completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
    const wanted = Math.max(0, completions === undefined ? left : Math.min(left, parallelism));
    const surplus = surplusPods(job, active, Math.max(0, active.length - wanted), clock.now()).slice(0, podsPerSync);
    if (surplus.length > 0) return await removePods(job, key, surplus, false);
    const replaceFailedOnly = job.spec?.podReplacementPolicy === 'Failed';
    const missing = wanted - active.length - (replaceFailedOnly ? counts.terminating.length : 0);
    if (missing <= 0) return unchanged;
    const perIndex = job.spec?.backoffLimitPerIndex !== undefined;
    const waitMs = perIndex ? 0 : backoffMs(failuresWith(key, counts));
    if (waitMs > 0) return { ...unchanged, waitMs };
    const count = Math.min(missing, podsPerSync);
    if (!isIndexed(job))
      return await createPods(
        job,
        key,
        counts,
        Array.from({ length: count }, () => undefined),
      );
    const pending = pendingIndexes(
      job,
      replaceFailedOnly ? [...active, ...counts.terminating] : active,
      indexes,
      count,
    );
    if (!perIndex) return await createPods(job, key, counts, pending);
    const waitsMs = pending.map((index) => indexBackoffMs(held.get(index)));
    const due = pending.filter((_, at) => waitsMs[at] === 0);
    const waiting = waitsMs.filter((ms) => ms > 0);
    const changed = await createPods(job, key, counts, due, held);
    return waiting.length === 0 ? changed : { ...changed, waitMs: Math.min(...waiting) };
  }

  /** Each index has a back-off of its own, which its last failed pod tells. */
  function indexBackoffMs(last: Pod | undefined): number {
    if (last === undefined) return 0;
    const delayMs = Math.min(backoffBaseMs * 2 ** indexFailuresOf(last), backoffMaxMs);
    return Math.max(0, Math.min(finishedMs(last), clock.now()) + delayMs - clock.now());
  }

  /** A pod for each of `wanted`, which are indexes, or undefined for Jobs without. */
  async function createPods(
    job: Job,
    key: Key,
    counts: JobTally,
    wanted: readonly (number | undefined)[],
    replaced: ReadonlyMap<number, Pod> = new Map(),
  ): Promise<Changed> {
    if (wanted.length === 0) return unchanged;
    let next = 0;
    expectations.expectCreations(key, wanted.length);
    const { succeeded, failure } = await slowStart(wanted.length, 1, async () => {
      const index = wanted[next++];
      try {
        const before = replaced.get(index ?? -1);
        await podControl.create(job, jobs as Resource, job.spec?.template ?? {}, (pod) =>
          prepareJobPod(job, pod, index, before),
        );
        metrics.count('job_controller_job_pods_creation_total', [creationReason(job, counts, before), 'succeeded']);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          metrics.count('job_controller_job_pods_creation_total', [creationReason(job, counts, undefined), 'failed']);
          throw error;
        }
        expectations.creationObserved(key);
      }
    });
    for (let skipped = wanted.length - succeeded; skipped > 0; skipped--) expectations.creationObserved(key);
    return { created: succeeded, removed: [], ...(failure === undefined ? {} : { failure }) };
  }

  /**
   * Counts finished pods once: their uids go into the status, then their finalizers go, then the numbers are raised, and the end
   * of the Job comes when nothing is left to count and no pod is left to end.
   */
  async function account(job: Job, { owned, status, indexes, ending, held, backoff }: Account): Promise<Job> {
    const indexed = isIndexed(job);
    const succeeded = new Set(status.uncountedTerminatedPods?.succeeded ?? []);
    const failed = new Set(status.uncountedTerminatedPods?.failed ?? []);
    const waiting = new Set<string>();
    for (const pod of owned) if (isTracked(pod) && !untracked.has(uidOf(pod))) waiting.add(uidOf(pod));
    const counted = { ...status };
    /** Those whose finalizers are gone have been counted: the numbers take them over. */
    const settle = () => {
      for (const uid of succeeded) if (!waiting.has(uid)) counted.succeeded = (counted.succeeded ?? 0) + 1;
      for (const uid of failed) if (!waiting.has(uid)) counted.failed = (counted.failed ?? 0) + 1;
      for (const set of [succeeded, failed]) for (const uid of set) if (!waiting.has(uid)) set.delete(uid);
      counted.uncountedTerminatedPods = {
        ...(succeeded.size === 0 ? {} : { succeeded: [...succeeded] }),
        ...(failed.size === 0 ? {} : { failed: [...failed] }),
      };
    };
    settle();
    const done: Pod[] = [];
    const ends = ending !== undefined || job.metadata?.deletionTimestamp !== undefined;
    let all = true;
    for (const pod of owned) {
      const uid = uidOf(pod);
      if (!waiting.has(uid) || (!ends && held.has(pod))) continue;
      const lost = isJobPodFailed(job, pod);
      if (!ends && !lost && pod.status?.phase !== 'Succeeded') continue;
      done.push(pod);
      if (pod.status?.phase === 'Succeeded' && !failed.has(uid)) {
        if (!indexed) succeeded.add(uid);
      } else if ((lost || ending?.type === 'FailureTarget') && !failed.has(uid) && hasValidIndex(job, pod)) {
        const { action } = judgeFailure(job, pod);
        if (job.spec?.podFailurePolicy !== undefined && action !== 'Count') {
          metrics.count('job_controller_pod_failures_handled_by_failure_policy_total', [action]);
        }
        if (action !== 'Ignore') failed.add(uid);
      }
      all = succeeded.size + failed.size < uncountedMost;
      if (!all) break;
    }
    if (indexed) {
      counted.succeeded = indexes.succeeded.size;
      counted.completedIndexes = formatIndexes(indexes.succeeded);
      if (job.spec?.backoffLimitPerIndex !== undefined) counted.failedIndexes = formatIndexes(indexes.failed);
    }
    if (ending !== undefined && conditionOf(counted.conditions, ending.type) === undefined) {
      const condition = newCondition(ending.type, 'True', ending.reason, ending.message);
      counted.conditions = [...(counted.conditions ?? []), condition];
    }
    counted.uncountedTerminatedPods = {
      ...(succeeded.size === 0 ? {} : { succeeded: [...succeeded] }),
      ...(failed.size === 0 ? {} : { failed: [...failed] }),
    };
    // What needs no pod let go can be told together with what follows.
    const current = done.length === 0 ? job : await write(job, counted);
    failures.set(keyFor(job), backoff);
    const outcomes = await Promise.allSettled(done.map(untrack));
    for (const [at, pod] of done.entries()) if (outcomes[at]?.status === 'fulfilled') waiting.delete(uidOf(pod));
    settle();
    const over = all && ending !== undefined && succeeded.size + failed.size === 0 && (status.terminating ?? 0) === 0;
    if (over) finish(counted, ending);
    const written = await write(current, counted);
    if (over) report(written, ending);
    measurePods(job, written);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
    return written;
  }

  async function write(job: Job, status: JobStatus): Promise<Job> {
    const wanted = { ...status };
    for (const field of ['active', 'succeeded', 'failed'] as const) if (wanted[field] === 0) delete wanted[field];
    if (wanted.completedIndexes === '') delete wanted.completedIndexes;
    if (semanticallyEqual(withUncounted(job.status), withUncounted(wanted))) return job;
    return await client.update(jobs, { ...job, status: wanted }, { subresource: 'status' });
  }

  function finish(status: JobStatus, { type, reason, message }: Ending): void {
    const condition = newCondition(type === 'FailureTarget' ? 'Failed' : 'Complete', 'True', reason, message);
    status.conditions = [...(status.conditions ?? []), condition];
    if (type === 'SuccessCriteriaMet') status.completionTime = condition.lastTransitionTime;
  }

  function report(job: Job, { type, reason, message }: Ending): void {
    const mode = job.spec?.completionMode ?? 'NonIndexed';
    failures.delete(keyFor(job));
    if (type === 'FailureTarget') {
      events.event(job, 'Warning', reason, message);
      metrics.count('job_controller_jobs_finished_total', [mode, 'failed', reason]);
      return;
    }
    const { completions } = job.spec ?? {};
    if (completions !== undefined && (job.status?.succeeded ?? 0) > completions) {
      const tooMany = 'Too many succeeded pods running after completion count reached';
      events.event(job, 'Warning', 'TooManySucceededPods', tooMany);
    }
    events.event(job, 'Normal', 'Completed', 'Job completed');
    metrics.count('job_controller_jobs_finished_total', [mode, 'succeeded', '']);
  }

  /** Counts what the status says more than before. */
  function measurePods(before: Job, after: Job): void {
    const mode = after.spec?.completionMode ?? 'NonIndexed';
    for (const result of ['succeeded', 'failed'] as const) {
      const more = (after.status?.[result] ?? 0) - (before.status?.[result] ?? 0);
      if (more <= 0) continue;
      metrics.count('job_controller_job_pods_finished_total', [mode, result], more);
      if (mode !== 'Indexed' || result !== 'succeeded') continue;
      const scope = after.spec?.backoffLimitPerIndex === undefined ? 'global' : 'perIndex';
      metrics.count('job_controller_job_finished_indexes_total', [result, scope], more);
    }
  }

  function newCondition(type: string, status: string, reason: string, message: string) {
    const now = timeText(clock.now());
    return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
  }

  /** Suspended and Resumed, with their events and the start time. */
  function setSuspended(job: Job, status: JobStatus): void {
    const suspended = job.spec?.suspend === true;
    if (suspended) delete status.startTime;
    const current = conditionOf(status.conditions, 'Suspended');
    if ((current?.status === 'True') === suspended) return;
    const next = suspended
      ? newCondition('Suspended', 'True', 'JobSuspended', 'Job suspended')
      : newCondition('Suspended', 'False', 'JobResumed', 'Job resumed');
    const { conditions = [] } = status;
    status.conditions =
      current === undefined ? [...conditions, next] : conditions.map((known) => (known === current ? next : known));
    if (!suspended) status.startTime = next.lastTransitionTime;
    events.event(job, 'Normal', suspended ? 'Suspended' : 'Resumed', next.message);
  }

  async function sync(job: Job, key: Key): Promise<ReconcileResult | undefined> {
    // What the cache shows is older than what was done here: the events that are still to come bring the key again.
    if (!expectations.satisfied(key)) return { requeueAfterMs: expectationsLookMs, background: true };
    const startedMs = clock.monotonic();
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
    const { succeeded: uncountedSucceeded = [], failed: uncountedFailed = [] } = status.uncountedTerminatedPods ?? {};
    const uncounted = new Set([...uncountedSucceeded, ...uncountedFailed]);
    const counts = tallyPods(job, owned, (uid) => uncounted.has(uid) || untracked.has(uid));
    const backoff = failuresWith(key, counts);
    const indexes = jobIndexesOf(job, counts);
    const countable = counts.failed.filter((pod) => counts.verdicts.get(pod)?.action !== 'Ignore').length;
    const succeeded = isIndexed(job)
      ? indexes.succeeded.size
      : (status.succeeded ?? 0) + counts.succeeded.length + uncountedSucceeded.length;
    const failed = (status.failed ?? 0) + countable + uncountedFailed.length;
    let ending = endingOf({ ...job, status }, owned, counts, failed, indexes);
    const held = ending === undefined ? heldBackPods(job, counts, indexes) : new Map<number, Pod>();
    let changed = unchanged;
    if (ending !== undefined) {
      changed = await removePods(job, key, counts.active, true);
      // A pod that could not be deleted has still to be counted.
      if (changed.failure !== undefined) ending = undefined;
    } else {
      const managed = job.metadata?.deletionTimestamp === undefined;
      if (managed) changed = await manage(job, key, counts, succeeded, indexes, held);
      const { completions } = job.spec ?? {};
      const enough = completions === undefined ? succeeded > 0 : succeeded >= completions;
      if (enough && counts.active.length + changed.created === changed.removed.length) {
        const message = 'Reached expected number of succeeded pods';
        ending = { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
      } else if (managed) setSuspended(job, status);
    }
    status.active = counts.active.length + changed.created - changed.removed.length;
    status.ready = counts.active.filter(isPodReady).length - changed.removed.filter(isPodReady).length;
    status.terminating = counts.terminating.length + changed.removed.length;
    await account(job, { owned, status, indexes, ending, held: new Set(held.values()), backoff });
    measureSync(job, changed, clock.monotonic() - startedMs);
    if (changed.failure !== undefined) throw changed.failure;
    return nextLook(job, status, changed.waitMs, ending !== undefined);
  }

  function measureSync(job: Job, { created, removed, failure }: Changed, tookMs: number): void {
    const mode = job.spec?.completionMode ?? 'NonIndexed';
    const action = created > 0 ? 'pods_created' : removed.length > 0 ? 'pods_deleted' : 'tracking';
    const labels = [mode, failure === undefined ? 'success' : 'error', action];
    metrics.count('job_controller_job_syncs_total', labels);
    metrics.observe('job_controller_job_sync_duration_seconds', labels, tookMs / 1000);
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
        if (pod !== undefined && isTracked(pod) && isOrphan(pod)) await untrack(pod);
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

/** Sum of the restarts of pods that restart their containers themselves. */
function restartsOf(job: Job, owned: readonly Pod[]): number {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return 0;
  let sum = 0;
  for (const { status } of owned) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
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
