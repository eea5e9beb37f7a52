/**
 * The status of a pod, computed from its spec, what its containers do, and what the API knew before. Pure: the same inputs
 * give the same status, and times of conditions change only with their statuses.
 * @see kubernetes/pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase) and pkg/kubelet/status/generate.go
 */
import type { PodCondition, PodStatus } from '../api/index.ts';
import { type ContainerRecord, containerStatus } from './container-record.ts';
import { type BoundPod, isStaticPod, restartsAfter } from './pod.ts';

export interface PodStatusInputs {
  readonly pod: BoundPod;
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  readonly ephemeral: readonly ContainerRecord[];
  /** No container will be started any more. */
  readonly isTerminal: boolean;
  readonly sandboxReady: boolean;
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly startTime: string;
  /** Set when the kubelet itself ended the pod (rejected, evicted, deadline): the pod is Failed. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  readonly runtimeName: string;
  /** RFC 3339, for conditions whose status changes. */
  readonly now: string;
}

/** True once a main container has been started: the init phase is over for good. */
export function hasInitialized(main: readonly ContainerRecord[]): boolean {
  return main.some((record) => record.state !== 'waiting' || record.lastTermination !== undefined);
}

/** The phase, by upstream's rules. */
export function podPhase({ pod, init, main, isTerminal, failure }: PodStatusInputs): string {
  if (failure !== undefined) return 'Failed';
  let pendingInit = 0;
  let pendingSidecars = 0;
  let waiting = 0;
  let running = 0;
  let stopped = 0;
  let restartable = 0;
  let succeeded = 0;
  const exitOf = (record: ContainerRecord): number | undefined =>
    record.state === 'terminated'
      ? (record.exit?.exitCode ?? 0)
      : record.state === 'waiting'
        ? record.lastTermination?.exitCode
        : undefined;
  for (const record of init) {
    const exitCode = exitOf(record);
    if (record.kind === 'sidecar') {
      if (record.state === 'running') {
        running++;
        if (!record.started) pendingSidecars++;
      } else if (exitCode === undefined) {
        pendingSidecars++;
        if (record.state === 'waiting') waiting++;
      }
    } else if (exitCode === undefined) pendingInit++;
    else if (exitCode !== 0 && !restartsAfter(pod.spec, record.spec, 'init', exitCode)) return 'Failed';
    else if (exitCode !== 0 && isTerminal) return 'Failed';
  }
  for (const record of main) {
    const exitCode = exitOf(record);
    if (record.state === 'running') running++;
    else if (exitCode === undefined) waiting++;
    else {
      stopped++;
      if (exitCode === 0) succeeded++;
      if (restartsAfter(pod.spec, record.spec, 'main', exitCode)) restartable++;
    }
  }
  if (isTerminal && running === 0) {
    const allRan = pendingInit === 0 && waiting === 0;
    if (!isStaticPod(pod) || !allRan) return allRan && stopped === succeeded ? 'Succeeded' : 'Failed';
  }
  if (pendingInit > 0 || (pendingSidecars > 0 && !hasInitialized(main)) || waiting > 0) return 'Pending';
  if (running > 0 || restartable > 0) return 'Running';
  return stopped === succeeded ? 'Succeeded' : 'Failed';
}

/** The whole status that the kubelet answers for. Fields that others own (nominatedNodeName, their conditions) are not in it. */
export function podStatus(inputs: PodStatusInputs): PodStatus {
  const { pod, init, main, ephemeral, runtimeName } = inputs;
  const phase = podPhase(inputs);
  const { generation } = pod.metadata;
  const status: PodStatus = {};
  status.conditions = podConditions(inputs, phase);
  if (main.length > 0) status.containerStatuses = main.map((record) => containerStatus(record, runtimeName));
  if (ephemeral.length > 0)
    status.ephemeralContainerStatuses = ephemeral.map((record) => containerStatus(record, runtimeName));
  if (inputs.hostIps[0] !== undefined) {
    status.hostIP = inputs.hostIps[0];
    status.hostIPs = inputs.hostIps.map((ip) => ({ ip }));
  }
  if (init.length > 0) status.initContainerStatuses = init.map((record) => containerStatus(record, runtimeName));
  if (inputs.failure !== undefined) {
    status.message = inputs.failure.message;
    status.reason = inputs.failure.reason;
  }
  if (generation !== undefined) status.observedGeneration = generation;
  status.phase = phase;
  if (inputs.podIps[0] !== undefined) {
    status.podIP = inputs.podIps[0];
    status.podIPs = inputs.podIps.map((ip) => ({ ip }));
  }
  status.startTime = inputs.startTime;
  return status;
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const isTrue: Verdict = { status: 'True' };

function podConditions(inputs: PodStatusInputs, phase: string): PodCondition[] {
  const containersReady = containersReadyVerdict(inputs, phase);
  const verdicts: ReadonlyArray<readonly [type: string, verdict: Verdict]> = [
    ['PodReadyToStartContainers', inputs.sandboxReady ? isTrue : { status: 'False' }],
    ['Initialized', initializedVerdict(inputs, phase)],
    ['Ready', containersReady.status === 'True' ? readyVerdict(inputs) : containersReady],
    ['ContainersReady', containersReady],
    ['PodScheduled', isTrue],
  ];
  const known = inputs.pod.status?.conditions;
  const { generation } = inputs.pod.metadata;
  return verdicts.map(([type, { status, reason, message }]) => {
    const before = known?.find((condition) => condition.type === type);
    const condition: PodCondition = {
      lastTransitionTime:
        before?.status === status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : inputs.now,
      status,
      type,
    };
    if (message !== undefined) condition.message = message;
    if (generation !== undefined) condition.observedGeneration = generation;
    if (reason !== undefined) condition.reason = reason;
    return condition;
  });
}

function containersReadyVerdict({ init, main }: PodStatusInputs, phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const unready: string[] = [];
  for (const record of init)
    if (record.kind === 'sidecar' && !(record.state === 'running' && record.ready)) unready.push(record.name);
  for (const record of main) if (!(record.state === 'running' && record.ready)) unready.push(record.name);
  if (unready.length === 0) return isTrue;
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function readyVerdict({ pod }: PodStatusInputs): Verdict {
  const gates = pod.spec.readinessGates;
  if (gates === undefined || gates.length === 0) return isTrue;
  const messages: string[] = [];
  for (const { conditionType } of gates) {
    const condition = pod.status?.conditions?.find((one) => one.type === conditionType);
    if (condition === undefined) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (condition.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
    }
  }
  return messages.length === 0
    ? isTrue
    : { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function initializedVerdict({ init, main }: PodStatusInputs, phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (init.length === 0 || hasInitialized(main)) return isTrue;
  const incomplete = init.filter((record) =>
    record.kind === 'sidecar'
      ? !(record.state === 'running' && record.started)
      : !(record.state === 'terminated' && record.exit?.exitCode === 0),
  );
  if (incomplete.length === 0) return isTrue;
  const names = incomplete.map((record) => record.name).join(' ');
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names}]`,
  };
}
