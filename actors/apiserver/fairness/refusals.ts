/**
 * Tells clients of refusals a moment later, and one after the other: a flood that is refused and comes back at once would keep the
 * thread as busy with refusals as with what it asks for. They are asked to wait for a second anyway.
 */
import type { Clock } from '../../../src/runtime/index.ts';

const DELAY_MS = 200;
/** Between one and the next, when many wait. */
const INTERVAL_MS = 2;

export class Refusals {
  readonly #clock: Clock;
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with the error when its time has come. */
  later(error: Error): Promise<never> {
    const delayMs = DELAY_MS + this.#waiting++ * INTERVAL_MS;
    return new Promise((_, reject) => {
      const tell = () => {
        this.#waiting--;
        reject(error);
      };
      this.#clock.after(delayMs, tell, { background: true });
    });
  }
}
