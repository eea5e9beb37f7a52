/**
 * The host of a worker thread: what piscina runs there, as one task for the thread's whole life. It takes
 * orders over the control port and carries them out on an ActorHost. An error that nobody caught, and that no actor can be
 * named for, ends the whole host: after it nobody knows what in this thread still works.
 */
import { type MessagePort, threadId } from 'node:worker_threads';
import type { Target } from './actor-host.ts';
import { RealClock } from './clock.ts';
import { type FromHost, type HostTask, type RemoteOrder, type ToHost, toPlainError } from './control.ts';
import { describeError } from './errors.ts';
import { HostDesk } from './hosting.ts';
import { PortLink } from './link.ts';
import type { LogRecord } from './log.ts';
import { loadDefinition } from './modules.ts';
import type { Link } from './peer.ts';
import { processorTimePath } from './starvation.ts';
import { recordOf, type TapRecord } from './tap.ts';

/** Never settles: the main thread ends the thread, so that no other host is ever run in what this one leaves behind. */
export function runHost(task: HostTask): Promise<never> {
  new WorkerHost(task);
  return new Promise(() => {});
}

class WorkerHost {
  private readonly control: MessagePort;
  private readonly desk: HostDesk;
  private readonly links = new Map<string, Link>();
  private readonly questions = new Map<number, (target: Target | undefined) => void>();
  private lastQuestion = 0;
  private taps: TapRecord[] = [];

  constructor(task: HostTask) {
    this.control = task.control;
    this.desk = new HostDesk({
      id: task.id,
      dedicated: task.dedicated,
      firstNumber: task.firstNumber,
      clock: new RealClock(),
      seed: task.seed,
      log: (record) => this.log(record),
      logLevel: task.logLevel,
      callsMax: task.callsMax,
      supervisor: {
        resolve: (address, answer) => {
          const request = ++this.lastQuestion;
          this.questions.set(request, answer);
          this.tell({ type: 'resolve', request, address });
        },
        crashed: (number, error) => this.tell({ type: 'crashed', number, error: toPlainError(error) }),
      },
    });
    const unattributed = (error: unknown): void => this.blame(error);
    process.on('uncaughtException', unattributed);
    process.on('unhandledRejection', unattributed);
    this.control.on('message', (message: ToHost) => this.obey(message));
    this.tell({ type: 'ready', threadId, processorTimePath: processorTimePath() });
  }

  private obey(message: ToHost): void {
    const { desk } = this;
    switch (message.type) {
      case 'start':
        this.answer(message.request, this.start(message.order));
        return;
      case 'stop':
        this.answer(message.request, desk.stop(message.number));
        return;
      case 'end':
        desk.end(message.number, message.reason);
        return;
      case 'link':
        this.links.set(message.host, new PortLink(desk.host, message.port, message.host));
        return;
      case 'unlink': {
        const link = this.links.get(message.host);
        this.links.delete(message.host);
        if (link !== undefined) desk.host.detach(link, message.reason);
        return;
      }
      case 'resolved':
        this.resolved(message.request, message.number, message.host);
        return;
      case 'ping':
        this.tell({ type: 'answer', request: message.request });
        return;
      case 'census':
        this.tell({ type: 'answer', request: message.request, value: desk.census() });
        return;
      case 'report':
        this.tell({ type: 'answer', request: message.request, value: desk.report() });
        return;
      case 'watch':
        this.watch(message.on);
        return;
      case 'close':
        desk.host.close();
        this.tell({ type: 'answer', request: message.request });
    }
  }

  private async start(order: RemoteOrder): Promise<void> {
    const definition = await loadDefinition(order.module, order.name);
    await this.desk.start({ ...order, definition });
  }

  private answer(request: number, work: Promise<void>): void {
    work.then(
      () => this.tell({ type: 'answer', request }),
      (error: unknown) => this.tell({ type: 'answer', request, error: toPlainError(error) }),
    );
  }

  private resolved(request: number, number: number, host: string): void {
    const answer = this.questions.get(request);
    this.questions.delete(request);
    if (number === 0) answer?.(undefined);
    else answer?.({ number, link: host === this.desk.host.id ? undefined : this.links.get(host) });
  }

  /** The only actor of a thread is the one to blame; among many nobody can tell. */
  private blame(error: unknown): void {
    const [only, ...others] = this.desk.host.cells.values();
    if (only !== undefined && others.length === 0) {
      only.fail(error);
      return;
    }
    this.desk.host.close();
    this.tell({ type: 'failed', error: toPlainError(error) });
  }

  private watch(on: boolean): void {
    const { host } = this.desk;
    host.watcher = on
      ? (message, from, to) => {
          if (this.taps.length === 0) host.turn(() => this.sendTaps());
          this.taps.push(recordOf(message, from, to));
        }
      : undefined;
  }

  private sendTaps(): void {
    this.tell({ type: 'taps', records: this.taps });
    this.taps = [];
  }

  private log(record: LogRecord): void {
    try {
      this.tell({ type: 'log', record });
    } catch (error) {
      const fields = { unsendable: describeError(error), fields: String(record.fields) };
      this.tell({ type: 'log', record: { ...record, fields } });
    }
  }

  private tell(message: FromHost): void {
    this.control.postMessage(message);
  }
}
