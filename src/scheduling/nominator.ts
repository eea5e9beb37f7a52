/**
 * Pods that are nominated for a node but not on it yet: preemptors that wait for their victims to go. Filters run as
 * if those of equal or higher priority were already there.
 */
import type { PodInfo } from './pod-info.ts';

export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeByUid = new Map<string, string>();
  readonly #onChange: ((nodeName: string) => void) | undefined;

  /** `onChange` is told of each node whose nominated pods changed. */
  constructor(onChange?: (nodeName: string) => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#nodeByUid.size;
  }

  nominate(info: PodInfo, nodeName: string): void {
    this.remove(info.uid);
    const pods = this.#byNode.get(nodeName) ?? new Map<string, PodInfo>();
    this.#byNode.set(nodeName, pods.set(info.uid, info));
    this.#nodeByUid.set(info.uid, nodeName);
    this.#onChange?.(nodeName);
  }

  remove(uid: string): void {
    const nodeName = this.#nodeByUid.get(uid);
    if (nodeName === undefined) return;
    this.#nodeByUid.delete(uid);
    const pods = this.#byNode.get(nodeName)!;
    pods.delete(uid);
    if (pods.size === 0) this.#byNode.delete(nodeName);
    this.#onChange?.(nodeName);
  }

  /** Where the pod is nominated to. */
  nodeOf(uid: string): string | undefined {
    return this.#nodeByUid.get(uid);
  }

  /** Pods nominated for a node. */
  podsOn(nodeName: string): Iterable<PodInfo> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }
}
