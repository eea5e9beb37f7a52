/** What the kubelet knows of one container of a pod: one mutable record, owned by the pod's worker alone. */
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus } from '../api/index.ts';
import { formatTime } from '../api/index.ts';
import type { BackOff } from './back-off.ts';
import { normalizeImage } from './image-reference.ts';
import type { Prober } from './prober.ts';
import type { ContainerExit, ContainerKind } from './runtime.ts';

export interface ContainerRecord {
  readonly name: string;
  readonly kind: ContainerKind;
  spec: Container;
  state: 'waiting' | 'running' | 'terminated';
  waitingReason: string;
  waitingMessage: string | undefined;
  /** The runtime's ID without prefix; empty before the first creation. */
  id: string;
  /** The container before this one, kept for its log; empty when there is none. */
  previousId: string;
  /** What the status shows; the spec's image until the runtime has resolved it. */
  image: string;
  imageId: string;
  startedAtMs: number;
  finishedAtMs: number;
  exit: ContainerExit | undefined;
  lastTermination: ContainerStateTerminated | undefined;
  restartCount: number;
  started: boolean;
  ready: boolean;
  /** A start is under way: pull, create, start or the postStart hook. */
  busy: boolean;
  /** A stop is under way. */
  stopping: boolean;
  crashBackOff: BackOff | undefined;
  pullBackOff: BackOff | undefined;
  /** No try before this time, in milliseconds since the epoch. */
  notBeforeMs: number;
  pullError: string | undefined;
  prober: Prober | undefined;
}

export function newContainerRecord(spec: Container, kind: ContainerKind, waitingReason: string): ContainerRecord {
  return {
    name: spec.name,
    kind,
    spec,
    state: 'waiting',
    waitingReason,
    waitingMessage: undefined,
    id: '',
    previousId: '',
    image: spec.image ?? '',
    imageId: '',
    startedAtMs: 0,
    finishedAtMs: 0,
    exit: undefined,
    lastTermination: undefined,
    restartCount: 0,
    started: false,
    ready: false,
    busy: false,
    stopping: false,
    crashBackOff: undefined,
    pullBackOff: undefined,
    notBeforeMs: 0,
    pullError: undefined,
    prober: undefined,
  };
}

/** Takes over what the API knows of this container from an earlier life of the kubelet. */
export function adoptStatus(record: ContainerRecord, status: ContainerStatus): void {
  const { running, terminated, waiting } = status.state ?? {};
  record.restartCount = status.restartCount;
  record.lastTermination = status.lastState?.terminated;
  record.image = status.image;
  record.imageId = status.imageID;
  record.id = idWithoutPrefix(status.containerID ?? terminated?.containerID ?? '');
  record.started = status.started ?? false;
  record.ready = status.ready;
  if (running !== undefined) {
    record.state = 'running';
    record.startedAtMs = Date.parse(running.startedAt ?? '') || 0;
  } else if (terminated !== undefined) {
    record.state = 'terminated';
    record.startedAtMs = Date.parse(terminated.startedAt ?? '') || 0;
    record.finishedAtMs = Date.parse(terminated.finishedAt ?? '') || 0;
    record.exit = { exitCode: terminated.exitCode, reason: terminated.reason ?? '', message: terminated.message };
  } else if (waiting?.reason === 'CrashLoopBackOff' && record.lastTermination !== undefined) {
    record.state = 'terminated';
    record.exit = { exitCode: record.lastTermination.exitCode, reason: record.lastTermination.reason ?? '' };
    record.startedAtMs = Date.parse(record.lastTermination.startedAt ?? '') || 0;
    record.finishedAtMs = Date.parse(record.lastTermination.finishedAt ?? '') || 0;
  }
}

export function idWithoutPrefix(id: string): string {
  const at = id.indexOf('://');
  return at === -1 ? id : id.slice(at + 3);
}

/** How the container ended, in the API's form. */
export function terminatedState(record: ContainerRecord, runtimeName: string): ContainerStateTerminated {
  const { exit } = record;
  return {
    ...(record.id === '' ? undefined : { containerID: `${runtimeName}://${record.id}` }),
    exitCode: exit?.exitCode ?? 0,
    finishedAt: formatTime(record.finishedAtMs),
    ...(exit?.message === undefined ? undefined : { message: exit.message }),
    reason: exit?.reason ?? 'Completed',
    ...(exit?.signal === undefined ? undefined : { signal: exit.signal }),
    startedAt: formatTime(record.startedAtMs),
  };
}

function stateOf(record: ContainerRecord, runtimeName: string): ContainerState {
  switch (record.state) {
    case 'running':
      return { running: { startedAt: formatTime(record.startedAtMs) } };
    case 'terminated':
      return { terminated: terminatedState(record, runtimeName) };
    default: {
      const { waitingReason: reason, waitingMessage: message } = record;
      return { waiting: message === undefined ? { reason } : { message, reason } };
    }
  }
}

/** The container's status in the API's form. Members stand in the API's alphabetical order. */
export function containerStatus(record: ContainerRecord, runtimeName: string): ContainerStatus {
  const { spec } = record;
  const status: ContainerStatus = {
    image: record.image,
    imageID: record.imageId,
    name: record.name,
    ready: false,
    restartCount: record.restartCount,
  };
  if (spec.resources?.requests !== undefined) status.allocatedResources = spec.resources.requests;
  if (record.id !== '') status.containerID = `${runtimeName}://${record.id}`;
  status.lastState = record.lastTermination === undefined ? {} : { terminated: record.lastTermination };
  status.ready =
    record.kind === 'init'
      ? record.state === 'terminated' && record.exit?.exitCode === 0
      : record.state === 'running' && record.ready;
  if (record.state === 'running' && spec.resources !== undefined) status.resources = spec.resources;
  status.started = record.state === 'running' && record.started;
  status.state = stateOf(record, runtimeName);
  if (spec.volumeMounts !== undefined && spec.volumeMounts.length > 0 && record.id !== '') {
    status.volumeMounts = spec.volumeMounts.map(({ mountPath, name, readOnly }) =>
      readOnly === true ? { mountPath, name, readOnly, recursiveReadOnly: 'Disabled' } : { mountPath, name },
    );
  }
  return status;
}

/** The image as the status shows it once the runtime has it. */
export function shownImage(record: ContainerRecord): string {
  return normalizeImage(record.spec.image ?? '');
}
