/**
 * The cell behind a summary: counts in bins that grow by a tenth each, from a microsecond on, so that quantiles come out within a few percent
 * and cells of several actors can be added up. Used by metrics.ts alone.
 */

const LEAST = 1e-6;
const RATIO = 1.1;
const BINS_PER_UNIT = 1 / Math.log(RATIO);
/** The last bin begins at some two hundred seconds and takes what is longer too. */
export const SUMMARY_BINS = 201;
/** How many periods the quantiles look back upon. */
const PERIODS = 5;

export class SummaryCell {
  private readonly periods = Array.from({ length: PERIODS }, () => new Float64Array(SUMMARY_BINS));
  private newest = 0;
  private sum = 0;
  private count = 0;

  observe(value: number): void {
    const bin = value <= LEAST ? 0 : Math.min(SUMMARY_BINS - 1, Math.ceil(Math.log(value / LEAST) * BINS_PER_UNIT));
    this.periods[this.newest]![bin]! += 1;
    this.sum += value;
    this.count += 1;
  }

  endPeriod(): void {
    this.newest = (this.newest + 1) % PERIODS;
    this.periods[this.newest]!.fill(0);
  }

  /** The counts a bin over all periods, then the sum and the count of all time. */
  values(): number[] {
    const counts = new Array<number>(SUMMARY_BINS).fill(0);
    for (const period of this.periods) for (let bin = 0; bin < SUMMARY_BINS; bin++) counts[bin]! += period[bin]!;
    return [...counts, this.sum, this.count];
  }

  add(amount = 1): void {
    this.observe(amount);
  }

  set(value: number): void {
    this.observe(value);
  }
}

/** The value below which `quantile` of the observations lie, as the middle of its bin; NaN without any. */
export function summaryQuantile(values: readonly number[], quantile: number): number {
  let total = 0;
  for (let bin = 0; bin < SUMMARY_BINS; bin++) total += values[bin]!;
  if (total === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(quantile * total));
  let seen = 0;
  for (let bin = 0; bin < SUMMARY_BINS; bin++) {
    seen += values[bin]!;
    if (seen >= rank) return Number((LEAST * RATIO ** (bin - (bin === 0 ? 0 : 0.5))).toPrecision(3));
  }
  return Number.NaN;
}
