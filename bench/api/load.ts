/** Puts a job to the load generator, or its like to the bus, and measures what it cost whom. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pods } from '../../src/client/resources.ts';
import type { Cluster } from '../../src/cluster/index.ts';
import { RealClock } from '../../src/runtime/index.ts';
import { processorTime, since } from './processor-time.ts';
import type { Job, Order, Report, TrafficResult } from './traffic.ts';
import { pod, type RequestWorkload, type Sizes, watchedNamespace } from './workloads.ts';

/** What a run of a workload gave. */
export interface Load extends Omit<TrafficResult, 'type' | 'cpuMs'> {
  readonly serverCpuMs: number;
  readonly clientCpuMs: number;
}

export class Generator {
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork(fileURLToPath(new URL('./bench-api-generator.js', import.meta.url)), ['--generate']);
  }

  /** `during` runs beside the job from its start on, in this thread; its processor time counts as the generator's. */
  async run(job: Job, during: () => Promise<unknown> = async () => undefined): Promise<Load> {
    await this.next(job, 'open');
    const before = processorTime();
    const result = this.next({ type: 'start' }, 'result');
    const [{ type: _type, cpuMs, ...rest }] = await Promise.all([result, during()]);
    const { othersMs, ownMs } = since(before);
    return { ...rest, serverCpuMs: othersMs, clientCpuMs: cpuMs + ownMs };
  }

  stop(): void {
    this.child.disconnect();
  }

  private next<Type extends Report['type']>(order: Order, type: Type): Promise<Extract<Report, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator has ended'));
      this.child.once('exit', ended);
      this.child.once('message', (report: Report) => {
        this.child.off('exit', ended);
        if (report.type === type) resolve(report as Extract<Report, { type: Type }>);
        else reject(new Error(report.type === 'failed' ? report.reason : `the load generator says ${report.type}`));
      });
      this.child.send(order);
    });
  }
}

/** `count` calls, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
}

/** Which requests, by number. */
export interface Span {
  readonly first: number;
  readonly count: number;
}

const clock = new RealClock();

export async function overBus(cluster: Cluster, workload: RequestWorkload, sizes: Sizes, span: Span): Promise<Load> {
  const { bus = () => Promise.resolve(false) } = workload;
  const distinct = workload.distinct?.(sizes) ?? Number.POSITIVE_INFINITY;
  const waits: number[] = [];
  let answered = 0;
  const before = processorTime();
  const startMs = clock.monotonic();
  await inParallel(span.count, workload.width(sizes), async (index) => {
    const i = span.first + index;
    const sentMs = clock.monotonic();
    if (await bus(cluster.client, i % distinct, i, sizes)) answered++;
    waits.push(clock.monotonic() - sentMs);
  });
  const ms = clock.monotonic() - startMs;
  const { othersMs, ownMs } = since(before);
  waits.sort((a, b) => a - b);
  const wait = (share: number) => Number((waits[Math.floor((waits.length - 1) * share)] ?? 0).toFixed(3));
  return { answered, bytes: 0, ms, p50Ms: wait(0.5), p99Ms: wait(0.99), serverCpuMs: othersMs, clientCpuMs: ownMs };
}

/** The pods that watchers are to hear of, over the bus. */
export const createWatched = ({ client }: Cluster, events: number): Promise<void> =>
  inParallel(events, 8, (index) => client.create(pods, pod(`watched-${index}`, watchedNamespace) as never));

/** Watches over the bus, each of its own. */
export async function watchOverBus(cluster: Cluster, { watchers, events }: Sizes): Promise<Load> {
  let answered = 0;
  let unfinished = watchers;
  let before = processorTime();
  let startMs = clock.monotonic();
  const subscriptions: { unsubscribe(): void }[] = [];
  await new Promise<void>((resolve, reject) => {
    let open = 0;
    const start = () => {
      before = processorTime();
      startMs = clock.monotonic();
      createWatched(cluster, events).catch(reject);
    };
    for (let watcher = 0; watcher < watchers; watcher++) {
      let seen = 0;
      const options = { namespace: watchedNamespace, sendInitialEvents: true, allowWatchBookmarks: true };
      subscriptions.push(
        cluster.client.watch(pods, options).subscribe({
          next(event) {
            if (event.type === 'BOOKMARK') {
              if (event.initialEventsEnd && ++open === watchers) start();
              return;
            }
            answered++;
            if (++seen === events && --unfinished === 0) resolve();
          },
          error: reject,
        }),
      );
    }
  });
  const ms = clock.monotonic() - startMs;
  const { othersMs, ownMs } = since(before);
  for (const subscription of subscriptions) subscription.unsubscribe();
  return { answered, bytes: 0, ms, p50Ms: ms, p99Ms: ms, serverCpuMs: othersMs, clientCpuMs: ownMs };
}
