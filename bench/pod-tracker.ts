/**
 * Follows all pods of a bench cluster through one watch: which are there, which have a node, which were tried. Operations wait
 * on it instead of polling.
 */
import type { Subscription } from 'rxjs';
import type { Pod } from '../src/api/index.ts';
import type { Client } from '../src/client/index.ts';
import { pods } from '../src/client/resources.ts';

export interface TrackedPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly bound: boolean;
  /** Bound, or the scheduler has said why not. */
  readonly attempted: boolean;
  readonly ready: boolean;
}

export type PodListener = (pod: TrackedPod, previous: TrackedPod | undefined) => void;

interface Waiter {
  readonly done: () => boolean;
  readonly resolve: () => void;
}

const conditionOf = (pod: Pod, type: string) => pod.status?.conditions?.find((condition) => condition.type === type);

export class PodTracker {
  readonly byUid = new Map<string, TrackedPod>();
  private readonly byNamespace = new Map<string, Map<string, TrackedPod>>();
  private readonly boundByNamespace = new Map<string, number>();
  private readonly everBoundByNamespace = new Map<string, number>();
  private readonly waiters = new Set<Waiter>();
  private readonly subscription: Subscription;
  /** Told of each change, before waiters are. */
  listener: PodListener | undefined;
  onDeleted: ((pod: TrackedPod) => void) | undefined;

  constructor(client: Client, onError: (error: unknown) => void) {
    this.subscription = client
      .watch(pods, { sendInitialEvents: true, allowWatchBookmarks: true, shared: true })
      .subscribe({
        next: (event) => {
          if (event.type === 'BOOKMARK') return;
          this.apply(event.object, event.type === 'DELETED');
        },
        error: onError,
      });
  }

  private apply(pod: Pod, deleted: boolean): void {
    const { uid = '', namespace = '', name = '', labels = {} } = pod.metadata ?? {};
    const previous = this.byUid.get(uid);
    const bound = (pod.spec?.nodeName ?? '') !== '';
    const tracked: TrackedPod = {
      uid,
      namespace,
      name,
      labels,
      bound,
      attempted: bound || conditionOf(pod, 'PodScheduled')?.reason !== undefined,
      ready: conditionOf(pod, 'Ready')?.status === 'True',
    };
    let mates = this.byNamespace.get(namespace);
    if (mates === undefined) {
      mates = new Map();
      this.byNamespace.set(namespace, mates);
    }
    if (deleted) {
      this.byUid.delete(uid);
      mates.delete(uid);
    } else {
      this.byUid.set(uid, tracked);
      mates.set(uid, tracked);
    }
    const boundNow = Number(bound && !deleted) - Number(previous?.bound ?? false);
    if (boundNow !== 0) this.boundByNamespace.set(namespace, this.boundCount(namespace) + boundNow);
    if (bound && previous?.bound !== true) {
      this.everBoundByNamespace.set(namespace, this.everBoundCount(namespace) + 1);
    }
    if (deleted) this.onDeleted?.(tracked);
    else this.listener?.(tracked, previous);
    for (const waiter of this.waiters) {
      if (!waiter.done()) continue;
      this.waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Pods of a namespace, or all. */
  pods(namespace?: string): Iterable<TrackedPod> {
    return namespace === undefined ? this.byUid.values() : (this.byNamespace.get(namespace)?.values() ?? []);
  }

  /** Pods of the namespace that have a node. */
  boundCount(namespace: string): number {
    return this.boundByNamespace.get(namespace) ?? 0;
  }

  /** Pods of the namespace that were seen to come to a node, those that are gone by now too. */
  everBoundCount(namespace: string): number {
    return this.everBoundByNamespace.get(namespace) ?? 0;
  }

  count(namespace: string): number {
    return this.byNamespace.get(namespace)?.size ?? 0;
  }

  /** Resolves when `done` holds; it is asked after every change of a pod, so it must be quick. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.waiters.add({ done, resolve }));
  }

  /** Resolves when none of these pods is there any more. */
  untilGone(uids: readonly string[]): Promise<void> {
    // What went once is not asked for again, so that each change costs little.
    const left = new Set(uids);
    return this.until(() => {
      for (const uid of left) {
        if (this.byUid.has(uid)) return false;
        left.delete(uid);
      }
      return true;
    });
  }

  close(): void {
    this.subscription.unsubscribe();
  }
}
