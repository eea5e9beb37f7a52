/** A against B: medians, spread and whether the difference is more than chance. */

export interface Comparison {
  readonly metric: string;
  readonly a: Sample;
  readonly b: Sample;
  /** Of B's median over A's, less one; 0 when A's is 0. */
  readonly change: number;
  /** Two-sided probability that such a difference is chance (Mann-Whitney, normal approximation with ties). */
  readonly p: number;
  readonly verdict: Verdict;
}

/** Of B against A; `higher` and `lower` for figures of which neither is better. */
export type Verdict = 'better' | 'worse' | 'higher' | 'lower' | 'no difference';

export interface Sample {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** In the order of the runs. */
  readonly values: readonly number[];
}

/** Below it a difference is believed. */
export const significance = 0.05;

/** With fewer runs a side no difference can be significant. */
export const leastRounds = 4;

function sampleOf(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    sorted.length % 2 === 1
      ? (sorted[Math.floor(middle)] ?? 0)
      : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0, values };
}

/** Abramowitz and Stegun 7.1.26: the error function to within 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.327_591_1 * Math.abs(x));
  const factors = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
  const polynomial = factors.reduce((sum, factor) => (sum + factor) * t, 0);
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}

/** The two-sided p value of the Mann-Whitney U test; 1 when nothing can be said. */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))];
  all.sort((x, y) => x.value - y.value);
  let rankSum = 0;
  let ties = 0;
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (end < all.length && all[end]?.value === all[i]?.value) end++;
    const rank = (i + 1 + end) / 2;
    for (let j = i; j < end; j++) if (all[j]?.isA) rankSum += rank;
    ties += (end - i) ** 3 - (end - i);
    i = end;
  }
  const n = all.length;
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const deviation = Math.sqrt(((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1))));
  if (!(deviation > 0)) return 1;
  const z = Math.max(0, Math.abs(u - mean) - 0.5) / deviation;
  return 1 - erf(z / Math.SQRT2);
}

/** Compares the runs of two sides in one figure. */
export function compare(
  metric: string,
  a: readonly number[],
  b: readonly number[],
  better: 'more' | 'less' | 'neither',
): Comparison {
  const first = sampleOf(a);
  const second = sampleOf(b);
  const change = first.median === 0 ? 0 : second.median / first.median - 1;
  const p = mannWhitney(a, b);
  const difference = second.median - first.median;
  return { metric, a: first, b: second, change, p, verdict: verdictOf(p, difference, better) };
}

function verdictOf(p: number, difference: number, better: 'more' | 'less' | 'neither'): Verdict {
  if (p >= significance || difference === 0) return 'no difference';
  if (better === 'neither') return difference > 0 ? 'higher' : 'lower';
  return difference > 0 === (better === 'more') ? 'better' : 'worse';
}
