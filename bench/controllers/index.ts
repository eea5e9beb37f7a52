/**
 * The controllers' bench: `node dist/bench-controllers.js [name…]` runs the workloads one after the other, each `--runs` times on a
 * cluster of its own, prints time and CPU time of every stage, and appends a line a workload to bench/results.ndjson: the run in the
 * middle by its time, with the fastest and the slowest beside it.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { wholeNumber } from '../../src/cli/values.ts';
import { Cluster } from '../../src/cluster/index.ts';
import { calibrate } from '../calibration.ts';
import { knownNames, runCommandLine } from '../command-line.ts';
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

const columns = ['WORKLOAD', 'STAGE', 'MS', 'TARGET', 'CPU MS', 'CPU MS/OBJECT'];

/** A line a stage. */
function tableOf(name: string, stages: Stages, withTitles: boolean): string {
  const rows = Object.entries(stages).map(([stage, { ms, targetMs, cpuMs, cpuMsPerObject }]) => [
    name,
    stage,
    String(ms),
    String(targetMs),
    String(cpuMs),
    String(cpuMsPerObject),
  ]);
  // Workloads are printed as they come, so columns have their width beforehand.
  const widths = [34, 12, 8, 8, 8, 14];
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' ');
  return [...(withTitles ? [columns] : []), ...rows].map((row) => `${line(row)}\n`).join('');
}

interface Flags {
  readonly runs: number;
  readonly json?: boolean;
  readonly record: boolean;
}

const names = controllerWorkloads.map(({ name }) => name);

const command = new Command('bench-controllers')
  .description('Time and processor time of whole controllers: from a change by a user until all that follows is done.')
  .argument('[workloads...]', `which to run (default: all): ${names.join(', ')}`)
  .option('--runs <n>', 'runs of each; the one in the middle by its time is told', wholeNumber(1, 1000), 1)
  .option('--json', 'print one JSON object a workload')
  .option('--no-record', 'append nothing to bench/results.ndjson of the checkout')
  .addHelpText(
    'after',
    '\nBENCH_THREADS sets the number of shared threads; 0 runs all actors in one thread.\n\nExamples:\n' +
      '  $ node dist/bench-controllers.js DeploymentOf500 --runs 3\n' +
      '  $ node dist/bench-controllers.js --json --no-record | jq .stages',
  )
  .action(async (chosen: readonly string[], flags: Flags) => {
    knownNames(command, chosen, names);
    let isFirst = true;
    for (const workload of controllerWorkloads) {
      if (chosen.length > 0 && !chosen.includes(workload.name)) continue;
      const runs: Stages[] = [];
      const factors: number[] = [];
      while (runs.length < flags.runs) {
        factors.push(calibrate().factor);
        runs.push(await runControllerWorkload(workload));
      }
      const stages = medianOf(runs);
      const calibration = rounded(factors.sort((left, right) => left - right)[factors.length >> 1] ?? 1, 3);
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify({ workload: workload.name, calibration, stages })}\n`
          : tableOf(workload.name, stages, isFirst),
      );
      isFirst = false;
      const measured = { case: 'Controllers', workload: workload.name, runs: flags.runs, calibration, stages };
      const directory = fileURLToPath(new URL('../bench', import.meta.url));
      if (flags.record) appendMeasurement(directory, new Date().toISOString(), measured);
    }
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await runCommandLine(command, process.argv.slice(2));
}
