/**
 * Which actor is running. RxJS swallows what a subscriber throws and rethrows it later from a timer of its own, where nobody
 * knows whose error it was; here that timer is replaced, so that a throw in a subscriber ends the actor that subscribed.
 */

import { timeoutProvider } from 'rxjs/internal/scheduler/timeoutProvider';
import { afterRealTime } from './clock.ts';

/** An actor whose code may run now. */
export interface Running {
  /** Takes an error that nobody caught; false when it is not this one's to take (a program's own connection). */
  caught(error: unknown): boolean;
  /** Calls back later, in the actor's turn. */
  later(callback: () => void): void;
}

/** One for the thread, also when a bundle brought a second copy of this file (and of RxJS) along. */
const key = Symbol.for('kubehive.runtime.running');
const holder = globalThis as unknown as Record<symbol, { actor: Running | undefined }>;
holder[key] ??= { actor: undefined };
const running = holder[key];

/** Makes `actor` the running one; returns the one before, to be given back afterwards. */
export function enter(actor: Running | undefined): Running | undefined {
  const before = running.actor;
  running.actor = actor;
  return before;
}

const outer = timeoutProvider.delegate;

timeoutProvider.delegate = {
  setTimeout: (handler, timeout, ...args) => {
    const { actor } = running;
    if (actor === undefined || timeout !== undefined) {
      return outer === undefined ? afterRealTime(timeout ?? 0, handler) : outer.setTimeout(handler, timeout, ...args);
    }
    actor.later(() => {
      try {
        handler();
      } catch (error) {
        if (!actor.caught(error)) throw error;
      }
    });
    return 0;
  },
  clearTimeout: (handle) => (outer === undefined ? clearTimeout(handle) : outer.clearTimeout(handle)),
};
