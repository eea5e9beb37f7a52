/**
 * One actor in its host: its context, its timers and its lifecycle. A cell lives for one incarnation; after its end nothing
 * of it runs any more: its timers are cancelled, its streams closed, its calls never settle.
 */
import { setMaxListeners } from 'node:events';
import type { ActorHost } from './actor-host.ts';
import { CellBus } from './cell-bus.ts';
import { sleepOn } from './clock.ts';
import { BusError } from './errors.ts';
import { actorLog } from './log.ts';
import { ActorMetrics } from './metrics.ts';
import type { Link } from './peer.ts';
import { seededRandom } from './random.ts';
import type {
  Activity,
  ActorContext,
  ActorDefinition,
  Caller,
  Clock,
  Host,
  Log,
  Random,
  RunningActor,
  Timer,
  TimerOptions,
} from './types.ts';
import { enter, type Running } from './unhandled.ts';

/** What a host needs to know to make a cell. Plain data. */
export interface CellSpec {
  readonly number: number;
  readonly address: string;
  readonly identity: unknown;
  /** How often the address was started before: gives each incarnation a random sequence of its own. */
  readonly incarnation: number;
}

export class Cell implements ActorContext, Running {
  /** The host that carries its envelopes. */
  readonly home: ActorHost;
  readonly host: Host;
  readonly number: number;
  readonly caller: Caller;
  readonly bus: CellBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics = new ActorMetrics();
  readonly activity: Activity;
  /** Whether others may reach it. */
  ready = false;
  ended = false;
  /** Entries of the host's queue that are for this actor. */
  queued = 0;
  received = 0;
  sent = 0;
  readonly timers = new Set<Timer>();
  /** Links over which others reached this actor. */
  readonly links = new Set<Link>();
  /** A connection of the embedding program: its errors are the program's own. */
  readonly external: boolean;
  private running: RunningActor | undefined;
  private startFailed: ((error: unknown) => void) | undefined;
  private readonly abort = new AbortController();
  private activities = 0;

  constructor(home: ActorHost, spec: CellSpec, external: boolean) {
    this.home = home;
    // Every stream and timer of the actor may listen; how many there are is bounded where they are made.
    setMaxListeners(0, this.abort.signal);
    this.number = spec.number;
    this.external = external;
    this.caller = { address: spec.address, identity: spec.identity };
    this.bus = new CellBus(this);
    this.clock = new CellClock(this);
    this.random = seededRandom(home.seed, `${spec.address}#${spec.incarnation}`);
    this.log = actorLog(spec.address, home.logLevel, () => home.clock.now(), home.log);
    this.host = { id: home.id, dedicated: home.dedicated, share: (key, create) => home.shared.get(this, key, create) };
    this.activity = {
      begin: () => this.count(1),
      end: () => this.count(-1),
      outside: (work) => this.outside(work),
    };
  }

  get address(): string {
    return this.caller.address;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Envelopes that wait for this actor, and calls that it works on. */
  get mailboxDepth(): number {
    return this.queued + this.bus.working;
  }

  /** Runs the definition's start; others reach the actor from then on. Rejects when the actor ends meanwhile. */
  start<Options>(definition: ActorDefinition<Options>, options: Options): Promise<void> {
    return new Promise((resolve, reject) => {
      this.startFailed = reject;
      const started = async (): Promise<void> => {
        const running = await this.run(() => definition.start(this, options));
        if (this.ended) return;
        this.running = running ?? undefined;
        this.ready = true;
        resolve();
      };
      started().catch(reject);
    });
  }

  /** Asks the actor to stop, and waits for it; the cell still has to be ended. */
  async stop(): Promise<void> {
    this.run(() => this.abort.abort(stopReason(this.address)));
    await this.run(() => this.running?.stop?.());
  }

  /** Nothing of the actor runs after this, except listeners of its signal. */
  end(reason: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.ready = false;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.bus.end();
    this.home.activities -= this.activities;
    this.activities = 0;
    this.startFailed?.(reason);
    try {
      this.run(() => this.abort.abort(stopReason(this.address)));
    } catch (error) {
      this.log.error('a listener of the stop signal threw', { error: String(error) });
    }
  }

  fail(error: unknown): void {
    if (this.ended) return;
    if (this.external) throw error;
    this.home.crashed(this, error);
  }

  caught(error: unknown): boolean {
    if (this.external) return false;
    this.fail(error);
    return true;
  }

  later(callback: () => void): void {
    this.home.turn(callback);
  }

  /** Runs code of this actor; what it throws is the caller's to handle. */
  run<Result>(code: () => Result): Result {
    const before = enter(this);
    try {
      return code();
    } finally {
      enter(before);
    }
  }

  /** Runs a callback of this actor; what it throws, or rejects with, ends the actor. */
  guard(callback: () => unknown): void {
    if (this.ended) return;
    const before = enter(this);
    try {
      const result = callback();
      if (result instanceof Promise) result.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    } finally {
      enter(before);
    }
  }

  private count(change: number): void {
    if (this.ended) return;
    this.activities += change;
    this.home.activities += change;
    this.home.wake();
  }

  private async outside<Result>(work: Promise<Result>): Promise<Result> {
    this.home.outside++;
    try {
      return await work;
    } finally {
      this.home.outside--;
      this.home.wake();
    }
  }
}

function stopReason(address: string): BusError {
  return new BusError('Cancelled', `${address} stops`);
}

/** The host's clock as one actor sees it: its timers end with the actor, and what they throw ends the actor. */
class CellClock implements Clock {
  private readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  now(): number {
    return this.cell.home.clock.now();
  }

  monotonic(): number {
    return this.cell.home.clock.monotonic();
  }

  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer {
    const cell = this.cell;
    if (cell.ended) return { cancel: () => {} };
    const timer = cell.home.clock.after(
      delayMs,
      () => {
        cell.timers.delete(timer);
        cell.guard(callback);
      },
      options,
    );
    cell.timers.add(timer);
    return {
      cancel: () => {
        cell.timers.delete(timer);
        timer.cancel();
      },
    };
  }

  every(intervalMs: number, callback: () => void, options?: TimerOptions): Timer {
    const cell = this.cell;
    if (cell.ended) return { cancel: () => {} };
    const timer = cell.home.clock.every(intervalMs, () => cell.guard(callback), options);
    cell.timers.add(timer);
    return {
      cancel: () => {
        cell.timers.delete(timer);
        timer.cancel();
      },
    };
  }

  sleep(delayMs: number, options?: TimerOptions & { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, delayMs, options);
  }

  turn(callback: () => void): void {
    const cell = this.cell;
    if (!cell.ended) cell.home.turn(() => cell.guard(callback));
  }

  afterInput(callback: () => void): void {
    const cell = this.cell;
    if (!cell.ended) cell.home.afterInput(() => cell.guard(callback));
  }
}
