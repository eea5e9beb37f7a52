/**
 * The two clocks. One instance serves a host; each actor sees it through a view that ends the actor's timers with the actor.
 * `foreground` counts the timers that `settled()` waits for.
 */
import type { Clock, Timer, TimerOptions } from './types.ts';

/** A clock that a host can ask what is left to do. */
export interface HostClock extends Clock {
  /** Timers that are armed and not in the background. */
  readonly foreground: number;
}

/** Node's timers take at most this many milliseconds; longer delays are armed in pieces. */
const timeoutMaxMs = 2 ** 31 - 1;

/** Calls back in the next turn of the event loop, under either clock. */
export function onNextTurn(callback: () => void): void {
  setImmediate(callback);
}

/** Calls back after real milliseconds, under either clock: for watching what happens outside of the actor world. */
export function afterRealTime(delayMs: number, callback: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(callback, delayMs);
}

/** The machine's time. */
export class RealClock implements HostClock {
  foreground = 0;

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer {
    const timer = new RealTimer(this, callback, options?.background !== true, 0);
    timer.arm(Math.max(0, delayMs));
    return timer;
  }

  every(intervalMs: number, callback: () => void, options?: TimerOptions): Timer {
    const timer = new RealTimer(this, callback, options?.background !== true, Math.max(1, intervalMs));
    timer.arm(Math.max(1, intervalMs));
    return timer;
  }

  sleep(delayMs: number, options?: TimerOptions & { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, delayMs, options);
  }

  turn(callback: () => void): void {
    this.foreground++;
    setImmediate(() => {
      this.foreground--;
      callback();
    });
  }

  afterInput(callback: () => void): void {
    this.turn(callback);
  }
}

class RealTimer implements Timer {
  private handle: ReturnType<typeof setTimeout> | undefined;
  private counted: boolean;
  private leftMs = 0;
  private readonly clock: RealClock;
  private readonly callback: () => void;
  private readonly intervalMs: number;

  constructor(clock: RealClock, callback: () => void, foreground: boolean, intervalMs: number) {
    this.clock = clock;
    this.callback = callback;
    this.counted = foreground;
    this.intervalMs = intervalMs;
    if (foreground) clock.foreground++;
  }

  arm(delayMs: number): void {
    const piece = Math.min(delayMs, timeoutMaxMs);
    this.leftMs = delayMs - piece;
    this.handle = setTimeout(this.fire, piece);
    // A timer in the background keeps no process alive: it is not work left to do.
    if (!this.counted) this.handle.unref();
  }

  cancel(): void {
    if (this.handle === undefined) return;
    clearTimeout(this.handle);
    this.done();
  }

  private readonly fire = (): void => {
    if (this.leftMs > 0) {
      this.arm(this.leftMs);
      return;
    }
    if (this.intervalMs > 0) this.arm(this.intervalMs);
    else this.done();
    this.callback();
  };

  private done(): void {
    this.handle = undefined;
    if (this.counted) this.clock.foreground--;
    this.counted = false;
  }
}

/**
 * Time that moves only when told to. Timers fire in the order of their due times, and of their arming when those are equal.
 * A system drives its own; a test of a single part may make one and call {@link VirtualClock.advance}.
 */
export class VirtualClock implements HostClock {
  foreground = 0;
  private readonly startedAt: number;
  private elapsed = 0;
  private sequence = 0;
  private readonly heap: VirtualTimer[] = [];
  private turns: (() => void)[] = [];

  /** @param startTime Milliseconds since the epoch at which time begins. Default: 2026-01-01T00:00:00Z. */
  constructor(startTime = 1_767_225_600_000) {
    this.startedAt = startTime;
  }

  now(): number {
    return this.startedAt + Math.floor(this.elapsed);
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer {
    return this.add(new VirtualTimer(this, callback, options?.background !== true, 0), Math.max(0, delayMs));
  }

  every(intervalMs: number, callback: () => void, options?: TimerOptions): Timer {
    const interval = Math.max(1, intervalMs);
    return this.add(new VirtualTimer(this, callback, options?.background !== true, interval), interval);
  }

  sleep(delayMs: number, options?: TimerOptions & { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, delayMs, options);
  }

  turn(callback: () => void): void {
    this.foreground++;
    this.turns.push(callback);
    if (this.turns.length === 1) setImmediate(() => this.runTurns());
  }

  afterInput(callback: () => void): void {
    this.turn(callback);
  }

  /** Milliseconds from now until the next timer is due; undefined when none is armed. */
  nextDelay(): number | undefined {
    const next = this.peek();
    return next === undefined ? undefined : next.due - this.elapsed;
  }

  /** Moves time to the next timer and fires it; false when none is armed. */
  fireNext(): boolean {
    const timer = this.peek();
    if (timer === undefined) return false;
    this.pop();
    this.elapsed = Math.max(this.elapsed, timer.due);
    if (timer.intervalMs > 0) this.add(timer, timer.intervalMs, true);
    else timer.done();
    timer.callback();
    return true;
  }

  /** Moves time without firing anything; never past the next timer. */
  moveBy(delayMs: number): void {
    this.elapsed += Math.min(Math.max(0, delayMs), this.nextDelay() ?? Number.POSITIVE_INFINITY);
  }

  /** Fires everything that is due within `delayMs`, in order, letting promises settle after each timer. */
  async advance(delayMs: number): Promise<void> {
    const end = this.elapsed + delayMs;
    await this.quiet();
    for (let next = this.nextDelay(); next !== undefined && this.elapsed + next <= end; next = this.nextDelay()) {
      this.fireNext();
      await this.quiet();
    }
    this.elapsed = end;
  }

  /** @internal */
  cancelled(timer: VirtualTimer): void {
    if (timer.counted) this.foreground--;
    timer.counted = false;
    // Cancelled timers at the top leave at once, the others when time reaches them.
    this.peek();
  }

  private async quiet(): Promise<void> {
    do {
      this.runTurns();
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.turns.length > 0);
  }

  private runTurns(): void {
    const turns = this.turns;
    this.turns = [];
    for (const callback of turns) {
      this.foreground--;
      callback();
    }
  }

  private add(timer: VirtualTimer, delayMs: number, again = false): VirtualTimer {
    timer.due = this.elapsed + delayMs;
    timer.order = this.sequence++;
    if (!again && timer.counted) this.foreground++;
    this.heap.push(timer);
    let at = this.heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!timer.before(this.heap[parent]!)) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = timer;
    return timer;
  }

  private peek(): VirtualTimer | undefined {
    while (this.heap.length > 0 && this.heap[0]!.ended) this.pop();
    return this.heap[0];
  }

  private pop(): void {
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && this.heap[child + 1]!.before(this.heap[child]!)) child++;
      if (!this.heap[child]!.before(last)) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = last;
  }
}

class VirtualTimer implements Timer {
  due = 0;
  order = 0;
  ended = false;
  counted: boolean;
  readonly callback: () => void;
  readonly intervalMs: number;
  private readonly clock: VirtualClock;

  constructor(clock: VirtualClock, callback: () => void, foreground: boolean, intervalMs: number) {
    this.clock = clock;
    this.callback = callback;
    this.counted = foreground;
    this.intervalMs = intervalMs;
  }

  before(other: VirtualTimer): boolean {
    return this.due < other.due || (this.due === other.due && this.order < other.order);
  }

  cancel(): void {
    if (this.ended) return;
    this.ended = true;
    this.clock.cancelled(this);
  }

  done(): void {
    this.ended = true;
    if (this.counted) this.clock.foreground--;
    this.counted = false;
  }
}

/** The one implementation of `sleep`, over any clock's `after`. */
export function sleepOn(
  clock: Pick<Clock, 'after'>,
  delayMs: number,
  options?: TimerOptions & { readonly signal?: AbortSignal },
): Promise<void> {
  const signal = options?.signal;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      options,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
