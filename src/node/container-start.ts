/**
 * Brings one container up: pulls its image, creates it, starts it, runs its postStart hook; with the events that upstream
 * reports on the way. Called by the pod's worker, which owns the record and decides what comes next.
 * @see kubernetes/pkg/kubelet/images/image_manager.go and pkg/kubelet/kuberuntime/kuberuntime_container.go
 */
import { formatDuration } from '../api/index.ts';
import type { Clock } from '../runtime/index.ts';
import { BackOff } from './back-off.ts';
import { type ContainerRecord, shownImage, terminatedState } from './container-record.ts';
import { isImageName } from './image-reference.ts';
import type { BoundPod } from './pod.ts';
import type { PodEvents } from './pod-events.ts';
import { type ImageRecord, type RuntimeService, whenDone } from './runtime.ts';

export interface ContainerStart {
  readonly clock: Clock;
  readonly runtime: RuntimeService;
  readonly events: PodEvents;
  readonly pod: BoundPod;
  readonly sandboxId: string;
  /** False once the worker has turned to ending the pod: then nothing more is started. */
  isWanted(): boolean;
  /** Called when the attempt is over, well or not; the record says which. `retryAfterMs` asks to be tried again. */
  done(retryAfterMs?: number): void;
}

/** Starts the container of `record`. The record is `busy` until `done` is called. */
export function startContainer(start: ContainerStart, record: ContainerRecord): void {
  record.busy = true;
  const finish = (retryAfterMs?: number): void => {
    record.busy = false;
    start.done(retryAfterMs);
  };
  ensureImage(start, record, finish, (image) => {
    if (!start.isWanted()) return finish();
    createAndRun(start, record, image, finish);
  });
}

type Finish = (retryAfterMs?: number) => void;

function fails({ runtime }: ContainerStart, record: ContainerRecord, reason: string, message: string): void {
  if (record.state === 'terminated') record.lastTermination = terminatedState(record, runtime.name);
  record.waitingReason = reason;
  record.waitingMessage = message;
  record.state = 'waiting';
}

function ensureImage(
  start: ContainerStart,
  record: ContainerRecord,
  finish: Finish,
  ready: (image: ImageRecord) => void,
): void {
  const { events, pod, runtime } = start;
  const image = record.spec.image ?? '';
  if (!isImageName(image)) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
    events.warning(pod, record, 'InspectFailed', message);
    events.warning(pod, record, 'Failed', 'Error: InvalidImageName');
    fails(start, record, 'InvalidImageName', message);
    finish(10_000);
    return;
  }
  whenDone(
    runtime.images.imageStatus(image),
    (present) => {
      const policy = record.spec.imagePullPolicy ?? 'IfNotPresent';
      if (present !== undefined && policy !== 'Always') {
        events.normal(
          pod,
          record,
          'Pulled',
          `Container image "${image}" already present on machine and can be accessed by the pod`,
        );
        return ready(present);
      }
      if (policy === 'Never') {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        events.warning(pod, record, 'ErrImageNeverPull', message);
        events.warning(pod, record, 'Failed', 'Error: ErrImageNeverPull');
        fails(start, record, 'ErrImageNeverPull', message);
        return finish(10_000);
      }
      pull(start, record, image, finish, ready);
    },
    (error) => {
      fails(start, record, 'ImageInspectError', `Failed to inspect image "${image}": ${textOf(error)}`);
      finish(10_000);
    },
  );
}

function pull(
  start: ContainerStart,
  record: ContainerRecord,
  image: string,
  finish: Finish,
  ready: (image: ImageRecord) => void,
): void {
  const { clock, events, pod, runtime } = start;
  const backOff = record.pullBackOff;
  if (backOff?.isWaiting(record.finishedAtMs, clock.now()) === true) {
    events.normal(pod, record, 'BackOff', `Back-off pulling image "${image}"`);
    events.warning(pod, record, 'Failed', 'Error: ImagePullBackOff');
    fails(
      start,
      record,
      'ImagePullBackOff',
      `Back-off pulling image "${image}": ErrImagePull: ${record.pullError ?? ''}`,
    );
    finish(backOff.remainingMs(record.finishedAtMs, clock.now()));
    return;
  }
  events.normal(pod, record, 'Pulling', `Pulling image "${image}"`);
  const beganMs = clock.monotonic();
  whenDone(
    attempt(() => runtime.images.pullImage(image, pod)),
    (pulled) => {
      const took = formatDuration(clock.monotonic() - beganMs);
      const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${pulled.sizeBytes} bytes.`;
      events.normal(pod, record, 'Pulled', message);
      record.pullBackOff = undefined;
      ready(pulled);
    },
    (error) => {
      const message = `failed to pull and unpack image "${shownImage(record)}": ${textOf(error)}`;
      events.warning(pod, record, 'Failed', `Failed to pull image "${image}": ${message}`);
      events.warning(pod, record, 'Failed', 'Error: ErrImagePull');
      fails(start, record, 'ErrImagePull', message);
      record.pullError = message;
      record.pullBackOff ??= new BackOff();
      record.finishedAtMs = clock.now();
      record.pullBackOff.advance(clock.now());
      // As upstream: the failure is shown for one round of syncing, then the back-off.
      finish(1000);
    },
  );
}

function createAndRun(start: ContainerStart, record: ContainerRecord, image: ImageRecord, finish: Finish): void {
  const { clock, events, pod, runtime, sandboxId } = start;
  const isRestart = record.state === 'terminated' || record.lastTermination !== undefined;
  const failed = (reason: string, error: unknown): void => {
    events.warning(pod, record, 'Failed', `Error: ${textOf(error)}`);
    fails(start, record, reason, textOf(error));
    finish(10_000);
  };
  const config = { pod, container: record.spec, kind: record.kind, attempt: isRestart ? record.restartCount + 1 : 0 };
  whenDone(
    attempt(() => runtime.createContainer(sandboxId, config)),
    (id) => {
      if (record.state === 'terminated') record.lastTermination = terminatedState(record, runtime.name);
      const previous = record.id;
      if (isRestart) record.restartCount++;
      record.id = id;
      record.image = image.name;
      record.imageId = image.id;
      record.exit = undefined;
      record.started = false;
      record.ready = false;
      record.state = 'waiting';
      record.waitingReason = 'ContainerCreating';
      record.waitingMessage = undefined;
      // The runtime keeps the container before this one, for `logs --previous`, and none older.
      if (record.previousId !== '') void runtime.removeContainer(record.previousId);
      record.previousId = previous;
      events.normal(pod, record, 'Created', `Created container: ${record.name}`);
      const state = (): ContainerRecord['state'] => record.state;
      record.startedAtMs = clock.now();
      whenDone(
        attempt(() => runtime.startContainer(id)),
        () => {
          events.normal(pod, record, 'Started', `Started container ${record.name}`);
          // A container without work may have ended within its start.
          if (state() === 'terminated') return finish();
          record.state = 'running';
          record.startedAtMs = clock.now();
          postStart(start, record, finish);
        },
        (error) => failed('RunContainerError', error),
      );
    },
    (error) => failed('CreateContainerError', error),
  );
}

function postStart(start: ContainerStart, record: ContainerRecord, finish: Finish): void {
  const { events, pod, runtime } = start;
  if (record.spec.lifecycle?.postStart === undefined) {
    finish();
    return;
  }
  whenDone(
    runtime.runHook(record.id, 'postStart'),
    () => finish(),
    (error) => {
      events.warning(pod, record, 'FailedPostStartHook', `PostStartHook failed: ${textOf(error)}`);
      events.normal(pod, record, 'Killing', 'FailedPostStartHook');
      whenDone(
        runtime.stopContainer(record.id, 2000),
        () => finish(),
        () => finish(),
      );
    },
  );
}

/** Turns a throw into a rejection, so that a runtime may do either. */
function attempt<Value>(operation: () => Value | Promise<Value>): Value | Promise<Value> {
  try {
    return operation();
  } catch (error) {
    return Promise.reject(error);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
