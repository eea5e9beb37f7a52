/**
 * Tables of pods and pod templates. A pod's status column tells the most telling thing about it: what its containers wait for or
 * ended with, how far initialization is, or that it is being deleted.
 * @see pkg/printers/internalversion/printers.go printPod
 */
import type { ContainerStatus, Pod, PodTemplate } from '../generated/types.ts';
import { parseTime } from '../time.ts';
import {
  ageColumn,
  ageOf,
  column,
  containerCells,
  formatLabels,
  isTerminating,
  nameColumn,
  nameOf,
  tableOf,
} from './columns.ts';
import { humanDuration } from './durations.ts';

const SPEC = 'io.k8s.api.core.v1.PodSpec';
const STATUS = 'io.k8s.api.core.v1.PodStatus';

const completed = (reason: string, message: string) => [{ type: 'Completed', status: 'True', reason, message }];
const succeededConditions = completed('Succeeded', 'The pod has completed successfully.');
const failedConditions = completed('Failed', 'The pod failed.');

export const podTable = tableOf<Pod>({
  columns: [
    nameColumn,
    column('Ready', 'string', 'The aggregate readiness state of this pod for accepting traffic.'),
    column('Status', 'string', 'The aggregate status of the containers in this pod.'),
    column(
      'Restarts',
      'string',
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    ),
    ageColumn,
    column('IP', 'string', [STATUS, 'podIP'], 1),
    column('Node', 'string', [SPEC, 'nodeName'], 1),
    column('Nominated Node', 'string', [STATUS, 'nominatedNodeName'], 1),
    column('Readiness Gates', 'string', [SPEC, 'readinessGates'], 1),
  ],
  row(pod, context) {
    const summary = summarize(pod);
    const { restarts, lastRestartMs } = summary;
    const restartCell =
      restarts !== 0 && lastRestartMs > 0
        ? `${restarts} (${humanDuration(context.nowMs - lastRestartMs)} ago)`
        : String(restarts);
    return [
      nameOf(pod),
      `${summary.ready}/${summary.total}`,
      summary.reason,
      restartCell,
      ageOf(pod, context),
      pod.status?.podIPs?.[0]?.ip || '<none>',
      pod.spec?.nodeName || '<none>',
      pod.status?.nominatedNodeName || '<none>',
      readinessGates(pod),
    ];
  },
  conditions(pod) {
    if (pod.status?.phase === 'Succeeded') return succeededConditions;
    return pod.status?.phase === 'Failed' ? failedConditions : [];
  },
});

interface Summary {
  ready: number;
  total: number;
  reason: string;
  restarts: number;
  /** 0: none. */
  lastRestartMs: number;
}

function summarize(pod: Pod): Summary {
  const status = pod.status ?? {};
  const phase = status.phase ?? '';
  const containers = pod.spec?.containers ?? [];
  const initContainers = pod.spec?.initContainers ?? [];
  const sidecars = new Set(
    initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const summary: Summary = {
    ready: 0,
    total: containers.length + sidecars.size,
    reason: status.reason || phase,
    restarts: 0,
    lastRestartMs: 0,
  };
  for (const { type, reason } of status.conditions ?? []) {
    if (type === 'PodScheduled' && reason === 'SchedulingGated') summary.reason = 'SchedulingGated';
  }
  const sidecarRestarts: RestartCount = { restarts: 0, lastRestartMs: 0 };
  const initializing = summarizeInit(pod, summary, sidecars, sidecarRestarts);
  if (!initializing || hasCondition(pod, 'Initialized')) {
    summary.restarts = sidecarRestarts.restarts;
    summary.lastRestartMs = sidecarRestarts.lastRestartMs;
    summarizeMain(pod, summary);
  }
  if (isTerminating(pod)) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') summary.reason = 'Terminating';
  }
  return summary;
}

interface RestartCount {
  restarts: number;
  lastRestartMs: number;
}

function countRestarts(count: RestartCount, container: ContainerStatus): void {
  count.restarts += container.restartCount ?? 0;
  const finishedAt = container.lastState?.terminated?.finishedAt;
  if (finishedAt) count.lastRestartMs = Math.max(count.lastRestartMs, parseTime(finishedAt));
}

/** Walks the init containers up to the first that holds the others up. True when there is one. */
function summarizeInit(
  pod: Pod,
  summary: Summary,
  sidecars: ReadonlySet<string>,
  sidecarRestarts: RestartCount,
): boolean {
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [index, container] of statuses.entries()) {
    const isSidecar = sidecars.has(container.name);
    countRestarts(summary, container);
    if (isSidecar) countRestarts(sidecarRestarts, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (isSidecar && container.started === true) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated !== undefined) summary.reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

function summarizeMain(pod: Pod, summary: Summary): void {
  const statuses = pod.status?.containerStatuses ?? [];
  let hasRunning = false;
  for (let index = statuses.length - 1; index >= 0; index--) {
    const container = statuses[index] as ContainerStatus;
    countRestarts(summary, container);
    const { waiting, terminated, running } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = terminated.reason || exitText(terminated);
    else if (container.ready && running !== undefined) {
      hasRunning = true;
      summary.ready++;
    }
  }
  // A container that has done its work does not make the pod look done while another one runs.
  if (summary.reason === 'Completed' && hasRunning) {
    summary.reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  }
}

function exitText({ signal, exitCode }: { signal?: number | undefined; exitCode: number }): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => hasCondition(pod, conditionType)).length;
  return `${open}/${gates.length}`;
}

export const podTemplateTable = tableOf<PodTemplate>({
  columns: [
    nameColumn,
    column('Containers', 'string', 'Names of each container in the template.'),
    column('Images', 'string', 'Images referenced by each container in the template.'),
    column('Pod Labels', 'string', 'The labels for the pod template.'),
  ],
  row: (template) => [
    nameOf(template),
    ...containerCells(template.template?.spec?.containers),
    formatLabels(template.template?.metadata?.labels),
  ],
});
