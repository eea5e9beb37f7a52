/**
 * Places actors in worker threads: a thread for each dedicated actor, a fixed number of threads for all shared ones. Threads
 * for dedicated actors are booted a few ahead of the actor that is starting, because booting is most of the time of a start.
 * Hosts that do not answer are ended here, and whoever lived there is handed to the supervisor.
 */
import { setFlagsFromString } from 'node:v8';
import { checkMaps } from './budget.ts';
import type { LogLevel, LogSink } from './log.ts';
import type { ActorRecord } from './supervisor.ts';
import type { TapObserver } from './tap.ts';
import type { ThreadHosting } from './thread-hosting.ts';
import { ThreadPool } from './thread-pool.ts';
import type { ActorSpec, Clock, Placement, ThreadLimits, Timer } from './types.ts';

export interface ThreadsOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly log: LogSink;
  readonly logLevel: LogLevel | 'silent';
  readonly callsMax: number;
  readonly tap: TapObserver;
  readonly sharedThreads: number;
  readonly limits: ThreadLimits;
  readonly heartbeatMs: number;
  reserveNumbers(): number;
  resolve(asking: ThreadHosting, address: string, answer: (number: number, host: string) => void): void;
  crashed(number: number, error: unknown): void;
  /** A host is gone, and with it everybody who lived there. */
  gone(hosting: ThreadHosting): void;
}

/** From so many threads on, each is given a small heap for new objects: it saves memory maps, which are what runs out first. */
const crowdMin = 128;
const youngGenerationMb = 32;
const youngGenerationCrowdMb = 2;
/**
 * A new heap is small, and V8 marks all of it each time that it has grown by half: some twenty times in a thread that takes
 * up ten thousand objects. From here on it marks for the first time. Crowds keep V8's own beginning, which is a few megabytes.
 */
const firstMarkingMb = 256;
/**
 * Bytes of code that a function runs through between two looks at whether to optimize it, four times V8's own. Every thread warms up by
 * itself: forty of them compile the same functions, at V8's pace most of them for a few hundred calls, on the cores that have the work
 * to do. What a thread does all the time is still optimized within its first seconds.
 */
const interruptBudgetBytes = 270_336;
/** With fewer threads than this everything is compiled at V8's pace. */
const fewThreads = 8;
/** The table of memory maps is looked at once for so many threads. */
const bootsPerCheck = 32;

/** Threads booted ahead of the actor that is starting. */
const aheadMax = 4;

interface SharedSlot {
  hosting: ThreadHosting | undefined;
  actors: number;
}

export class Threads {
  readonly hostings = new Set<ThreadHosting>();
  private readonly options: ThreadsOptions;
  private readonly pools = new Map<string, ThreadPool>();
  private readonly slots: SharedSlot[];
  private readonly slotOf = new Map<string, SharedSlot>();
  private readonly slotOfGroup = new Map<string, SharedSlot>();
  /** By size of thread: booted threads that wait for their actor, and how many actors are still to come. */
  private readonly spares = new Map<string, { wanted: number; readonly ready: ThreadHosting[] }>();
  private readonly heartbeat: Timer;
  private lastBeat: number;
  private crowded = false;
  private closed = false;
  private booted = 0;
  private watching = false;

  constructor(options: ThreadsOptions) {
    this.options = options;
    this.slots = Array.from({ length: options.sharedThreads }, () => ({ hosting: undefined, actors: 0 }));
    this.lastBeat = options.clock.monotonic();
    this.heartbeat = options.clock.every(options.heartbeatMs / 2, () => this.beat(), { background: true });
  }

  /** Threads there will be when these actors were started as well. */
  countWith(placements: readonly Placement[]): number {
    const dedicated = placements.filter((placement) => placement === 'dedicated').length;
    const shared = placements.filter((placement) => placement === 'shared').length;
    const slotsUsed = this.slots.filter((slot) => slot.hosting !== undefined).length;
    const slotsNew = Math.min(this.slots.length - slotsUsed, shared);
    return this.hostings.size + dedicated + slotsNew;
  }

  /** These actors are about to be started: their threads may be booted ahead. */
  expect(specs: readonly ActorSpec[]): void {
    this.crowded = this.hostings.size + specs.length > crowdMin;
    // V8's memory reducer collects the garbage of every thread some seconds after its start, several times over. With 200
    // threads that tripled the processor time of starting them.
    if (this.crowded) setFlagsFromString('--no-memory-reducer');
    for (const spec of specs) this.sparesOf(spec).wanted++;
  }

  /** The start is over, one way or the other: what was booted ahead and is not needed ends. */
  expectNothing(): void {
    for (const spares of this.spares.values()) {
      spares.wanted = 0;
      for (const hosting of spares.ready.splice(0)) void hosting.close();
    }
  }

  async place(record: ActorRecord): Promise<ThreadHosting> {
    if (this.closed) throw new Error('the system was stopped');
    const hosting = record.placement === 'shared' ? this.sharedHosting(record) : this.dedicatedHosting(record);
    await hosting.ready;
    return hosting;
  }

  /** A dedicated actor's thread ends with the actor: another one starts in a fresh thread. */
  async vacate(record: ActorRecord, hosting: ThreadHosting): Promise<void> {
    if (record.placement === 'dedicated') await hosting.close();
    else if (record.state === 'stopped' || record.state === 'stopping') this.leaveSlot(record.address);
  }

  watch(on: boolean): void {
    this.watching = on;
    for (const hosting of this.hostings) hosting.watch(on);
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.closed = true;
    this.heartbeat.cancel();
    await Promise.all([...this.hostings].map((hosting) => hosting.close()));
    await Promise.all([...this.pools.values()].map((pool) => pool.close()));
  }

  private dedicatedHosting(record: ActorRecord): ThreadHosting {
    const spares = this.sparesOf(record.spec);
    const take = (): ThreadHosting => this.boot('dedicated', record.spec.threadLimits);
    let hosting = spares.ready.shift();
    while (hosting !== undefined && hosting.gone !== undefined) hosting = spares.ready.shift();
    hosting ??= take();
    spares.wanted = Math.max(0, spares.wanted - 1);
    while (spares.ready.length < Math.min(aheadMax, spares.wanted)) spares.ready.push(take());
    return hosting;
  }

  private sharedHosting(record: ActorRecord): ThreadHosting {
    const slot = this.slotOf.get(record.address) ?? this.joinSlot(record);
    // Who comes first decides how large the thread is: the busiest actors are started first.
    slot.hosting ??= this.boot('shared', record.spec.threadLimits);
    return slot.hosting;
  }

  private joinSlot(record: ActorRecord): SharedSlot {
    const { group } = record.spec;
    const least = this.slots.reduce((best, slot) => (slot.actors < best.actors ? slot : best));
    const slot = (group === undefined ? undefined : this.slotOfGroup.get(group)) ?? least;
    if (group !== undefined) this.slotOfGroup.set(group, slot);
    this.slotOf.set(record.address, slot);
    slot.actors++;
    return slot;
  }

  private leaveSlot(address: string): void {
    const slot = this.slotOf.get(address);
    if (slot === undefined) return;
    this.slotOf.delete(address);
    slot.actors--;
  }

  private boot(placement: Placement, limits: ThreadLimits | undefined): ThreadHosting {
    const { options } = this;
    setFlagsFromString(`--initial-old-space-size=${this.crowded ? 0 : firstMarkingMb}`);
    if (this.booted === fewThreads) setFlagsFromString(`--interrupt-budget=${interruptBudgetBytes}`);
    if (this.booted >= crowdMin && this.booted % bootsPerCheck === 0) checkMaps(bootsPerCheck);
    const young = this.crowded && placement === 'dedicated' ? youngGenerationCrowdMb : youngGenerationMb;
    const merged = { maxYoungGenerationSizeMb: young, ...options.limits, ...limits };
    const key = JSON.stringify(merged);
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new ThreadPool(merged);
      this.pools.set(key, pool);
    }
    const hosting: ThreadHosting = pool.boot({
      id: `${placement}-${this.booted++}`,
      placement,
      clock: options.clock,
      log: options.log,
      tap: options.tap,
      task: {
        dedicated: placement === 'dedicated',
        firstNumber: options.reserveNumbers(),
        seed: options.seed,
        logLevel: options.logLevel,
        callsMax: options.callsMax,
      },
      resolve: (address, answer) => options.resolve(hosting, address, answer),
      crashed: options.crashed,
      ended: (ended) => this.ended(ended),
    });
    this.hostings.add(hosting);
    if (this.watching) hosting.watch(true);
    return hosting;
  }

  private ended(hosting: ThreadHosting): void {
    this.hostings.delete(hosting);
    for (const slot of this.slots) if (slot.hosting === hosting) slot.hosting = undefined;
    this.options.gone(hosting);
  }

  private beat(): void {
    const { clock, heartbeatMs } = this.options;
    const now = clock.monotonic();
    const late = now - this.lastBeat > heartbeatMs;
    this.lastBeat = now;
    for (const hosting of this.hostings) {
      if (late) hosting.forgive(now);
      else if (hosting.beat(now, heartbeatMs)) {
        void hosting.terminate(new Error(`${hosting.id} did not answer for ${heartbeatMs} ms: it loops or is blocked`));
      }
    }
  }

  private sparesOf(spec: ActorSpec): { wanted: number; readonly ready: ThreadHosting[] } {
    const key = JSON.stringify(spec.threadLimits ?? {});
    let spares = this.spares.get(key);
    if (spares === undefined) {
      spares = { wanted: 0, ready: [] };
      this.spares.set(key, spares);
    }
    return spares;
  }
}
