/**
 * The status of jobs: counts, times and conditions that fit each other, and what of it does not go back. A rule applies only when an update
 * touches what it is about, so that what was stored under older rules can still be written.
 * @see pkg/apis/batch/validation/validation.go validateJobStatus, pkg/registry/batch/job/strategy.go getStatusValidationOptions
 */
import { fieldPath, omittedValue } from '../field-errors.ts';
import type { Job, JobStatus } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { at, type Check, type Path } from './check.ts';
import { countIndexes, firstCommonIndex } from './index-ranges.ts';

const path = fieldPath('status');

const isTrue = (status: JobStatus | undefined, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

/** A job begins again when it stops saying that it is suspended; its time of starting may be another then. */
const isResuming = (status: JobStatus, before: JobStatus): boolean =>
  isTrue(before, 'Suspended') &&
  status.conditions?.some(({ type, status: is }) => type === 'Suspended' && is === 'False') === true;

const isFinished = (status: JobStatus | undefined): boolean => isTrue(status, 'Complete') || isTrue(status, 'Failed');

export function checkJobStatus(check: Check, job: Job, previous: Job): void {
  const status = job.status ?? {};
  const before = previous.status ?? {};
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    check.nonNegative(path, field, status[field]);
  checkUncounted(check, status);
  const became = (type: string): boolean => isTrue(status, type) !== isTrue(before, type);
  const changed = (...fields: readonly (keyof JobStatus)[]): boolean =>
    fields.some((field) => !semanticEqual(status[field], before[field]));
  checkEnds(check, status, became, changed);
  const finishing = isFinished(status) !== isFinished(before);
  if (isFinished(status)) checkFinished(check, job, (field) => finishing || changed(field));
  checkIndexes(check, job, changed('completedIndexes'), changed('failedIndexes'));
  if ((finishing || changed('terminating')) && isFinished(status) && (status.terminating ?? 0) > 0)
    check.invalid(path, 'terminating', status.terminating, 'terminating>0 is invalid for finished job');
  if (changed('ready', 'active') && (status.ready ?? 0) > (status.active ?? 0))
    check.invalid(path, 'ready', status.ready, 'cannot set more ready pods than active');
  const refuse = (text: string): void => check.invalid(path, 'conditions', omittedValue, text);
  if (isTrue(status, 'SuccessCriteriaMet')) {
    for (const type of ['Failed', 'FailureTarget'])
      if (isTrue(status, type)) refuse(`cannot set SuccessCriteriaMet=True and ${type}=true conditions`);
  } else if (job.spec?.successPolicy && isTrue(status, 'Complete'))
    refuse('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  checkKept(check, job, previous);
}

function checkUncounted(check: Check, { uncountedTerminatedPods: pods }: JobStatus): void {
  const seen = new Set<string>();
  for (const field of ['succeeded', 'failed'] as const)
    pods?.[field]?.forEach((uid, index) => {
      const place: Path = at(at(path, 'uncountedTerminatedPods'), field);
      if (uid === '') check.invalid(place, index, uid, 'must not be empty');
      else if (seen.has(uid)) check.duplicate(place, index, uid);
      seen.add(uid);
    });
}

/** Conditions that end a job, with what each needs beside it. */
function checkEnds(
  check: Check,
  status: JobStatus,
  became: (type: string) => boolean,
  changed: (...fields: readonly (keyof JobStatus)[]) => boolean,
): void {
  const refuse = (text: string): void => check.invalid(path, 'conditions', omittedValue, text);
  const complete = isTrue(status, 'Complete');
  const { completionTime, startTime } = status;
  if (complete && isTrue(status, 'Failed') && (became('Complete') || became('Failed')))
    refuse('cannot set Complete=True and Failed=true conditions');
  if (complete && isTrue(status, 'FailureTarget') && (became('Complete') || became('FailureTarget')))
    refuse('cannot set Complete=True and FailureTarget=true conditions');
  if (became('Complete') || changed('completionTime')) {
    if (completionTime !== undefined && !complete)
      check.invalid(
        path,
        'completionTime',
        completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      );
    if (completionTime === undefined && complete)
      check.required(path, 'completionTime', 'completionTime is required for Complete jobs');
  }
  const times = startTime !== undefined && completionTime !== undefined;
  if (changed('startTime', 'completionTime') && times && Date.parse(completionTime) < Date.parse(startTime))
    check.invalid(path, 'completionTime', completionTime, 'must be equal to or after `startTime`');
  if ((became('Failed') || changed('failedIndexes')) && isTrue(status, 'Failed') && !isTrue(status, 'FailureTarget'))
    refuse('cannot set Failed=True condition without the FailureTarget=true condition');
  if ((became('Complete') || became('SuccessCriteriaMet')) && complete && !isTrue(status, 'SuccessCriteriaMet'))
    refuse('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
}

/** What a finished job has, and has no more. */
function checkFinished(check: Check, { spec, status }: Job, isAsked: (field: keyof JobStatus) => boolean): void {
  const { active = 0, startTime, uncountedTerminatedPods: pods } = status ?? {};
  if (isAsked('active') && active > 0) check.invalid(path, 'active', active, 'active>0 is invalid for finished job');
  // Suspended with nothing to do, a job is complete without having begun.
  const isEmpty = spec?.suspend === true && spec.completions === 0;
  if (isAsked('startTime') && startTime === undefined && !isEmpty)
    check.required(path, 'startTime', 'startTime is required for finished job');
  if (isAsked('uncountedTerminatedPods') && (pods?.failed?.length ?? 0) + (pods?.succeeded?.length ?? 0) > 0)
    check.invalid(
      path,
      'uncountedTerminatedPods',
      { Succeeded: pods?.succeeded ?? null, Failed: pods?.failed ?? null },
      'must be empty for finished job',
    );
}

function checkIndexes(check: Check, { spec, status }: Job, completedChanged: boolean, failedChanged: boolean): void {
  const { completedIndexes: completed = '', failedIndexes: failed } = status ?? {};
  const completions = spec?.completions;
  const perIndex = spec?.backoffLimitPerIndex !== undefined;
  const refusal = (text: string): string | undefined => {
    const counted = completions === undefined ? 0 : countIndexes(text, completions);
    return typeof counted === 'string' ? counted : undefined;
  };
  const badCompleted = completedChanged ? refusal(completed) : undefined;
  if (badCompleted !== undefined)
    check.invalid(path, 'completedIndexes', completed, `error parsing completedIndexes: ${badCompleted}`);
  const badFailed = failedChanged && perIndex && failed !== undefined ? refusal(failed) : undefined;
  if (badFailed !== undefined)
    check.invalid(path, 'failedIndexes', failed, `error parsing failedIndexes: ${badFailed}`);
  if (completedChanged && completed !== '' && spec?.completionMode !== 'Indexed')
    check.invalid(
      path,
      'completedIndexes',
      completed,
      'cannot set non-empty completedIndexes when non-indexed completion mode',
    );
  if (failed === undefined) return;
  if (failedChanged && !perIndex)
    check.invalid(path, 'failedIndexes', failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
  if (completions === undefined || !(failedChanged || completedChanged)) return;
  const common = firstCommonIndex(completed, failed, completions);
  if (common !== undefined)
    check.invalid(path, 'failedIndexes', failed, `failedIndexes and completedIndexes overlap at index: ${common}`);
}

/** What does not go back. */
function checkKept(check: Check, job: Job, previous: Job): void {
  const status = job.status ?? {};
  const before = previous.status ?? {};
  const refuse = (text: string): void => check.invalid(path, 'conditions', omittedValue, text);
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (isTrue(before, type) && !isTrue(status, type)) refuse(`cannot disable the terminal ${type}=True condition`);
  const { completionMode, completions, parallelism } = job.spec ?? {};
  // An indexed job with as many pods as completions may be made smaller.
  const shrinks = completionMode === 'Indexed' && completions === parallelism;
  for (const field of shrinks ? (['failed'] as const) : (['failed', 'succeeded'] as const))
    if ((status[field] ?? 0) < (before[field] ?? 0))
      check.invalid(path, field, status[field] ?? 0, `cannot decrease the ${field} counter`);
  const { completionTime, startTime } = status;
  if (completionTime !== undefined && before.completionTime !== undefined && completionTime !== before.completionTime)
    check.invalid(path, 'completionTime', completionTime, 'field is immutable');
  const moved = before.startTime !== undefined && startTime !== before.startTime;
  if (moved && job.spec?.suspend !== true && !isResuming(status, before))
    check.invalid(path, 'startTime', startTime, 'field is immutable for unsuspended job once set');
  const met = isTrue(status, 'SuccessCriteriaMet');
  const wasMet = isTrue(before, 'SuccessCriteriaMet');
  if (wasMet && !met) refuse('cannot disable the SuccessCriteriaMet=True condition');
  if (isTrue(before, 'Complete') && !wasMet && met)
    refuse('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
}
