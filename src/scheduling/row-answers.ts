/**
 * What pods that look alike were told about each row, remembered until the row changes: consecutive replicas then cost the
 * few rows that changed since the last of them instead of hundreds of filter and score calls. A profile keeps one
 * {@link RowAnswers} for each of the last kinds of pods that came more than once; nothing grows with the number of pods.
 *
 *     row      0   1   2        a pod lands on row 1
 *     version  4   7   2   ──►  4   8   2
 *     stamp    4   7   2        4   7   2     row 1 is asked again, 0 and 2 are not
 *
 * Only plugins that sign pods take part: their answers depend on the signature and the row alone.
 * @see KEP-5598 (opportunistic batching)
 */
import type { NodeTable } from './node-table.ts';
import type { Candidate } from './preemption.ts';
import type { Verdict } from './verdict.ts';

/** Kinds of pods remembered at a time. */
const kindsMax = 64;
/** Kinds seen once and not remembered yet: only what comes again is worth the room that answers take. */
const candidatesMax = 1024;

export class RowAnswers {
  /** True when every filter of the cycle takes part, so that what is remembered is the whole verdict. */
  complete: boolean;
  /** Versions of the rows when `marks` and `verdicts`, `totals`, and `victims` were taken; -1: never. */
  readonly filterStamps: Float64Array;
  readonly scoreStamps: Float64Array;
  /** 0: fits; otherwise 1 plus the index of the first filter that says no. */
  readonly marks: Uint8Array;
  /** Why not, once somebody asked. */
  verdicts: (Verdict | undefined)[] = [];
  /** Weighted sums of the scores that take part. */
  readonly totals: Float64Array;
  /** Which scoring plugins were left out of `totals`. */
  scoreSkips = 0;
  /** What preempting on the row would take, or why it would not help. */
  victims: (Candidate | Verdict | undefined)[] = [];
  #victimStamps: Float64Array | undefined;

  constructor(capacity: number, complete: boolean) {
    this.complete = complete;
    this.filterStamps = new Float64Array(capacity).fill(-1);
    this.scoreStamps = new Float64Array(capacity).fill(-1);
    this.marks = new Uint8Array(capacity);
    this.totals = new Float64Array(capacity);
  }

  /** Made when somebody preempts: most kinds never do. */
  get victimStamps(): Float64Array {
    this.#victimStamps ??= new Float64Array(this.marks.length).fill(-1);
    return this.#victimStamps;
  }

  /** Forgets everything, to serve another kind of pods. */
  reuse(complete: boolean): this {
    this.complete = complete;
    this.filterStamps.fill(-1);
    this.scoreStamps.fill(-1);
    this.verdicts = [];
    this.scoreSkips = 0;
    this.victims = [];
    this.#victimStamps = undefined;
    return this;
  }

  /** Forgets the scores when other plugins take part than before. */
  scoresWithout(skips: number): void {
    if (this.scoreSkips === skips) return;
    this.scoreSkips = skips;
    this.scoreStamps.fill(-1);
  }
}

/**
 * Copies what is `known` of the rows to `answers`, by their place in the list; rows that have changed since, and row `own`, are
 * listed as stale instead, with their places. A function of its own, so that the hottest loop of all is compiled by itself: inside
 * a longer function its code was thrown away at almost every call.
 * @returns how many are stale.
 */
export function recall(
  rows: Int32Array,
  count: number,
  own: number,
  stamps: Float64Array,
  versions: Float64Array,
  known: Uint8Array | Float64Array,
  answers: Uint8Array | Float64Array,
  staleRows: Int32Array,
  staleAt: Int32Array,
): number {
  let stale = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    if (stamps[row] === versions[row] && row !== own) answers[i] = known[row]!;
    else {
      staleRows[stale] = row;
      staleAt[stale++] = i;
    }
  }
  return stale;
}

/** The remembered kinds of pods, the one that was asked for longest ago being dropped first. */
export class RowAnswerCache {
  readonly #nodes: NodeTable;
  readonly #kinds = new Map<string, RowAnswers>();
  readonly #candidates = new Set<string>();
  #nodesVersion = -1;
  #imagesVersion = -1;
  #capacity = 0;

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /**
   * What is known for pods of this kind; undefined for one that is new. A change of nodes themselves, rather than of the pods
   * on them, drops what is known of all kinds.
   */
  of(key: string, complete: boolean): RowAnswers | undefined {
    const { nodesVersion, imagesVersion, capacity } = this.#nodes;
    if (this.#nodesVersion !== nodesVersion || this.#imagesVersion !== imagesVersion || this.#capacity !== capacity) {
      this.#nodesVersion = nodesVersion;
      this.#imagesVersion = imagesVersion;
      this.#capacity = capacity;
      for (const kind of this.#kinds.keys()) this.#candidates.add(kind);
      this.#kinds.clear();
    }
    const known = this.#kinds.get(key);
    if (known) {
      if (this.#kinds.size > 1) {
        this.#kinds.delete(key);
        this.#kinds.set(key, known);
      }
      return known;
    }
    if (!this.#candidates.delete(key)) {
      if (this.#candidates.size >= candidatesMax) this.#candidates.delete(this.#candidates.values().next().value!);
      this.#candidates.add(key);
      return undefined;
    }
    const made = this.#room(complete);
    this.#kinds.set(key, made);
    return made;
  }

  #room(complete: boolean): RowAnswers {
    if (this.#kinds.size < kindsMax) return new RowAnswers(this.#capacity, complete);
    const [oldest, answers] = this.#kinds.entries().next().value!;
    this.#kinds.delete(oldest);
    return answers.reuse(complete);
  }
}
