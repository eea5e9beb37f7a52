/**
 * Events about pods as the kubelet reports them, through the client's recorder. Normal events pass a token bucket that the
 * kubelets of one thread share: a storm of pods on simulated nodes then keeps the API server for the pods themselves, while a
 * cluster of usual load sees every event. Warnings always pass to the recorder, which has limits of its own.
 */
import type { ObjectReference } from '../api/index.ts';
import type { EventRecorder, TokenBucket } from '../client/index.ts';
import { type BoundPod, fieldPath } from './pod.ts';
import type { ContainerKind } from './runtime.ts';

/** Which events a kubelet reports. */
export type EventVerbosity = 'all' | 'warnings' | 'none';

interface ContainerName {
  readonly name: string;
  readonly kind: ContainerKind;
}

export class PodEvents {
  readonly #recorder: () => EventRecorder;
  readonly #verbosity: EventVerbosity;
  readonly #bucket: TokenBucket;

  /** `recorder` is asked for when there is an event: a kubelet without pods needs none. */
  constructor(recorder: () => EventRecorder, bucket: TokenBucket, verbosity: EventVerbosity) {
    this.#recorder = recorder;
    this.#bucket = bucket;
    this.#verbosity = verbosity;
  }

  normal(pod: BoundPod, container: ContainerName | undefined, reason: string, message: string): void {
    if (this.#verbosity === 'all' && this.#bucket.take()) this.#record(pod, container, 'Normal', reason, message);
  }

  warning(pod: BoundPod, container: ContainerName | undefined, reason: string, message: string): void {
    if (this.#verbosity !== 'none') this.#record(pod, container, 'Warning', reason, message);
  }

  #record(
    pod: BoundPod,
    container: ContainerName | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    const reference: ObjectReference = { apiVersion: 'v1', kind: 'Pod', name, namespace, uid };
    if (resourceVersion !== undefined) reference.resourceVersion = resourceVersion;
    if (container !== undefined) reference.fieldPath = fieldPath(container.kind, container.name);
    this.#recorder().event(reference, type, reason, message);
  }
}
