/** The bench suite's entry, loaded by `kubehive bench`: picks workloads, runs them one after the other, and reports. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cannotRun } from './abilities.ts';
import { BenchConfigError, readWorkloads, type Workload } from './config.ts';
import { appendRecord, machineText } from './record.ts';
import { dataItems } from './report/data-items.ts';
import { htmlReport } from './report/html.ts';
import { summarize } from './report/summary.ts';
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
      const result = await runWorkload(workload, (step) => say(`${name}: ${step}`), flags);
      results.push(result);
      const summary = summarize(result);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
      // Only the own set is comparable from run to run.
      if (file === undefined && flags.kubelets !== true)
        appendRecord(recordDirectory(), new Date().toISOString(), summary);
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

/** bench/ of the checkout, from the bundle or from the sources. */
function recordDirectory(): string {
  const near = fileURLToPath(new URL('.', import.meta.url));
  return existsSync(join(near, 'results.ndjson')) ? near : fileURLToPath(new URL('../bench', import.meta.url));
}
