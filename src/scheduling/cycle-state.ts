/**
 * The state of one attempt to schedule one pod: what plugins write in an early hook and read in a later one, and which
 * plugins asked to be skipped. It lives from PreFilter to PostBind.
 */
import type { Plugin } from './plugin.ts';
import type { RowAnswers } from './row-answers.ts';
import type { VerdictCode } from './verdict.ts';

/** A typed key of cycle state. Make one per plugin and purpose, at module level. */
export interface StateKey<Value> {
  readonly name: string;
  /** Phantom member. */
  readonly value?: Value;
}

export const stateKey = <Value>(name: string): StateKey<Value> => ({ name });

/** Told how long a plugin took at an extension point, in the attempts that are measured. */
export interface PluginTimings {
  /** Milliseconds by a clock that only goes on. */
  now(): number;
  took(plugin: string, point: string, startedMs: number, code?: VerdictCode): void;
}

/** Extension points whose durations are told, as upstream calls them. */
export const timedPoints = [
  'PreEnqueue',
  'PreFilter',
  'Filter',
  'PostFilter',
  'PreScore',
  'Score',
  'Reserve',
  'Unreserve',
  'Permit',
  'PreBind',
  'Bind',
  'PostBind',
] as const;

export type TimedPoint = (typeof timedPoints)[number];

/** Told how long all plugins of an extension point took. */
export interface PointTimings {
  /** Milliseconds by a clock that only goes on. */
  now(): number;
  ran(point: TimedPoint, code: VerdictCode, startedMs: number): void;
  /** Counts the attempts in which a plugin had a say. */
  counter(plugin: string, point: TimedPoint): { add(): void };
}

/** Tells nobody. */
export const untimed: PointTimings = { now: () => 0, ran: () => {}, counter: () => ({ add: () => {} }) };

export class Cycle {
  #state: Map<StateKey<unknown>, unknown> | undefined;
  /** The Filter plugins that take part, set after PreFilter. */
  filters: readonly Plugin[] = [];
  /** Bits of the profile's plugins that said Skip in PreFilter, and in PreScore. */
  skippedFilters = 0;
  skippedScores = 0;
  /** What pods of the same kind were told before; undefined when nothing may be shared. Set after PreFilter. */
  answers: RowAnswers | undefined;
  /** Set in the few attempts whose plugins are timed. */
  timings: PluginTimings | undefined;

  write<Value>(key: StateKey<Value>, value: Value): void {
    this.#state ??= new Map();
    this.#state.set(key, value);
  }

  read<Value>(key: StateKey<Value>): Value | undefined {
    return this.#state?.get(key) as Value | undefined;
  }

  /** For state that an earlier hook must have written. Throws when it has not: a bug of the plugin. */
  need<Value>(key: StateKey<Value>): Value {
    const value = this.#state?.get(key);
    if (value === undefined) throw new Error(`cycle state ${JSON.stringify(key.name)} was read before it was written`);
    return value as Value;
  }
}
