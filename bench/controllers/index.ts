/**
 * The controllers' bench: `node dist/bench-controllers.js [name…]` runs the workloads one after the other, each on a cluster of its
 * own, prints time and CPU time of every stage, and appends a line a workload to bench/results.ndjson.
 */
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../src/cluster/index.ts';
import { appendMeasurement } from '../record.ts';
import { observe } from './observer.ts';
import { type ControllerWorkload, controllerWorkloads } from './workloads.ts';

export interface StageResult {
  readonly ms: number;
  readonly targetMs: number;
  /** Of all threads of the process: what counts on a machine that is busy with other things. */
  readonly cpuMs: number;
  readonly cpuMsPerObject: number;
}

const rounded = (value: number, digits = 1) => Number(value.toFixed(digits));

export async function runControllerWorkload(workload: ControllerWorkload): Promise<Record<string, StageResult>> {
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
      await stage.run(cluster, observer);
      const ms = cluster.clock.monotonic() - startMs;
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

/** Runs those whose names are given, or all. Returns the exit code. */
export async function runControllerBench(names: readonly string[]): Promise<number> {
  const chosen = controllerWorkloads.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length === 0) {
    process.stderr.write(`there are ${controllerWorkloads.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  for (const workload of chosen) {
    const stages = await runControllerWorkload(workload);
    process.stdout.write(`${JSON.stringify({ workload: workload.name, stages })}\n`);
    const directory = fileURLToPath(new URL('../bench', import.meta.url));
    const measured = { case: 'Controllers', workload: workload.name, stages };
    appendMeasurement(directory, new Date().toISOString(), measured);
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await runControllerBench(process.argv.slice(2));
}
