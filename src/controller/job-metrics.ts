/**
 * What a written status of a Job says more than the one before, in metrics.
 *
 * @see kubernetes/pkg/controller/job/job_controller.go recordJobPodFinished
 */
import type { Job } from '../api/index.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { isIndexed, parseIndexes } from './job-policies.ts';

export const jobMode = (job: Job): string => (isIndexed(job) ? 'Indexed' : 'NonIndexed');

/** Of an indexed Job the indexes of today's completions are counted: it may have been scaled down. */
export function measureFinishedPods(metrics: ControllerMetrics, before: Job, after: Job): void {
  const mode = jobMode(after);
  const [old, now] = [before.status ?? {}, after.status ?? {}];
  const more = (then = 0, today = 0) => Math.max(0, today - then);
  let succeeded = more(old.succeeded, now.succeeded);
  if (isIndexed(after)) {
    const { completions, backoffLimitPerIndex } = after.spec ?? {};
    const moreIndexes = (then: string | undefined, today: string | undefined) =>
      more(parseIndexes(then, completions).size, parseIndexes(today, completions).size);
    const scope = backoffLimitPerIndex === undefined ? 'global' : 'perIndex';
    succeeded = moreIndexes(old.completedIndexes, now.completedIndexes);
    metrics.count('job_controller_job_finished_indexes_total', ['succeeded', scope], succeeded);
    const failed = moreIndexes(old.failedIndexes, now.failedIndexes);
    if (failed > 0) metrics.count('job_controller_job_finished_indexes_total', ['failed', scope], failed);
  }
  metrics.count('job_controller_job_pods_finished_total', [mode, 'succeeded'], succeeded);
  metrics.count('job_controller_job_pods_finished_total', [mode, 'failed'], more(old.failed, now.failed));
}
