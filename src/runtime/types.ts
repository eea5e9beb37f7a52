/**
 * The contracts of the actor runtime: what an actor is given, and what it may do. Everything that an actor knows of the
 * outside (messages, time, chance, logs, metrics) reaches it through its ActorContext; the implementations stand in the
 * neighbouring files. This folder knows nothing of Kubernetes.
 */
import type { Observable } from 'rxjs';

/** A named, typed request-and-reply channel. Make one with {@link callChannel}. */
export interface CallChannel<Request, Reply> {
  readonly kind: 'call';
  readonly name: string;
  /** Phantom members: they carry the types and never exist at run time. */
  readonly request?: Request;
  readonly reply?: Reply;
}

/** A named, typed stream channel: one request opens it, items flow back until either end closes it. */
export interface StreamChannel<Request, Item> {
  readonly kind: 'stream';
  readonly name: string;
  readonly request?: Request;
  readonly item?: Item;
}

/** Who calls: the address and the identity that the supervisor gave the calling actor when it was linked. */
export interface Caller {
  /** Address of the calling actor, such as `scheduler` or `kubelet/node-0001`. */
  readonly address: string;
  /** Free data that composition attached to the caller (for Kubehive: user name and groups). Not forgeable by the caller. */
  readonly identity: unknown;
}

export interface ServeContext {
  readonly caller: Caller;
  /** Aborted when the caller cancels, its deadline passes or its link closes. */
  readonly signal: AbortSignal;
}

export interface CallOptions {
  /** The reply must be here by then, else the call fails with `DeadlineExceeded`. Default: 30 000 ms. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Messages between actors. Payloads are msgpack values: plain data, `Uint8Array` (kept as bytes, never re-encoded:
 * nest an object as bytes to encode it once for many readers), no class instances, no functions.
 * FIFO per pair of actors. A closed link fails pending calls with a {@link BusError} of code `ServiceUnavailable`
 * and errors its streams with the same; nobody is retried by the bus.
 */
export interface Bus {
  /** This actor's own address. */
  readonly address: string;
  /** Sends a request to the actor at `address`; a throw in the handler arrives here as a {@link BusError}. */
  call<Request, Reply>(
    address: string,
    channel: CallChannel<Request, Reply>,
    request: Request,
    options?: CallOptions,
  ): Promise<Reply>;
  /** Answers calls on `channel`. One handler a channel and actor. A handler may return a value or a promise. */
  serve<Request, Reply>(
    channel: CallChannel<Request, Reply>,
    handler: (request: Request, context: ServeContext) => Reply | Promise<Reply>,
  ): void;
  /**
   * A cold Observable: subscribing opens the stream at `address`, unsubscribing cancels the producer.
   * Items arrive in order under credits (a window of bytes and items per stream); an item counts as processed when `next` returns.
   */
  open<Request, Item>(address: string, channel: StreamChannel<Request, Item>, request: Request): Observable<Item>;
  /**
   * Produces streams on `channel`. The handler's Observable is subscribed once per opened stream. A consumer without credits
   * makes items queue at the producer up to the stream's bound; beyond it the stream ends with `ResourceExhausted`.
   */
  feed<Request, Item>(
    channel: StreamChannel<Request, Item>,
    handler: (request: Request, context: ServeContext) => Observable<Item>,
    options?: FeedOptions<Item>,
  ): void;
}

export interface FeedOptions<Item> {
  /** Items that may wait for credits before the stream is ended with `ResourceExhausted`. Default 65 536. */
  readonly itemsMax?: number;
  /** Packed bytes that may wait for credits before the same happens. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Told to size an item in bytes when the default (bytes of its packed form) should not be computed. */
  readonly sizeOf?: (item: Item) => number;
}

/** Time. The real clock, or the virtual one that moves only when nothing else is left to do. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds, with fractions, for measuring. */
  monotonic(): number;
  /** Calls back once after `delayMs`. */
  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Calls back again and again, the first time after `intervalMs`. */
  every(intervalMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, options?: TimerOptions & { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Calls back after the messages that are already here have been handled. Always foreground. Many such turns may run before
   * the event loop looks at sockets and other threads again.
   */
  turn(callback: () => void): void;
  /**
   * Calls back once the event loop has looked at sockets, timers and other threads: for work in slices, between which others
   * are to be heard. Always foreground.
   */
  afterInput(callback: () => void): void;
}

export interface TimerOptions {
  /**
   * A background timer (lease renewal, resync, progress deadline) does not count as work left to do:
   * `settled()` does not wait for it. Default false.
   */
  readonly background?: boolean;
}

export interface Timer {
  cancel(): void;
}

/** Seeded random numbers: the same seed and address give the same sequence. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** A version 4 UUID in its usual text form. */
  uuid(): string;
  /** `length` characters of Kubernetes' suffix alphabet `bcdfghjklmnpqrstvwxz2456789`. */
  suffix(length: number): string;
}

export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A counter or gauge cell and a histogram cell: updating one is an array store, never an allocation. */
export interface Counter {
  add(amount?: number): void;
}
export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
}
export interface Histogram {
  observe(value: number): void;
}
/** Quantiles of what was observed lately; sum and count are those of all time. */
export interface Summary extends Histogram {
  /** Ends the newest of the few periods that the quantiles look back upon, and forgets the oldest. */
  endPeriod(): void;
}

/** Metrics of one actor; `/metrics` and `kubehive top actors` read them through inspection. */
export interface Metrics {
  counter(name: string, help: string, labels?: Readonly<Record<string, string>>): Counter;
  gauge(name: string, help: string, labels?: Readonly<Record<string, string>>): Gauge;
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: Readonly<Record<string, string>>,
  ): Histogram;
  /** `quantiles` are shown with a relative error of a few percent, of values between a microsecond and some minutes. */
  summary(name: string, help: string, quantiles: readonly number[], labels?: Readonly<Record<string, string>>): Summary;
  /** Calls `update` before the values are read: for gauges that say what is true at that moment. */
  beforeRead(update: () => void): void;
  /** What this actor measured, in Prometheus' text format. */
  text(): string;
}

/**
 * Work that `settled()` must wait for although no message or foreground timer shows it, such as keys in a work queue.
 * `begin()` and `end()` must balance.
 */
export interface Activity {
  begin(): void;
  end(): void;
  /**
   * Work outside of the actor world, such as a write to a disk: `settled()` waits for it, and virtual time stands still until
   * it is done. Gives back the promise's outcome.
   */
  outside<Result>(work: Promise<Result>): Promise<Result>;
}

/** The thread that an actor lives in, for what neighbours in one thread may hold together (such as one informer per resource). */
export interface Host {
  /** Stable name of the host, such as `shared-1`. */
  readonly id: string;
  /** Whether the actor has this host, and its thread, to itself. */
  readonly dedicated: boolean;
  /**
   * Returns the value under `key`, made once per host by `create`. The context that `create` gets lives as long as the host
   * (its bus has the address `host/<id>/<key>` and the identity of the actor that asked first), so the value survives any one actor.
   */
  share<Value>(key: string, create: (context: ActorContext) => Value): Value;
}

/** Everything that an actor has from outside. */
export interface ActorContext {
  readonly bus: Bus;
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly activity: Activity;
  /** Aborted when the actor is to stop; all timers, streams and servers of the actor must end with it. */
  readonly signal: AbortSignal;
  /** Ends this actor with a bug; the supervisor restarts it. For errors outside of any handler or timer. */
  fail(error: unknown): void;
}

/** What `start` may return: a graceful stop (awaited up to the system's stop deadline). */
export interface RunningActor {
  stop?(): void | Promise<void>;
}

export interface ActorDefinition<Options = undefined> {
  readonly kind: 'actor';
  /** Default address; several actors of one definition are started under addresses of their own. */
  readonly name: string;
  /** `import.meta.url` of the module that exports this definition: worker threads load the actor from there. */
  readonly module: string;
  /**
   * Starts the actor. It counts as ready when the promise resolves. State lives in this closure: a restart is a fresh call.
   * Options must be plain data (they cross threads).
   */
  start(context: ActorContext, options: Options): void | RunningActor | Promise<void> | Promise<RunningActor>;
}

/** `dedicated`: a worker thread of its own; `shared`: one of K common worker threads; `inline`: the calling thread. */
export type Placement = 'dedicated' | 'shared' | 'inline';

/** Bounds of a worker thread's memory, in MiB. A thread that exceeds them ends, and its actors are restarted. */
export interface ThreadLimits {
  /** The heap of objects that live long. */
  readonly maxOldGenerationSizeMb?: number;
  /** The heap of new objects: small ones save memory, large ones save processor time under load. */
  readonly maxYoungGenerationSizeMb?: number;
  readonly stackSizeMb?: number;
}

export interface RestartPolicy {
  /** First delay after a crash; doubles with each one up to `backoffMaxMs`. Default 10. */
  readonly backoffMs?: number;
  /** Default 5 000. */
  readonly backoffMaxMs?: number;
  /** More restarts than this within `withinMs` give up: the system's health turns red. Default 10 in 60 000 ms. */
  readonly restartsMax?: number;
  readonly withinMs?: number;
}

/** One line of the list that a system starts: which actor, under which address, where. */
export interface ActorSpec<Options = unknown> {
  readonly definition: ActorDefinition<Options>;
  /** Default: the definition's name. Unique in the system. */
  readonly address?: string;
  readonly options?: Options;
  /** Default: the system's placement. */
  readonly placement?: Placement;
  /** Shared actors with the same group live in the same thread. Default: spread over the shared threads. */
  readonly group?: string;
  /** Handed to servers as {@link Caller.identity}. Plain data. */
  readonly identity?: unknown;
  /** Memory of its own thread, when it is dedicated. Default: the system's. */
  readonly threadLimits?: ThreadLimits;
  readonly restart?: RestartPolicy;
}
