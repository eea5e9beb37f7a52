/** Stops one container: its preStop hook, then the signal, then the kill after the grace period. */
import type { ContainerRecord } from './container-record.ts';
import type { BoundPod } from './pod.ts';
import type { PodEvents } from './pod-events.ts';
import { type ContainerExit, type RuntimeService, whenDone } from './runtime.ts';

export interface ContainerStop {
  readonly runtime: RuntimeService;
  readonly events: PodEvents;
  readonly pod: BoundPod;
  readonly graceSeconds: number;
  /** Called once the container has ended. */
  ended(containerId: string, exit: ContainerExit): void;
}

const graceDefaultSeconds = 30;

/** How long the pod's containers have to end: what the deletion says, else what the spec does. */
export function podGraceSeconds({ metadata, spec }: BoundPod): number {
  return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? graceDefaultSeconds;
}

/** Begins to stop the container. */
export function stopContainer(stop: ContainerStop, record: ContainerRecord): void {
  record.stopping = true;
  record.prober?.stop();
  if (record.spec.lifecycle?.preStop === undefined) {
    signalContainer(stop, record);
    return;
  }
  whenDone(
    stop.runtime.runHook(record.id, 'preStop'),
    () => signalContainer(stop, record),
    () => {
      stop.events.warning(stop.pod, record, 'FailedPreStopHook', 'PreStopHook failed');
      signalContainer(stop, record);
    },
  );
}

/** Signals the container without its hook; once more with a shorter grace period hastens the end. */
export function signalContainer({ runtime, graceSeconds, ended }: ContainerStop, { id }: ContainerRecord): void {
  whenDone(
    runtime.stopContainer(id, graceSeconds * 1000),
    (exit) => ended(id, exit),
    () => ended(id, { exitCode: 137, reason: 'Error' }),
  );
}
