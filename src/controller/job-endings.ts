/**
 * Why and when a Job ends. What decides it is told first (FailureTarget, SuccessCriteriaMet); it is over (Failed, Complete) when
 * all its pods have ended and are counted. Pure functions.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go
 */
import type { Job, JobCondition, JobStatus, Pod } from '../api/index.ts';
import { conditionOf } from './conditions.ts';
import { isJobPodFailed, type JobIndexes } from './job-pods.ts';
import { judgeFailure, matchSuccessPolicy } from './job-policies.ts';
import { timeMs, timeText } from './times.ts';

/** Why a Job ends. */
export interface JobEnding {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

export function isJobFinished(job: Job): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

/** What a Job has come to. */
export interface JobState {
  readonly owned: readonly Pod[];
  /** Pods that it has lost, whether they are counted already or not. */
  readonly failed: number;
  readonly indexes: JobIndexes;
  readonly nowMs: number;
}

const fail = (reason: string, message: string): JobEnding => ({ type: 'FailureTarget', reason, message });

/** Why the Job ends now, if it does for another reason than that enough pods have succeeded. What was decided before stands. */
export function jobEnding(job: Job, state: JobState): JobEnding | undefined {
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const known = conditionOf(job.status?.conditions, type);
    if (known?.status === 'True') return { type, reason: known.reason ?? '', message: known.message ?? '' };
  }
  return (
    failureByPolicy(job, state.owned) ??
    failureByLimits(job, state) ??
    failureOfIndexes(job, state.indexes) ??
    successByPolicy(job, state.indexes)
  );
}

/** Enough pods have succeeded. */
export const completionsReached: JobEnding = {
  type: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};

/** Any lost pod decides, also one that is counted already. */
function failureByPolicy(job: Job, owned: readonly Pod[]): JobEnding | undefined {
  if (job.spec?.podFailurePolicy === undefined) return undefined;
  for (const pod of owned) {
    if (!isJobPodFailed(job, pod)) continue;
    const { action, message } = judgeFailure(job, pod);
    if (action === 'FailJob') return fail('PodFailurePolicy', message);
  }
  return undefined;
}

function failureByLimits(job: Job, { owned, failed, nowMs }: JobState): JobEnding | undefined {
  const { backoffLimit = 6, activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (failed > backoffLimit || restartsOf(job, owned) >= Math.max(1, backoffLimit)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const startMs = timeMs(job.status?.startTime);
  if (activeDeadlineSeconds === undefined || suspend === true || startMs === 0) return undefined;
  if (nowMs - startMs < activeDeadlineSeconds * 1000) return undefined;
  return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
}

function failureOfIndexes(job: Job, { succeeded, failed }: JobIndexes): JobEnding | undefined {
  const { completions = 0, maxFailedIndexes } = job.spec ?? {};
  if (maxFailedIndexes !== undefined && failed.size > maxFailedIndexes) {
    return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  if (failed.size === 0 || failed.size + succeeded.size < completions) return undefined;
  return fail('FailedIndexes', 'Job has failed indexes');
}

function successByPolicy(job: Job, { succeeded }: JobIndexes): JobEnding | undefined {
  const message = matchSuccessPolicy(job, succeeded);
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message };
}

/** Sum of the restarts of pods that restart their containers themselves. */
function restartsOf(job: Job, owned: readonly Pod[]): number {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return 0;
  let sum = 0;
  for (const { status } of owned) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      sum += container.restartCount;
    }
  }
  return sum;
}

export function jobCondition(nowMs: number, type: string, status: string, reason: string, message: string) {
  const now = timeText(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message } satisfies JobCondition;
}

/** Sets a condition of its type, in its place. Answers whether that changed anything; what never was true is not said to be false. */
export function setJobCondition(status: JobStatus, condition: JobCondition): boolean {
  const { conditions = [] } = status;
  const current = conditionOf(conditions, condition.type);
  if (current === undefined) {
    if (condition.status === 'False') return false;
    status.conditions = [...conditions, condition];
    return true;
  }
  const { status: state, reason = '', message = '' } = current;
  if (state === condition.status && reason === condition.reason && message === condition.message) return false;
  status.conditions = conditions.map((known) => (known === current ? condition : known));
  return true;
}

/** Says in the status that the Job is over. */
export function finishJob(status: JobStatus, { type, reason, message }: JobEnding, nowMs: number): void {
  const end = type === 'FailureTarget' ? 'Failed' : 'Complete';
  const condition = jobCondition(nowMs, end, 'True', reason, message);
  setJobCondition(status, condition);
  if (end === 'Complete') status.completionTime = condition.lastTransitionTime;
}
