/**
 * Keeps a mirror in the API for each static pod of a kubelet: makes it, makes it anew when it is gone, removes one of an
 * earlier manifest or one that somebody deletes. The static pods themselves go on, whatever happens to their mirrors.
 */
import { isAlreadyExists, isNotFound, type Node } from '../api/index.ts';
import { type Client, pods } from '../client/index.ts';
import type { Clock, Log } from '../runtime/index.ts';
import type { BoundPod } from './pod.ts';
import type { PodWorker } from './pod-worker.ts';
import { isMirrorOf, mirrorPod } from './static-pods.ts';

export interface MirrorKeeperOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  node(): Node;
  /** The worker's mirror is another one now. */
  changed(worker: PodWorker): void;
}

const retryMs = 5000;

export class MirrorKeeper {
  readonly #options: MirrorKeeperOptions;
  readonly #workers = new Map<string, PodWorker>();

  constructor(options: MirrorKeeperOptions) {
    this.#options = options;
  }

  /** Takes care of the mirror of this worker's static pod from now on. */
  add(worker: PodWorker): void {
    const { name, namespace } = worker.pod.metadata;
    this.#workers.set(`${namespace}/${name}`, worker);
    void this.#create(worker);
  }

  /** The API has a mirror, or has changed it. */
  present(mirror: BoundPod): void {
    const { name, namespace, uid } = mirror.metadata;
    const worker = this.#workers.get(`${namespace}/${name}`);
    const isCurrent = worker !== undefined && isMirrorOf(mirror, worker.pod);
    if (isCurrent && mirror.metadata.deletionTimestamp === undefined) {
      worker.mirror = mirror;
      this.#options.changed(worker);
    } else void this.#remove(namespace, name, uid);
  }

  /** A mirror is gone; true when it was one of ours. */
  gone(uid: string): boolean {
    for (const worker of this.#workers.values()) {
      if (worker.mirror?.metadata.uid !== uid) continue;
      worker.mirror = undefined;
      void this.#create(worker);
      return true;
    }
    return false;
  }

  async #create(worker: PodWorker): Promise<void> {
    const { client, clock, log, node } = this.#options;
    try {
      await client.create(pods, mirrorPod(worker.pod, node()));
    } catch (error) {
      // One that is there already comes by the watch, and is kept or removed then.
      if (isAlreadyExists(error)) return;
      const { name } = worker.pod.metadata;
      log.debug('mirror pod not created', { pod: name, error: error instanceof Error ? error.message : String(error) });
      clock.after(retryMs, () => void this.#create(worker), { background: true });
    }
  }

  async #remove(namespace: string, name: string, uid: string): Promise<void> {
    try {
      await this.#options.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      const text = error instanceof Error ? error.message : String(error);
      this.#options.log.debug('mirror pod not deleted', { pod: name, error: text });
    }
    const worker = this.#workers.get(`${namespace}/${name}`);
    if (worker !== undefined && worker.mirror?.metadata.uid !== uid) await this.#create(worker);
  }
}
