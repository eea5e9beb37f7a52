/**
 * Writes Event objects in the background for the event recorders: a bounded queue, a bounded number of writes at a time and, where
 * it is told so, a second; and retries only when the API server could not be reached. It never makes its caller wait and never
 * rejects; what does not fit is dropped and counted. With few writes at a time an API server that is busy answers them late, and
 * so is asked for few: events wait for what they tell of, not the other way round.
 */
import { isServiceUnavailable, isTimeout } from '../api/index.ts';
import type { ActorContext, Counter } from '../runtime/index.ts';
import { TokenBucket } from './token-bucket.ts';

export interface EventSinkOptions {
  /** Events waiting to be written; more are dropped. Default 4096. */
  readonly queueMax?: number;
  /** Writes at the same time. Default 64. */
  readonly writesMax?: number;
  /** Writes at the same time while the queue is less than half full. Default `writesMax`. */
  readonly writesUsual?: number;
  /** Writes a second, and at once; more wait their turn, in the background. Default: no limit. */
  readonly pace?: { readonly perSecond: number; readonly burst: number };
}

/** One write of an event: resolves when it is done, rejects as the client does. */
export type EventWrite = () => Promise<unknown>;

const retryDelayMs = 10_000;
const retriesMax = 12;
/** Events that wait for their turn go out together, so that they share frames and commits. */
const pauseMs = 50;

export class EventSink {
  readonly #context: ActorContext;
  readonly #queueMax: number;
  readonly #writesMax: number;
  readonly #writesUsual: number;
  #queue: EventWrite[] = [];
  #writing = 0;
  #retrying = 0;
  readonly #pace: TokenBucket | undefined;
  #paused = false;
  readonly #dropped: Counter;

  constructor(context: ActorContext, options: EventSinkOptions = {}) {
    this.#context = context;
    this.#queueMax = options.queueMax ?? 4_096;
    this.#writesMax = options.writesMax ?? 64;
    this.#writesUsual = options.writesUsual ?? this.#writesMax;
    const { pace } = options;
    this.#pace = pace === undefined ? undefined : new TokenBucket(context.clock, pace.perSecond, pace.burst);
    this.#dropped = context.metrics.counter(
      'events_dropped_total',
      'Events that were not written because the queue was full or the API server refused them',
    );
  }

  push(write: EventWrite): void {
    if (this.#queue.length >= this.#queueMax) {
      this.#dropped.add();
      return;
    }
    this.#queue.push(write);
    this.#drain();
  }

  #drain(): void {
    while (this.#queue.length > 0 && this.#writing < this.#most && !this.#paused) {
      if (this.#pace?.take() === false) {
        this.#pause(this.#pace);
        return;
      }
      this.#writing++;
      this.#context.activity.begin();
      void this.#write(this.#queue.shift() as EventWrite);
    }
  }

  /** Writes at the same time, as full as the queue is now. */
  get #most(): number {
    return this.#queue.length * 2 < this.#queueMax ? this.#writesUsual : this.#writesMax;
  }

  #pause(pace: TokenBucket): void {
    this.#paused = true;
    const resume = () => {
      this.#paused = false;
      if (!this.#context.signal.aborted) this.#drain();
    };
    this.#context.clock.after(Math.max(pauseMs, pace.waitMs()), resume, { background: true });
  }

  async #write(write: EventWrite): Promise<void> {
    let unreachable = false;
    try {
      await write();
    } catch (error) {
      unreachable = isServiceUnavailable(error) || isTimeout(error);
      if (!unreachable) {
        this.#dropped.add();
        this.#context.log.debug('event not written', { error: error instanceof Error ? error.message : String(error) });
      }
    } finally {
      this.#writing--;
      // What waited begins before this one counts as done, so that the queue is never taken for idle.
      this.#drain();
      this.#context.activity.end();
    }
    if (unreachable && this.#retrying < this.#queueMax) {
      this.#retrying++;
      void this.#retry(write);
    } else if (unreachable) this.#dropped.add();
  }

  /** Retries wait in the background; there are never more of them than the queue may be long. */
  async #retry(write: EventWrite): Promise<void> {
    const { clock, random, signal } = this.#context;
    try {
      for (let left = retriesMax; left > 0; left--) {
        await clock.sleep(retryDelayMs * (1 + random.next() / 10), { background: true, signal });
        try {
          await write();
          return;
        } catch (error) {
          if (!isServiceUnavailable(error) && !isTimeout(error)) break;
        }
      }
      this.#dropped.add();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#retrying--;
    }
  }
}
