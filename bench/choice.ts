/** Which workloads of a file the flags of `kubehive bench` choose. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BenchConfigError, readWorkloads, smallestOfEach, type Workload } from './config.ts';

export interface ChoiceFlags {
  readonly case?: string;
  readonly workload?: string;
  /** Comma-separated; a leading `-` or `!` leaves out. */
  readonly labels?: string;
  readonly smallest?: boolean;
  /** Chooses among thresholds by topic. */
  readonly topic?: string;
}

/** The project's own set; the bundle lies in dist/, the sources in bench/. @throws BenchConfigError */
export function ownSet(): string {
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

/** @throws BenchConfigError when the file is no configuration, or nothing in it is meant */
export function chooseWorkloads(file: string, flags: ChoiceFlags): Workload[] {
  const workloads = readWorkloads(file, flags.topic);
  const meant = workloads.filter(
    (one) =>
      (flags.case === undefined || one.case === flags.case) &&
      (flags.workload === undefined || one.workload === flags.workload) &&
      hasLabels(one, flags.labels),
  );
  if (meant.length === 0) {
    const names = [...new Set(workloads.map((one) => `${one.case}/${one.workload}`))];
    const labels = flags.labels === undefined ? '' : ` with labels ${flags.labels}`;
    throw new BenchConfigError(
      `no workload is called ${flags.case ?? '*'}/${flags.workload ?? '*'}${labels}; there are ${names.join(', ')}`,
    );
  }
  return flags.smallest === true ? smallestOfEach(meant) : meant;
}
