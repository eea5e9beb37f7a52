/** So many a second, and so many at once: what keeps writers from storms. Kubelets, event sinks and audit's back ends take tokens. */
import type { Clock } from '../runtime/index.ts';

/** Refills `perSecond` tokens a second up to `burst`. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #updatedAtMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#updatedAtMs = clock.monotonic();
  }

  /** Takes one token; false when there is none. */
  take(): boolean {
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#updatedAtMs) / 1000) * this.#perSecond);
    this.#updatedAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whole milliseconds until there is one; 0 when there is. */
  waitMs(): number {
    const sinceMs = this.#clock.monotonic() - this.#updatedAtMs;
    const missing = 1 - this.#tokens - (sinceMs / 1000) * this.#perSecond;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1000);
  }
}
