/** Pods that Permit holds back: each waits until every plugin that asked for it allows it, one rejects it, or time is up. */
import type { Clock, Timer } from '../runtime/index.ts';
import { Code, type Verdict, verdict } from './verdict.ts';

interface Waiting {
  readonly timers: Map<string, Timer>;
  readonly settle: (given: Verdict | undefined) => void;
}

export class WaitingPods {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with undefined when allowed by all `plugins` (name and how long it may take), else with the rejection. */
  wait(
    uid: string,
    plugins: readonly { readonly name: string; readonly timeoutMs: number }[],
  ): Promise<Verdict | undefined> {
    return new Promise((resolve) => {
      const timers = new Map<string, Timer>();
      const settle = (given: Verdict | undefined) => {
        if (!this.#waiting.delete(uid)) return;
        for (const timer of timers.values()) timer.cancel();
        resolve(given);
      };
      this.#waiting.set(uid, { timers, settle });
      for (const { name, timeoutMs } of plugins) {
        const expire = () =>
          this.reject(uid, name, `rejected due to timeout after waiting ${timeoutMs}ms at plugin ${name}`);
        timers.set(name, this.#clock.after(timeoutMs, expire));
      }
    });
  }

  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  allow(uid: string, plugin: string): void {
    const waiting = this.#waiting.get(uid);
    const timer = waiting?.timers.get(plugin);
    if (!waiting || !timer) return;
    timer.cancel();
    waiting.timers.delete(plugin);
    if (waiting.timers.size === 0) waiting.settle(undefined);
  }

  /** False when the pod does not wait. */
  reject(uid: string, plugin: string, message: string): boolean {
    const waiting = this.#waiting.get(uid);
    if (!waiting) return false;
    waiting.settle({ ...verdict(Code.Unschedulable, message), plugin });
    return true;
  }
}
