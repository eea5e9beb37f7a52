/**
 * The load generator: a process of its own, so that its processor time is not the server's. Its parent sends it one job at a time;
 * it opens its connections, says so, starts when it is told to, and answers with what came of it. Ends with its parent.
 */
import { RealClock } from '../../src/runtime/index.ts';
import { occurrences } from './http1-connection.ts';
import { openSenders, openWatches } from './senders.ts';
import { numbered, type Order, type Report, type Traffic, type TrafficResult, type Watching } from './traffic.ts';

const clock = new RealClock();

const quantile = (sorted: Float64Array, share: number): number =>
  Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(3));

/** Measures from the first request to the last answer. `open` is called with all connections there; what it gives is the start. */
export async function runTraffic(job: Traffic, open: () => Promise<void>): Promise<TrafficResult> {
  const { template, count, distinct } = job;
  const { senders, close } = await openSenders(job.endpoint, template, Math.min(job.width, count));
  await open();
  const path = numbered(template.path);
  const body = numbered(template.body ?? '');
  const expected = numbered(template.expect);
  const waits = new Float64Array(count);
  let next = 0;
  let answered = 0;
  let bytes = 0;
  let refusal: string | undefined;
  const startMs = clock.monotonic();
  const startCpu = process.cpuUsage();
  await Promise.all(
    senders.map(async (sender) => {
      while (next < count) {
        const index = next++;
        const i = job.first + index;
        const n = i % distinct;
        const sentMs = clock.monotonic();
        const answer = await sender.send(path(n, i), body(n, i));
        waits[index] = clock.monotonic() - sentMs;
        bytes += answer.body.length;
        const text = expected(n, i);
        const found =
          template.times === undefined ? answer.body.includes(text) : occurrences(text)(answer.body) === template.times;
        if (answer.status < 300 && found) answered++;
        else refusal ??= `${answer.status} ${answer.body.toString('utf8', 0, 300)}`;
      }
    }),
  );
  const { user, system } = process.cpuUsage(startCpu);
  const ms = clock.monotonic() - startMs;
  close();
  waits.sort();
  return {
    type: 'result',
    answered,
    bytes,
    ms,
    cpuMs: (user + system) / 1000,
    p50Ms: quantile(waits, 0.5),
    p99Ms: quantile(waits, 0.99),
    refusal,
  };
}

/** Measures from the start, with all watches open, to the last event of the last watcher. */
export async function runWatching(job: Watching, open: () => Promise<void>): Promise<TrafficResult> {
  const { watchers, events } = job;
  let answered = 0;
  let bytes = 0;
  let unfinished = watchers;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const receivers = Array.from({ length: watchers }, () => {
    const count = occurrences(job.marker);
    let seen = 0;
    return (chunk: Buffer) => {
      bytes += chunk.length;
      const found = count(chunk);
      if (found === 0) return;
      answered += found;
      const before = seen;
      seen += found;
      if (before < events && seen >= events && --unfinished === 0) finish();
    };
  });
  const close = await openWatches(job.endpoint, job.path, receivers);
  await open();
  const startCpu = process.cpuUsage();
  const startMs = clock.monotonic();
  await finished;
  const { user, system } = process.cpuUsage(startCpu);
  const ms = clock.monotonic() - startMs;
  close();
  return { type: 'result', answered, bytes, ms, cpuMs: (user + system) / 1000, p50Ms: ms, p99Ms: ms };
}

const report = (value: Report): void => {
  process.send?.(value);
};

if (process.send !== undefined && process.argv[2] === '--generate') {
  process.on('disconnect', () => process.exit(0));
  let start: () => void = () => undefined;
  const opened = () =>
    new Promise<void>((resolve) => {
      start = resolve;
      report({ type: 'open' });
    });
  process.on('message', (message: Order) => {
    if (message.type === 'start') return start();
    const work = message.type === 'requests' ? runTraffic(message, opened) : runWatching(message, opened);
    work.then(report, (error: Error) => report({ type: 'failed', reason: String(error.stack ?? error) }));
  });
}
