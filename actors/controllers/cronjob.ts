/**
 * cronjob-controller: creates Jobs at the times of a schedule, under a policy for those that overlap, and keeps a few of the
 * finished ones.
 *
 * @see kubernetes/pkg/controller/cronjob/cronjob_controllerv2.go
 */
import { type CronJob, type CronJobStatus, isAlreadyExists, isNotFound, type Job } from '../../src/api/index.ts';
import { type Change, cronJobs, jobs, keyOf, type ObjectKey, type Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  type CronSchedule,
  controllerIndex,
  controllerIndexName,
  controllerMetrics,
  controllerOf,
  controllerReferenceTo,
  isNamespaceTerminating,
  isTimeZone,
  keyFor,
  messageOf,
  parseCron,
  type ReconcileResult,
  type Reconciler,
  semanticallyEqual,
  splitKey,
  timeMs,
  timeText,
  zoneOffsetMs,
} from '../../src/controller/index.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const missedMax = 100;
/** Added to the wait for the next time, so that the clock has certainly passed it. */
const slackMs = 100;
/**
 * All CronJobs of a minute start together: their Jobs are asked for at once, and come before what is written about them, which
 * each worker sends when it has its answer. With fewer workers the last Job waits for the statuses and events of the first.
 */
const workers = 1_024;

export const cronJobController: ControllerDefinition = {
  name: 'cronjob-controller',
  queue: 'cronjob',
  reconciles: cronJobs,
  workers,
  // A new schedule counts from its next time on.
  wakes: (change) => !isRescheduled(change),
  owns: [jobs],
  create: createReconciler,
};

function isRescheduled(change: Change<CronJob>): boolean {
  if (change.type !== 'updated') return false;
  const [before, after] = [change.previous.spec, change.object.spec];
  return before?.schedule !== after?.schedule || before?.timeZone !== after?.timeZone;
}

function endOf(job: Job): 'Complete' | 'Failed' | undefined {
  const condition = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return condition?.type as 'Complete' | 'Failed' | undefined;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const metrics = controllerMetrics(context.metrics, 'cronjob_controller_');
  const lister = dependencies.lister(cronJobs);
  const jobLister = dependencies.lister(jobs);
  /** Uids of Jobs that were created here and are not yet both in the cache and in a status. */
  const justCreated = new Set<string>();
  dependencies.index(jobs, controllerIndexName, controllerIndex);
  dependencies.observe(cronJobs, (change) => {
    if (!isRescheduled(change)) return;
    const { schedule = '', timeZone = 'UTC' } = change.object.spec ?? {};
    try {
      const nextMs = parseCron(schedule, timeZone).after(clock.now());
      if (nextMs === undefined) return;
      dependencies.enqueueAfter(keyFor(change.object), nextMs - clock.now() + slackMs, { background: true });
    } catch {
      const message = `unparseable schedule for cronjob: ${schedule}`;
      events.event(change.object, 'Warning', 'UnParseableCronJobSchedule', message);
    }
  });

  async function deleteJob(cronJob: CronJob, job: Job): Promise<void> {
    const name = job.metadata?.name;
    try {
      await client.delete(jobs, keyOf(job), { propagationPolicy: 'Background', quiet: true });
      events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (isNotFound(error)) return;
      events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Takes ended and vanished Jobs off the list of active ones. */
  async function followJobs(cronJob: CronJob, children: readonly Job[], status: CronJobStatus): Promise<void> {
    const active = status.active ?? [];
    status.active = active.filter((reference) => {
      const job = children.find(({ metadata }) => metadata?.uid === reference.uid);
      const end = job === undefined ? undefined : endOf(job);
      if (job === undefined) {
        // A Job that was just created may not be in the cache yet.
        if (justCreated.has(reference.uid ?? '')) return true;
        events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`);
        return false;
      }
      justCreated.delete(reference.uid ?? '');
      if (end === undefined) return true;
      events.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${reference.name}, condition: ${end}`);
      return false;
    });
    for (const job of children) {
      const uid = job.metadata?.uid ?? '';
      const known = justCreated.has(uid) || active.some((reference) => reference.uid === uid);
      if (!known && endOf(job) === undefined && !(await isActive(cronJob, uid))) {
        const message = `Saw a job that the controller did not create or forgot: ${job.metadata?.name}`;
        events.event(cronJob, 'Warning', 'UnexpectedJob', message);
      }
      const completed = job.status?.completionTime;
      if (endOf(job) !== 'Complete' || completed === undefined) continue;
      if (timeMs(completed) > timeMs(status.lastSuccessfulTime)) status.lastSuccessfulTime = completed;
    }
  }

  /** Whether the CronJob has the Job on its list, which the cache may not show yet. */
  async function isActive(cronJob: CronJob, uid: string): Promise<boolean> {
    const { status } = await client.get(cronJobs, keyOf(cronJob));
    return status?.active?.some((reference) => reference.uid === uid) ?? false;
  }

  /** Deletes ended Jobs beyond the limits, and takes them off the list of active ones: nobody says that they have ended. */
  async function cleanUp(cronJob: CronJob, children: readonly Job[], status: CronJobStatus): Promise<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
    const limits = [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const;
    for (const [end, limit] of limits) {
      if (limit === undefined) continue;
      const ended = children.filter((job) => endOf(job) === end && job.metadata?.deletionTimestamp === undefined);
      ended.sort(byStart);
      for (const job of ended.slice(0, Math.max(0, ended.length - limit))) {
        await deleteJob(cronJob, job);
        status.active = status.active?.filter(({ uid }) => uid !== job.metadata?.uid);
      }
    }
  }

  /** The latest time that is due and not handled, if there is any. */
  function dueTime(cronJob: CronJob, schedule: CronSchedule): number | undefined {
    const nowMs = clock.now();
    const deadline = cronJob.spec?.startingDeadlineSeconds;
    const fromMs = Math.max(sinceMs(cronJob), deadline === undefined ? 0 : nowMs - deadline * 1000);
    let due: number | undefined;
    let missed = 0;
    for (let next = schedule.after(fromMs); next !== undefined && next <= nowMs; next = schedule.after(next)) {
      due = next;
      if (++missed > missedMax) {
        const message =
          'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
        events.event(cronJob, 'Warning', 'TooManyMissedTimes', message);
        // From here on the latest is found by going back from now, not by counting up.
        return latestBefore(schedule, nowMs, due);
      }
    }
    return due;
  }

  /** The last time up to `nowMs`, searched in windows that double in size. */
  function latestBefore(schedule: CronSchedule, nowMs: number, atLeastMs: number): number {
    for (let windowMs = 3_600_000; nowMs - windowMs > atLeastMs; windowMs *= 2) {
      let latest: number | undefined;
      for (
        let next = schedule.after(nowMs - windowMs);
        next !== undefined && next <= nowMs;
        next = schedule.after(next)
      )
        latest = next;
      if (latest !== undefined) return latest;
    }
    return atLeastMs;
  }

  async function startJob(cronJob: CronJob, status: CronJobStatus, dueMs: number): Promise<void> {
    const { name = '', namespace } = cronJob.metadata ?? {};
    const template = cronJob.spec?.jobTemplate;
    const wanted: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: `${name}-${Math.floor(dueMs / 60_000)}`,
        namespace,
        labels: { ...template?.metadata?.labels },
        annotations: { ...template?.metadata?.annotations, [scheduledAnnotation]: scheduledText(cronJob, dueMs) },
        ownerReferences: [controllerReferenceTo(cronJob, cronJobs as Resource)],
      },
      ...(template?.spec === undefined ? {} : { spec: template.spec }),
    };
    try {
      const job = await client.create(jobs, wanted);
      const skewMs = timeMs(job.metadata?.creationTimestamp) - dueMs;
      metrics.observe('cronjob_controller_job_creation_skew_duration_seconds', [], skewMs / 1000);
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata?.name}`);
      takeOn(status, job, dueMs);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (isAlreadyExists(error)) return takeOnExisting(cronJob, status, keyOf(wanted), dueMs);
      events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  }

  function takeOn(status: CronJobStatus, job: Job, dueMs: number): void {
    const { name, namespace, uid, resourceVersion } = job.metadata ?? {};
    if (status.active?.some((reference) => reference.uid === uid)) return;
    status.lastScheduleTime = timeText(dueMs);
    justCreated.add(uid ?? '');
    const reference = { kind: 'Job', apiVersion: 'batch/v1', name, namespace, uid, resourceVersion };
    status.active = [...(status.active ?? []), reference];
  }

  /** The Job is there, but not in the status: it was made right before this controller was stopped, or by somebody else. */
  async function takeOnExisting(cronJob: CronJob, status: CronJobStatus, key: ObjectKey, dueMs: number): Promise<void> {
    const job = await client.get(jobs, key);
    if (controllerOf(job)?.uid === cronJob.metadata?.uid) takeOn(status, job, dueMs);
  }

  /** Decides about the time that is due and starts its Job if it may. */
  async function handleDue(
    cronJob: CronJob,
    children: readonly Job[],
    status: CronJobStatus,
    dueMs: number,
  ): Promise<void> {
    const deadline = cronJob.spec?.startingDeadlineSeconds;
    if (deadline !== undefined && dueMs + deadline * 1000 < clock.now()) {
      const when = new Date(dueMs).toUTCString().replace('GMT', '+0000');
      events.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${when}`);
      return;
    }
    const active = status.active ?? [];
    const policy = cronJob.spec?.concurrencyPolicy;
    if (policy === 'Forbid' && active.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.event(cronJob, 'Normal', 'JobAlreadyActive', message);
      return;
    }
    if (policy === 'Replace') {
      for (const reference of active) {
        const job = children.find(({ metadata }) => metadata?.uid === reference.uid);
        if (job !== undefined) await deleteJob(cronJob, job);
        status.active = status.active?.filter(({ uid }) => uid !== reference.uid);
      }
    }
    await startJob(cronJob, status, dueMs);
  }

  async function writeStatus(cronJob: CronJob, status: CronJobStatus): Promise<void> {
    if (semanticallyEqual(cronJob.status, status)) return;
    try {
      await client.update(cronJobs, { ...cronJob, status }, { subresource: 'status', quiet: true });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function sync(cronJob: CronJob): Promise<ReconcileResult | undefined> {
    const children = jobLister.byIndex(controllerIndexName, cronJob.metadata?.uid ?? '');
    const status: CronJobStatus = { ...cronJob.status };
    await cleanUp(cronJob, children, status);
    await followJobs(cronJob, children, status);
    try {
      return await startDue(cronJob, children, status);
    } finally {
      // What has ended is told also when nothing can be started.
      await writeStatus(cronJob, status);
    }
  }

  async function startDue(
    cronJob: CronJob,
    children: readonly Job[],
    status: CronJobStatus,
  ): Promise<ReconcileResult | undefined> {
    const { schedule: text = '', suspend, timeZone } = cronJob.spec ?? {};
    if (cronJob.metadata?.deletionTimestamp !== undefined) return undefined;
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      const message = `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`;
      events.event(cronJob, 'Warning', 'UnknownTimeZone', message);
      return undefined;
    }
    if (suspend === true) return undefined;
    let schedule: CronSchedule;
    try {
      schedule = parseCron(text, timeZone ?? 'UTC');
    } catch (error) {
      const message = `unparseable schedule: "${text}" : ${messageOf(error)}`;
      events.event(cronJob, 'Warning', 'UnparseableSchedule', message);
      return undefined;
    }
    if (schedule.after(clock.now()) === undefined) {
      const why = 'time difference between two schedules is less than 1 second';
      events.event(cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${text} : ${why}`);
      return undefined;
    }
    const dueMs = dueTime(cronJob, schedule);
    if (dueMs !== undefined) await handleDue(cronJob, children, status, dueMs);
    // From the last time that was due on, so that periods do not shift with each look.
    const nextMs = schedule.after(dueMs ?? sinceMs(cronJob)) ?? 0;
    const aheadMs = nextMs > clock.now() ? nextMs : (schedule.after(clock.now()) ?? 0);
    return { requeueAfterMs: aheadMs - clock.now() + slackMs, background: true };
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const cronJob = lister.get(namespace, name);
      return cronJob === undefined ? undefined : await sync(cronJob);
    },
  };
}

/** Times after this one have not been handled yet. */
function sinceMs({ status, metadata }: CronJob): number {
  return timeMs(status?.lastScheduleTime) || timeMs(metadata?.creationTimestamp);
}

/** Those that never started come last; names tell apart those of one second. */
function byStart(left: Job, right: Job): number {
  const startMs = (job: Job) => timeMs(job.status?.startTime) || Number.MAX_SAFE_INTEGER;
  const difference = startMs(left) - startMs(right);
  if (difference !== 0) return difference;
  return (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
}

/** In the CronJob's zone when it has one, else in UTC. */
function scheduledText(cronJob: CronJob, dueMs: number): string {
  const { timeZone } = cronJob.spec ?? {};
  if (timeZone === undefined) return timeText(dueMs);
  const aheadMs = zoneOffsetMs(timeZone, dueMs);
  if (aheadMs === 0) return timeText(dueMs);
  const minutes = Math.abs(aheadMs) / 60_000;
  const digits = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const offset = `${aheadMs < 0 ? '-' : '+'}${digits(minutes / 60)}:${digits(minutes % 60)}`;
  return `${timeText(dueMs + aheadMs).slice(0, 19)}${offset}`;
}
