/** A worker thread's host as the main thread sees it: orders and questions over the control port, and the thread's end. */
import type { MessagePort, Worker } from 'node:worker_threads';
import { type FromHost, fromPlainError, type ToHost } from './control.ts';
import { BusError, describeError } from './errors.ts';
import type { Census, Hosting, HostReport, StartOrder } from './hosting.ts';
import type { LogSink } from './log.ts';
import { builtModule } from './modules.ts';
import { StarvationProbe } from './starvation.ts';
import type { TapObserver } from './tap.ts';
import type { Clock, Placement } from './types.ts';

export interface ThreadHostingOptions {
  readonly id: string;
  readonly placement: Placement;
  readonly control: MessagePort;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly tap: TapObserver;
  /** The worker of a thread id, to end it and to ask for its utilisation. */
  workerOf(threadId: number): Worker | undefined;
  resolve(address: string, answer: (number: number, host: string) => void): void;
  crashed(number: number, error: unknown): void;
}

interface Request {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Question = 'ping' | 'census' | 'report';

/** A host that does not answer an inspection within this time is shown without its counts. */
const reportDeadlineMs = 1_000;

export class ThreadHosting implements Hosting {
  readonly id: string;
  readonly placement: Placement;
  threadId = -1;
  /** Resolves when the host takes orders; rejects when its thread ended before. */
  readonly ready: Promise<void>;
  /** The error that the thread ended by, once it has. */
  gone: unknown;
  private readonly options: ThreadHostingOptions;
  private readonly requests = new Map<number, Request>();
  private cause: unknown;
  private closing: Promise<void> | undefined;
  private lastRequest = 0;
  private worker: Worker | undefined;
  private lastUtilization: ReturnType<Worker['performance']['eventLoopUtilization']> | undefined;
  private pingedAt: number | undefined;
  private starvation: StarvationProbe | undefined;
  private becomeReady: () => void = () => {};
  private neverReady: (error: unknown) => void = () => {};

  constructor(options: ThreadHostingOptions) {
    this.options = options;
    this.id = options.id;
    this.placement = options.placement;
    this.ready = new Promise((resolve, reject) => {
      this.becomeReady = resolve;
      this.neverReady = reject;
    });
    this.ready.catch(() => {});
    options.control.on('message', (message: FromHost) => this.hear(message));
  }

  start(order: StartOrder): Promise<void> {
    const { definition, ...rest } = order;
    const remote = { ...rest, module: builtModule(definition.module), name: definition.name };
    return this.request((request) => ({ type: 'start', request, order: remote })) as Promise<void>;
  }

  stop(number: number): Promise<void> {
    return this.request((request) => ({ type: 'stop', request, number })) as Promise<void>;
  }

  end(number: number, reason: string): void {
    this.tell({ type: 'end', number, reason });
  }

  link(host: string, port: MessagePort): void {
    if (this.gone === undefined)
      this.options.control.postMessage({ type: 'link', host, port } satisfies ToHost, [port]);
    else port.close();
  }

  unlink(host: string, reason: string): void {
    this.tell({ type: 'unlink', host, reason });
  }

  watch(on: boolean): void {
    this.tell({ type: 'watch', on });
  }

  async census(): Promise<Census> {
    try {
      return (await this.ask('census')) as Census;
    } catch {
      // The thread ended: its restart shows in the supervisor.
      return { busy: true, sent: 0, received: 0 };
    }
  }

  report(): Promise<HostReport> {
    const nothing: HostReport = { cells: [], heapBytes: 0 };
    return new Promise((resolve) => {
      const timer = this.options.clock.after(reportDeadlineMs, () => resolve(nothing), { background: true });
      this.ask('report')
        .then(
          (report) => resolve(report as HostReport),
          () => resolve(nothing),
        )
        .finally(() => timer.cancel());
    });
  }

  utilization(): number {
    if (this.worker === undefined || this.gone !== undefined) return 0;
    const now = this.worker.performance.eventLoopUtilization();
    const last = this.lastUtilization;
    this.lastUtilization = now;
    return last === undefined ? now.utilization : this.worker.performance.eventLoopUtilization(now, last).utilization;
  }

  /**
   * One beat: asks whether the host is alive, unless an earlier question is unanswered. True when that one is unanswered for
   * longer than `missedMs` although the thread was given processor time.
   */
  beat(now: number, missedMs: number): boolean {
    if (this.gone !== undefined || this.threadId < 0) return false;
    if (this.pingedAt !== undefined) {
      const silentMs = now - this.pingedAt;
      return silentMs > missedMs && this.starvation?.starved(silentMs, missedMs) !== true;
    }
    this.pingedAt = now;
    this.starvation?.mark();
    this.ask('ping').then(
      () => {
        this.pingedAt = undefined;
      },
      () => {},
    );
    return false;
  }

  /** The main thread was late itself: what it did not hear in that time does not count. */
  forgive(now: number): void {
    if (this.pingedAt !== undefined) this.pingedAt = now;
  }

  /** Lets the host end its actors, then ends the thread. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    if (this.gone !== undefined) return;
    try {
      await this.request((request) => ({ type: 'close', request }));
    } catch {
      return;
    }
    await this.terminate();
  }

  /** Ends the thread at once, whatever it does; `cause` is what its end is then put down to. */
  async terminate(cause: unknown = new Error(`the host ${this.id} was closed`)): Promise<void> {
    this.cause ??= cause;
    await this.worker?.terminate();
  }

  /** The thread ended, by itself or not. */
  ended(found: unknown): void {
    if (this.gone !== undefined) return;
    const error = this.cause ?? found;
    this.gone = error;
    this.neverReady(error);
    this.options.control.close();
    const failure = new BusError('ServiceUnavailable', `the thread of ${this.id} ended: ${describeError(error)}`);
    const requests = [...this.requests.values()];
    this.requests.clear();
    for (const request of requests) request.reject(failure);
  }

  private hear(message: FromHost): void {
    switch (message.type) {
      case 'ready':
        this.threadId = message.threadId;
        this.worker = this.options.workerOf(message.threadId);
        this.starvation =
          message.processorTimePath === undefined ? undefined : new StarvationProbe(message.processorTimePath);
        this.becomeReady();
        return;
      case 'answer': {
        const request = this.requests.get(message.request);
        this.requests.delete(message.request);
        if (message.error === undefined) request?.resolve(message.value);
        else request?.reject(fromPlainError(message.error));
        return;
      }
      case 'resolve':
        this.options.resolve(message.address, (number, host) => {
          this.tell({ type: 'resolved', request: message.request, number, host });
        });
        return;
      case 'crashed':
        this.options.crashed(message.number, fromPlainError(message.error));
        return;
      case 'failed':
        void this.terminate(fromPlainError(message.error));
        return;
      case 'log':
        this.options.log(message.record);
        return;
      case 'taps':
        for (const record of message.records) this.options.tap(record);
    }
  }

  private ask(type: Question): Promise<unknown> {
    return this.request((request) => ({ type, request }));
  }

  private request(make: (request: number) => ToHost): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.gone !== undefined) {
        reject(new BusError('ServiceUnavailable', `the thread of ${this.id} ended`));
        return;
      }
      const request = ++this.lastRequest;
      this.requests.set(request, { resolve, reject });
      this.tell(make(request));
    });
  }

  private tell(message: ToHost): void {
    if (this.gone === undefined) this.options.control.postMessage(message);
  }
}
