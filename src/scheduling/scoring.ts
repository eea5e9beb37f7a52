/** Arithmetic that score plugins share. */
import { maxNodeScore } from './scoring-run.ts';

/** Scales scores so that the highest becomes 100; reversed, the highest becomes 0. @see plugins/helper/normalize_score.go */
export function normalizeByHighest(scores: Float64Array, count: number, reverse: boolean): void {
  let highest = 0;
  for (let i = 0; i < count; i++) if (scores[i]! > highest) highest = scores[i]!;
  if (highest === 0) {
    if (reverse) scores.fill(maxNodeScore, 0, count);
    return;
  }
  for (let i = 0; i < count; i++) {
    const scaled = Math.trunc((maxNodeScore * scores[i]!) / highest);
    scores[i] = reverse ? maxNodeScore - scaled : scaled;
  }
}
