/**
 * The actor system: the face that a program uses. It puts together the main thread's host, the threads, the supervisor and
 * the clock; what each does stands in the file of its name.
 */
import { availableParallelism } from 'node:os';
import type { Observable } from 'rxjs';
import type { HostOptions } from './actor-host.ts';
import { Broker } from './broker.ts';
import { checkThreads, threadBudget } from './budget.ts';
import type { Cell } from './cell.ts';
import { type HostClock, RealClock, VirtualClock } from './clock.ts';
import { type Hosting, InlineHosting } from './hosting.ts';
import { type ActorInspection, Inspector } from './inspection.ts';
import { actorLog, consoleSink, type LogLevel, type LogSink } from './log.ts';
import { entropySeed } from './random.ts';
import { settledHosts } from './settle.ts';
import { type Health, Supervisor, type SystemEvent } from './supervisor.ts';
import { type Interceptor, Tap, type TapObserver } from './tap.ts';
import { ThreadHosting } from './thread-hosting.ts';
import { Threads } from './threads.ts';
import type { ActorSpec, Bus, Clock, Log, Placement, Random, ThreadLimits } from './types.ts';
import { VirtualTime } from './virtual-time.ts';

export interface ActorSystemOptions {
  /** Where actors live whose spec does not say. Default: `dedicated`. */
  readonly placement?: Placement;
  /** The virtual clock needs inline placement. Default: `real`. */
  readonly clock?: 'real' | 'virtual';
  /** Default: from the system's entropy, so that no two runs make the same names. */
  readonly seed?: number;
  /** Where virtual time begins, in milliseconds since the epoch. */
  readonly startTime?: number;
  /** Threads for actors placed `shared`. Default: one less than the cores, at least 1. */
  readonly sharedThreads?: number;
  /** Threads that the system may have at all. Default: what the machine holds, see {@link threadBudget}. */
  readonly threadsMax?: number;
  /** Memory of each thread. Default: 512 MiB for old objects; 32 MiB for new ones, 2 MiB when there are more than 128 threads. */
  readonly threadLimits?: ThreadLimits;
  /** A thread that was silent for so long, although it had processor time, is ended. Default 10 000. */
  readonly heartbeatMs?: number;
  /** Default: standard error, as text. */
  readonly log?: LogSink;
  /** Default: `warn`. */
  readonly logLevel?: LogLevel | 'silent';
  /** Calls that one actor may have under way; more fail with `ResourceExhausted`. Default 65 536. */
  readonly callsMax?: number;
  /** An actor that is not ready by then has failed to start. Default 60 000. */
  readonly startDeadlineMs?: number;
  /** An actor that has not stopped by then is ended. Default 5 000. */
  readonly stopDeadlineMs?: number;
}

/** A way for the embedding program to take part: an address and a bus of its own in the main thread. */
export interface Connection {
  readonly bus: Bus;
  close(): void;
}

export class ActorSystem {
  /** The program's own bus, under the address `main`. */
  readonly bus: Bus;
  readonly clock: Clock;
  /** Of those who start actors and are none themselves. */
  readonly log: Log;
  readonly random: Random;
  readonly events$: Observable<SystemEvent>;
  readonly health$: Observable<Health>;
  private readonly inline: InlineHosting;
  private readonly supervisor: Supervisor;
  private readonly time: VirtualTime | undefined;
  private readonly taps: Tap;
  private readonly threads: Threads;
  private readonly broker: Broker;
  private readonly placement: Placement;
  private readonly virtual: boolean;
  private readonly threadsMax: number | undefined;
  private readonly inspector = new Inspector();
  private lastNumber = 0;

  constructor(options: ActorSystemOptions = {}) {
    const virtual = options.clock === 'virtual';
    const placement = options.placement ?? 'dedicated';
    if (virtual && placement !== 'inline') {
      throw new Error(`the virtual clock needs placement 'inline', not '${placement}': threads share no virtual time`);
    }
    const clock: HostClock = virtual ? new VirtualClock(options.startTime) : new RealClock();
    const hostOptions: HostOptions = {
      id: 'main',
      firstNumber: this.reserveNumbers(numbersPerHost),
      clock,
      seed: options.seed ?? entropySeed(),
      log: options.log ?? consoleSink(),
      logLevel: options.logLevel ?? 'warn',
      callsMax: options.callsMax ?? 65_536,
      supervisor: {
        resolve: (address, answer) =>
          this.supervisor.resolve(address, (record) =>
            answer(record?.hosting && this.broker.fromMain(record.number, record.hosting)),
          ),
        crashed: (number, error) => this.supervisor.crashed(number, error),
      },
    };
    this.inline = new InlineHosting(hostOptions);
    const { host } = this.inline.desk;
    this.taps = new Tap(host);
    this.broker = new Broker(host);
    this.placement = placement;
    this.virtual = virtual;
    this.threadsMax = options.threadsMax;
    const main = this.connectCell('main', undefined);
    this.bus = main.bus;
    this.clock = main.clock;
    this.log = actorLog('system', hostOptions.logLevel, () => main.clock.now(), hostOptions.log);
    this.random = main.random;
    this.time = clock instanceof VirtualClock ? new VirtualTime(clock, host) : undefined;
    this.threads = new Threads({
      clock: main.clock,
      seed: hostOptions.seed,
      log: hostOptions.log,
      logLevel: hostOptions.logLevel,
      callsMax: hostOptions.callsMax,
      tap: (record) => this.taps.show(record),
      sharedThreads: Math.max(1, options.sharedThreads ?? availableParallelism() - 1),
      limits: { maxOldGenerationSizeMb: 512, ...options.threadLimits },
      heartbeatMs: options.heartbeatMs ?? 10_000,
      reserveNumbers: () => this.reserveNumbers(numbersPerHost),
      resolve: (asking, address, answer) => this.resolveFor(asking, address, answer),
      crashed: (number, error) => this.supervisor.crashed(number, error),
      gone: (hosting) => {
        this.broker.forget(hosting);
        this.supervisor.hostGone(hosting, hosting.gone);
      },
    });
    this.supervisor = new Supervisor({
      placer: {
        place: (record) => (record.placement === 'inline' ? this.inline : this.threads.place(record)),
        vacate: (record, hosting) =>
          hosting instanceof ThreadHosting ? this.threads.vacate(record, hosting) : undefined,
      },
      clock: main.clock,
      placement,
      startDeadlineMs: options.startDeadlineMs ?? 60_000,
      stopDeadlineMs: options.stopDeadlineMs ?? 5_000,
      nextNumber: () => this.reserveNumbers(1),
      left: (number) => host.unroute(number),
    });
    this.events$ = this.supervisor.events.asObservable();
    this.health$ = this.supervisor.health.asObservable();
  }

  /**
   * Starts actors in the order of the list, each when the one before is ready (or `concurrency` at a time), and resolves when
   * all are ready. Rejects with the first failure; what was started before keeps running until `stop`.
   */
  async start(specs: ActorSpec | readonly ActorSpec[], options: { readonly concurrency?: number } = {}): Promise<void> {
    const list = 'definition' in specs ? [specs] : specs;
    const placements = list.map((spec) => spec.placement ?? this.placement);
    if (this.virtual && placements.some((placement) => placement !== 'inline')) {
      throw new Error('under the virtual clock every actor has to be placed inline');
    }
    const threads = this.threads.countWith(placements);
    if (threads > 0) {
      const { bound, cause } = threadBudget();
      if (this.threadsMax === undefined || this.threadsMax > bound) checkThreads(threads, bound, cause);
      else checkThreads(threads, this.threadsMax, 'threadsMax of this system');
    }
    this.threads.expect(list.filter((_, at) => placements[at] === 'dedicated'));
    try {
      await this.drive(this.supervisor.start(list, options.concurrency ?? 1));
    } finally {
      if (!this.supervisor.busy) this.threads.expectNothing();
    }
  }

  /** Stops all actors in reverse order, then the threads. The system cannot be started again. */
  async stop(): Promise<void> {
    await this.drive(this.supervisor.stop());
    await this.threads.close();
    await this.inline.close();
  }

  /** Stops one actor gracefully and starts it afresh; resolves when it is ready. */
  restart(address: string): Promise<void> {
    return this.drive(this.supervisor.restart(address));
  }

  /** Stops one actor gracefully and forgets its address. */
  remove(address: string): Promise<void> {
    return this.drive(this.supervisor.remove(address));
  }

  /** Crashes one actor, as a bug or a killed thread would; the supervisor restarts it. Resolves when it is down. */
  async kill(address: string): Promise<void> {
    const record = this.supervisor.recordOf(address);
    const { hosting, number } = record;
    if (hosting === undefined) return;
    const error = new Error(`${address} was killed`);
    if (hosting instanceof ThreadHosting && hosting.placement === 'dedicated') {
      await hosting.terminate(error);
      return;
    }
    hosting.end(number, error.message);
    this.supervisor.crashed(number, error);
  }

  /** A further address and bus for the program; `identity` is what servers see as its caller's. */
  connect(address: string, identity?: unknown): Connection {
    const cell = this.connectCell(address, identity);
    const { host } = this.inline.desk;
    return { bus: cell.bus, close: () => host.remove(cell, `the connection ${address} was closed`) };
  }

  /**
   * Resolves when nothing is left to do in any host: no message, running handler, foreground timer or activity. Under the
   * virtual clock time moves through all foreground timers on the way.
   */
  settled(): Promise<void> {
    const busy = (): boolean => this.supervisor.busy;
    return this.time === undefined ? settledHosts(() => this.hostings(), busy) : this.time.settled(busy);
  }

  /** Moves virtual time, firing everything that is due, in order. */
  advance(delayMs: number): Promise<void> {
    if (this.time === undefined) throw new Error("only a system with clock: 'virtual' can advance its time");
    return this.time.advance(delayMs);
  }

  /**
   * Shows every envelope that actors of the main thread send to `observer`, and with `threads` those of all other threads too,
   * some time later and at a cost. Returns the way to stop it.
   */
  tap(observer: TapObserver, options: { readonly threads?: boolean } = {}): () => void {
    const stop = this.taps.observe(observer);
    if (options.threads !== true) return stop;
    this.threads.watch(true);
    return () => {
      stop();
      this.threads.watch(false);
    };
  }

  /** Lets `interceptor` decide about every envelope between inline actors: fault injection. Returns the way to stop it. */
  intercept(interceptor: Interceptor): () => void {
    return this.taps.intercept(interceptor, this.clock);
  }

  inspect(): Promise<ActorInspection[]> {
    return this.inspector.inspect(this.supervisor.records.values(), this.hostings(), this.clock.monotonic());
  }

  /** The metrics of all actors, added up, in Prometheus' text format. */
  metricsText(): Promise<string> {
    return this.inspector.metricsText(this.hostings());
  }

  health(): Health {
    return this.supervisor.health.value;
  }

  private *hostings(): Iterable<Hosting> {
    yield this.inline;
    yield* this.threads.hostings;
  }

  private resolveFor(asking: ThreadHosting, address: string, answer: (number: number, host: string) => void): void {
    // The embedding program's own addresses, such as `main`, are no actors that the supervisor knows of.
    const connection = this.inline.desk.host.connectionAt(address);
    if (connection !== 0) {
      this.broker.connect(asking, this.inline);
      answer(connection, this.inline.id);
      return;
    }
    this.supervisor.resolve(address, (record) => {
      if (record?.hosting === undefined) answer(0, '');
      else {
        this.broker.connect(asking, record.hosting);
        answer(record.number, record.hosting.id);
      }
    });
  }

  private drive<Result>(work: Promise<Result>): Promise<Result> {
    return this.time === undefined ? work : this.time.drive(work);
  }

  private connectCell(address: string, identity: unknown): Cell {
    return this.inline.desk.host.add({ number: this.reserveNumbers(1), address, identity, incarnation: 0 }, true);
  }

  private reserveNumbers(count: number): number {
    const first = this.lastNumber + 1;
    this.lastNumber += count;
    return first;
  }
}

const numbersPerHost = 4096;
