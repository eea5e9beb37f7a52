/**
 * ttl-after-finished-controller: deletes Jobs that have finished when their ttlSecondsAfterFinished is over.
 *
 * @see kubernetes/pkg/controller/ttlafterfinished
 */
import { isConflict, isNotFound, type Job } from '../../src/api/index.ts';
import { jobs } from '../../src/client/index.ts';
import { type ControllerDefinition, controllerMetrics, splitKey, timeMs } from '../../src/controller/index.ts';

export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished-controller',
  queue: 'ttl_jobs_to_delete',
  serviceAccount: 'ttl-after-finished-controller',
  reconciles: jobs,
  interests: [{ resource: jobs, interest: 'expiring' }],
  create({ client, context, lister }) {
    const jobLister = lister(jobs);
    const metrics = controllerMetrics(context.metrics, 'ttl_after_finished_controller_');
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const job = jobLister.get(namespace, name);
        const expiryMs = job === undefined ? undefined : expiryOf(job);
        if (job === undefined || expiryMs === undefined || job.metadata?.deletionTimestamp !== undefined)
          return undefined;
        const leftMs = expiryMs - context.clock.now();
        if (leftMs > 0) return { requeueAfterMs: leftMs, background: true };
        const { uid = '', resourceVersion = '' } = job.metadata ?? {};
        try {
          await client.delete(
            jobs,
            { namespace, name },
            { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } },
          );
          metrics.observe('ttl_after_finished_controller_job_deletion_duration_seconds', [], -leftMs / 1000);
        } catch (error) {
          // Changed meanwhile: the change brings it back here.
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return undefined;
      },
    };
  },
};

/** When the Job's time is over; undefined while it runs, when it has no limit, and when it does not say when it ended. */
function expiryOf(job: Job): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  const ended = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const endedMs = timeMs(ended?.lastTransitionTime);
  return seconds === undefined || endedMs === 0 ? undefined : endedMs + seconds * 1000;
}
