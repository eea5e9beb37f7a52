/**
 * Scoring of the nodes that fit: PreScore, each plugin's scores, their normalization and weighted sum. What plugins that
 * sign pods say is remembered a row; see `row-answers.ts`.
 */
import type { Random } from '../runtime/index.ts';
import { type Cycle, type PointTimings, untimed } from './cycle-state.ts';
import type { ScoreShare } from './explanations.ts';
import type { NodeTable } from './node-table.ts';
import type { Plugin } from './plugin.ts';
import type { PluginSets } from './plugin-sets.ts';
import type { PodInfo } from './pod-info.ts';
import { type RowAnswers, recall } from './row-answers.ts';
import { Code, failedAt, type Verdict, verdict } from './verdict.ts';

/** Highest score of one plugin for one node. */
export const maxNodeScore = 100;

export class Scoring {
  readonly #sets: Pick<PluginSets, 'preScore' | 'score'>;
  readonly #nodes: NodeTable;
  /** Bits of the plugins, in the order of their lists. */
  readonly #preScoreBits: readonly number[];
  readonly #scoreBits: readonly number[];
  readonly #plain: boolean;
  /** Bits of the plugins that sign pods and whose scores need no other node. */
  readonly #shared: number;
  readonly #points: PointTimings;
  readonly #preScoreCounters: readonly { add(): void }[];
  readonly #scoreCounters: readonly { add(): void }[];
  #scores = new Float64Array(0);
  #totals = new Float64Array(0);
  /** Rows that have to be asked again, where they stand in their list, and what they said. */
  #staleRows = new Int32Array(0);
  #staleAt = new Int32Array(0);
  #staleTotals = new Float64Array(0);

  constructor(
    sets: Pick<PluginSets, 'preScore' | 'score'>,
    nodes: NodeTable,
    bit: (plugin: Plugin) => number,
    plain: boolean,
    points: PointTimings = untimed,
  ) {
    this.#points = points;
    this.#preScoreCounters = sets.preScore.map(({ name }) => points.counter(name, 'PreScore'));
    this.#scoreCounters = sets.score.map(({ plugin }) => points.counter(plugin.name, 'Score'));
    this.#sets = sets;
    this.#nodes = nodes;
    this.#preScoreBits = sets.preScore.map(bit);
    this.#scoreBits = sets.score.map(({ plugin }) => bit(plugin));
    this.#plain = plain;
    const shared = sets.score.filter(({ plugin }) => plugin.sign && !plugin.normalizeScore);
    this.#shared = shared.reduce((bits, { plugin }) => bits | bit(plugin), 0);
  }

  /** Scores feasible rows. Totals are scratch: valid until the next call. A verdict means that a plugin failed. */
  score(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): Float64Array | Verdict {
    if (this.#totals.length < count) {
      this.#scores = new Float64Array(count * 2);
      this.#totals = new Float64Array(count * 2);
      this.#staleRows = new Int32Array(count * 2);
      this.#staleAt = new Int32Array(count * 2);
      this.#staleTotals = new Float64Array(count * 2);
    }
    const totals = this.#totals;
    totals.fill(0, 0, count);
    const points = this.#points;
    const preScoreMs = points.now();
    const refused = this.#runPreScore(cycle, info, rows, count);
    const scoreMs = points.now();
    points.ran('PreScore', refused?.code ?? Code.Success, preScoreMs);
    if (refused) return refused;
    const error = this.#scoreAll(cycle, info, rows, count, totals);
    points.ran('Score', error?.code ?? Code.Success, scoreMs);
    return error ?? totals;
  }

  #runPreScore(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): Verdict | undefined {
    const { timings } = cycle;
    const { preScore } = this.#sets;
    for (let p = 0; p < preScore.length; p++) {
      const plugin = preScore[p]!;
      let given: Verdict | undefined;
      const startedMs = timings?.now() ?? 0;
      try {
        given = plugin.preScore!(cycle, info, rows, count);
      } catch (error) {
        return failedAt('PreScore', plugin.name, error);
      }
      timings?.took(plugin.name, 'PreScore', startedMs, given?.code);
      if (given?.code !== Code.Skip) this.#preScoreCounters[p]!.add();
      if (given === undefined) continue;
      if (given.code !== Code.Skip) return failedAt('PreScore', plugin.name, given);
      cycle.skippedScores |= this.#preScoreBits[p]!;
    }
    return undefined;
  }

  #scoreAll(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number, totals: Float64Array): Verdict | undefined {
    const { score } = this.#sets;
    for (let s = 0; s < score.length; s++) {
      if ((cycle.skippedScores & this.#scoreBits[s]!) === 0) this.#scoreCounters[s]!.add();
    }
    const { answers } = cycle;
    if (answers) {
      const error = this.#recallScores(cycle, info, answers, rows, count, totals);
      if (error) return error;
    }
    // What the shared plugins say is in the totals already.
    const done = cycle.skippedScores | (answers ? this.#shared : 0);
    return this.#runScores(cycle, info, done, rows, count, totals);
  }

  /** Adds what is known of the rows to the totals, asking the shared plugins about those that have changed. */
  #recallScores(
    cycle: Cycle,
    info: PodInfo,
    answers: RowAnswers,
    rows: Int32Array,
    count: number,
    totals: Float64Array,
  ): Verdict | undefined {
    const shared = this.#shared;
    answers.scoresWithout(cycle.skippedScores & shared);
    const { scoreStamps, totals: known } = answers;
    const { rowVersions } = this.#nodes;
    const staleRows = this.#staleRows;
    const staleAt = this.#staleAt;
    const stale = recall(rows, count, -1, scoreStamps, rowVersions, known, totals, staleRows, staleAt);
    if (stale === 0) return undefined;
    const staleTotals = this.#staleTotals;
    staleTotals.fill(0, 0, stale);
    const error = this.#runScores(cycle, info, cycle.skippedScores | ~shared, staleRows, stale, staleTotals);
    if (error) return error;
    for (let i = 0; i < stale; i++) {
      const row = staleRows[i]!;
      totals[staleAt[i]!] = staleTotals[i]!;
      known[row] = staleTotals[i]!;
      scoreStamps[row] = rowVersions[row]!;
    }
    return undefined;
  }

  /** Adds the weighted scores of the plugins that are not in `without` to the totals. */
  #runScores(
    cycle: Cycle,
    info: PodInfo,
    without: number,
    rows: Int32Array,
    count: number,
    totals: Float64Array,
  ): Verdict | undefined {
    const scores = this.#scores;
    const { timings } = cycle;
    const { score: weighted } = this.#sets;
    for (let s = 0; s < weighted.length; s++) {
      if ((without & this.#scoreBits[s]!) !== 0) continue;
      const { plugin, weight } = weighted[s]!;
      const startedMs = timings?.now() ?? 0;
      try {
        if (plugin.scoreRows && !this.#plain) plugin.scoreRows(cycle, info, rows, count, scores);
        else for (let i = 0; i < count; i++) scores[i] = plugin.score!(cycle, info, rows[i]!);
        plugin.normalizeScore?.(cycle, info, rows, count, scores);
      } catch (error) {
        return failedAt('Score', plugin.name, error);
      }
      timings?.took(plugin.name, 'Score', startedMs);
      for (let i = 0; i < count; i++) {
        const score = scores[i]!;
        if (!(score >= 0 && score <= maxNodeScore)) {
          const text = `applying score defaultWeights on Score plugins: plugin "${plugin.name}" returns an invalid score ${score}, it should in the range of [0, ${maxNodeScore}] after normalizing`;
          return { ...verdict(Code.Error, text), plugin: plugin.name };
        }
        totals[i]! += weight * score;
      }
    }
    return undefined;
  }

  /** The scores of the rows plugin by plugin, after {@link score}; for explanations. Plugins that fail are left out. */
  shares(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): ScoreShare[][] {
    const shares: ScoreShare[][] = Array.from({ length: count }, () => []);
    const scores = new Float64Array(count);
    for (const [s, { plugin, weight }] of this.#sets.score.entries()) {
      if ((cycle.skippedScores & this.#scoreBits[s]!) !== 0) continue;
      try {
        for (let i = 0; i < count; i++) scores[i] = plugin.score!(cycle, info, rows[i]!);
        plugin.normalizeScore?.(cycle, info, rows, count, scores);
      } catch {
        continue;
      }
      for (let i = 0; i < count; i++) shares[i]!.push({ plugin: plugin.name, score: scores[i]!, weight });
    }
    return shares;
  }
}

/** One of the rows with the highest total, each with the same chance. */
export function selectRow(rows: Int32Array, count: number, totals: Float64Array, random: Random): number {
  let highest = Number.NEGATIVE_INFINITY;
  let ties = 0;
  for (let i = 0; i < count; i++) {
    const total = totals[i]!;
    if (total > highest) {
      highest = total;
      ties = 1;
    } else if (total === highest) ties++;
  }
  let pick = ties > 1 ? random.integer(ties) : 0;
  for (let i = 0; i < count; i++) if (totals[i] === highest && pick-- === 0) return rows[i]!;
  return rows[0]!;
}
