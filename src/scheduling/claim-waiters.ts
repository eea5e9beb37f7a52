/**
 * Waiting pods by the resource claims that they name, so that an event of one claim costs the pods that it may concern
 * instead of all that wait. Kept by the scheduling queue.
 */
import type { Pod } from '../api/index.ts';
import { claimNameOf } from './devices/index.ts';

/** A pod that waits. */
interface Waiter {
  readonly info: { readonly uid: string; readonly namespace: string; readonly pod: Pod };
}

const none: ReadonlySet<never> = new Set();

export class ClaimWaiters<Item extends Waiter> {
  readonly #byClaim = new Map<string, Set<Item>>();
  /** What each pod was filed under: pods change while they wait. */
  readonly #keys = new Map<string, readonly string[]>();

  /** The pods that name the claim `namespace/name`, in the order in which they began to. */
  of(claimKey: string): ReadonlySet<Item> {
    return this.#byClaim.get(claimKey) ?? none;
  }

  /** Begins to wait, or names other claims than before. */
  set(item: Item): void {
    const { uid, namespace, pod } = item.info;
    this.delete(item);
    const keys: string[] = [];
    for (const entry of pod.spec?.resourceClaims ?? []) {
      const name = claimNameOf(pod, entry);
      if (name) keys.push(`${namespace}/${name}`);
    }
    if (keys.length === 0) return;
    this.#keys.set(uid, keys);
    for (const key of keys) {
      const waiters = this.#byClaim.get(key);
      if (waiters) waiters.add(item);
      else this.#byClaim.set(key, new Set([item]));
    }
  }

  delete(item: Item): void {
    const { uid } = item.info;
    const keys = this.#keys.get(uid);
    if (!keys) return;
    this.#keys.delete(uid);
    for (const key of keys) {
      const waiters = this.#byClaim.get(key);
      waiters?.delete(item);
      if (waiters?.size === 0) this.#byClaim.delete(key);
    }
  }
}
