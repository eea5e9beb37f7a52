/**
 * Strategies of jobs and cron jobs: defaults, and the generated selector that ties pods to exactly one job.
 * @see pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go
 */
import type { CronJob, Job, JobSpec } from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import { dropPodFields } from './pod-dropped-fields.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { podTemplateWarnings, workloadNameWarnings } from './pod-warnings.ts';

export const jobStrategy = strategyOf<Job>({
  defaults(job: Job) {
    if (job.spec === undefined) return;
    defaultJobSpec(job.spec, true);
    const labels = job.spec.template?.metadata?.labels;
    if (labels === undefined || Object.keys(labels).length === 0) return;
    job.metadata ??= {};
    if (Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels };
  },
  generation: true,
  prepareForCreate(job: Job) {
    if (job.spec !== undefined && job.spec.manualSelector !== true) generateSelector(job);
    dropPodFields(job.spec?.template?.spec, undefined);
  },
  prepareForUpdate: (job: Job, previous: Job) => dropPodFields(job.spec?.template?.spec, previous.spec?.template?.spec),
  status: { keptMetadata: [] },
  defaultPropagation: 'orphan',
  orphanWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  warnings(job: Job, previous: Job | undefined) {
    const names = previous === undefined ? workloadNameWarnings(job.metadata) : [];
    if (previous !== undefined && job.metadata?.generation === previous.metadata?.generation) return [];
    return [...names, ...jobSpecWarnings('spec', job.spec, previous?.spec)];
  },
});

export const cronJobStrategy = strategyOf<CronJob>({
  defaults(cronJob: CronJob) {
    const spec = cronJob.spec;
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    if (spec.jobTemplate !== undefined) {
      spec.jobTemplate.metadata ??= {};
      if (spec.jobTemplate.spec !== undefined) defaultJobSpec(spec.jobTemplate.spec, false);
    }
  },
  generation: true,
  prepareForCreate: (cronJob: CronJob) => dropPodFields(cronJob.spec?.jobTemplate?.spec?.template?.spec, undefined),
  prepareForUpdate: ({ spec }: CronJob, previous: CronJob) =>
    dropPodFields(spec?.jobTemplate?.spec?.template?.spec, previous.spec?.jobTemplate?.spec?.template?.spec),
  status: { keptMetadata: [] },
  warnings(cronJob: CronJob, previous: CronJob | undefined) {
    const path = 'spec.jobTemplate.spec';
    const spec = cronJob.spec?.jobTemplate?.spec;
    if (previous === undefined) {
      return [...workloadNameWarnings(cronJob.metadata), ...jobSpecWarnings(path, spec, undefined)];
    }
    const changed = cronJob.metadata?.generation !== previous.metadata?.generation;
    const warnings = changed ? jobSpecWarnings(path, spec, previous.spec?.jobTemplate?.spec) : [];
    if (cronJob.spec?.schedule?.includes('TZ')) {
      warnings.push(
        'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
      );
    }
    return warnings;
  },
});

/** Beyond these an indexed job may lose track of indexes that fail. */
const COMPLETIONS_SOFT_LIMIT = 100_000;
const PARALLELISM_SOFT_LIMIT = 10_000;

/** @see pkg/api/job/warnings.go */
function jobSpecWarnings(path: string, spec: JobSpec | undefined, previous: JobSpec | undefined): string[] {
  const warnings = podTemplateWarnings(`${path}.template`, spec?.template, previous?.template);
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {};
  if (completionMode === 'Indexed' && completions > COMPLETIONS_SOFT_LIMIT && parallelism > PARALLELISM_SOFT_LIMIT) {
    warnings.unshift(
      `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
    );
  }
  return warnings;
}

/** Defaults of a job; in a cron job's template only those of its pods. */
function defaultJobSpec(spec: JobSpec, isJob: boolean): void {
  if (isJob) {
    // Only when both are missing does completions follow; parallelism alone asks for a work queue.
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647;
    spec.completionMode ??= 'NonIndexed';
    spec.suspend ??= false;
    spec.manualSelector ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
    for (const rule of spec.podFailurePolicy?.rules ?? []) {
      for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
    }
  }
  defaultPodTemplate(spec.template);
}

/**
 * Gives the job, its selector and its pods labels with its uid. Values that the user set by hand are left for validation to refuse.
 */
function generateSelector(job: Job): void {
  const uid = job.metadata?.uid ?? '';
  const name = job.metadata?.name ?? '';
  const labels: readonly (readonly [string, string])[] = [
    ['controller-uid', uid],
    ['job-name', name],
    ['batch.kubernetes.io/controller-uid', uid],
    ['batch.kubernetes.io/job-name', name],
  ];
  const spec = job.spec!;
  spec.template ??= {};
  spec.template.metadata ??= {};
  spec.template.metadata.labels ??= {};
  job.metadata ??= {};
  // Labels that were defaulted from the template's stay equal to them; labels of the job's own are left alone.
  const own = Object.entries(job.metadata.labels ?? {});
  const fromTemplate = spec.template.metadata.labels;
  const inherits = own.every(([key, value]) => fromTemplate[key] === value);
  for (const [key, value] of labels) fromTemplate[key] ??= value;
  if (inherits) job.metadata.labels = { ...fromTemplate };
  spec.selector ??= {};
  spec.selector.matchLabels ??= {};
  spec.selector.matchLabels['batch.kubernetes.io/controller-uid'] ??= uid;
}

/** Field labels of jobs. */
export const jobSelectableFields = selectableFieldsOf<Job>({
  'status.successful': (job: Job) => String(job.status?.succeeded ?? 0),
});
