/**
 * Runs workloads one after the other, whatever comes of each, and remembers what came of it: in a file too, when one is named, so
 * that a run that was stopped goes on where it was.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Clock } from '../src/runtime/index.ts';
import { cannotRun } from './abilities.ts';
import type { ChosenWorkload } from './choice.ts';
import { failureText } from './failure.ts';
import { runIsolated } from './isolation.ts';
import { summarize } from './report/summary.ts';
import { type RunOptions, runWorkload, type WorkloadResult } from './runner.ts';

/** What came of a workload: one of `result`, `failure` (of which the first line is the reason) and `skipped`. */
export interface Outcome {
  readonly set: string;
  readonly topic: string;
  readonly case: string;
  readonly workload: string;
  /** From its beginning to its end, with the cluster's start and stop. */
  readonly seconds: number;
  /** What this machine needed of the reference's processor time when the run began. */
  readonly calibration: number;
  readonly result?: WorkloadResult;
  readonly failure?: string;
  readonly skipped?: string;
}

export interface SuiteOptions {
  readonly run: RunOptions;
  readonly calibration: number;
  /** A process for each workload. */
  readonly isolate: boolean;
  /** Of each workload; only with a process of its own can one be stopped. */
  readonly timeoutMs: number | undefined;
  /** Where outcomes are kept, a line each. */
  readonly progressFile: string | undefined;
  /** Leave out what has passed, or was skipped, according to that file. */
  readonly resume: boolean;
  readonly say: (text: string) => void;
  readonly clock: Clock;
  /** Hears of each outcome of this run as it comes, not of those of an earlier one. */
  readonly onOutcome: (outcome: Outcome) => void;
}

type Named = Pick<Outcome, 'set' | 'case' | 'workload'>;

const keyOf = ({ set, case: name, workload }: Named): string => `${set}/${name}/${workload}`;

/** Of an earlier run, what need not be run again. A line that was cut off by its end counts as not there. */
function earlierOutcomes(path: string): Outcome[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Outcome).filter(({ failure }) => failure === undefined);
}

/** The outcomes of all workloads in their order, those of an earlier run among them. */
export async function runSuite(workloads: readonly ChosenWorkload[], options: SuiteOptions): Promise<Outcome[]> {
  const { say, progressFile: path, clock } = options;
  const known = new Map<string, Outcome>();
  if (path !== undefined) {
    const before = options.resume ? earlierOutcomes(path) : [];
    for (const outcome of before) known.set(keyOf(outcome), outcome);
    writeFileSync(path, before.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''));
  }
  const outcomes: Outcome[] = [];
  let failures = 0;
  for (const [index, workload] of workloads.entries()) {
    const earlier = known.get(keyOf(workload));
    if (earlier !== undefined) {
      outcomes.push(earlier);
      continue;
    }
    const name = `${workload.case}/${workload.workload}`;
    const began = clock.monotonic();
    const came = await outcomeOf(workload, options, (step) => say(`${name}: ${step}`));
    const { set, topic, case: testCase, workload: variant } = workload;
    const seconds = Number(((clock.monotonic() - began) / 1000).toFixed(1));
    const { calibration } = options;
    const outcome: Outcome = { set, topic, case: testCase, workload: variant, seconds, calibration, ...came };
    if (came.skipped !== undefined) say(`SKIPPED ${name}: ${came.skipped}`);
    if (came.failure !== undefined) say(`FAILED ${name}: ${came.failure}`);
    failures += came.failure === undefined ? 0 : 1;
    if (workloads.length > 1)
      say(`${index + 1}/${workloads.length} ${name}: ${headline(outcome)}; ${failures} failed so far`);
    outcomes.push(outcome);
    options.onOutcome(outcome);
    if (path !== undefined) appendFileSync(path, `${JSON.stringify(outcome)}\n`);
  }
  return outcomes;
}

/** What came of it in a few words. */
function headline({ result, failure, seconds }: Outcome): string {
  if (result === undefined) return failure === undefined ? 'skipped' : `failed after ${seconds} s`;
  const { podsPerSecond, cpuMsPerPod, peakRssBytes } = summarize(result);
  const mebibytes = (peakRssBytes / 2 ** 20).toFixed(0);
  return `${podsPerSecond.average.toFixed(0)} pods/s, ${cpuMsPerPod.toFixed(2)} CPU ms/pod, ${mebibytes} MiB, ${seconds} s`;
}

async function outcomeOf(
  workload: ChosenWorkload,
  { run, isolate, timeoutMs, clock }: SuiteOptions,
  onStep: (step: string) => void,
): Promise<Pick<Outcome, 'result' | 'failure' | 'skipped'>> {
  const reason = cannotRun(workload);
  if (reason !== undefined) return { skipped: reason };
  try {
    const result = isolate
      ? await runIsolated(run, workload, timeoutMs, clock, onStep)
      : await runWorkload(workload, onStep, run);
    return { result };
  } catch (error) {
    return { failure: error instanceof Error && isolate ? error.message : failureText(error) };
  }
}
