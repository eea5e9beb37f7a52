/**
 * job-controller: runs pods until enough of them have succeeded, or too many have failed. Finished pods are counted exactly
 * once: they keep a finalizer until the Job's status has taken them into account.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go
 */
import { isNotFound, type Job, type JobStatus, type OwnerReference, type Pod } from '../../src/api/index.ts';
import { jobs, keyOf, pods, type Resource } from '../../src/client/index.ts';
import {
  backOffMs,
  type ControllerDefinition,
  type ControllerDependencies,
  claim,
  comparableStatus,
  completionsReached,
  conditionOf,
  controllerIndex,
  controllerIndexName,
  controllerMetrics,
  controllerOf,
  createPodControl,
  creationReason,
  Expectations,
  failuresAfter,
  finishJob,
  heldBackPods,
  indexBackOffMs,
  isIndexed,
  isJobFinished,
  isNamespaceTerminating,
  isPodFinished,
  isPodReady,
  isTracked,
  JobAccounts,
  type JobEnding,
  type JobFailures,
  type JobIndexes,
  type JobTally,
  jobCondition,
  jobEnding,
  jobIndexesOf,
  jobMode,
  jobTrackingFinalizer,
  type Key,
  keyFor,
  manyWorkers,
  matcherOf,
  measureFinishedPods,
  orphansOf,
  pendingIndexes,
  prepareJobPod,
  type ReconcileResult,
  type Reconciler,
  replacesFailedOnly,
  semanticallyEqual,
  setJobCondition,
  slowStart,
  splitKey,
  surplusPods,
  tallyPods,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

const defaultManager = 'kubernetes.io/job-controller';
const podsPerSync = 500;
/** When expectations are taken for lost. */
const expectationsLookMs = 301_000;
/** Keys of pods that nobody may count any more; others are those of Jobs. */
const orphanPrefix = 'orphan:';

export const jobController: ControllerDefinition = {
  name: 'job-controller',
  queue: 'job',
  queues: [{ name: 'job_orphan_pod', takes: (key) => key.startsWith(orphanPrefix) }],
  emits: [
    'PodFailurePolicy',
    'BackoffLimitExceeded',
    'DeadlineExceeded',
    'MaxFailedIndexesExceeded',
    'FailedIndexes',
    'Resumed',
    'Suspended',
  ],
  reconciles: jobs,
  workers: manyWorkers,
  interests: [{ resource: pods, interest: 'controlled-by:Job' }],
  create: createReconciler,
};

/** Finished, and not yet counted. */
const waitsForAccount = (pod: Pod): boolean => isPodFinished(pod) && isTracked(pod);

const uidOf = (pod: Pod): string => pod.metadata?.uid ?? '';

/** Who sees to the Job when it is not this controller. */
function otherManagerOf(job: Job): string | undefined {
  const { managedBy } = job.spec ?? {};
  return managedBy === defaultManager ? undefined : managedBy;
}

/** What was done about the pods, in the words of the metrics: nothing could be, nothing had to be, or what. */
type Action = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

/** What a look at the pods has changed of them. */
interface Changed {
  readonly action: Action;
  readonly created: number;
  readonly removed: readonly Pod[];
  /** When to come back for pods that back off. */
  readonly waitMs?: number;
  /** The first refusal: it is told when the status is written. */
  readonly failure?: unknown;
}

const nothing = (action: Action): Changed => ({ action, created: 0, removed: [] });

/** What a Job's pods have come to, as far as it decides about new ones. */
interface Progress {
  readonly counts: JobTally;
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: JobIndexes;
  readonly failures: JobFailures;
  /** The last failed pod of each index that has to be tried again. */
  readonly held: ReadonlyMap<number, Pod>;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const jobLister = dependencies.lister(jobs);
  const podLister = dependencies.lister(pods);
  const podControl = createPodControl(client, events);
  const expectations = new Expectations(clock);
  const metrics = controllerMetrics(context.metrics, 'job_controller_');
  const failures = new Map<Key, JobFailures>();
  /** Pods that were counted and lost their finalizer, as long as the cache still shows it: they must not count again. */
  const untracked = new Set<string>();
  dependencies.index(pods, controllerIndexName, controllerIndex);

  /** The Job that a reference means: of the same uid, or none. */
  function jobOf(namespace: string | undefined, reference: OwnerReference | undefined): Job | undefined {
    if (reference?.kind !== 'Job') return undefined;
    const job = jobLister.get(namespace, reference.name);
    return job?.metadata?.uid === reference.uid ? job : undefined;
  }

  /** Has the pod looked at that nobody counts any more. */
  function abandon(pod: Pod): void {
    if (isTracked(pod) && !untracked.has(uidOf(pod))) dependencies.enqueue(`${orphanPrefix}${keyFor(pod)}`);
  }

  dependencies.observe(pods, (change) => {
    const { type, object: pod } = change;
    const { namespace, deletionTimestamp } = pod.metadata ?? {};
    const previous = type === 'updated' ? change.previous : undefined;
    const waited = type === 'added' ? false : waitsForAccount(previous ?? pod);
    const waits = type === 'deleted' ? false : waitsForAccount(pod);
    if (waits !== waited) {
      metrics.count('job_controller_terminated_pods_tracking_finalizer_total', [waits ? 'add' : 'delete']);
    }
    if (type === 'deleted' || !isTracked(pod)) untracked.delete(uidOf(pod));
    const reference = controllerOf(pod);
    const formerly = previous === undefined ? undefined : controllerOf(previous);
    const former = formerly?.uid === reference?.uid ? undefined : jobOf(namespace, formerly);
    if (former !== undefined) dependencies.enqueue(keyFor(former));
    const goes = type === 'deleted' || deletionTimestamp !== undefined;
    if (reference === undefined) {
      if (type === 'deleted') return;
      // Nobody will count it, unless somebody adopts it.
      abandon(pod);
      for (const job of goes ? [] : jobLister.list(namespace)) {
        if (matcherOf(job.spec?.selector)(pod.metadata?.labels)) dependencies.enqueue(keyFor(job));
      }
      return;
    }
    const job = jobOf(namespace, reference);
    if (job === undefined || (goes && isJobFinished(job))) {
      if (goes && type !== 'deleted') abandon(pod);
      return;
    }
    const key = keyFor(job);
    if (type === 'added' && !goes) expectations.creationObserved(key);
    if (goes) expectations.deletionObserved(key, keyFor(pod));
    dependencies.enqueue(key);
  });
  dependencies.observe(jobs, ({ type, object: job }) => {
    const manager = otherManagerOf(job);
    if (type === 'added' && manager !== undefined) {
      metrics.count('job_controller_jobs_by_external_controller_total', [manager]);
    }
    if (type === 'deleted') {
      expectations.forget(keyFor(job));
      failures.delete(keyFor(job));
    } else if (!isJobFinished(job)) return;
    // Whoever finished it: its pods must not wait for ever.
    for (const pod of podLister.byIndex(controllerIndexName, job.metadata?.uid ?? '')) abandon(pod);
  });

  /** Whether no Job will ever take the pod into account. */
  function isOrphan(pod: Pod): boolean {
    const reference = controllerOf(pod);
    if (reference === undefined) return true;
    if (reference.kind !== 'Job' || reference.apiVersion !== 'batch/v1') return false;
    const job = jobOf(pod.metadata?.namespace, reference);
    return job === undefined || (otherManagerOf(job) === undefined && isJobFinished(job));
  }

  async function untrack(pod: Pod): Promise<void> {
    const { namespace, name = '', uid = '' } = pod.metadata ?? {};
    const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [jobTrackingFinalizer] };
    try {
      await client.patch(pods, keyOf(pod), 'strategic', { metadata });
      const cached = podLister.get(namespace, name);
      // A pod that was just adopted got the finalizer with its owner: the cache will show both.
      const lags = cached !== undefined && (isTracked(cached) || controllerOf(cached) === undefined);
      if (lags && cached.metadata?.uid === uid) untracked.add(uid);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The Job's pods. What was just adopted counts as if the cache showed it. */
  async function podsOf(job: Job): Promise<Pod[]> {
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
    return owned.map((pod) => {
      if (controllerOf(pod) !== undefined || isTracked(pod)) return pod;
      const finalizers = [...(pod.metadata?.finalizers ?? []), jobTrackingFinalizer];
      return { ...pod, metadata: { ...pod.metadata, finalizers } };
    });
  }

  /** `counted`: the pods count as failed; pods that were only too many lose their finalizer before they go. */
  async function removePods(job: Job, key: Key, unwanted: readonly Pod[], action: Action): Promise<Changed> {
    if (unwanted.length === 0) return nothing(action);
    expectations.expectDeletions(key, unwanted.map(keyFor));
    const outcomes = await Promise.allSettled(
      unwanted.map(async (pod) => {
        try {
          if (action === 'pods_deleted' && isTracked(pod)) await untrack(pod);
          await podControl.delete(job, pod);
        } catch (error) {
          expectations.deletionObserved(key, keyFor(pod));
          throw error;
        }
      }),
    );
    const removed = unwanted.filter((_, at) => outcomes[at]?.status === 'fulfilled');
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    return { action, created: 0, removed, ...(refused === undefined ? {} : { failure: refused.reason as unknown }) };
  }

  /** Starts or removes pods. */
  async function manage(job: Job, key: Key, progress: Progress): Promise<Changed> {
    const { counts, succeeded, indexes, held } = progress;
    const { active, terminating } = counts;
    if (job.spec?.suspend === true) return await removePods(job, key, active, 'pods_deleted');
    const { parallelism = 1, completions, backoffLimitPerIndex } = job.spec ?? {};
    const left = completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
    const wanted = Math.max(0, completions === undefined ? left : Math.min(left, parallelism));
    const surplus = surplusPods(job, active, Math.max(0, active.length - wanted)).slice(0, podsPerSync);
    if (surplus.length > 0) return await removePods(job, key, surplus, 'pods_deleted');
    const failedOnly = replacesFailedOnly(job);
    const missing = wanted - active.length - (failedOnly ? terminating.length : 0);
    if (missing <= 0) return nothing('tracking');
    const perIndex = isIndexed(job) && backoffLimitPerIndex !== undefined;
    const waitMs = perIndex ? 0 : backOffMs(progress.failures, clock.now());
    if (waitMs > 0) return { ...nothing('pods_created'), waitMs };
    const count = Math.min(missing, podsPerSync);
    const nameless = Array.from({ length: count }, () => undefined);
    if (!isIndexed(job)) return await createPods(job, key, progress, nameless);
    const pending = pendingIndexes(job, failedOnly ? [...active, ...terminating] : active, indexes, count);
    if (!perIndex) return await createPods(job, key, progress, pending);
    const waitsMs = pending.map((index) => indexBackOffMs(held.get(index), clock.now()));
    const due = pending.filter((_, at) => waitsMs[at] === 0);
    const waiting = waitsMs.filter((ms) => ms > 0);
    const changed = await createPods(job, key, progress, due);
    return waiting.length === 0 ? changed : { ...changed, waitMs: Math.min(...waiting) };
  }

  /** A pod for each of `wanted`, which are indexes, or undefined for Jobs without. */
  async function createPods(
    job: Job,
    key: Key,
    { counts, failed, held }: Progress,
    wanted: readonly (number | undefined)[],
  ): Promise<Changed> {
    if (wanted.length === 0) return nothing('pods_created');
    let next = 0;
    const reason = creationReason(job, failed, counts.terminating.length);
    const count = (status: string) => metrics.count('job_controller_job_pods_creation_total', [reason, status]);
    expectations.expectCreations(key, wanted.length);
    const { succeeded, failure } = await slowStart(wanted.length, 1, async () => {
      const index = wanted[next++];
      try {
        await podControl.create(job, jobs as Resource, job.spec?.template ?? {}, (pod) =>
          prepareJobPod(job, pod, index, held.get(index ?? -1)),
        );
        count('succeeded');
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          // Upstream counts a refusal as both.
          for (const status of ['succeeded', 'failed']) count(status);
          throw error;
        }
        expectations.creationObserved(key);
      }
    });
    for (let skipped = wanted.length - succeeded; skipped > 0; skipped--) expectations.creationObserved(key);
    const refused = failure === undefined ? {} : { failure };
    return { action: 'pods_created', created: succeeded, removed: [], ...refused };
  }

  /**
   * Counts finished pods: their uids go into the status, then their finalizers go, then the numbers are raised, and the end of the
   * Job comes when nothing is left to count and no pod is left to end.
   */
  async function settle(job: Job, accounts: JobAccounts, ending: JobEnding | undefined, known: JobFailures) {
    const { status, done } = accounts;
    if (ending !== undefined && conditionOf(status.conditions, ending.type) === undefined) {
      setJobCondition(status, jobCondition(clock.now(), ending.type, 'True', ending.reason, ending.message));
    }
    // What needs no pod let go can be told together with what follows, but for the end.
    const current = done.length === 0 && ending === undefined ? job : await write(job, status);
    failures.set(keyFor(job), known);
    for (const action of accounts.actions) {
      metrics.count('job_controller_pod_failures_handled_by_failure_policy_total', [action]);
    }
    const outcomes = await Promise.allSettled(done.map(untrack));
    for (const [at, pod] of done.entries()) if (outcomes[at]?.status === 'fulfilled') accounts.letGo(pod);
    accounts.settle();
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    const over =
      refused === undefined && accounts.complete && accounts.isSettled && (status.terminating ?? 0) === 0
        ? ending
        : undefined;
    if (over !== undefined) finishJob(status, over, clock.now());
    const written = await write(current, status);
    if (over !== undefined) report(written, over);
    if (written !== job) measureFinishedPods(metrics, job, written);
    if (refused !== undefined) throw refused.reason;
  }

  async function write(job: Job, status: JobStatus): Promise<Job> {
    const wanted = { ...status };
    for (const field of ['active', 'succeeded', 'failed'] as const) if (wanted[field] === 0) delete wanted[field];
    if (wanted.completedIndexes === '') delete wanted.completedIndexes;
    if (semanticallyEqual(comparableStatus(job.status), comparableStatus(wanted))) return job;
    return await client.update(jobs, { ...job, status: wanted }, { subresource: 'status' });
  }

  function report(job: Job, { type, reason, message }: JobEnding): void {
    failures.delete(keyFor(job));
    const result = type === 'FailureTarget' ? 'failed' : 'succeeded';
    metrics.count('job_controller_jobs_finished_total', [jobMode(job), result, reason]);
    if (type === 'FailureTarget') {
      events.event(job, 'Warning', reason, message);
      return;
    }
    const { completions } = job.spec ?? {};
    if (completions !== undefined && (job.status?.succeeded ?? 0) > completions) {
      const tooMany = 'Too many succeeded pods running after completion count reached';
      events.event(job, 'Warning', 'TooManySucceededPods', tooMany);
    }
    events.event(job, 'Normal', 'Completed', 'Job completed');
  }

  /** Suspended and Resumed, with their events and the start time. */
  function setSuspended(job: Job, status: JobStatus): void {
    const [type, state, reason, message] =
      job.spec?.suspend === true
        ? ['Suspended', 'True', 'JobSuspended', 'Job suspended']
        : ['Resumed', 'False', 'JobResumed', 'Job resumed'];
    const condition = jobCondition(clock.now(), 'Suspended', state, reason, message);
    if (!setJobCondition(status, condition)) return;
    // The time that it may be active begins anew.
    if (state === 'True') delete status.startTime;
    else status.startTime = condition.lastTransitionTime;
    events.event(job, 'Normal', type, message);
  }

  /** `told`: what was done is known to the caller although it fails. */
  async function sync(job: Job, key: Key, told: (action: Action) => void): Promise<ReconcileResult | undefined> {
    const owned = await podsOf(job);
    const status: JobStatus = { ...job.status };
    if (status.startTime === undefined && job.spec?.suspend !== true) status.startTime = timeText(clock.now());
    const { succeeded: countingSucceeded = [], failed: countingFailed = [] } = status.uncountedTerminatedPods ?? {};
    const named = new Set([...countingSucceeded, ...countingFailed]);
    const isLetGo = (uid: string) => untracked.has(uid);
    const counts = tallyPods(job, owned, isLetGo, (uid) => named.has(uid));
    const indexes = jobIndexesOf(job, counts);
    const countable = counts.failed.filter((pod) => counts.verdicts.get(pod)?.action !== 'Ignore').length;
    const progress: Progress = {
      counts,
      indexes,
      succeeded: isIndexed(job)
        ? indexes.succeeded.size
        : (status.succeeded ?? 0) + counts.succeeded.length + countingSucceeded.length,
      failed: (status.failed ?? 0) + countable + countingFailed.length,
      failures: failuresAfter(failures.get(key), counts),
      held: heldBackPods(job, counts, indexes),
    };
    let ending = jobEnding({ ...job, status }, { owned, failed: progress.failed, indexes, nowMs: clock.now() });
    let changed: Changed;
    if (ending !== undefined) {
      changed = await removePods(job, key, counts.active, 'reconciling');
      // A pod that could not be deleted has still to be counted.
      if (changed.failure !== undefined) ending = undefined;
    } else {
      const managed = job.metadata?.deletionTimestamp === undefined;
      changed = managed ? await manage(job, key, progress) : nothing('reconciling');
      const { completions } = job.spec ?? {};
      const enough = completions === undefined ? progress.succeeded > 0 : progress.succeeded >= completions;
      if (enough && counts.active.length + changed.created === changed.removed.length) ending = completionsReached;
      else if (managed) setSuspended(job, status);
    }
    told(changed.action);
    status.active = counts.active.length + changed.created - changed.removed.length;
    status.ready = counts.active.filter(isPodReady).length - changed.removed.filter(isPodReady).length;
    status.terminating = counts.terminating.length + changed.removed.length;
    const isGoing = job.metadata?.deletionTimestamp !== undefined;
    const ends = ending?.type === 'FailureTarget' ? 'failing' : ending !== undefined || isGoing ? 'ending' : undefined;
    const accounts = new JobAccounts({ job, owned, ends, held: new Set(progress.held.values()), isLetGo }, status);
    accounts.setIndexes(job, indexes);
    await settle(job, accounts, ending, progress.failures);
    if (changed.failure !== undefined) throw changed.failure;
    return nextLook(job, status, changed.waitMs, ending !== undefined);
  }

  /** When pods have backed off or the deadline is over, whichever comes first. */
  function nextLook(
    job: Job,
    { startTime }: JobStatus,
    waitMs: number | undefined,
    over: boolean,
  ): ReconcileResult | undefined {
    const { activeDeadlineSeconds, suspend } = job.spec ?? {};
    const runs = !over && suspend !== true && startTime !== undefined && activeDeadlineSeconds !== undefined;
    const leftMs = runs ? timeMs(startTime) + activeDeadlineSeconds * 1000 - clock.now() : 0;
    if (leftMs <= 0 || (waitMs !== undefined && waitMs <= leftMs)) {
      return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
    }
    return { requeueAfterMs: leftMs, background: true };
  }

  /** Measures how long a look at a Job takes, what it does, and whether it fails. */
  async function measured(job: Job, key: Key): Promise<ReconcileResult | undefined> {
    const startedMs = clock.monotonic();
    let action: Action = 'reconciling';
    let result = 'error';
    try {
      const next = await sync(job, key, (told) => {
        action = told;
      });
      result = 'success';
      return next;
    } finally {
      const labels = [jobMode(job), result, action];
      metrics.count('job_controller_job_syncs_total', labels);
      metrics.observe('job_controller_job_sync_duration_seconds', labels, (clock.monotonic() - startedMs) / 1000);
    }
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
      if (job === undefined || isJobFinished(job) || otherManagerOf(job) !== undefined) return undefined;
      // What the cache shows is older than what was done here: the events that are still to come bring the key again.
      if (!expectations.satisfied(key)) return { requeueAfterMs: expectationsLookMs, background: true };
      return await measured(job, key);
    },
  };
}
