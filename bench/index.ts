/** The bench suite's entry, loaded by `kubehive bench`: picks workloads, runs them one after the other, and reports. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { cannotRun } from './abilities.ts';
import { calibrate } from './calibration.ts';
import { compare } from './compare.ts';
import { BenchConfigError, readWorkloads, type Workload } from './config.ts';
import { appendRecord, machineText } from './record.ts';
import { dataItems } from './report/data-items.ts';
import { htmlReport } from './report/html.ts';
import { type Summary, summarize } from './report/summary.ts';
import { terminalTable } from './report/terminal.ts';
import { runWorkload, type WorkloadResult } from './runner.ts';
import { TemplateError } from './template.ts';

export interface BenchFlags {
  readonly case?: string;
  readonly workload?: string;
  /** Comma-separated; a leading `-` or `!` leaves out. */
  readonly labels?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly kubelets?: boolean;
  /** `external`: no scheduler is started. */
  readonly scheduler?: string;
  /** Two KubeSchedulerConfiguration files to compare, run in turn. */
  readonly compare?: readonly string[];
  readonly rounds?: number;
  readonly threads?: 'auto' | 'dedicated' | 'shared' | 'inline' | number;
}

/** The project's own set; the bundle lies in dist/, the sources in bench/. */
function ownSet(): string {
  const candidates = ['./workloads/performance-config.yaml', '../bench/workloads/performance-config.yaml'];
  const found = candidates
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined)
    throw new BenchConfigError("the project's own workloads are missing; name a performance-config.yaml");
  return found;
}

/** Does the workload carry all labels of the filter, and none that it leaves out? As upstream's `--perf-scheduling-label-filter`. */
function hasLabels({ labels }: Workload, filter: string | undefined): boolean {
  for (const part of (filter ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean)) {
    const isOut = /^[-!]/.test(part);
    if (labels.includes(part.replace(/^[-+!]/, '')) === isOut) return false;
  }
  return true;
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/**
 * Runs the workloads of `file` (default: the project's own set) that the flags choose. Returns the exit code: 0 when all that
 * could run did, 1 when one failed, 2 when nothing was chosen or the file is no configuration.
 */
export async function runBench(file: string | undefined, flags: BenchFlags): Promise<number> {
  let workloads: Workload[];
  try {
    workloads = readWorkloads(file ?? ownSet());
  } catch (error) {
    if (!(error instanceof BenchConfigError)) throw error;
    say(`kubehive: ${error.message}`);
    return 2;
  }
  const chosen = workloads.filter(
    (one) =>
      (flags.case === undefined || one.case === flags.case) &&
      (flags.workload === undefined || one.workload === flags.workload) &&
      hasLabels(one, flags.labels),
  );
  if (chosen.length === 0) {
    const names = [...new Set(workloads.map((one) => `${one.case}/${one.workload}`))];
    say(`kubehive: no workload is called ${flags.case ?? '*'}/${flags.workload ?? '*'}; there are ${names.join(', ')}`);
    return 2;
  }
  if (flags.list === true) {
    for (const one of chosen) process.stdout.write(`${one.case}/${one.workload}\n`);
    return 0;
  }
  if (flags.compare !== undefined) return compareSchedulers(chosen, flags);
  const calibration = calibrate();
  say(`calibration: this machine needs ${calibration.factor.toFixed(2)} times the CPU of the reference`);
  const results: WorkloadResult[] = [];
  const skipped: string[] = [];
  let failures = 0;
  for (const workload of chosen) {
    const name = `${workload.case}/${workload.workload}`;
    const reason = cannotRun(workload);
    if (reason !== undefined) {
      skipped.push(`${name}: ${reason}`);
      say(`SKIPPED ${name}: ${reason}`);
      continue;
    }
    try {
      const result = await runWorkload(workload, (step) => say(`${name}: ${step}`), {
        ...flags,
        ...(flags.scheduler === 'external' ? { external: announce } : {}),
      });
      results.push(result);
      const summary = summarize(result);
      const line = { ...summary, calibration: Number(calibration.factor.toFixed(3)) };
      if (flags.json === true) process.stdout.write(`${JSON.stringify(line)}\n`);
      // Only the own set is comparable from run to run.
      if (file === undefined && flags.kubelets !== true && flags.scheduler === undefined)
        appendRecord(recordDirectory(), new Date().toISOString(), line);
    } catch (error) {
      failures++;
      const text =
        error instanceof BenchConfigError || error instanceof TemplateError
          ? error.message
          : String((error as Error).stack ?? error);
      say(`FAILED ${name}: ${text}`);
    }
  }
  if (flags.json !== true && results.length > 0) process.stdout.write(`\n${terminalTable(results)}`);
  if (flags.out !== undefined) {
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, 'data-items.json'), `${JSON.stringify(dataItems(results), undefined, 2)}\n`);
    writeFileSync(join(flags.out, 'report.html'), htmlReport(results, machineText(), skipped));
    say(`wrote ${join(flags.out, 'data-items.json')} and ${join(flags.out, 'report.html')}`);
  }
  say(`${results.length} run, ${failures} failed, ${skipped.length} skipped`);
  return failures > 0 ? 1 : 0;
}

/** Tells whoever runs the scheduler outside where to find the API server, and gives them a moment. */
async function announce({ http, kubeconfig }: { http: string; kubeconfig: string }): Promise<void> {
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'kubeconfig');
  writeFileSync(path, kubeconfig, { mode: 0o600 });
  process.stdout.write(`external scheduler wanted: ${http} kubeconfig ${path}\n`);
}

/** Each workload in turn with each of two configurations; medians, spread and a verdict. */
async function compareSchedulers(workloads: readonly Workload[], flags: BenchFlags): Promise<number> {
  const [first, second] = (flags.compare ?? []).map(
    (path) => parse(readFileSync(path, 'utf8')) as Record<string, unknown>,
  );
  if (first === undefined || second === undefined || (flags.compare ?? []).length !== 2) {
    say('kubehive: --compare takes two KubeSchedulerConfiguration files');
    return 2;
  }
  const rounds = flags.rounds ?? 5;
  for (const workload of workloads) {
    const name = `${workload.case}/${workload.workload}`;
    const reason = cannotRun(workload);
    if (reason !== undefined) {
      say(`SKIPPED ${name}: ${reason}`);
      continue;
    }
    const runs: Summary[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      // Who begins changes from round to round, so that a machine that warms up favours neither.
      for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
        say(`${name}: round ${round + 1} of ${rounds}, ${side === 0 ? 'A' : 'B'}`);
        const schedulerConfiguration = side === 0 ? first : second;
        const result = await runWorkload(workload, () => undefined, { ...flags, schedulerConfiguration });
        runs[side]?.push(summarize(result));
      }
    }
    const figures = (read: (summary: Summary) => number) => runs.map((side) => side.map(read));
    const compared = [
      ['pods/s', (summary: Summary) => summary.podsPerSecond.total, true],
      ['CPU ms/pod', (summary: Summary) => summary.cpuMsPerPod, false],
      ['CPU deviation', (summary: Summary) => summary.quality['cpuDeviation'] ?? 0, false],
      ['fragmentation', (summary: Summary) => summary.quality['fragmentation'] ?? 0, false],
      ['host skew', (summary: Summary) => summary.quality['hostSkew'] ?? 0, false],
    ] as const;
    const verdicts = compared.map(([metric, read, moreIsBetter]) => {
      const [a = [], b = []] = figures(read);
      return compare(metric, a, b, moreIsBetter);
    });
    if (flags.json === true) {
      process.stdout.write(
        `${JSON.stringify({ case: workload.case, workload: workload.workload, rounds, verdicts })}\n`,
      );
      continue;
    }
    process.stdout.write(`${name}: A ${flags.compare?.[0]}, B ${flags.compare?.[1]}, ${rounds} rounds\n`);
    for (const { metric, a, b, change, p, verdict } of verdicts) {
      const text = ({ median, least, most }: typeof a) =>
        `${median.toPrecision(4)} (${least.toPrecision(3)}…${most.toPrecision(3)})`;
      process.stdout.write(
        `  ${metric.padEnd(14)} A ${text(a).padEnd(28)} B ${text(b).padEnd(28)} ${(change * 100).toFixed(1)} %  p=${p.toFixed(3)}  ${verdict}\n`,
      );
    }
  }
  return 0;
}

/** bench/ of the checkout, from the bundle or from the sources. */
function recordDirectory(): string {
  const near = fileURLToPath(new URL('.', import.meta.url));
  return existsSync(join(near, 'results.ndjson')) ? near : fileURLToPath(new URL('../bench', import.meta.url));
}
