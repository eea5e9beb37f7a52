/**
 * CronJobs: schedules, time zones, and the template of their jobs.
 * @see pkg/apis/batch/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type { CronJob } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { at, type Check, collect } from './check.ts';
import { scheduleRefusal } from './cron-schedule.ts';
import { checkJobFields } from './jobs.ts';
import { checkStandardFinalizers } from './metadata.ts';

const specPath = fieldPath('spec');

function checkCronJob(check: Check, cronJob: CronJob, previous: CronJob | undefined): void {
  const spec: Partial<NonNullable<CronJob['spec']>> = cronJob.spec ?? {};
  const { schedule = '', timeZone, concurrencyPolicy, jobTemplate } = spec;
  if (schedule === '') check.required(specPath, 'schedule');
  else checkSchedule(check, schedule, timeZone, previous?.spec?.schedule ?? '');
  check.nonNegative(specPath, 'startingDeadlineSeconds', spec.startingDeadlineSeconds);
  if (timeZone !== undefined && timeZone !== previous?.spec?.timeZone) checkTimeZone(check, timeZone);
  check.requiredOneOf(specPath, 'concurrencyPolicy', concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  const path = at(at(specPath, 'jobTemplate'), 'spec');
  checkJobFields(check, path, jobTemplate?.spec ?? {});
  if (jobTemplate?.spec?.selector)
    check.invalid(path, 'selector', jobTemplate.spec.selector, '`selector` will be auto-generated');
  if (jobTemplate?.spec?.manualSelector === true) check.notSupported(path, 'manualSelector', true, ['nil', 'false']);
  check.nonNegative(specPath, 'successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  check.nonNegative(specPath, 'failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  const name = cronJob.metadata?.name ?? '';
  // Eleven characters are kept for what is added to the names of its jobs.
  if (previous === undefined && name.length > 52)
    check.invalid(fieldPath('metadata'), 'name', name, 'must be no more than 52 characters');
}

/** `TZ` in a schedule is tolerated where it was stored so. */
function checkSchedule(check: Check, schedule: string, timeZone: string | undefined, before: string): void {
  const refusal = scheduleRefusal(schedule.replace(/^(CRON_)?TZ=\S*\s+/, ''));
  if (refusal !== '') check.invalid(specPath, 'schedule', schedule, refusal);
  if (!schedule.includes('TZ')) return;
  if (!before.includes('TZ')) {
    const text = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    check.invalid(specPath, 'schedule', schedule, text);
  } else if (timeZone !== undefined)
    check.invalid(specPath, 'schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule');
}

const timeZonePart = /^[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}$/;

function checkTimeZone(check: Check, name: string): void {
  if (name === '') {
    check.invalid(specPath, 'timeZone', name, 'timeZone must be nil or non-empty string');
    return;
  }
  const isNamed = name.split('/').every((part) => part !== '.' && part !== '..' && timeZonePart.test(part));
  if (isNamed && name.toLowerCase() === 'local')
    check.invalid(
      specPath,
      'timeZone',
      name,
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    );
  else if (!isNamed || !isTimeZone(name)) check.invalid(specPath, 'timeZone', name, `unknown time zone ${name}`);
}

function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const cronJobValidation = strategyOf<CronJob>({
  validate: (cronJob: CronJob) =>
    collect((check) => {
      checkStandardFinalizers(check, cronJob.metadata);
      checkCronJob(check, cronJob, undefined);
    }),
  validateUpdate: (cronJob: CronJob, previous: CronJob) => collect((check) => checkCronJob(check, cronJob, previous)),
});
