/** All outcomes as one Markdown page, to be kept with the sources: what passed, how fast, and what of upstream's thresholds. */
import type { Outcome } from '../suite.ts';
import { thresholdVerdicts } from './data-items.ts';
import { summarize } from './summary.ts';

export interface PageFacts {
  /** The command that makes this page. */
  readonly command: string;
  /** Of the run's end, ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

/** What upstream wants: `at least 270`, or the figure that the threshold is for with its own. */
function thresholdCells(outcome: Outcome): [wanted: string, verdict: string] {
  const verdicts = outcome.result === undefined ? [] : thresholdVerdicts(outcome.result);
  if (verdicts.length === 0) return ['', ''];
  const wanted = verdicts.map(({ metric, bucket, threshold }) =>
    metric === 'SchedulingThroughput' && bucket === 'Average' ? String(threshold) : `${metric} ${bucket} ${threshold}`,
  );
  const told = verdicts.map(({ value, threshold, isMet }) =>
    isMet ? `${short(value / threshold)} ×` : `**missed**: ${short(value)}`,
  );
  return [wanted.join('; '), told.join('; ')];
}

function row(outcome: Outcome): string {
  const { result, failure, skipped } = outcome;
  const names = [outcome.case, outcome.workload];
  if (result === undefined) {
    const why = failure === undefined ? `skipped: ${skipped ?? ''}` : `**failed**: ${firstLine(failure)}`;
    return `| ${[...names, '', '', '', '', '', '', String(outcome.seconds), why].map(cell).join(' | ')} |`;
  }
  const summary = summarize(result);
  const [wanted, verdict] = thresholdCells(outcome);
  const cells = [
    ...names,
    String(summary.podsBound),
    short(summary.podsPerSecond.average),
    wanted,
    verdict,
    summary.cpuMsPerPod.toFixed(2),
    (summary.peakRssBytes / 2 ** 20).toFixed(0),
    outcome.seconds.toFixed(0),
    'passed',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const head = [
  '| Case | Workload | Pods | Pods/s | Threshold | Times the threshold | CPU ms/pod | Peak MiB | Seconds | Outcome |',
  '|---|---|--:|--:|--:|--:|--:|--:|--:|---|',
].join('\n');

/** The page. Sets appear in the order of their first outcome, each with a table. */
export function markdownPage(outcomes: readonly Outcome[], { command, date, machine, commit }: PageFacts): string {
  const count = (has: (outcome: Outcome) => boolean) => outcomes.filter(has).length;
  const verdicts = outcomes.flatMap(({ result }) => (result === undefined ? [] : thresholdVerdicts(result)));
  const minutes = outcomes.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  const factors = outcomes.map(({ calibration }) => calibration).sort((a, b) => a - b);
  const bySet = groups(outcomes);
  const notes = [...new Set(outcomes.flatMap(({ result }) => result?.notes ?? []))];
  return `# Scheduling benchmarks: every workload

${outcomes.length} workloads: ${count(({ result }) => result !== undefined)} passed, ${count(({ failure }) => failure !== undefined)} failed, ${count(({ skipped }) => skipped !== undefined)} skipped.
Of ${verdicts.length} thresholds, which upstream sets for its own machines, ${verdicts.filter(({ isMet }) => isMet).length} are reached.

- Made by \`${command}\` on ${date.slice(0, 10)}, at commit ${commit}; ${minutes.toFixed(0)} minutes in all.
- Machine: ${machine}; it needs ${factors[Math.floor(factors.length / 2)] ?? 1} times the processor time of the reference.
- Pods/s is upstream's average of one-second samples; CPU is of all threads; the peak is of the whole process, setup included.
${[...bySet].map(([set, members]) => `\n## ${set}\n\n${head}\n${members.map(row).join('\n')}\n`).join('')}${notes.length === 0 ? '' : `\n## Notes\n\n${notes.map((note) => `- ${note}`).join('\n')}\n`}`;
}

function groups(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const bySet = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const members = bySet.get(outcome.set) ?? [];
    members.push(outcome);
    bySet.set(outcome.set, members);
  }
  return bySet;
}
