/** A pod worker on a virtual clock with the real simulated runtime, and pods for it. */
import type { Container, Event, ObjectReference, Pod, PodSpec, PodStatus } from '../../src/api/index.ts';
import type { EventRecorder } from '../../src/client/index.ts';
import { TokenBucket } from '../../src/client/index.ts';
import { AddressPools } from '../../src/network/index.ts';
import type { BoundPod } from '../../src/node/pod.ts';
import { PodEvents } from '../../src/node/pod-events.ts';
import { PodWorker, type PodWorkerHost } from '../../src/node/pod-worker.ts';
import type { SimulationDelays } from '../../src/node/simulated/behaviour.ts';
import { ImageCatalog } from '../../src/node/simulated/images.ts';
import { SimulatedRuntime } from '../../src/node/simulated/runtime.ts';
import { seededRandom, VirtualClock } from '../../src/runtime/index.ts';

export type RecordedEvent = Pick<Event, 'type' | 'reason' | 'message'> & { fieldPath: string | undefined };

export function boundPod(spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}, status?: PodStatus): BoundPod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-web', generation: 1, resourceVersion: '1', ...metadata },
    spec: { containers: [container('app')], restartPolicy: 'Always', nodeName: 'node-1', ...spec },
    status: status ?? { phase: 'Pending' },
  } as BoundPod;
}

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'nginx:1.27', imagePullPolicy: 'IfNotPresent', ...more };
}

/** One node's worth of what a worker needs. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly runtime: SimulatedRuntime;
  readonly events: RecordedEvent[] = [];
  readonly pool = new AddressPools(['10.1.0.0/24']);
  readonly host: PodWorkerHost;
  /** How often a worker said that its status may have changed. */
  changes = 0;
  worker: PodWorker | undefined;

  constructor(delays: SimulationDelays = {}) {
    this.runtime = new SimulatedRuntime({
      clock: this.clock,
      random: seededRandom(1),
      catalog: new ImageCatalog(),
      delays,
    });
    const recorder: EventRecorder = {
      event: (regarding, type, reason, message) => {
        this.events.push({ type, reason, message, fieldPath: (regarding as ObjectReference).fieldPath });
      },
    };
    this.host = {
      clock: this.clock,
      runtime: this.runtime,
      events: new PodEvents(() => recorder, new TokenBucket(this.clock, 1000, 1000), 'all'),
      hostIps: ['172.16.0.2'],
      addresses: () => this.pool,
      mount: () => true,
      unmount: () => {},
      statusChanged: () => {
        this.changes++;
      },
    };
    this.runtime.onEvent((event) => {
      if (event.type === 'exited') this.worker?.exited(event.containerId, event.exit);
      else this.worker?.probesChanged(event.containerId);
    });
  }

  run(pod: BoundPod): PodWorker {
    this.worker = new PodWorker(this.host, pod);
    this.worker.start();
    return this.worker;
  }

  /** Applies a change to the worker's pod as the API would show it. */
  update(change: (pod: BoundPod) => void): void {
    const worker = this.worker!;
    const pod = structuredClone({ ...worker.pod, status: worker.status() }) as BoundPod;
    change(pod);
    worker.update(pod);
  }

  /** The pod is being deleted, with this grace period. */
  delete(graceSeconds = 30): void {
    this.update((pod) => {
      pod.metadata.deletionTimestamp = '2026-01-01T00:00:30Z';
      pod.metadata.deletionGracePeriodSeconds = graceSeconds;
    });
  }

  messages(reason: string): (string | undefined)[] {
    return this.events.filter((event) => event.reason === reason).map((event) => event.message);
  }

  condition(type: string): string | undefined {
    return this.worker?.status().conditions?.find((condition) => condition.type === type)?.status;
  }
}
