/**
 * Strategies of jobs and cron jobs: defaults, and the generated selector that ties pods to exactly one job.
 * @see pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go
 */
import type { CronJob, Job, JobSpec } from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { podTemplateWarnings } from './pod-warnings.ts';

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
  },
  status: { keptMetadata: [] },
  defaultPropagation: 'orphan',
  orphanWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  warnings(job: Job, previous: Job | undefined) {
    const warnings = podTemplateWarnings('spec.template', job.spec?.template, previous?.spec?.template);
    const { completionMode, completions = 0, parallelism = 0 } = job.spec ?? {};
    if (completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000) {
      warnings.push(
        'spec.completions: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
      );
    }
    return warnings;
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
  status: { keptMetadata: [] },
  warnings(cronJob: CronJob, previous: CronJob | undefined) {
    const warnings: string[] = [];
    const name = cronJob.metadata?.name ?? '';
    if (previous === undefined && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
      warnings.push(
        `metadata.name: this is used in the Job's names and hostnames, which can result in surprising behavior; a DNS label is recommended: [a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]`,
      );
    }
    const schedule = cronJob.spec?.schedule ?? '';
    if (/TZ/.test(schedule) && schedule !== previous?.spec?.schedule) {
      warnings.push(
        'spec.schedule: cannot use TZ or CRON_TZ in schedule, use timeZone field instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones for more details',
      );
    }
    warnings.push(
      ...podTemplateWarnings(
        'spec.jobTemplate.spec.template',
        cronJob.spec?.jobTemplate?.spec?.template,
        previous?.spec?.jobTemplate?.spec?.template,
      ),
    );
    return warnings;
  },
});

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
  job.metadata.labels ??= {};
  for (const [key, value] of labels) {
    spec.template.metadata.labels[key] ??= value;
    job.metadata.labels[key] ??= value;
  }
  spec.selector ??= {};
  spec.selector.matchLabels ??= {};
  spec.selector.matchLabels['batch.kubernetes.io/controller-uid'] ??= uid;
}

/** Field labels of jobs. */
export const jobSelectableFields = selectableFieldsOf<Job>({
  'status.successful': (job: Job) => String(job.status?.succeeded ?? 0),
});
