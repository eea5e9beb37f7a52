/** The bench suite's entry, loaded by `kubehive bench`: runs the chosen workloads one after the other, and reports. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSchedulerConfiguration } from '../src/cli/scheduler-configuration.ts';
import { cannotRun } from './abilities.ts';
import { calibrate } from './calibration.ts';
import { type ChoiceFlags, chooseWorkloads, ownSet } from './choice.ts';
import { compareSides, type SidesCompared } from './compare-sides.ts';
import { BenchConfigError, type Workload } from './config.ts';
import { appendRecord, machineText } from './record.ts';
import { comparisonPage, comparisonText } from './report/comparison.ts';
import { dataItems, dataItemsFile, thresholdVerdicts } from './report/data-items.ts';
import { htmlReport } from './report/html.ts';
import { type Summary, summarize } from './report/summary.ts';
import { terminalTable } from './report/terminal.ts';
import { type RunOptions, runWorkload, type WorkloadResult } from './runner.ts';
import { commitSide, configurationSide, pluginSides, type Side } from './sides.ts';
import { TemplateError } from './template.ts';

export interface BenchFlags extends ChoiceFlags {
  readonly out?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly kubelets?: boolean;
  readonly seed?: number;
  /** False: append nothing to results.ndjson. */
  readonly record?: boolean;
  /** `external`: no scheduler is started. */
  readonly scheduler?: string;
  /** A KubeSchedulerConfiguration file to use in place of the workloads' own. */
  readonly schedulerConfig?: string;
  /** Exit with 1 when a threshold is missed. */
  readonly enforceThresholds?: boolean;
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

/** What a person can mend is one line; all else is a bug, with its stack. */
function failureText(error: unknown): string {
  if (error instanceof BenchConfigError || error instanceof TemplateError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Runs the workloads of `file` (default: the project's own set) that the flags choose. Returns the exit code: 0 when all that
 * could run did, 1 when one failed, 2 when nothing was chosen or the file is no configuration.
 */
export async function runBench(file: string | undefined, flags: BenchFlags): Promise<number> {
  let chosen: Workload[];
  let path: string;
  try {
    path = file ?? ownSet();
    chosen = chooseWorkloads(path, flags);
  } catch (error) {
    if (!(error instanceof BenchConfigError)) throw error;
    say(`kubehive: ${error.message}`);
    return 2;
  }
  if (flags.list === true) {
    for (const one of chosen) process.stdout.write(`${nameOf(one)}\n`);
    return 0;
  }
  const skipped: string[] = [];
  const able = chosen.filter((workload) => {
    const reason = cannotRun(workload);
    if (reason === undefined) return true;
    skipped.push(`${nameOf(workload)}: ${reason}`);
    say(`SKIPPED ${nameOf(workload)}: ${reason}`);
    return false;
  });
  const options: RunOptions = {
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.kubelets === undefined ? {} : { kubelets: flags.kubelets }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.scheduler === 'external' ? { external: announce } : {}),
    ...(flags.schedulerConfig === undefined
      ? {}
      : { schedulerConfiguration: readSchedulerConfiguration(flags.schedulerConfig) }),
  };
  if ((flags.compare ?? flags.comparePlugins ?? flags.compareCommit) !== undefined) {
    return compareAll(able, resolve(path), flags, options);
  }
  const calibration = calibrate();
  say(`calibration: this machine needs ${calibration.factor.toFixed(2)} times the CPU of the reference`);
  const results: WorkloadResult[] = [];
  const summaries: (Summary & { calibration: number })[] = [];
  // Only what this project's set and scheduler give is comparable from run to run.
  const isRecorded =
    file === undefined &&
    flags.record !== false &&
    [flags.kubelets, flags.scheduler, flags.schedulerConfig].every((one) => !one);
  let failures = 0;
  for (const workload of able) {
    try {
      const result = await runWorkload(workload, (step) => say(`${nameOf(workload)}: ${step}`), options);
      results.push(result);
      const summary = { ...summarize(result), calibration: Number(calibration.factor.toFixed(3)) };
      summaries.push(summary);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
      if (isRecorded) appendRecord(recordDirectory(), new Date().toISOString(), summary);
    } catch (error) {
      failures++;
      say(`FAILED ${nameOf(workload)}: ${failureText(error)}`);
    }
  }
  if (flags.json !== true && results.length > 0) process.stdout.write(`\n${terminalTable(results)}`);
  const machine = `${machineText()}; calibration ${calibration.factor.toFixed(2)}`;
  if (flags.out !== undefined) {
    const topic = flags.topic ?? basename(dirname(resolve(path)));
    write(flags.out, {
      [dataItemsFile(topic, new Date())]: `${JSON.stringify(dataItems(results), undefined, 2)}\n`,
      'report.html': htmlReport(results, machine, skipped),
      'results.ndjson': summaries.map((summary) => `${JSON.stringify(summary)}\n`).join(''),
    });
  }
  const missed = results.flatMap(thresholdVerdicts).filter(({ isMet }) => !isMet).length;
  if (missed > 0) say(`${missed} thresholds missed`);
  say(`${results.length} run, ${failures} failed, ${skipped.length} skipped`);
  return failures > 0 || (flags.enforceThresholds === true && missed > 0) ? 1 : 0;
}

function write(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), text);
    say(`wrote ${join(directory, name)}`);
  }
}

/** Tells whoever runs the scheduler outside where to find the API server. */
async function announce({ http, kubeconfig }: { http: string; kubeconfig: string }): Promise<void> {
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'kubeconfig');
  writeFileSync(path, kubeconfig, { mode: 0o600 });
  process.stdout.write(`external scheduler wanted: ${http} kubeconfig ${path}\n`);
}

/** The two sides that the flags ask for. @throws BenchConfigError */
async function sidesOf(file: string, flags: BenchFlags, options: RunOptions): Promise<[Side, Side]> {
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
    return commitSide(root, commit, file, String(flags.threads ?? 'auto'));
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
  workloads: readonly Workload[],
  file: string,
  flags: BenchFlags,
  options: RunOptions,
): Promise<number> {
  let sides: [Side, Side];
  try {
    sides = await sidesOf(file, flags, options);
  } catch (error) {
    if (!(error instanceof BenchConfigError)) throw error;
    say(`kubehive: ${error.message}`);
    return 2;
  }
  const comparisons: SidesCompared[] = [];
  let failures = 0;
  try {
    for (const workload of workloads) {
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
