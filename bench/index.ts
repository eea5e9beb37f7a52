/** The bench suite's entry, loaded by `kubehive bench`: runs the chosen workloads one after the other, and reports. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSchedulerConfiguration } from '../src/cli/scheduler-configuration.ts';
import { RealClock } from '../src/runtime/index.ts';
import { cannotRun } from './abilities.ts';
import { calibrate } from './calibration.ts';
import { type ChoiceFlags, type ChosenWorkload, chooseWorkloads, ownSet } from './choice.ts';
import { compareSides, type SidesCompared } from './compare-sides.ts';
import { BenchConfigError, type Workload } from './config.ts';
import { failureText } from './failure.ts';
import { appendRecord, commitOf, machineText } from './record.ts';
import { comparisonPage, comparisonText } from './report/comparison.ts';
import { dataItems, dataItemsFile, thresholdVerdicts } from './report/data-items.ts';
import { htmlReport } from './report/html.ts';
import { markdownPage } from './report/markdown.ts';
import { type Summary, summarize } from './report/summary.ts';
import { terminalTable } from './report/terminal.ts';
import type { RunOptions, WorkloadResult } from './runner.ts';
import { commitSide, configurationSide, pluginSides, type Side } from './sides.ts';
import { type Outcome, runSuite } from './suite.ts';

export { appendMeasurement } from './record.ts';

export interface BenchFlags extends ChoiceFlags {
  readonly out?: string;
  /** A file for all outcomes as one page. */
  readonly markdown?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly kubelets?: boolean;
  readonly seed?: number;
  /** False: append nothing to results.ndjson. */
  readonly record?: boolean;
  /** `external`: no scheduler is started. */
  readonly scheduler?: string;
  /** A command to start in place of the scheduler. */
  readonly schedulerCommand?: string;
  /** A KubeSchedulerConfiguration file to use in place of the workloads' own. */
  readonly schedulerConfig?: string;
  /** Exit with 1 when a threshold is missed. */
  readonly enforceThresholds?: boolean;
  /** A process for each workload. */
  readonly isolate?: boolean;
  /** Milliseconds for each workload; with it they have processes of their own. */
  readonly timeout?: number;
  /** Go on with the run whose outcomes lie in `out`. */
  readonly resume?: boolean;
  /** Two of a kind to compare, run in turn: configuration files, plugins, or commits. */
  readonly compare?: readonly string[];
  readonly comparePlugins?: readonly string[];
  readonly compareCommit?: readonly string[];
  readonly rounds?: number;
  readonly threads?: 'auto' | 'dedicated' | 'shared' | 'inline' | number;
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const nameOf = (workload: Workload): string => `${workload.case}/${workload.workload}`;

/**
 * Runs the workloads that the flags choose of `paths`, files or folders of them (default: the project's own set). Returns the exit
 * code: 0 when all that could run did, 1 when one failed, 2 when nothing was chosen or a file is no configuration.
 */
export async function runBench(paths: readonly string[], flags: BenchFlags): Promise<number> {
  let chosen: ChosenWorkload[];
  try {
    chosen = chooseWorkloads(paths.length === 0 ? [ownSet()] : paths, flags);
    if (flags.resume === true && flags.out === undefined)
      throw new BenchConfigError('--resume goes on with the run of a folder: name it with --out');
  } catch (error) {
    if (!(error instanceof BenchConfigError)) throw error;
    say(`kubehive: ${error.message}`);
    return 2;
  }
  if (flags.list === true) {
    const sets = new Set(chosen.map(({ set }) => set));
    for (const one of chosen) process.stdout.write(`${sets.size > 1 ? `${one.set}: ` : ''}${nameOf(one)}\n`);
    return 0;
  }
  const options: RunOptions = {
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.kubelets === undefined ? {} : { kubelets: flags.kubelets }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.schedulerCommand === undefined ? {} : { external: { command: flags.schedulerCommand } }),
    ...(flags.scheduler === 'external' ? { external: {} } : {}),
    ...(flags.schedulerConfig === undefined
      ? {}
      : { schedulerConfiguration: readSchedulerConfiguration(flags.schedulerConfig) }),
  };
  const isComparison = (flags.compare ?? flags.comparePlugins ?? flags.compareCommit) !== undefined;
  return isComparison ? compareAll(chosen, flags, options) : runAll(chosen, paths, flags, options);
}

type Measured = Summary & { readonly calibration: number };

const measuredOf = ({ result, calibration }: Outcome & { readonly result: WorkloadResult }): Measured => ({
  ...summarize(result),
  calibration,
});

const hasResult = (outcome: Outcome): outcome is Outcome & { readonly result: WorkloadResult } =>
  outcome.result !== undefined;

async function runAll(
  chosen: readonly ChosenWorkload[],
  paths: readonly string[],
  flags: BenchFlags,
  options: RunOptions,
): Promise<number> {
  const calibration = Number(calibrate().factor.toFixed(3));
  say(`calibration: this machine needs ${calibration.toFixed(2)} times the CPU of the reference`);
  // Only what this project's set and scheduler give is comparable from run to run.
  const isRecorded =
    paths.length === 0 &&
    flags.record !== false &&
    [flags.kubelets, flags.scheduler, flags.schedulerCommand, flags.schedulerConfig].every((one) => !one);
  if (flags.out !== undefined) mkdirSync(flags.out, { recursive: true });
  const outcomes = await runSuite(chosen, {
    run: options,
    calibration,
    isolate: flags.isolate === true || flags.timeout !== undefined,
    timeoutMs: flags.timeout,
    progressFile: flags.out === undefined ? undefined : join(flags.out, 'progress.ndjson'),
    resume: flags.resume === true,
    say,
    clock: new RealClock(),
    onOutcome: (outcome) => {
      if (!hasResult(outcome)) return;
      const measured = measuredOf(outcome);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(measured)}\n`);
      if (isRecorded) appendRecord(recordDirectory(), new Date().toISOString(), measured);
    },
  });
  return report(outcomes, paths, flags);
}

/** Writes all outputs that the flags ask for, and tells the counts. Returns the exit code. */
function report(outcomes: readonly Outcome[], paths: readonly string[], flags: BenchFlags): number {
  const measured = outcomes.filter(hasResult);
  const results = measured.map(({ result }) => result);
  if (flags.json !== true && results.length > 0) process.stdout.write(`\n${terminalTable(results)}`);
  const skipped = outcomes.flatMap(({ case: name, workload, skipped: reason }) =>
    reason === undefined ? [] : [`${name}/${workload}: ${reason}`],
  );
  const failed = outcomes.flatMap(({ case: name, workload, failure }) =>
    failure === undefined ? [] : [`${name}/${workload} failed: ${failure.split('\n')[0]}`],
  );
  if (flags.out !== undefined) {
    const machine = `${machineText()}; calibration ${outcomes.at(-1)?.calibration.toFixed(2)}`;
    const topics = new Set(measured.map(({ topic }) => topic));
    const items = [...topics].map((topic): [string, string] => {
      const own = measured.filter((one) => one.topic === topic).map(({ result }) => result);
      return [dataItemsFile(topic, new Date()), `${JSON.stringify(dataItems(own), undefined, 2)}\n`];
    });
    write(flags.out, {
      ...Object.fromEntries(items),
      'report.html': htmlReport(results, machine, [...failed, ...skipped]),
      'results.ndjson': measured.map((one) => `${JSON.stringify(measuredOf(one))}\n`).join(''),
    });
  }
  if (flags.markdown !== undefined) {
    const page = markdownPage(outcomes, {
      command: commandOf(paths, flags),
      date: new Date().toISOString(),
      machine: machineText(),
      commit: commitOf(dirname(recordDirectory())),
    });
    write(dirname(flags.markdown), { [basename(flags.markdown)]: page });
  }
  const missed = results.flatMap(thresholdVerdicts).filter(({ isMet }) => !isMet).length;
  if (missed > 0) say(`${missed} thresholds missed`);
  say(`${results.length} run, ${failed.length} failed, ${skipped.length} skipped`);
  return failed.length > 0 || (flags.enforceThresholds === true && missed > 0) ? 1 : 0;
}

/** The command as it is kept: what decides the figures, with names of files and folders alone. */
function commandOf(paths: readonly string[], flags: BenchFlags): string {
  const { case: name, workload, labels, smallest, smallestFirst, isolate, timeout, threads = 'auto', kubelets } = flags;
  const words = [
    name === undefined ? '' : `--case ${name}`,
    workload === undefined ? '' : `--workload ${workload}`,
    labels === undefined ? '' : `--labels=${labels}`,
    smallest === true ? '--smallest' : '',
    smallestFirst === true ? '--smallest-first' : '',
    isolate === true ? '--isolate' : '',
    timeout === undefined ? '' : `--timeout ${timeout / 1000}s`,
    threads === 'auto' ? '' : `--threads ${threads}`,
    kubelets === true ? '--kubelets' : '',
  ];
  return ['kubehive bench', ...paths.map((path) => basename(path)), ...words.filter(Boolean)].join(' ');
}

function write(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), text);
    say(`wrote ${join(directory, name)}`);
  }
}

/** The two sides that the flags ask for. @throws BenchConfigError */
async function sidesOf(flags: BenchFlags, options: RunOptions): Promise<[Side, Side]> {
  const { compare, comparePlugins, compareCommit } = flags;
  const [first, second, ...more] = compare ?? comparePlugins ?? compareCommit ?? [];
  if (first === undefined || second === undefined || more.length > 0)
    throw new BenchConfigError('a comparison takes two: A and B');
  if (compare !== undefined) {
    const side = (path: string) => configurationSide(path, readSchedulerConfiguration(path), options);
    return [side(first), side(second)];
  }
  if (comparePlugins !== undefined) return pluginSides(first, second, options);
  const root = dirname(recordDirectory());
  const build = (commit: string) => {
    say(`building ${commit}`);
    return commitSide(root, commit, String(flags.threads ?? 'auto'));
  };
  const a = await build(first);
  try {
    return [a, await build(second)];
  } catch (error) {
    await a.close();
    throw error;
  }
}

async function compareAll(
  workloads: readonly ChosenWorkload[],
  flags: BenchFlags,
  options: RunOptions,
): Promise<number> {
  let sides: [Side, Side];
  try {
    sides = await sidesOf(flags, options);
  } catch (error) {
    if (!(error instanceof BenchConfigError)) throw error;
    say(`kubehive: ${error.message}`);
    return 2;
  }
  const comparisons: SidesCompared[] = [];
  let failures = 0;
  try {
    for (const workload of workloads) {
      const reason = cannotRun(workload);
      if (reason !== undefined) {
        say(`SKIPPED ${nameOf(workload)}: ${reason}`);
        continue;
      }
      try {
        const step = (text: string) => say(`${nameOf(workload)}: ${text}`);
        const compared = await compareSides(workload, sides, flags.rounds ?? 5, step);
        comparisons.push(compared);
        process.stdout.write(flags.json === true ? `${JSON.stringify(compared)}\n` : comparisonText(compared));
      } catch (error) {
        failures++;
        say(`FAILED ${nameOf(workload)}: ${failureText(error)}`);
      }
    }
  } finally {
    for (const side of sides) await side.close();
  }
  if (flags.out !== undefined) {
    write(flags.out, {
      'comparison.html': comparisonPage(comparisons, machineText()),
      'comparison.ndjson': comparisons.map((one) => `${JSON.stringify(one)}\n`).join(''),
    });
  }
  return failures > 0 ? 1 : 0;
}

/** bench/ of the checkout, from the bundle or from the sources. */
function recordDirectory(): string {
  const near = fileURLToPath(new URL('.', import.meta.url));
  return existsSync(join(near, 'results.ndjson')) ? near : fileURLToPath(new URL('../bench', import.meta.url));
}
