/**
 * Exponential back-off of one key (a crashing container, a failing image pull): 10 s, doubled up to 5 minutes, forgotten after
 * ten quiet minutes. @see k8s.io/client-go/util/flowcontrol/backoff.go for the order of asking and advancing.
 */

export const backOffInitialMs = 10_000;
export const backOffMaxMs = 300_000;

export class BackOff {
  /** Delay that the next failure waits; 0 before the first. */
  delayMs = 0;
  #updatedAtMs = 0;

  /** Whether something that failed at `failedAtMs` has to wait still at `nowMs`. */
  isWaiting(failedAtMs: number, nowMs: number): boolean {
    if (this.delayMs === 0 || this.#isStale(failedAtMs)) return false;
    return nowMs - failedAtMs < this.delayMs;
  }

  /** A new try begins: what it waits after its failure is doubled. */
  advance(nowMs: number): void {
    const fresh = this.delayMs === 0 || this.#isStale(nowMs);
    this.delayMs = fresh ? backOffInitialMs : Math.min(this.delayMs * 2, backOffMaxMs);
    this.#updatedAtMs = nowMs;
  }

  /** How long after `nowMs` the failure of `failedAtMs` is to be tried again. */
  remainingMs(failedAtMs: number, nowMs: number): number {
    return Math.max(0, failedAtMs + this.delayMs - nowMs);
  }

  #isStale(eventMs: number): boolean {
    return eventMs - this.#updatedAtMs > 2 * backOffMaxMs;
  }
}
