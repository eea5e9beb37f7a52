/** How the supervisor sees a host, wherever it runs, and the host of the main thread behind that face. */
import { getHeapStatistics } from 'node:v8';
import { ActorHost, type HostOptions } from './actor-host.ts';
import type { CellSpec } from './cell.ts';
import type { MetricsSnapshot } from './metrics.ts';
import type { ActorDefinition, Placement } from './types.ts';

/** An actor to start. Plain data but for the definition, which threads import by its module and name. */
export interface StartOrder extends CellSpec {
  readonly definition: ActorDefinition<unknown>;
  readonly options: unknown;
}

/** What is under way in a host: idle hosts with equal sums of sent and received have nothing left to do. */
export interface Census {
  readonly busy: boolean;
  readonly sent: number;
  readonly received: number;
}

/** One actor of a host, as counted there. */
export interface CellReport {
  readonly number: number;
  readonly mailboxDepth: number;
  readonly received: number;
  readonly sent: number;
  readonly metrics: MetricsSnapshot;
}

export interface HostReport {
  readonly cells: readonly CellReport[];
  /** Bytes of the JavaScript heap in use in the host's thread. */
  readonly heapBytes: number;
}

export interface Hosting {
  readonly id: string;
  readonly placement: Placement;
  /** Node's number of the thread; 0 is the main thread. */
  readonly threadId: number;
  /** Resolves when the actor is ready; rejects with what its start threw. */
  start(order: StartOrder): Promise<void>;
  /** Lets the actor stop by itself, then ends it. */
  stop(number: number): Promise<void>;
  /** Ends the actor at once. */
  end(number: number, reason: string): void;
  census(): Promise<Census>;
  report(): Promise<HostReport>;
  /** Share of the time since the last question in which the thread's event loop was busy, from 0 to 1. */
  utilization(): number;
  close(): Promise<void>;
}

/** The part of a hosting that is the same in the main thread and in a worker: orders carried out on an ActorHost. */
export class HostDesk {
  readonly host: ActorHost;

  constructor(options: HostOptions) {
    this.host = new ActorHost(options);
  }

  async start(order: StartOrder): Promise<void> {
    const cell = this.host.add(order);
    try {
      await cell.start(order.definition, order.options);
    } catch (error) {
      this.host.remove(cell, `${cell.address} did not start`, error);
      throw error;
    }
  }

  async stop(number: number): Promise<void> {
    const cell = this.host.cells.get(number);
    if (cell === undefined) return;
    try {
      await cell.stop();
    } finally {
      this.host.remove(cell, `${cell.address} was stopped`);
    }
  }

  end(number: number, reason: string): void {
    const cell = this.host.cells.get(number);
    if (cell !== undefined) this.host.remove(cell, reason);
  }

  census(): Census {
    const { host } = this;
    return { busy: host.busy || host.clock.foreground > 0, ...host.linkTotals };
  }

  report(): HostReport {
    const cells = [...this.host.cells.values()].map(({ number, mailboxDepth, received, sent, metrics }) => ({
      number,
      mailboxDepth,
      received,
      sent,
      metrics: metrics.snapshot(),
    }));
    return { cells, heapBytes: getHeapStatistics().used_heap_size };
  }
}

/** The main thread's host. */
export class InlineHosting implements Hosting {
  readonly id = 'main';
  readonly placement = 'inline';
  readonly threadId = 0;
  readonly desk: HostDesk;
  private lastUtilization = performance.eventLoopUtilization();

  constructor(options: HostOptions) {
    this.desk = new HostDesk(options);
  }

  start(order: StartOrder): Promise<void> {
    return this.desk.start(order);
  }

  stop(number: number): Promise<void> {
    return this.desk.stop(number);
  }

  end(number: number, reason: string): void {
    this.desk.end(number, reason);
  }

  census(): Promise<Census> {
    return Promise.resolve(this.desk.census());
  }

  report(): Promise<HostReport> {
    return Promise.resolve(this.desk.report());
  }

  utilization(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.lastUtilization);
    this.lastUtilization = now;
    return utilization;
  }

  close(): Promise<void> {
    this.desk.host.close();
    return Promise.resolve();
  }
}
