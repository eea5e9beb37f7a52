/** A/B: each workload in turn on both sides, round after round, and what the difference is in speed and in placement. */
import { calibrate } from './calibration.ts';
import type { ChosenWorkload } from './choice.ts';
import { type Comparison, compare } from './compare.ts';
import { qualityFigures } from './quality.ts';
import type { Summary } from './report/summary.ts';
import type { Side } from './sides.ts';

/** The comparison of one workload. */
export interface SidesCompared {
  readonly case: string;
  readonly workload: string;
  readonly a: string;
  readonly b: string;
  readonly rounds: number;
  /** Median of the factors measured before each run: what this machine needs of the reference's CPU. */
  readonly calibration: number;
  readonly verdicts: readonly Comparison[];
  /** What each run gave, in its order. */
  readonly runs: { readonly a: readonly Summary[]; readonly b: readonly Summary[] };
}

const speedFigures: readonly {
  readonly title: string;
  readonly better: 'more' | 'less';
  read(summary: Summary): number | undefined;
}[] = [
  { title: 'pods/s', better: 'more', read: ({ podsPerSecond }) => podsPerSecond.total },
  { title: 'CPU ms/pod', better: 'less', read: ({ cpuMsPerPod }) => cpuMsPerPod },
  { title: 'create to bound ms', better: 'less', read: ({ stagesMs }) => stagesMs['create to bound'] },
  { title: 'RSS MiB', better: 'less', read: ({ peakRssBytes }) => Math.round(peakRssBytes / 2 ** 20) },
];

const placementFigures = qualityFigures.map(({ title, better, name }) => ({
  title,
  better,
  read: ({ quality }: Summary) => quality[name],
}));

/** Only figures that every run has: what has no zones has no zone skew, and older commits know fewer. */
function verdictsOf(a: readonly Summary[], b: readonly Summary[]): Comparison[] {
  return [...speedFigures, ...placementFigures].flatMap(({ title, better, read }) => {
    const first = a.map(read).filter((value) => value !== undefined);
    const second = b.map(read).filter((value) => value !== undefined);
    return first.length === a.length && second.length === b.length ? [compare(title, first, second, better)] : [];
  });
}

/** Runs `workload` on both sides `rounds` times. */
export async function compareSides(
  workload: ChosenWorkload,
  sides: readonly [Side, Side],
  rounds: number,
  onStep: (text: string) => void,
): Promise<SidesCompared> {
  const runs: { a: Summary[]; b: Summary[] } = { a: [], b: [] };
  const factors: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who begins changes from round to round, so that a machine that warms up favours neither.
    for (const letter of round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
      onStep(`round ${round + 1} of ${rounds}, ${letter.toUpperCase()}`);
      factors.push(calibrate().factor);
      runs[letter].push(await sides[letter === 'a' ? 0 : 1].run(workload));
    }
  }
  factors.sort((x, y) => x - y);
  return {
    case: workload.case,
    workload: workload.workload,
    a: sides[0].label,
    b: sides[1].label,
    rounds,
    calibration: Number((factors[Math.floor(factors.length / 2)] ?? 1).toFixed(3)),
    verdicts: verdictsOf(runs.a, runs.b),
    runs,
  };
}
