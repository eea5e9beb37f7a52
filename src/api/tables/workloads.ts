/** Tables of the kinds that make pods. @see pkg/printers/internalversion/printers.go */
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Scale,
  StatefulSet,
} from '../generated/types.ts';
import {
  ageColumn,
  ageOf,
  column,
  containerCells,
  containerColumns,
  formatLabels,
  formatSelector,
  isTerminating,
  nameColumn,
  nameOf,
  OBJECT_META,
  selectorText,
  tableOf,
} from './columns.ts';
import { between, since } from './durations.ts';

const apps = (type: string) => `io.k8s.api.apps.v1.${type}`;
const batch = (type: string) => `io.k8s.api.batch.v1.${type}`;
const core = (type: string) => `io.k8s.api.core.v1.${type}`;

const podsReady = column('Ready', 'string', 'Number of the pod with ready state');

export const deploymentTable = tableOf<Deployment>({
  columns: [
    nameColumn,
    podsReady,
    column('Up-to-date', 'string', [apps('DeploymentStatus'), 'updatedReplicas']),
    column('Available', 'string', [apps('DeploymentStatus'), 'availableReplicas']),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [apps('DeploymentSpec'), 'selector'], 1),
  ],
  row(deployment, context) {
    const { spec, status } = deployment;
    return [
      nameOf(deployment),
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      ageOf(deployment, context),
      ...containerCells(spec?.template?.spec?.containers),
      selectorText(spec?.selector, '<invalid>'),
    ];
  },
});

export const replicaSetTable = tableOf<ReplicaSet>({
  columns: [
    nameColumn,
    column('Desired', 'integer', [apps('ReplicaSetSpec'), 'replicas']),
    column('Current', 'integer', [apps('ReplicaSetStatus'), 'replicas']),
    column('Ready', 'integer', [apps('ReplicaSetStatus'), 'readyReplicas']),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [apps('ReplicaSetSpec'), 'selector'], 1),
  ],
  row: (replicaSet, context) => [
    nameOf(replicaSet),
    replicaSet.spec?.replicas ?? 0,
    replicaSet.status?.replicas ?? 0,
    replicaSet.status?.readyReplicas ?? 0,
    ageOf(replicaSet, context),
    ...containerCells(replicaSet.spec?.template?.spec?.containers),
    formatSelector(replicaSet.spec?.selector),
  ],
});

export const replicationControllerTable = tableOf<ReplicationController>({
  columns: [
    nameColumn,
    column('Desired', 'integer', [core('ReplicationControllerSpec'), 'replicas']),
    column('Current', 'integer', [core('ReplicationControllerStatus'), 'replicas']),
    column('Ready', 'integer', [core('ReplicationControllerStatus'), 'readyReplicas']),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [core('ReplicationControllerSpec'), 'selector'], 1),
  ],
  row: (controller, context) => [
    nameOf(controller),
    controller.spec?.replicas ?? 0,
    controller.status?.replicas ?? 0,
    controller.status?.readyReplicas ?? 0,
    ageOf(controller, context),
    ...containerCells(controller.spec?.template?.spec?.containers),
    formatLabels(controller.spec?.selector),
  ],
});

export const statefulSetTable = tableOf<StatefulSet>({
  columns: [nameColumn, podsReady, ageColumn, ...containerColumns],
  row: (statefulSet, context) => [
    nameOf(statefulSet),
    `${statefulSet.status?.readyReplicas ?? 0}/${statefulSet.spec?.replicas ?? 0}`,
    ageOf(statefulSet, context),
    ...containerCells(statefulSet.spec?.template?.spec?.containers),
  ],
});

export const daemonSetTable = tableOf<DaemonSet>({
  columns: [
    nameColumn,
    column('Desired', 'integer', [apps('DaemonSetStatus'), 'desiredNumberScheduled']),
    column('Current', 'integer', [apps('DaemonSetStatus'), 'currentNumberScheduled']),
    column('Ready', 'integer', [apps('DaemonSetStatus'), 'numberReady']),
    column('Up-to-date', 'integer', [apps('DaemonSetStatus'), 'updatedNumberScheduled']),
    column('Available', 'integer', [apps('DaemonSetStatus'), 'numberAvailable']),
    column('Node Selector', 'string', [core('PodSpec'), 'nodeSelector']),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [apps('DaemonSetSpec'), 'selector'], 1),
  ],
  row(daemonSet, context) {
    const { spec, status } = daemonSet;
    return [
      nameOf(daemonSet),
      status?.desiredNumberScheduled ?? 0,
      status?.currentNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.updatedNumberScheduled ?? 0,
      status?.numberAvailable ?? 0,
      formatLabels(spec?.template?.spec?.nodeSelector),
      ageOf(daemonSet, context),
      ...containerCells(spec?.template?.spec?.containers),
      formatSelector(spec?.selector),
    ];
  },
});

export const jobTable = tableOf<Job>({
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the job.'),
    column('Completions', 'string', [batch('JobStatus'), 'succeeded']),
    column('Duration', 'string', 'Time required to complete the job.'),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [batch('JobSpec'), 'selector'], 1),
  ],
  row: (job, context) => [
    nameOf(job),
    jobStatus(job),
    jobCompletions(job),
    jobDuration(job, context.nowMs),
    ageOf(job, context),
    ...containerCells(job.spec?.template?.spec?.containers),
    formatSelector(job.spec?.selector),
  ],
});

function jobStatus(job: Job): string {
  const has = (type: string) =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (isTerminating(job)) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  return has('FailureTarget') ? 'FailureTarget' : 'Running';
}

function jobCompletions(job: Job): string {
  const succeeded = job.status?.succeeded ?? 0;
  const { completions, parallelism = 0 } = job.spec ?? {};
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: Job, nowMs: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (startTime === undefined) return '';
  return completionTime === undefined ? since(startTime, nowMs) : between(startTime, completionTime);
}

export const cronJobTable = tableOf<CronJob>({
  columns: [
    nameColumn,
    column('Schedule', 'string', [batch('CronJobSpec'), 'schedule']),
    column('Timezone', 'string', [batch('CronJobSpec'), 'timeZone']),
    column('Suspend', 'boolean', [batch('CronJobSpec'), 'suspend']),
    column('Active', 'integer', [batch('CronJobStatus'), 'active']),
    column('Last Schedule', 'string', [batch('CronJobStatus'), 'lastScheduleTime']),
    ageColumn,
    ...containerColumns,
    column('Selector', 'string', [batch('JobSpec'), 'selector'], 1),
  ],
  row(cronJob, context) {
    const { spec, status } = cronJob;
    const jobSpec = spec?.jobTemplate?.spec;
    return [
      nameOf(cronJob),
      spec?.schedule ?? '',
      spec?.timeZone ?? '<none>',
      spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
      status?.active?.length ?? 0,
      status?.lastScheduleTime === undefined ? '<none>' : since(status.lastScheduleTime, context.nowMs),
      ageOf(cronJob, context),
      ...containerCells(jobSpec?.template?.spec?.containers),
      formatSelector(jobSpec?.selector),
    ];
  },
});

export const podDisruptionBudgetTable = tableOf<PodDisruptionBudget>({
  columns: [
    nameColumn,
    column('Min Available', 'string', 'The minimum number of pods that must be available.'),
    column('Max Unavailable', 'string', 'The maximum number of pods that may be unavailable.'),
    column('Allowed Disruptions', 'integer', 'Calculated number of pods that may be disrupted at this time.'),
    ageColumn,
  ],
  row: (budget, context) => [
    nameOf(budget),
    String(budget.spec?.minAvailable ?? 'N/A'),
    String(budget.spec?.maxUnavailable ?? 'N/A'),
    budget.status?.disruptionsAllowed ?? 0,
    ageOf(budget, context),
  ],
});

export const controllerRevisionTable = tableOf<ControllerRevision>({
  columns: [
    nameColumn,
    column('Controller', 'string', 'Controller of the object'),
    column('Revision', 'string', [apps('ControllerRevision'), 'revision']),
    ageColumn,
  ],
  row(revision, context) {
    const owner = revision.metadata?.ownerReferences?.find(({ controller }) => controller === true);
    return [
      nameOf(revision),
      owner === undefined ? '<none>' : `${groupKind(owner.apiVersion, owner.kind)}/${owner.name}`,
      revision.revision ?? 0,
      ageOf(revision, context),
    ];
  },
});

/** `daemonset.apps`, or `pod` in the core group. */
function groupKind(apiVersion: string, kind: string): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return (group === '' ? kind : `${kind}.${group}`).toLowerCase();
}

/** Of the scale subresource, whatever its parent is. */
export const scaleTable = tableOf<Scale>({
  columns: [
    column('Name', 'string', [OBJECT_META, 'name']),
    column('Desired', 'integer', ['io.k8s.api.autoscaling.v1.ScaleSpec', 'replicas']),
    column('Available', 'integer', ['io.k8s.api.autoscaling.v1.ScaleStatus', 'replicas']),
    ageColumn,
  ],
  row: (scale, context) => [
    nameOf(scale),
    scale.spec?.replicas ?? 0,
    scale.status?.replicas ?? 0,
    ageOf(scale, context),
  ],
});
