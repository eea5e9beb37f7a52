/**
 * Follows the pods that are bound to one node: a single watch that begins with what is there (no list before it) and is
 * opened anew when it ends. Holds no cache: the kubelet's workers are the memory, and `resynced` tells them which pods are
 * left. One watch a node, which the API server serves by its index of node names, so an event reaches one kubelet only.
 */
import type { Subscription } from 'rxjs';
import type { Pod } from '../api/index.ts';
import { type Client, pods, type WatchEvent } from '../client/index.ts';
import type { Clock, Log, Random } from '../runtime/index.ts';
import type { BoundPod } from './pod.ts';

export interface PodSourceOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly nodeName: string;
  /** A pod is here, or has changed. */
  present(pod: BoundPod): void;
  /** A pod's object is gone. */
  gone(uid: string): void;
  /** All pods of the node have been told since the watch was opened: any other is gone. */
  resynced(uids: ReadonlySet<string>): void;
}

const retryFirstMs = 50;
const retryMaxMs = 10_000;

export class PodSource {
  readonly #options: PodSourceOptions;
  #subscription: Subscription | undefined;
  #retryMs = retryFirstMs;
  #synced: () => void = () => {};

  constructor(options: PodSourceOptions) {
    this.#options = options;
  }

  /** Resolves when the pods that are there have been told for the first time, or the signal has aborted. */
  start(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      this.#synced = resolve;
      const stop = (): void => {
        this.#subscription?.unsubscribe();
        resolve();
      };
      if (signal.aborted) stop();
      else {
        signal.addEventListener('abort', stop, { once: true });
        this.#open();
      }
    });
  }

  #open(): void {
    const { client, nodeName, signal } = this.#options;
    if (signal.aborted) return;
    let initial: Set<string> | undefined = new Set();
    const take = (event: WatchEvent<Pod>): void => {
      if (event.type === 'BOOKMARK') {
        if (initial === undefined || !event.initialEventsEnd) return;
        const uids = initial;
        initial = undefined;
        this.#retryMs = retryFirstMs;
        this.#options.resynced(uids);
        this.#synced();
        return;
      }
      const pod = event.object as BoundPod;
      if (event.type === 'DELETED') {
        initial?.delete(pod.metadata.uid);
        this.#options.gone(pod.metadata.uid);
      } else {
        initial?.add(pod.metadata.uid);
        this.#options.present(pod);
      }
    };
    this.#subscription = client
      .watch(pods, {
        fieldSelector: `spec.nodeName=${nodeName}`,
        allowWatchBookmarks: true,
        sendInitialEvents: true,
        resourceVersionMatch: 'NotOlderThan',
        shared: true,
      })
      .subscribe({
        next: take,
        error: (error: unknown) => this.#again(error),
        complete: () => this.#again(undefined),
      });
  }

  #again(error: unknown): void {
    const { clock, log, nodeName, random, signal } = this.#options;
    if (signal.aborted) return;
    if (error !== undefined)
      log.debug('watch of pods ended', {
        node: nodeName,
        error: error instanceof Error ? error.message : String(error),
      });
    const delayMs = this.#retryMs * (1 + random.next());
    this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
    clock.after(delayMs, () => this.#open());
  }
}
