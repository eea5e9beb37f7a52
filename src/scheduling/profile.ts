/**
 * One profile: its plugins, instantiated and sorted by extension point, and the runs over them. The scheduler asks it
 * for the nodes that fit and for their scores; nothing here knows of queues or of the API.
 *
 * Filters run over blocks of rows, plugin by plugin, so that the inner loops are over numbers. Only when no node fits
 * is each failing plugin asked for its reason, node by node.
 */
import { type Cycle, type PointTimings, untimed } from './cycle-state.ts';
import { Diagnosis } from './diagnosis.ts';
import type { ScoreShare } from './explanations.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominator } from './nominator.ts';
import type { Plugin, PostFilterAnswer, PreFilterAnswer } from './plugin.ts';
import type { PluginSets } from './plugin-sets.ts';
import type { PodInfo } from './pod-info.ts';
import { runPostFilter } from './post-filter.ts';
import { RowAnswerCache, type RowAnswers, recall } from './row-answers.ts';
import { Scoring } from './scoring-run.ts';
import {
  answerAt,
  Code,
  errorVerdict,
  failedAt,
  isRejected,
  unresolvable,
  type Verdict,
  type VerdictCode,
  verdictMessage,
} from './verdict.ts';

const blockRows = 256;

export interface ProfileOptions {
  readonly name: string;
  readonly sets: PluginSets;
  readonly nodes: NodeTable;
  readonly nominator: Nominator;
  /** Undefined: the scheduler's; 0: adaptive. */
  readonly percentageOfNodesToScore: number | undefined;
  /** Told of plugins that fail where nobody can be told otherwise. */
  readonly onProblem?: (what: string, error: unknown) => void;
  /** Runs the one-node hooks only: what the all-nodes hooks are checked against. */
  readonly plain?: boolean;
  /** Extenders choose among the nodes that fit: one is not enough although nothing scores. */
  readonly extended?: boolean;
  /** Told how long extension points take. */
  readonly points?: PointTimings | undefined;
}

/** How many feasible nodes are enough. @see kubernetes/pkg/scheduler/schedule_one.go numFeasibleNodesToFind */
export function feasibleNodesWanted(nodes: number, percentage: number): number {
  if (nodes < 100) return nodes;
  const share = percentage === 0 ? Math.max(50 - Math.trunc(nodes / 125), 5) : percentage;
  return Math.max(Math.trunc((nodes * share) / 100), 100);
}

/** What looking for nodes found. `rows` is scratch: valid until the next search. */
export interface Found {
  readonly rows: Int32Array;
  count: number;
  /** Nodes looked at, feasible or not. */
  processed: number;
  diagnosis: Diagnosis | undefined;
  /** The pod's nominated node fits, and no other was looked at. */
  nominated?: boolean;
  /** Set when a plugin failed (rather than rejected). */
  error: Verdict | undefined;
}

const noNodes: Int32Array = new Int32Array(0);

/** What PreFilter plugins left to look at, by name, and which of them did; absent: all nodes. */
interface Narrowed {
  readonly names?: ReadonlySet<string> | undefined;
  readonly narrowing?: readonly string[] | undefined;
}

const codeOf = (answer: PreFilterAnswer): VerdictCode =>
  typeof answer === 'object' && 'code' in answer ? answer.code : Code.Success;

const filterCodeOf = ({ error, diagnosis }: Found): VerdictCode =>
  error?.code ?? (diagnosis ? Code.Unschedulable : Code.Success);

/** Why nothing was looked at, if so. */
const refusalOf = ({ error, diagnosis }: Found): Verdict | undefined => error ?? diagnosis?.absent;

/** The Filter plugins of a cycle; the first `shared` of them sign pods. */
interface Filters {
  readonly plugins: readonly Plugin[];
  readonly shared: number;
  /** Of attempts, by plugin. */
  readonly counters: readonly { add(): void }[];
}

export class Profile {
  readonly name: string;
  readonly sets: PluginSets;
  readonly percentageOfNodesToScore: number | undefined;
  readonly #nodes: NodeTable;
  readonly #nominator: Nominator;
  readonly #plain: boolean;
  readonly #extended: boolean;
  readonly #onProblem: (what: string, error: unknown) => void;
  #feasible = new Int32Array(0);
  #looked = new Int32Array(0);
  #marks = new Uint8Array(0);
  /** A bit for each plugin, so that what a cycle skips is a number. */
  readonly #bits = new Map<Plugin, number>();
  readonly #preFilterBits: readonly number[];
  readonly #filtersBySkipped = new Map<number, Filters>();
  readonly #answers: RowAnswerCache;
  /** Plugins that sign pods, and the bits of those that filter. */
  readonly #signers: readonly Plugin[];
  readonly #sharedFilters: number;
  readonly #scoring: Scoring;
  readonly #points: PointTimings;
  readonly #preFilterCounters: readonly { add(): void }[];
  readonly #block = new Int32Array(blockRows);
  readonly #blockMarks = new Uint8Array(blockRows);
  /** Rows that have to be asked again, where they stand in their list, and what they said. */
  readonly #staleRows = new Int32Array(blockRows);
  readonly #staleAt = new Int32Array(blockRows);
  readonly #staleMarks = new Uint8Array(blockRows);

  constructor(options: ProfileOptions) {
    this.name = options.name;
    this.sets = options.sets;
    this.percentageOfNodesToScore = options.percentageOfNodesToScore;
    this.#nodes = options.nodes;
    this.#nominator = options.nominator;
    this.#plain = options.plain ?? false;
    this.#extended = options.extended ?? false;
    this.#onProblem = options.onProblem ?? (() => undefined);
    const { preFilter, filter, preScore, score } = options.sets;
    for (const plugin of [...preFilter, ...filter, ...preScore, ...score.map((weighted) => weighted.plugin)]) {
      if (!this.#bits.has(plugin)) this.#bits.set(plugin, 2 ** this.#bits.size);
    }
    if (this.#bits.size > 31) throw new RangeError('a profile takes at most 31 plugins that filter or score');
    this.#preFilterBits = preFilter.map((plugin) => this.#bit(plugin));
    this.#answers = new RowAnswerCache(options.nodes);
    this.#signers = [...this.#bits.keys()].filter((plugin) => plugin.sign);
    const bitsOf = (plugins: readonly Plugin[]) => plugins.reduce((bits, plugin) => bits | this.#bit(plugin), 0);
    this.#sharedFilters = bitsOf(filter.filter((plugin) => plugin.sign));
    this.#points = options.points ?? untimed;
    this.#preFilterCounters = preFilter.map(({ name }) => this.#points.counter(name, 'PreFilter'));
    const bitOf = (plugin: Plugin) => this.#bit(plugin);
    this.#scoring = new Scoring(options.sets, options.nodes, bitOf, this.#plain, this.#points);
  }

  #bit(plugin: Plugin): number {
    return this.#bits.get(plugin) ?? 0;
  }

  #filtersWithout(skipped: number): Filters {
    let filters = this.#filtersBySkipped.get(skipped);
    if (!filters) {
      const plugins = this.sets.filter.filter((plugin) => (this.#bit(plugin) & skipped) === 0);
      const unsigned = plugins.findIndex((plugin) => !plugin.sign);
      const counters = plugins.map(({ name }) => this.#points.counter(name, 'Filter'));
      filters = { plugins, shared: unsigned < 0 ? plugins.length : unsigned, counters };
      this.#filtersBySkipped.set(skipped, filters);
    }
    return filters;
  }

  /** What pods of this kind were told before; undefined when the pod's answers are its own. */
  #answersFor(cycle: Cycle, info: PodInfo, { plugins, shared }: Filters): RowAnswers | undefined {
    if (this.#plain) return undefined;
    info.signature ??= this.#sign(info);
    if (info.signature === '') return undefined;
    const complete = shared === plugins.length;
    return this.#answers.of(`${cycle.skippedFilters & this.#sharedFilters} ${complete} ${info.signature}`, complete);
  }

  /** Never empty, unless a plugin declines. The priority is part of it: it says which nominated pods count. */
  #sign(info: PodInfo): string {
    let text = `${info.priority}`;
    for (const plugin of this.#signers) {
      const signed = plugin.sign!(info);
      if (signed === undefined) return '';
      text += `\n${signed}`;
    }
    return text;
  }

  /** Where the time of its extension points is told. */
  get points(): PointTimings {
    return this.#points;
  }

  /** PreEnqueue: the first verdict that keeps the pod out. */
  preEnqueue(info: PodInfo): Verdict | undefined {
    const startedMs = this.#points.now();
    const given = this.#runPreEnqueue(info);
    this.#points.ran('PreEnqueue', given?.code ?? Code.Success, startedMs);
    return given;
  }

  #runPreEnqueue(info: PodInfo): Verdict | undefined {
    for (const plugin of this.sets.preEnqueue) {
      try {
        const given = plugin.preEnqueue!(info);
        if (given) return answerAt('PreEnqueue', plugin.name, given);
      } catch (error) {
        return failedAt('PreEnqueue', plugin.name, error);
      }
    }
    return undefined;
  }

  /**
   * Finds nodes that fit, from `start` in the table's order on, until `wanted` are found. The pod's nominated node is
   * tried first, alone, unless it was before.
   */
  findNodes(cycle: Cycle, info: PodInfo, start: number, percentage: number, skipNominated = false): Found {
    const order = this.#nodes.order();
    const found: Found = {
      rows: this.#scratch(order.length),
      count: 0,
      processed: 0,
      diagnosis: undefined,
      error: undefined,
    };
    const points = this.#points;
    const preFilterMs = points.now();
    const narrowed = this.#runPreFilter(cycle, info, found, order.length);
    points.ran('PreFilter', refusalOf(found)?.code ?? Code.Success, preFilterMs);
    if (found.error || found.diagnosis) return found;
    const filterMs = points.now();
    this.#runFilter(cycle, info, start, percentage, order, found, narrowed, skipNominated);
    points.ran('Filter', filterCodeOf(found), filterMs);
    return found;
  }

  /** What PreFilter plugins leave to look at; what they refuse is written into `found`. */
  #runPreFilter(cycle: Cycle, info: PodInfo, found: Found, nodeCount: number): Narrowed {
    let names: Set<string> | undefined;
    let narrowing: string[] | undefined;
    const { timings } = cycle;
    const { preFilter } = this.sets;
    for (let p = 0; p < preFilter.length; p++) {
      const plugin = preFilter[p]!;
      let answer: PreFilterAnswer;
      const startedMs = timings?.now() ?? 0;
      try {
        answer = plugin.preFilter!(cycle, info);
      } catch (error) {
        answer = failedAt('PreFilter', plugin.name, error);
      }
      timings?.took(plugin.name, 'PreFilter', startedMs, codeOf(answer));
      if (answer === undefined) {
        this.#preFilterCounters[p]!.add();
        continue;
      }
      if (typeof answer === 'object' && 'nodeNames' in answer) {
        this.#preFilterCounters[p]!.add();
        narrowing ??= [];
        narrowing.push(plugin.name);
        const { nodeNames } = answer;
        names = names ? new Set([...names].filter((name) => nodeNames.has(name))) : new Set(nodeNames);
        if (names.size > 0) continue;
        this.#nothingLeft(found, nodeCount, plugin, narrowing);
        return {};
      }
      if (answer.code === Code.Skip) {
        cycle.skippedFilters |= this.#preFilterBits[p]!;
        continue;
      }
      this.#preFilterCounters[p]!.add();
      const given = answer.plugin === undefined ? answerAt('PreFilter', plugin.name, answer) : answer;
      if (isRejected(given)) this.#rejectedByPreFilter(found, nodeCount, given);
      else found.error = given;
      return {};
    }
    return { names, narrowing };
  }

  #runFilter(
    cycle: Cycle,
    info: PodInfo,
    start: number,
    percentage: number,
    order: Int32Array,
    found: Found,
    { names, narrowing }: Narrowed,
    skipNominated: boolean,
  ): void {
    const filters = this.#filtersWithout(cycle.skippedFilters);
    cycle.filters = filters.plugins;
    for (const counter of filters.counters) counter.add();
    const nominated = this.#nominatedRow(info);
    if (nominated >= 0 && !skipNominated) {
      const given = this.filterRow(cycle, info, nominated);
      if (given === undefined) {
        found.rows[0] = nominated;
        found.count = 1;
        found.nominated = true;
        return;
      }
      if (given.code === Code.Error) {
        found.error = given;
        return;
      }
    }
    let candidates: Int32Array = order;
    let from = start;
    let absent: Verdict | undefined;
    if (names && narrowing) {
      candidates = Int32Array.from([...names].map((name) => this.#nodes.rowOf(name)).filter((row) => row >= 0));
      absent = unresolvable(`node(s) didn't satisfy plugin(s) [${[...narrowing].sort().join(' ')}]`);
      from = 0;
    }
    try {
      cycle.answers = this.#answersFor(cycle, info, filters);
    } catch (error) {
      found.error = errorVerdict(error);
      return;
    }
    const scoring = this.sets.score.length > 0 || this.#extended;
    const wanted = scoring ? feasibleNodesWanted(candidates.length, percentage) : 1;
    this.#search(cycle, info, filters, candidates, from, wanted, nominated, found);
    if (found.count === 0 && !found.error) {
      const diagnosis = new Diagnosis(order.length);
      found.diagnosis = diagnosis;
      if (absent) diagnosis.absent = absent;
      for (const name of narrowing ?? []) diagnosis.unschedulablePlugins.add(name);
      this.#explain(cycle, info, filters, found.processed, nominated, found);
    }
  }

  /** PreFilter plugins left no node by name. */
  #nothingLeft(found: Found, nodes: number, plugin: Plugin, narrowing: readonly string[]): void {
    const reason =
      narrowing.length === 1
        ? `node(s) didn't satisfy plugin ${narrowing[0]}`
        : `node(s) didn't satisfy plugin(s) [${[...narrowing].sort().join(' ')}] simultaneously`;
    this.#rejectedByPreFilter(found, nodes, { ...unresolvable(reason), plugin: plugin.name });
    for (const name of narrowing) found.diagnosis!.unschedulablePlugins.add(name);
  }

  #rejectedByPreFilter(found: Found, nodes: number, given: Verdict): void {
    const diagnosis = new Diagnosis(nodes);
    found.diagnosis = diagnosis;
    diagnosis.absent = given;
    diagnosis.preFilterMessage = verdictMessage(given);
    diagnosis.addPlugin(given);
  }

  #nominatedRow(info: PodInfo): number {
    const name = this.#nominator.nodeOf(info.uid) ?? info.pod.status?.nominatedNodeName;
    return name ? this.#nodes.rowOf(name) : -1;
  }

  #scratch(length: number): Int32Array {
    if (this.#feasible.length < length) {
      const room = Math.max(length, this.#feasible.length * 2);
      this.#feasible = new Int32Array(room);
      this.#looked = new Int32Array(room);
      this.#marks = new Uint8Array(room);
    }
    return length === 0 ? noNodes : this.#feasible;
  }

  #search(
    cycle: Cycle,
    info: PodInfo,
    filters: Filters,
    candidates: Int32Array,
    start: number,
    wanted: number,
    own: number,
    found: Found,
  ): void {
    const total = candidates.length;
    const feasible = found.rows;
    const block = this.#block;
    const marks = this.#blockMarks;
    let looked = 0;
    let position = total === 0 ? 0 : start % total;
    while (looked < total && found.count < wanted) {
      // A block no larger than what is still wanted wastes the least when every node fits.
      const size = Math.min(blockRows, total - looked, Math.max(wanted - found.count, 16));
      for (let i = 0; i < size; i++) {
        block[i] = candidates[position]!;
        if (++position === total) position = 0;
      }
      const error = this.#filterBlock(cycle, info, filters, block, size, marks, own);
      if (error) {
        found.error = error;
        found.processed += looked;
        return;
      }
      for (let i = 0; i < size && found.count < wanted; i++) {
        const mark = marks[i]!;
        this.#looked[looked] = block[i]!;
        this.#marks[looked++] = mark;
        if (mark === 0) feasible[found.count++] = block[i]!;
      }
    }
    found.processed = looked;
  }

  /** Marks the rows that fail. `own` is the row that the pod itself is nominated for: there it counts otherwise. */
  #filterBlock(
    cycle: Cycle,
    info: PodInfo,
    filters: Filters,
    rows: Int32Array,
    count: number,
    marks: Uint8Array,
    own: number,
  ): Verdict | undefined {
    const { answers } = cycle;
    const { plugins, shared } = filters;
    marks.fill(0, 0, count);
    if (answers) {
      const error = this.#recall(cycle, info, filters, answers, rows, count, marks, own);
      if (error) return error;
    }
    if (answers?.complete) return undefined;
    const error = this.#runBlock(cycle, info, plugins, answers ? shared : 0, plugins.length, rows, count, marks);
    return error ?? this.#besideNominated(cycle, info, plugins, rows, count, marks);
  }

  /** What is known of the rows, asking those that have changed. */
  #recall(
    cycle: Cycle,
    info: PodInfo,
    { plugins, shared }: Filters,
    answers: RowAnswers,
    rows: Int32Array,
    count: number,
    marks: Uint8Array,
    own: number,
  ): Verdict | undefined {
    const { filterStamps, marks: known, verdicts } = answers;
    const { rowVersions } = this.#nodes;
    const staleRows = this.#staleRows;
    const staleAt = this.#staleAt;
    const stale = recall(rows, count, own, filterStamps, rowVersions, known, marks, staleRows, staleAt);
    if (stale === 0) return undefined;
    const staleMarks = this.#staleMarks;
    staleMarks.fill(0, 0, stale);
    let error = this.#runBlock(cycle, info, plugins, 0, shared, staleRows, stale, staleMarks);
    if (!error && answers.complete) error = this.#besideNominated(cycle, info, plugins, staleRows, stale, staleMarks);
    if (error) return error;
    for (let i = 0; i < stale; i++) {
      const row = staleRows[i]!;
      marks[staleAt[i]!] = staleMarks[i]!;
      known[row] = staleMarks[i]!;
      verdicts[row] = undefined;
      filterStamps[row] = row === own ? -1 : rowVersions[row]!;
    }
    return undefined;
  }

  /** Runs filters `from` to `to` over the rows that are not marked yet, plugin by plugin. */
  #runBlock(
    cycle: Cycle,
    info: PodInfo,
    filters: readonly Plugin[],
    from: number,
    to: number,
    rows: Int32Array,
    count: number,
    marks: Uint8Array,
  ): Verdict | undefined {
    const { timings } = cycle;
    for (let f = from; f < to; f++) {
      const plugin = filters[f]!;
      const mark = f + 1;
      const startedMs = timings?.now() ?? 0;
      try {
        if (plugin.filterRows && !this.#plain) plugin.filterRows(cycle, info, rows, count, marks, mark);
        else {
          for (let i = 0; i < count; i++) {
            if (marks[i] !== 0) continue;
            const given = plugin.filter!(cycle, info, rows[i]!);
            if (given === undefined) continue;
            const named = answerAt('Filter', plugin.name, given);
            if (!isRejected(named)) return named;
            marks[i] = mark;
          }
        }
      } catch (error) {
        return failedAt('Filter', plugin.name, error);
      }
      timings?.took(plugin.name, 'Filter', startedMs);
    }
    return undefined;
  }

  /** Rows that fit, but not beside the pods nominated for them. (A row that fails without those fails anyway.) */
  #besideNominated(
    cycle: Cycle,
    info: PodInfo,
    filters: readonly Plugin[],
    rows: Int32Array,
    count: number,
    marks: Uint8Array,
  ): Verdict | undefined {
    if (this.#nominator.size === 0) return undefined;
    for (let i = 0; i < count; i++) {
      if (marks[i] !== 0 || !this.#nominatedBeside(info, rows[i]!)) continue;
      const given = this.filterRow(cycle, info, rows[i]!);
      if (!given) continue;
      if (given.code === Code.Error) return given;
      marks[i] = filters.findIndex((plugin) => plugin.name === given.plugin) + 1;
    }
    return undefined;
  }

  /** Asks each failing plugin for its reason. */
  #explain(cycle: Cycle, info: PodInfo, filters: Filters, looked: number, own: number, found: Found): void {
    const diagnosis = found.diagnosis!;
    const { answers } = cycle;
    const memory = answers?.complete ? answers.verdicts : undefined;
    let last: Verdict | undefined;
    for (let i = 0; i < looked; i++) {
      const row = this.#looked[i]!;
      if (this.#marks[i] === 0) continue;
      let named = row === own ? undefined : memory?.[row];
      if (!named) {
        const plugin = filters.plugins[this.#marks[i]! - 1]!;
        let given: Verdict | undefined;
        try {
          given = this.#nominatedBeside(info, row)
            ? this.filterRow(cycle, info, row)
            : plugin.filter!(cycle, info, row);
        } catch (error) {
          found.error = failedAt('Filter', plugin.name, error);
          return;
        }
        if (given === undefined) {
          const problem = new Error('it rejects a node in one form and accepts it in the other');
          found.error = failedAt('Filter', plugin.name, problem);
          return;
        }
        named = given.plugin === undefined ? answerAt('Filter', plugin.name, given) : given;
        if (!isRejected(named)) {
          found.error = named;
          return;
        }
        if (memory) memory[row] = named;
      }
      // Neighbours mostly fail alike.
      if (named !== last) diagnosis.addPlugin(named);
      last = named;
      diagnosis.set(row, named);
    }
  }

  /** Why the nodes of the search just made that do not fit do not; for when those that fit are refused by others. */
  diagnose(cycle: Cycle, info: PodInfo, processed: number): Diagnosis {
    const diagnosis = new Diagnosis(this.#nodes.nodeCount);
    const found: Found = { rows: noNodes, count: 0, processed, diagnosis, error: undefined };
    this.#explain(cycle, info, this.#filtersWithout(cycle.skippedFilters), processed, -1, found);
    return diagnosis;
  }

  /** Other pods nominated for the row that count against this one: of its priority or above, and not placed yet. */
  #nominatedBeside(info: PodInfo, row: number): PodInfo[] | undefined {
    if (this.#nominator.size === 0) return undefined;
    let beside: PodInfo[] | undefined;
    for (const other of this.#nominator.podsOn(this.#nodes.names[row]!)) {
      if (other.uid === info.uid || other.priority < info.priority || other.row >= 0) continue;
      beside ??= [];
      beside.push(other);
    }
    return beside;
  }

  /** Filter plugins for one row, with and without the pods nominated there. */
  filterRow(cycle: Cycle, info: PodInfo, row: number): Verdict | undefined {
    const beside = this.#nominatedBeside(info, row);
    if (beside) {
      for (const other of beside) this.tryAddPod(cycle, info, other, row);
      const given = this.#runFilters(cycle, info, row, cycle.filters);
      for (const other of beside) this.tryRemovePod(cycle, info, other);
      if (given) return given;
    }
    return this.#runFilters(cycle, info, row, cycle.filters);
  }

  #runFilters(cycle: Cycle, info: PodInfo, row: number, filters: readonly Plugin[]): Verdict | undefined {
    for (const plugin of filters) {
      try {
        const given = plugin.filter!(cycle, info, row);
        if (given !== undefined) return answerAt('Filter', plugin.name, given);
      } catch (error) {
        return failedAt('Filter', plugin.name, error);
      }
    }
    return undefined;
  }

  /** What if `other` were on the row? Undone by {@link tryRemovePod}. */
  tryAddPod(cycle: Cycle, info: PodInfo, other: PodInfo, row: number): void {
    this.#nodes.placePod(other, row);
    for (const plugin of this.sets.preFilter) {
      if (plugin.addPod && (cycle.skippedFilters & this.#bit(plugin)) === 0) plugin.addPod(cycle, info, other, row);
    }
  }

  /** What if `other` were not on its row? Undone by {@link tryAddPod}. */
  tryRemovePod(cycle: Cycle, info: PodInfo, other: PodInfo): void {
    const { row } = other;
    this.#nodes.displacePod(other);
    for (const plugin of this.sets.preFilter) {
      if (plugin.removePod && (cycle.skippedFilters & this.#bit(plugin)) === 0)
        plugin.removePod(cycle, info, other, row);
    }
  }

  /** See {@link Scoring.score}. */
  score(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): Float64Array | Verdict {
    return this.#scoring.score(cycle, info, rows, count);
  }

  /** See {@link Scoring.shares}. */
  scoreShares(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): ScoreShare[][] {
    return this.#scoring.shares(cycle, info, rows, count);
  }

  /** PostFilter: plugins in turn until one succeeds; what they say is joined. A promise when a plugin asks outside. */
  postFilter(cycle: Cycle, info: PodInfo, diagnosis: Diagnosis): PostFilterAnswer | Promise<PostFilterAnswer> {
    const startedMs = this.#points.now();
    const told = (answer: PostFilterAnswer) => {
      this.#points.ran('PostFilter', answer.verdict?.code ?? Code.Success, startedMs);
      return answer;
    };
    const answer = runPostFilter(this.sets.postFilter, cycle, info, diagnosis);
    return answer instanceof Promise ? answer.then(told) : told(answer);
  }

  /** Reserve: in order; the first verdict stops it. The caller unreserves. */
  reserve(cycle: Cycle, info: PodInfo, nodeName: string): Verdict | undefined {
    const startedMs = this.#points.now();
    const given = this.#runReserve(cycle, info, nodeName);
    this.#points.ran('Reserve', given?.code ?? Code.Success, startedMs);
    return given;
  }

  #runReserve(cycle: Cycle, info: PodInfo, nodeName: string): Verdict | undefined {
    for (const plugin of this.sets.reserve) {
      if (!plugin.reserve) continue;
      try {
        const given = plugin.reserve(cycle, info, nodeName);
        if (given) return answerAt('Reserve', plugin.name, given);
      } catch (error) {
        return failedAt('Reserve', plugin.name, error);
      }
    }
    return undefined;
  }

  /** PostBind: whoever fails is told of, and the others go on. */
  postBind(cycle: Cycle, info: PodInfo, nodeName: string): void {
    const startedMs = this.#points.now();
    for (const plugin of this.sets.postBind) {
      try {
        plugin.postBind!(cycle, info, nodeName);
      } catch (error) {
        this.#onProblem(`postBind of ${plugin.name}`, error);
      }
    }
    this.#points.ran('PostBind', Code.Success, startedMs);
  }

  /** Has some PreBind plugin work to do? A plugin that fails to say is asked to do it. */
  preBindNeeded(cycle: Cycle, info: PodInfo, nodeName: string): boolean {
    for (const plugin of this.sets.preBind) {
      try {
        if (!plugin.preBindNeeded || plugin.preBindNeeded(cycle, info, nodeName)) return true;
      } catch {
        return true;
      }
    }
    return false;
  }

  /** Unreserve: in reverse order. */
  unreserve(cycle: Cycle, info: PodInfo, nodeName: string): void {
    const startedMs = this.#points.now();
    for (let i = this.sets.reserve.length - 1; i >= 0; i--) {
      try {
        this.sets.reserve[i]!.unreserve?.(cycle, info, nodeName);
      } catch (error) {
        this.#onProblem(`unreserve of plugin ${this.sets.reserve[i]!.name}`, error);
      }
    }
    this.#points.ran('Unreserve', Code.Success, startedMs);
  }
}
