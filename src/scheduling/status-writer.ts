/**
 * Writes what attempts left behind (the PodScheduled condition, nominated nodes) to pod status in the background. Only
 * the newest state of a pod is written; the number of writes at a time is bounded, so that a thousand pending pods do
 * not slow down the next binding.
 */
import { isConflict, isNotFound } from '../api/index.ts';
import { type Client, pods } from '../client/index.ts';
import type { Activity, Log } from '../runtime/index.ts';
import type { PodInfo } from './pod-info.ts';

/** The `status` of a strategic merge patch. */
export type PodStatusChange = Readonly<Record<string, unknown>>;

export interface StatusWriterOptions {
  readonly client: Client;
  readonly activity: Activity;
  readonly log: Log;
  /** Writes at a time. Default 32. */
  readonly writesMax?: number;
}

interface Waiting {
  readonly info: PodInfo;
  change: PodStatusChange;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** Pods with a write under way: their next one waits, so that the newest is the last. */
  readonly #writing = new Set<string>();
  /** Told when nothing more of a pod is to be written. */
  readonly #settled = new Map<string, (() => void)[]>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  write(info: PodInfo, change: PodStatusChange): void {
    const waiting = this.#waiting.get(info.uid);
    if (waiting) waiting.change = { ...waiting.change, ...change };
    else {
      this.#options.activity.begin();
      this.#waiting.set(info.uid, { info, change });
    }
    this.#drain();
  }

  /** As {@link write}; resolves once it is written, or failed to be. */
  async writeNow(info: PodInfo, change: PodStatusChange): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#settled.set(info.uid, [...(this.#settled.get(info.uid) ?? []), resolve]);
    });
    this.write(info, change);
    await settled;
  }

  /** The pod is bound or gone: what was to be written is out of date. */
  drop(uid: string): void {
    if (this.#waiting.delete(uid)) this.#options.activity.end();
    this.#settle(uid);
  }

  #settle(uid: string): void {
    if (this.#waiting.has(uid) || this.#writing.has(uid)) return;
    const told = this.#settled.get(uid);
    this.#settled.delete(uid);
    for (const tell of told ?? []) tell();
  }

  #drain(): void {
    for (const [uid, waiting] of this.#waiting) {
      if (this.#writing.size >= (this.#options.writesMax ?? 32)) return;
      if (this.#writing.has(uid)) continue;
      this.#waiting.delete(uid);
      this.#writing.add(uid);
      void this.#send(uid, waiting);
    }
  }

  async #send(uid: string, { info, change }: Waiting): Promise<void> {
    const { client, activity, log } = this.#options;
    const { namespace, name } = info;
    try {
      const patch = { metadata: { uid }, status: change };
      await client.patch(pods, { namespace, name }, 'strategic', patch, { subresource: 'status', quiet: true });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error))
        log.warn('pod status not written', { pod: info.key, error: String(error) });
    } finally {
      activity.end();
      this.#writing.delete(uid);
      this.#settle(uid);
      this.#drain();
    }
  }
}
