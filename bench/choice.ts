/** Which workloads of which files `kubehive bench` runs: those that its arguments name and its flags leave. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchConfigError, readWorkloads, sizeOf, smallestOfEach, type Workload } from './config.ts';

export interface ChoiceFlags {
  /** Names with commas between them, `*` for any characters; a leading `!` leaves out. */
  readonly case?: string;
  readonly workload?: string;
  /** Comma-separated; a leading `-` or `!` leaves out. */
  readonly labels?: string;
  readonly smallest?: boolean;
  /** The least first, over all files. */
  readonly smallestFirst?: boolean;
  /** Chooses among thresholds by topic. */
  readonly topic?: string;
}

/** A workload and the file that it is from. */
export interface ChosenWorkload extends Workload {
  readonly file: string;
  /** The file's folder, as seen from the folder that was named: what tells workloads of the same name apart. */
  readonly set: string;
}

/** What a folder's file of workloads is called, as upstream. */
const fileName = 'performance-config.yaml';

/** The project's own set; the bundle lies in dist/, the sources in bench/. @throws BenchConfigError */
export function ownSet(): string {
  const candidates = [`./workloads/${fileName}`, `../bench/workloads/${fileName}`];
  const found = candidates
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new BenchConfigError(`the project's own workloads are missing; name a ${fileName}`);
  return found;
}

const partsOf = (filter: string): string[] =>
  filter
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean);

/** Does the workload carry all labels of the filter, and none that it leaves out? As upstream's `--perf-scheduling-label-filter`. */
function hasLabels({ labels }: Workload, filter: string | undefined): boolean {
  for (const part of partsOf(filter ?? '')) {
    const isOut = /^[-!]/.test(part);
    if (labels.includes(part.replace(/^[-+!]/, '')) === isOut) return false;
  }
  return true;
}

/** Is the name one that the filter means, or not one that it leaves out? */
function hasName(name: string, filter: string | undefined): boolean {
  if (filter === undefined) return true;
  const matches = (pattern: string) =>
    new RegExp(
      `^${pattern
        .split('*')
        .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    ).test(name);
  const parts = partsOf(filter);
  const meant = parts.filter((part) => !part.startsWith('!'));
  const left = parts.filter((part) => part.startsWith('!')).map((part) => part.slice(1));
  return (meant.length === 0 || meant.some(matches)) && !left.some(matches);
}

/** The file itself, or every performance-config.yaml in and below a folder, by name. @throws BenchConfigError */
function filesOf(path: string): { readonly file: string; readonly set: string }[] {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder) return [{ file: path, set: basename(dirname(resolve(path))) }];
  const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => basename(name) === fileName)
    .map((name) => join(path, name))
    .sort();
  if (found.length === 0) throw new BenchConfigError(`${path}: there is no ${fileName} in it or below`);
  return found.map((file) => ({ file, set: relative(path, dirname(file)) || basename(resolve(path)) }));
}

/** @throws BenchConfigError when a file is no configuration, or nothing in all of them is meant */
export function chooseWorkloads(paths: readonly string[], flags: ChoiceFlags): ChosenWorkload[] {
  const workloads = paths
    .flatMap(filesOf)
    .flatMap(({ file, set }) => readWorkloads(file, flags.topic).map((one) => ({ ...one, file: resolve(file), set })));
  const meant = workloads.filter(
    (one) => hasName(one.case, flags.case) && hasName(one.workload, flags.workload) && hasLabels(one, flags.labels),
  );
  if (meant.length === 0) {
    const names = [...new Set(workloads.map((one) => `${one.case}/${one.workload}`))];
    const labels = flags.labels === undefined ? '' : ` with labels ${flags.labels}`;
    throw new BenchConfigError(
      `no workload is called ${flags.case ?? '*'}/${flags.workload ?? '*'}${labels}; there are ${names.join(', ')}`,
    );
  }
  const left = flags.smallest === true ? smallestOfEach(meant) : meant;
  return flags.smallestFirst === true ? left.sort((a, b) => sizeOf(a) - sizeOf(b)) : left;
}
