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
  missedTimes,
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
      // One that never comes is told of by the look at it.
      const nextMs = parseCron(schedule, timeZone).after(clock.now());
      const waitMs = nextMs === undefined ? 0 : nextMs - clock.now() + slackMs;
      dependencies.enqueueAfter(keyFor(change.object), waitMs, { background: true });
    } catch {
      const message = `unparseable schedule for cronjob: ${schedule}`;
      events.event(change.object, 'Warning', 'UnParseableCronJobSchedule', message);
    }
  });

  /** Deletes a Job and takes it off the list of active ones. Answers whether that could be done. */
  async function deleteJob(cronJob: CronJob, job: Job, status: CronJobStatus): Promise<boolean> {
    const { name, uid } = job.metadata ?? {};
    try {
      await client.delete(jobs, keyOf(job), { propagationPolicy: 'Background', quiet: true });
      events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (!isNotFound(error)) {
        events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
        return false;
      }
    }
    status.active = status.active?.filter((reference) => reference.uid !== uid);
    return true;
  }

  /** Takes ended and vanished Jobs off the list of active ones. */
  async function followJobs(cronJob: CronJob, children: readonly Job[], status: CronJobStatus): Promise<void> {
    const activeOnes = new Set((status.active ?? []).map(({ uid }) => uid));
    for (const job of children) {
      const { uid = '', name } = job.metadata ?? {};
      const end = endOf(job);
      if (activeOnes.has(uid)) justCreated.delete(uid);
      if (end === undefined) {
        if (activeOnes.has(uid) || justCreated.has(uid) || (await isActive(cronJob, uid))) continue;
        const message = `Saw a job that the controller did not create or forgot: ${name}`;
        events.event(cronJob, 'Warning', 'UnexpectedJob', message);
        continue;
      }
      if (activeOnes.has(uid)) {
        status.active = status.active?.filter((reference) => reference.uid !== uid);
        events.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
      }
      const completed = job.status?.completionTime;
      if (end !== 'Complete' || completed === undefined) continue;
      if (timeMs(completed) > timeMs(status.lastSuccessfulTime)) status.lastSuccessfulTime = completed;
    }
    await missJobs(cronJob, children, status);
  }

  /** A Job that the cache does not show may only be newer than the cache. */
  async function missJobs(cronJob: CronJob, children: readonly Job[], status: CronJobStatus): Promise<void> {
    const seen = new Set(children.map(({ metadata }) => metadata?.uid));
    for (const { uid = '', name = '', namespace } of status.active ?? []) {
      if (seen.has(uid) || justCreated.has(uid)) continue;
      try {
        await client.get(jobs, { namespace, name });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        status.active = status.active?.filter((reference) => reference.uid !== uid);
        events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
      }
    }
  }

  /** Whether the CronJob has the Job on its list, which the cache may not show yet. */
  async function isActive(cronJob: CronJob, uid: string): Promise<boolean> {
    const { status } = await client.get(cronJobs, keyOf(cronJob));
    return status?.active?.some((reference) => reference.uid === uid) ?? false;
  }

  /** Deletes ended Jobs beyond the limits: nobody says of them that they have ended. One that stays does not hold up the others. */
  async function cleanUp(cronJob: CronJob, children: readonly Job[], status: CronJobStatus): Promise<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
    const limits = [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const;
    for (const [end, limit] of limits) {
      if (limit === undefined) continue;
      const ended = children.filter((job) => endOf(job) === end).sort(byStart);
      for (const job of ended.slice(0, Math.max(0, ended.length - limit))) await deleteJob(cronJob, job, status);
    }
  }

  async function startJob(cronJob: CronJob, status: CronJobStatus, dueMs: number): Promise<void> {
    const { namespace } = cronJob.metadata ?? {};
    const template = cronJob.spec?.jobTemplate;
    const wanted: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: jobName(cronJob, dueMs),
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

  /** @throws when it cannot be deleted: then the next one does not start. */
  async function replaceJob(cronJob: CronJob, status: CronJobStatus, key: ObjectKey): Promise<void> {
    let job: Job;
    try {
      job = await client.get(jobs, key);
    } catch (error) {
      events.event(cronJob, 'Warning', 'FailedGet', `Get job: ${messageOf(error)}`);
      throw error;
    }
    if (!(await deleteJob(cronJob, job, status))) throw new Error(`could not replace job ${key.namespace}/${key.name}`);
  }

  /** Decides about the time that is due and starts its Job if it may. */
  async function handleDue(cronJob: CronJob, status: CronJobStatus, dueMs: number): Promise<void> {
    const deadline = cronJob.spec?.startingDeadlineSeconds;
    if (deadline !== undefined && dueMs + deadline * 1000 < clock.now()) {
      const when = new Date(dueMs).toUTCString().replace('GMT', '+0000');
      events.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${when}`);
      return;
    }
    const active = status.active ?? [];
    // Nothing but the time was lost from the status.
    if (active.some(({ name }) => name === jobName(cronJob, dueMs))) return;
    const policy = cronJob.spec?.concurrencyPolicy;
    if (policy === 'Forbid' && active.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.event(cronJob, 'Normal', 'JobAlreadyActive', message);
      return;
    }
    if (policy === 'Replace')
      for (const { name = '', namespace } of active) await replaceJob(cronJob, status, { name, namespace });
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
      return await startDue(cronJob, status);
    } finally {
      // What has ended is told also when nothing can be started.
      await writeStatus(cronJob, status);
    }
  }

  async function startDue(cronJob: CronJob, status: CronJobStatus): Promise<ReconcileResult | undefined> {
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
    const nowMs = clock.now();
    if (schedule.after(nowMs) === undefined) {
      const why = 'time difference between two schedules is less than 1 second';
      events.event(cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${text} : ${why}`);
      return undefined;
    }
    const sinceMs = timeMs(cronJob.status?.lastScheduleTime) || timeMs(cronJob.metadata?.creationTimestamp);
    const { startingDeadlineSeconds: deadline } = cronJob.spec ?? {};
    const earliestMs = deadline === undefined ? sinceMs : Math.max(sinceMs, nowMs - deadline * 1000);
    const { latestMs: dueMs, missed } = missedTimes(schedule, earliestMs, nowMs);
    if (dueMs !== undefined && missed > missedMax) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      events.event(cronJob, 'Warning', 'TooManyMissedTimes', message);
    }
    if (dueMs !== undefined) await handleDue(cronJob, status, dueMs);
    // Counted from the last time that was due, so that periods do not shift with each look.
    const handledMs = timeMs(status.lastScheduleTime) || sinceMs;
    const since = missedTimes(schedule, handledMs, nowMs);
    const fromMs = since.latestMs ?? (since.missed === 0 ? handledMs : nowMs);
    return { requeueAfterMs: Math.max(0, (schedule.after(fromMs) ?? nowMs) - nowMs + slackMs), background: true };
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const cronJob = lister.get(namespace, name);
      return cronJob === undefined ? undefined : await sync(cronJob);
    },
  };
}

function jobName({ metadata }: CronJob, dueMs: number): string {
  return `${metadata?.name}-${Math.floor(dueMs / 60_000)}`;
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
