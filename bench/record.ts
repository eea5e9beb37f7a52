/** The append-only record of what was measured: one line a workload in results.ndjson, with commit, machine and load. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Summary } from './report/summary.ts';

export const machineText = (): string => {
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gibibytes} GiB, Node.js ${process.version}`;
};

/** The short hash of the checked-out commit; `unknown` outside of a checkout. */
export function commitOf(directory: string): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

/** Appends to the record in `directory` (the checkout's bench/). An installed package has none: then nothing is written. */
export function appendRecord(directory: string, at: string, summary: Summary): void {
  appendMeasurement(directory, at, summary);
}

/** The same for what is measured in figures of its own; `case` and `workload` name it. */
export function appendMeasurement(
  directory: string,
  at: string,
  measured: { readonly case: string; readonly workload: string },
): void {
  const path = `${directory}/results.ndjson`;
  if (!existsSync(path)) return;
  const line = {
    at,
    commit: commitOf(directory),
    machine: machineText(),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
    ...measured,
  };
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}
