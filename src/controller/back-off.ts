/**
 * Back-off by key, doubling with each step and starting anew after a long quiet time. For work that another component may undo at
 * once, such as pods that a kubelet refuses.
 *
 * @see client-go/util/flowcontrol/backoff.go
 */
import type { Clock } from '../runtime/index.ts';

export interface BackOffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
}

interface Step {
  delayMs: number;
  atMs: number;
}

/** Entries that nobody needs any more go when the number of keys doubles. */
const keysKept = 1_000;

export class BackOff {
  readonly #clock: Clock;
  readonly #options: BackOffOptions;
  readonly #steps = new Map<string, Step>();
  #pruneAt = keysKept;

  constructor(clock: Clock, options: BackOffOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Milliseconds that are left to wait; zero when the next step may be taken. */
  leftMs(key: string): number {
    const step = this.#steps.get(key);
    return step === undefined ? 0 : Math.max(0, step.atMs + step.delayMs - this.#clock.monotonic());
  }

  /** A step was taken: the next one waits. */
  next(key: string): void {
    const nowMs = this.#clock.monotonic();
    const { firstMs, mostMs } = this.#options;
    const step = this.#steps.get(key);
    if (step === undefined || this.#isOver(step, nowMs)) this.#steps.set(key, { delayMs: firstMs, atMs: nowMs });
    else {
      step.delayMs = Math.min(step.delayMs * 2, mostMs);
      step.atMs = nowMs;
    }
    if (this.#steps.size < this.#pruneAt) return;
    for (const [known, { delayMs, atMs }] of this.#steps) {
      if (this.#isOver({ delayMs, atMs }, nowMs)) this.#steps.delete(known);
    }
    this.#pruneAt = Math.max(keysKept, this.#steps.size * 2);
  }

  /** After twice the longest wait a key is as new. */
  #isOver({ atMs }: Step, nowMs: number): boolean {
    return nowMs - atMs > 2 * this.#options.mostMs;
  }
}
