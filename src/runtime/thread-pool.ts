/**
 * Worker threads from piscina: each runs one task for its whole life, a host. The pool grows by exactly one thread for each
 * host that is booted and replaces none by itself: which actors move into a new thread is the supervisor's decision.
 */
import { MessageChannel, SHARE_ENV, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { HostTask } from './control.ts';
import { hostFile } from './modules.ts';
import { ThreadHosting, type ThreadHostingOptions } from './thread-hosting.ts';
import type { ThreadLimits } from './types.ts';

export interface BootOptions extends Omit<ThreadHostingOptions, 'control' | 'workerOf'> {
  readonly task: Omit<HostTask, 'control' | 'id'>;
  /** The thread ended; `hosting.gone` says why. */
  ended(hosting: ThreadHosting): void;
}

/** The threads of one size. */
export class ThreadPool {
  private readonly pool: Piscina;
  private readonly hostings = new Set<ThreadHosting>();

  constructor(limits: ThreadLimits) {
    this.pool = new Piscina({
      minThreads: 0,
      maxThreads: 1,
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      trackUnmanagedFds: false,
      env: SHARE_ENV as unknown as Record<string, string>,
      execArgv: [],
      resourceLimits: limits,
      loadBalancer: (_task, workers) => workers.find((worker) => worker.currentUsage === 0) ?? null,
    });
    // A thread that could not even boot took no task: which host waits for it cannot be told, so all that wait fail.
    this.pool.on('error', (error: unknown) => {
      for (const hosting of this.hostings) if (hosting.threadId < 0) hosting.ended(error);
    });
  }

  boot(options: BootOptions): ThreadHosting {
    const { port1, port2 } = new MessageChannel();
    const hosting = new ThreadHosting({
      ...options,
      control: port1,
      workerOf: (threadId) => this.pool.threads.find((worker: Worker) => worker.threadId === threadId),
    });
    this.hostings.add(hosting);
    this.resize();
    const task: HostTask = { ...options.task, id: options.id, control: port2 };
    const left = (error: unknown): void => {
      this.hostings.delete(hosting);
      this.resize();
      hosting.ended(error);
      options.ended(hosting);
    };
    this.pool
      .run(task, { filename: hostFile(), name: 'runHost', transferList: [port2] })
      .then(() => left(new Error(`the host ${options.id} ended`)), left);
    return hosting;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** piscina starts threads up to its maximum as soon as one task has to wait: so the maximum is what is needed now. */
  private resize(): void {
    this.pool.options.maxThreads = Math.max(1, this.hostings.size);
  }
}
