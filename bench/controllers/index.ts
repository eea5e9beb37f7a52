/**
 * The controllers' bench: `node dist/bench-controllers.js [--runs N] [name…]` runs the workloads one after the other, each N times (1)
 * on a cluster of its own, prints time and CPU time of every stage, and appends a line a workload to bench/results.ndjson: the run
 * in the middle by its time, with the fastest and the slowest beside it.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cluster } from '../../src/cluster/index.ts';
import { appendMeasurement } from '../record.ts';
import { observe } from './observer.ts';
import type { ControllerWorkload } from './workload.ts';
import { controllerWorkloads } from './workloads.ts';

export interface StageResult {
  readonly ms: number;
  readonly targetMs: number;
  /** Of all threads of the process: what counts on a machine that is busy with other things. */
  readonly cpuMs: number;
  readonly cpuMsPerObject: number;
  /** Fastest and slowest of several runs, in milliseconds. */
  readonly msOfRuns?: readonly [fastest: number, slowest: number];
}

const rounded = (value: number, digits = 1) => Number(value.toFixed(digits));

export async function runControllerWorkload(workload: ControllerWorkload): Promise<Stages> {
  const threads = process.env['BENCH_THREADS'];
  const placed =
    threads === undefined ? {} : { threads: Number(threads) === 0 ? ('inline' as const) : Number(threads) };
  const cluster = await Cluster.start({ ...workload.options, ...placed });
  const observer = observe(cluster.client, cluster.clock);
  const results: Record<string, StageResult> = {};
  try {
    await workload.prepare?.(cluster, observer);
    for (const stage of workload.stages) {
      const startMs = cluster.clock.monotonic();
      const startCpu = process.cpuUsage();
      const told = await stage.run(cluster, observer);
      const ms = typeof told === 'number' ? told : cluster.clock.monotonic() - startMs;
      const { user, system } = process.cpuUsage(startCpu);
      const cpuMs = (user + system) / 1000;
      const { targetMs, objects } = stage;
      results[stage.name] = {
        ms: rounded(ms, 0),
        targetMs,
        cpuMs: rounded(cpuMs, 0),
        cpuMsPerObject: rounded(cpuMs / objects, 3),
      };
    }
  } finally {
    observer.stop();
    await cluster.stop();
  }
  return results;
}

type Stages = Record<string, StageResult>;

/** Of each stage the run in the middle. */
function medianOf(runs: readonly Stages[]): Stages {
  if (runs.length === 1) return runs[0] as Stages;
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const ordered = runs.map((run) => run[name] as StageResult).sort((left, right) => left.ms - right.ms);
      const [middle, first, last] = [ordered[ordered.length >> 1], ordered[0], ordered.at(-1)] as [
        StageResult,
        StageResult,
        StageResult,
      ];
      return [name, { ...middle, msOfRuns: [first.ms, last.ms] as const }];
    }),
  );
}

/** Runs those whose names are given, or all. Returns the exit code. */
export async function runControllerBench(words: readonly string[]): Promise<number> {
  const { values, positionals: names } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { runs: { type: 'string', default: '1' } },
  });
  const count = Math.max(1, Number(values.runs));
  const chosen = controllerWorkloads.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length === 0) {
    process.stderr.write(`there are ${controllerWorkloads.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  for (const workload of chosen) {
    const runs: Stages[] = [];
    while (runs.length < count) runs.push(await runControllerWorkload(workload));
    const stages = medianOf(runs);
    process.stdout.write(`${JSON.stringify({ workload: workload.name, stages })}\n`);
    const directory = fileURLToPath(new URL('../bench', import.meta.url));
    const measured = { case: 'Controllers', workload: workload.name, runs: count, stages };
    appendMeasurement(directory, new Date().toISOString(), measured);
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await runControllerBench(process.argv.slice(2));
}
