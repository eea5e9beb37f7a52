/**
 * The supervisor, in the main thread: which actors there are, in which state, and where. It starts them in order, stops them
 * in reverse, restarts one that ended by a bug with exponential backoff, and gives up on one that exhausts its budget.
 * It is not on the path of any message; hosts ask it only where an address is.
 *
 *     starting ──ready──► running ──crash──► restarting ──backoff──► (start again)
 *        │ first start fails                     │ more than restartsMax within withinMs
 *        ▼                                       ▼
 *      failed                                  gaveUp          stop, remove ──► stopped
 */
import { BehaviorSubject, Subject } from 'rxjs';
import { BusError, describeError } from './errors.ts';
import type { Hosting } from './hosting.ts';
import type { ActorSpec, Clock, Placement, RestartPolicy, Timer } from './types.ts';

export type ActorState = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped' | 'failed' | 'gaveUp';

export interface SystemEvent {
  readonly type: 'started' | 'crashed' | 'restarted' | 'stopped' | 'gaveUp';
  readonly address: string;
  /** Milliseconds since the epoch by the system's clock. */
  readonly time: number;
  /** The error that the actor ended by, where it did. */
  readonly error?: unknown;
}

export interface Health {
  readonly status: 'green' | 'red';
  /** One line per actor that was given up, saying why. */
  readonly causes: readonly string[];
}

/** What the supervisor keeps of one address. */
export interface ActorRecord {
  readonly address: string;
  readonly spec: ActorSpec;
  readonly placement: Placement;
  /** Started by the same call of `start`, so many at a time: they are stopped so too. */
  readonly batch: { readonly concurrency: number };
  state: ActorState;
  /** The number of the present incarnation; 0 when there is none. */
  number: number;
  hosting: Hosting | undefined;
  incarnation: number;
  /** By the system's monotonic clock. */
  startedAt: number;
  restarts: number;
  crashTimes: number[];
  lastError: string | undefined;
  backoff: Timer | undefined;
}

/** Finds or makes the host that an actor is to live in. */
export interface Placer {
  place(record: ActorRecord): Hosting | Promise<Hosting>;
  /** The actor left its host for good or for a restart. */
  vacate(record: ActorRecord, hosting: Hosting): Promise<void> | void;
}

export interface SupervisorOptions {
  readonly placer: Placer;
  readonly clock: Clock;
  readonly placement: Placement;
  readonly startDeadlineMs: number;
  readonly stopDeadlineMs: number;
  nextNumber(): number;
  /** The incarnation of that number is over. */
  left(number: number): void;
}

type Answer = (record: ActorRecord | undefined) => void;

const policyDefaults: Required<RestartPolicy> = {
  backoffMs: 10,
  backoffMaxMs: 5_000,
  restartsMax: 10,
  withinMs: 60_000,
};

export class Supervisor {
  readonly records = new Map<string, ActorRecord>();
  readonly events = new Subject<SystemEvent>();
  readonly health = new BehaviorSubject<Health>({ status: 'green', causes: [] });
  private readonly options: SupervisorOptions;
  private readonly byNumber = new Map<number, ActorRecord>();
  private readonly waiting = new Map<string, Answer[]>();
  /** Calls of `start` and actors in their starts that are not over. */
  private starting = 0;
  private launching = 0;
  private stopped = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /** Whether an actor is about to start, restart or stop. */
  get busy(): boolean {
    return this.starting > 0 || this.launching > 0;
  }

  /** Starts actors in the order of the list, at most `concurrency` at a time. Rejects with the first failure. */
  async start(specs: readonly ActorSpec[], concurrency: number): Promise<void> {
    if (this.stopped) throw new Error('the system was stopped: make another one');
    const records = this.register(specs, Math.max(1, concurrency));
    this.starting++;
    let next = 0;
    let failed = false;
    const worker = async (): Promise<void> => {
      while (next < records.length && !failed) {
        const record = records[next++]!;
        try {
          await this.launch(record);
        } catch (error) {
          failed = true;
          record.state = 'failed';
          throw new Error(`actor ${record.address} did not start: ${describeError(error)}`, { cause: error });
        }
        this.emit('started', record);
      }
    };
    try {
      const results = await Promise.allSettled(Array.from({ length: Math.max(1, concurrency) }, worker));
      const failure = results.find((result) => result.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    } finally {
      this.starting--;
      for (const record of records) if (record.state === 'starting') record.state = 'stopped';
      if (this.starting === 0) this.answerNobody();
    }
  }

  /** Stops every actor in the reverse of the order in which they were started, as many at a time as were started at a time. */
  async stop(): Promise<void> {
    this.stopped = true;
    const records = [...this.records.values()].reverse();
    let next = 0;
    while (next < records.length) {
      const { batch } = records[next]!;
      const worker = async (): Promise<void> => {
        while (records[next]?.batch === batch) await this.stopRecord(records[next++]!);
      };
      await Promise.all(Array.from({ length: batch.concurrency }, worker));
    }
    this.answerNobody();
    this.events.complete();
    this.health.complete();
  }

  /** Stops one actor and forgets its address. */
  async remove(address: string): Promise<void> {
    const record = this.recordOf(address);
    await this.stopRecord(record);
    this.records.delete(address);
    this.reviewHealth();
  }

  /** A graceful stop and a fresh start; also brings back an actor that was given up. */
  async restart(address: string): Promise<void> {
    const record = this.recordOf(address);
    await this.stopRecord(record);
    record.crashTimes = [];
    await this.launch(record);
    record.restarts++;
    this.emit('restarted', record);
    this.reviewHealth();
  }

  /** Answers with the record of the running actor at `address`; waits for it only while the system is starting. */
  resolve(address: string, answer: Answer): void {
    const record = this.records.get(address);
    if (record?.state === 'running') return void answer(record);
    const mayCome = this.starting > 0 && (record === undefined || record.state === 'starting');
    if (!mayCome) return void answer(undefined);
    const waiting = this.waiting.get(address);
    if (waiting === undefined) this.waiting.set(address, [answer]);
    else waiting.push(answer);
  }

  recordOf(address: string): ActorRecord {
    const record = this.records.get(address);
    if (record === undefined) throw new Error(`there is no actor ${address}`);
    return record;
  }

  /** An actor that ran ended by a bug, or with its host. Its host has forgotten it already. */
  crashed(number: number, error: unknown): void {
    const record = this.byNumber.get(number);
    if (record?.state === 'running') this.crash(record, error);
  }

  /** A host is gone, and with it every actor that ran there. */
  hostGone(hosting: Hosting, error: unknown): void {
    for (const record of this.records.values()) {
      if (record.hosting === hosting && record.state === 'running') this.crash(record, error);
    }
  }

  private register(specs: readonly ActorSpec[], concurrency: number): ActorRecord[] {
    const batch = { concurrency };
    const records = specs.map((spec): ActorRecord => {
      const address = spec.address ?? spec.definition.name;
      const placement = spec.placement ?? this.options.placement;
      return {
        address,
        spec,
        placement,
        batch,
        state: 'starting',
        number: 0,
        hosting: undefined,
        incarnation: 0,
        startedAt: 0,
        restarts: 0,
        crashTimes: [],
        lastError: undefined,
        backoff: undefined,
      };
    });
    const known = new Set<string>();
    for (const { address } of records) {
      const state = this.records.get(address)?.state;
      if (known.has(address) || (state !== undefined && state !== 'stopped' && state !== 'failed')) {
        throw new Error(`two actors have the address ${address}: give each its own`);
      }
      known.add(address);
    }
    for (const record of records) this.records.set(record.address, record);
    return records;
  }

  private async launch(record: ActorRecord): Promise<void> {
    this.launching++;
    record.state = record.incarnation === 0 ? 'starting' : 'restarting';
    const number = this.options.nextNumber();
    record.number = number;
    this.byNumber.set(number, record);
    let hosting: Hosting | undefined;
    try {
      hosting = await this.options.placer.place(record);
      record.hosting = hosting;
      const { definition, identity, options } = record.spec;
      await this.within(
        this.options.startDeadlineMs,
        hosting.start({
          number,
          address: record.address,
          identity,
          incarnation: record.incarnation++,
          definition,
          options,
        }),
        `${record.address} was not ready`,
      );
      if (this.wasStopped(record)) throw new BusError('Cancelled', `${record.address} was stopped while it started`);
      record.state = 'running';
      record.startedAt = this.options.clock.monotonic();
    } catch (error) {
      record.lastError = describeError(error);
      hosting?.end(number, `${record.address} did not start`);
      await this.leave(record);
      throw error;
    } finally {
      this.launching--;
    }
    const waiting = this.waiting.get(record.address);
    this.waiting.delete(record.address);
    for (const answer of waiting ?? []) answer(record);
  }

  /** Whether somebody stopped the actor while it was on its way up. */
  private wasStopped(record: ActorRecord): boolean {
    return record.state === 'stopping' || record.state === 'stopped';
  }

  private crash(record: ActorRecord, error: unknown): void {
    const { clock } = this.options;
    record.lastError = describeError(error);
    record.state = 'restarting';
    this.emit('crashed', record, error);
    const policy = { ...policyDefaults, ...record.spec.restart };
    const now = clock.monotonic();
    record.crashTimes = [...record.crashTimes.filter((time) => now - time < policy.withinMs), now];
    const count = record.crashTimes.length;
    if (count > policy.restartsMax) {
      record.state = 'gaveUp';
      void this.leave(record);
      this.emit('gaveUp', record, error);
      this.reviewHealth();
      return;
    }
    this.launching++;
    const left = Promise.resolve(this.leave(record));
    const delayMs = Math.min(policy.backoffMs * 2 ** (count - 1), policy.backoffMaxMs);
    record.backoff = clock.after(delayMs, () => {
      record.backoff = undefined;
      left
        .then(() => (record.state === 'restarting' ? this.relaunch(record) : undefined))
        .finally(() => {
          this.launching--;
        });
    });
  }

  private async relaunch(record: ActorRecord): Promise<void> {
    try {
      await this.launch(record);
    } catch (error) {
      if (record.state === 'restarting') this.crash(record, error);
      return;
    }
    record.restarts++;
    this.emit('restarted', record);
  }

  private async stopRecord(record: ActorRecord): Promise<void> {
    if (record.backoff !== undefined) {
      record.backoff.cancel();
      record.backoff = undefined;
      this.launching--;
    }
    const { hosting, number, state } = record;
    if (state === 'stopped' || state === 'failed' || state === 'gaveUp') return;
    record.state = 'stopping';
    if (hosting !== undefined && number !== 0) {
      try {
        await this.within(this.options.stopDeadlineMs, hosting.stop(number), `${record.address} did not stop`);
      } catch (error) {
        record.lastError = describeError(error);
        hosting.end(number, `${record.address} was stopped`);
      }
      const left = this.leave(record);
      // When everything stops, threads end at the same time: nobody waits for one to be gone before the next may stop.
      if (!this.stopped) await left;
    }
    record.state = 'stopped';
    this.emit('stopped', record);
  }

  private leave(record: ActorRecord): Promise<void> | void {
    const { hosting } = record;
    this.byNumber.delete(record.number);
    this.options.left(record.number);
    record.number = 0;
    record.hosting = undefined;
    if (hosting !== undefined) return this.options.placer.vacate(record, hosting);
  }

  private within<Result>(deadlineMs: number, work: Promise<Result>, what: string): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = this.options.clock.after(
        deadlineMs,
        () => reject(new BusError('DeadlineExceeded', `${what} within ${deadlineMs} ms`)),
        { background: true },
      );
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private answerNobody(): void {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const answers of waiting) for (const answer of answers) answer(undefined);
  }

  private reviewHealth(): void {
    const causes = [...this.records.values()]
      .filter((record) => record.state === 'gaveUp')
      .map(
        ({ address, crashTimes, lastError }) =>
          `${address} was given up after ${crashTimes.length} crashes in a row; the last one: ${lastError}`,
      );
    this.health.next({ status: causes.length === 0 ? 'green' : 'red', causes });
  }

  private emit(type: SystemEvent['type'], record: ActorRecord, error?: unknown): void {
    const time = this.options.clock.now();
    this.events.next(
      error === undefined ? { type, address: record.address, time } : { type, address: record.address, time, error },
    );
  }
}
