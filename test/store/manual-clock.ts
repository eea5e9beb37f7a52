/** A clock whose time moves only by `advance`, while turns are the event loop's own: for stores over a real disk. */
import type { Clock, Timer } from '../../src/runtime/types.ts';

interface Due {
  atMs: number;
  readonly intervalMs: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<Due>();

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#add({ atMs: this.#nowMs + delayMs, intervalMs: 0, callback });
  }

  every(intervalMs: number, callback: () => void): Timer {
    return this.#add({ atMs: this.#nowMs + intervalMs, intervalMs, callback });
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  turn(callback: () => void): void {
    setImmediate(callback);
  }

  /** Fires what is due up to `ms` from now, in order, and lets the event loop turn after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [first] = [...this.#timers]
        .filter((due) => due.atMs <= endMs)
        .sort((left, right) => left.atMs - right.atMs);
      if (first === undefined) break;
      this.#nowMs = first.atMs;
      if (first.intervalMs > 0) first.atMs += first.intervalMs;
      else this.#timers.delete(first);
      first.callback();
      await turn();
    }
    this.#nowMs = endMs;
    await turn();
  }

  #add(due: Due): Timer {
    this.#timers.add(due);
    return { cancel: () => this.#timers.delete(due) };
  }
}

/** Lets the event loop turn once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
