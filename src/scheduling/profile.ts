/**
 * One profile: its plugins, instantiated and sorted by extension point, and the runs over them. The scheduler asks it
 * for the nodes that fit and for their scores; nothing here knows of queues or of the API.
 *
 * Filters run over blocks of rows, plugin by plugin, so that the inner loops are over numbers. Only when no node fits
 * is each failing plugin asked for its reason, node by node.
 */
import type { Random } from '../runtime/index.ts';
import type { Cycle } from './cycle-state.ts';
import { Diagnosis } from './diagnosis.ts';
import type { NodeTable } from './node-table.ts';
import type { Nominator } from './nominator.ts';
import type { Plugin, PreFilterAnswer } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import {
  attribute,
  Code,
  errorVerdict,
  isRejected,
  unresolvable,
  type Verdict,
  verdict,
  verdictMessage,
} from './verdict.ts';

/** Highest score of one plugin for one node. */
export const maxNodeScore = 100;
const blockRows = 256;

export interface WeightedPlugin {
  readonly plugin: Plugin;
  readonly weight: number;
}

/** The plugins of a profile by extension point, in the order in which they run. */
export interface PluginSets {
  readonly preEnqueue: readonly Plugin[];
  readonly queueSort: readonly Plugin[];
  readonly preFilter: readonly Plugin[];
  readonly filter: readonly Plugin[];
  readonly postFilter: readonly Plugin[];
  readonly preScore: readonly Plugin[];
  readonly score: readonly WeightedPlugin[];
  readonly reserve: readonly Plugin[];
  readonly permit: readonly Plugin[];
  readonly preBind: readonly Plugin[];
  readonly bind: readonly Plugin[];
  readonly postBind: readonly Plugin[];
}

export interface ProfileOptions {
  readonly name: string;
  readonly sets: PluginSets;
  readonly nodes: NodeTable;
  readonly nominator: Nominator;
  /** Undefined: the scheduler's; 0: adaptive. */
  readonly percentageOfNodesToScore: number | undefined;
  /** Runs the one-node hooks only: what the all-nodes hooks are checked against. */
  readonly plain?: boolean;
}

/** Receives the name of an extension point before and after it ran; absent while nobody samples. */
export type ExtensionPointTimer = (point: string, plugin: string | undefined, run: () => unknown) => unknown;

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
  /** Set when a plugin failed (rather than rejected). */
  error: Verdict | undefined;
}

const noNodes: Int32Array = new Int32Array(0);

export class Profile {
  readonly name: string;
  readonly sets: PluginSets;
  readonly percentageOfNodesToScore: number | undefined;
  readonly #nodes: NodeTable;
  readonly #nominator: Nominator;
  readonly #plain: boolean;
  #feasible = new Int32Array(0);
  #looked = new Int32Array(0);
  #marks = new Uint8Array(0);
  #scores = new Float64Array(0);
  #totals = new Float64Array(0);
  /** A bit for each plugin, so that what a cycle skips is a number. */
  readonly #bits = new Map<Plugin, number>();
  readonly #filtersBySkipped = new Map<number, readonly Plugin[]>();
  /** Rows for which other pods of the same priority or above are nominated, as of the last search. */
  #nominatedRows = new Uint8Array(0);
  #nominations = false;
  /** What those rows said, nominated pods included. */
  readonly #nominatedVerdicts = new Map<number, Verdict>();
  readonly #block = new Int32Array(blockRows);
  readonly #blockMarks = new Uint8Array(blockRows);

  constructor(options: ProfileOptions) {
    this.name = options.name;
    this.sets = options.sets;
    this.percentageOfNodesToScore = options.percentageOfNodesToScore;
    this.#nodes = options.nodes;
    this.#nominator = options.nominator;
    this.#plain = options.plain ?? false;
    const { preFilter, filter, preScore, score } = options.sets;
    for (const plugin of [...preFilter, ...filter, ...preScore, ...score.map((weighted) => weighted.plugin)]) {
      if (!this.#bits.has(plugin)) this.#bits.set(plugin, 2 ** this.#bits.size);
    }
    if (this.#bits.size > 31) throw new RangeError('a profile takes at most 31 plugins that filter or score');
  }

  #bit(plugin: Plugin): number {
    return this.#bits.get(plugin) ?? 0;
  }

  #filtersWithout(skipped: number): readonly Plugin[] {
    let filters = this.#filtersBySkipped.get(skipped);
    if (!filters) {
      filters = this.sets.filter.filter((plugin) => (this.#bit(plugin) & skipped) === 0);
      this.#filtersBySkipped.set(skipped, filters);
    }
    return filters;
  }

  /** PreEnqueue: the first verdict that keeps the pod out. */
  preEnqueue(info: PodInfo): Verdict | undefined {
    for (const plugin of this.sets.preEnqueue) {
      const given = plugin.preEnqueue!(info);
      if (given) return attribute(given, plugin.name);
    }
    return undefined;
  }

  /**
   * Finds nodes that fit, from `start` in the table's order on, until `wanted` are found. The pod's nominated node is
   * tried first, alone.
   */
  findNodes(cycle: Cycle, info: PodInfo, start: number, percentage: number): Found {
    const order = this.#nodes.order();
    const found: Found = {
      rows: this.#scratch(order.length),
      count: 0,
      processed: 0,
      diagnosis: undefined,
      error: undefined,
    };
    let names: Set<string> | undefined;
    let narrowing: string[] | undefined;
    for (const plugin of this.sets.preFilter) {
      let answer: PreFilterAnswer;
      try {
        answer = plugin.preFilter!(cycle, info);
      } catch (error) {
        answer = errorVerdict(error, plugin.name);
      }
      if (answer === undefined) continue;
      if ('nodeNames' in answer) {
        narrowing ??= [];
        narrowing.push(plugin.name);
        const { nodeNames } = answer;
        names = names ? new Set([...names].filter((name) => nodeNames.has(name))) : new Set(nodeNames);
        if (names.size > 0) continue;
        return this.#nothingLeft(found, order.length, plugin, narrowing);
      }
      if (answer.code === Code.Skip) {
        cycle.skippedFilters |= this.#bit(plugin);
        continue;
      }
      const given = attribute(answer, plugin.name);
      if (isRejected(given)) return this.#rejectedByPreFilter(found, order.length, given);
      found.error = given;
      return found;
    }
    const filters = this.#filtersWithout(cycle.skippedFilters);
    cycle.filters = filters;
    this.#markNominated(info);
    const nominated = this.#nominatedRow(info);
    if (nominated >= 0) {
      const given = this.#filterRow(cycle, info, nominated, filters);
      if (given === undefined) {
        found.rows[0] = nominated;
        found.count = 1;
        return found;
      }
      if (given.code === Code.Error) {
        found.error = given;
        return found;
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
    const scoring = this.sets.score.length > 0;
    const wanted = scoring ? feasibleNodesWanted(candidates.length, percentage) : 1;
    this.#search(cycle, info, filters, candidates, from, wanted, found);
    if (found.count === 0 && !found.error) {
      const diagnosis = new Diagnosis(order.length);
      found.diagnosis = diagnosis;
      if (absent) diagnosis.absent = absent;
      for (const name of narrowing ?? []) diagnosis.unschedulablePlugins.add(name);
      this.#explain(cycle, info, filters, found.processed, found);
    }
    return found;
  }

  /** PreFilter plugins left no node by name. */
  #nothingLeft(found: Found, nodes: number, plugin: Plugin, narrowing: readonly string[]): Found {
    const reason =
      narrowing.length === 1
        ? `node(s) didn't satisfy plugin ${narrowing[0]}`
        : `node(s) didn't satisfy plugin(s) [${narrowing.join(' ')}] simultaneously`;
    this.#rejectedByPreFilter(found, nodes, { ...unresolvable(reason), plugin: plugin.name });
    for (const name of narrowing) found.diagnosis!.unschedulablePlugins.add(name);
    return found;
  }

  #rejectedByPreFilter(found: Found, nodes: number, given: Verdict): Found {
    const diagnosis = new Diagnosis(nodes);
    found.diagnosis = diagnosis;
    diagnosis.absent = given;
    diagnosis.preFilterMessage = verdictMessage(given);
    diagnosis.addPlugin(given);
    return found;
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
      this.#scores = new Float64Array(room);
      this.#totals = new Float64Array(room);
    }
    return length === 0 ? noNodes : this.#feasible;
  }

  #search(
    cycle: Cycle,
    info: PodInfo,
    filters: readonly Plugin[],
    candidates: Int32Array,
    start: number,
    wanted: number,
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
      const error = this.#filterBlock(cycle, info, filters, block, size, marks);
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

  #filterBlock(
    cycle: Cycle,
    info: PodInfo,
    filters: readonly Plugin[],
    rows: Int32Array,
    count: number,
    marks: Uint8Array,
  ): Verdict | undefined {
    marks.fill(0, 0, count);
    for (let f = 0; f < filters.length; f++) {
      const plugin = filters[f]!;
      const mark = f + 1;
      try {
        if (plugin.filterRows && !this.#plain) plugin.filterRows(cycle, info, rows, count, marks, mark);
        else {
          for (let i = 0; i < count; i++) {
            if (marks[i] !== 0) continue;
            const given = plugin.filter!(cycle, info, rows[i]!);
            if (given === undefined) continue;
            if (given.code === Code.Error) return attribute(given, plugin.name);
            marks[i] = mark;
          }
        }
      } catch (error) {
        return errorVerdict(error, plugin.name);
      }
    }
    if (this.#nominations) {
      for (let i = 0; i < count; i++) {
        // The nominated pods could help (affinity) or hinder; both must be looked at as upstream does.
        if (this.#nominatedRows[rows[i]!] !== 1) continue;
        const given = this.#filterRow(cycle, info, rows[i]!, filters);
        if (given?.code === Code.Error) return given;
        if (given) this.#nominatedVerdicts.set(rows[i]!, given);
        marks[i] = given ? filters.findIndex((plugin) => plugin.name === given.plugin) + 1 : 0;
      }
    }
    return undefined;
  }

  /** Asks each failing plugin for its reason. */
  #explain(cycle: Cycle, info: PodInfo, filters: readonly Plugin[], looked: number, found: Found): void {
    const diagnosis = found.diagnosis!;
    let last: Verdict | undefined;
    for (let i = 0; i < looked; i++) {
      const row = this.#looked[i]!;
      const plugin = filters[this.#marks[i]! - 1]!;
      let given: Verdict | undefined;
      try {
        given = this.#nominatedVerdicts.get(row) ?? plugin.filter!(cycle, info, row);
      } catch (error) {
        found.error = errorVerdict(error, plugin.name);
        return;
      }
      if (given === undefined) {
        found.error = errorVerdict(
          new Error(`plugin ${plugin.name} rejects a node in one form and accepts it in the other`),
        );
        return;
      }
      const named = attribute(given, plugin.name);
      // Neighbours mostly fail alike.
      if (named !== last) diagnosis.addPlugin(named);
      last = named;
      diagnosis.set(row, named);
    }
  }

  #markNominated(info: PodInfo): void {
    if (this.#nominations) this.#nominatedRows.fill(0);
    this.#nominatedVerdicts.clear();
    this.#nominations = false;
    if (this.#nominator.size === 0) return;
    if (this.#nominatedRows.length < this.#nodes.capacity) this.#nominatedRows = new Uint8Array(this.#nodes.capacity);
    this.#nominator.forEach((other, nodeName) => {
      if (other.uid === info.uid || other.priority < info.priority || other.row >= 0) return;
      const row = this.#nodes.rowOf(nodeName);
      if (row < 0) return;
      this.#nominatedRows[row] = 1;
      this.#nominations = true;
    });
  }

  /** Filter plugins for one row, with and without the pods nominated there. */
  filterRow(cycle: Cycle, info: PodInfo, row: number): Verdict | undefined {
    return this.#filterRow(cycle, info, row, cycle.filters);
  }

  #filterRow(cycle: Cycle, info: PodInfo, row: number, filters: readonly Plugin[]): Verdict | undefined {
    if (this.#nominations && this.#nominatedRows[row] === 1) {
      const added: PodInfo[] = [];
      for (const other of this.#nominator.podsOn(this.#nodes.names[row]!)) {
        if (other.uid === info.uid || other.priority < info.priority || other.row >= 0) continue;
        added.push(other);
      }
      if (added.length > 0) {
        for (const other of added) this.tryAddPod(cycle, info, other, row);
        const given = this.#runFilters(cycle, info, row, filters);
        for (const other of added) this.tryRemovePod(cycle, info, other);
        if (given) return given;
      }
    }
    return this.#runFilters(cycle, info, row, filters);
  }

  #runFilters(cycle: Cycle, info: PodInfo, row: number, filters: readonly Plugin[]): Verdict | undefined {
    for (const plugin of filters) {
      try {
        const given = plugin.filter!(cycle, info, row);
        if (given) return attribute(given, plugin.name);
      } catch (error) {
        return errorVerdict(error, plugin.name);
      }
    }
    return undefined;
  }

  /** What if `other` were on the row? Undone by {@link tryRemovePod}; the table's version does not move. */
  tryAddPod(cycle: Cycle, info: PodInfo, other: PodInfo, row: number): void {
    const { version } = this.#nodes;
    this.#nodes.placePod(other, row);
    this.#nodes.version = version;
    for (const plugin of this.sets.preFilter) {
      if (plugin.addPod && (cycle.skippedFilters & this.#bit(plugin)) === 0) plugin.addPod(cycle, info, other, row);
    }
  }

  /** What if `other` were not on its row? Undone by {@link tryAddPod}. */
  tryRemovePod(cycle: Cycle, info: PodInfo, other: PodInfo): void {
    const { version } = this.#nodes;
    const { row } = other;
    this.#nodes.displacePod(other);
    this.#nodes.version = version;
    for (const plugin of this.sets.preFilter) {
      if (plugin.removePod && (cycle.skippedFilters & this.#bit(plugin)) === 0)
        plugin.removePod(cycle, info, other, row);
    }
  }

  /** Scores feasible rows. Totals are scratch: valid until the next call. A verdict means that a plugin failed. */
  score(cycle: Cycle, info: PodInfo, rows: Int32Array, count: number): Float64Array | Verdict {
    const totals = this.#totals;
    totals.fill(0, 0, count);
    for (const plugin of this.sets.preScore) {
      let given: Verdict | undefined;
      try {
        given = plugin.preScore!(cycle, info, rows, count);
      } catch (error) {
        given = errorVerdict(error, plugin.name);
      }
      if (given === undefined) continue;
      if (given.code !== Code.Skip) return attribute(given, plugin.name);
      cycle.skippedScores |= this.#bit(plugin);
    }
    const scores = this.#scores;
    for (const { plugin, weight } of this.sets.score) {
      if ((cycle.skippedScores & this.#bit(plugin)) !== 0) continue;
      try {
        if (plugin.scoreRows && !this.#plain) plugin.scoreRows(cycle, info, rows, count, scores);
        else for (let i = 0; i < count; i++) scores[i] = plugin.score!(cycle, info, rows[i]!);
        plugin.normalizeScore?.(cycle, info, rows, count, scores);
      } catch (error) {
        return errorVerdict(error, plugin.name);
      }
      for (let i = 0; i < count; i++) {
        const score = scores[i]!;
        if (!(score >= 0 && score <= maxNodeScore)) {
          const text = `plugin "${plugin.name}" returns an invalid score ${score}, it should in the range of [0, ${maxNodeScore}] after normalizing`;
          return { ...verdict(Code.Error, text), plugin: plugin.name };
        }
        totals[i]! += weight * score;
      }
    }
    return totals;
  }

  /** One of the rows with the highest total, each with the same chance. */
  selectRow(rows: Int32Array, count: number, totals: Float64Array, random: Random): number {
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

  /** PostFilter: plugins in turn until one succeeds; what they say is joined. */
  postFilter(
    cycle: Cycle,
    info: PodInfo,
    diagnosis: Diagnosis,
  ): { nominatedNodeName?: string; verdict: Verdict | undefined } {
    const reasons: string[] = [];
    let nominatedNodeName: string | undefined;
    for (const plugin of this.sets.postFilter) {
      let answer: ReturnType<NonNullable<Plugin['postFilter']>>;
      try {
        answer = plugin.postFilter!(cycle, info, diagnosis);
      } catch (error) {
        return { verdict: errorVerdict(error, plugin.name) };
      }
      const given = answer.verdict;
      const nomination = answer.nominatedNodeName === undefined ? {} : { nominatedNodeName: answer.nominatedNodeName };
      if (!given) return { ...nomination, verdict: undefined };
      if (given.code === Code.UnschedulableAndUnresolvable)
        return { ...nomination, verdict: attribute(given, plugin.name) };
      if (!isRejected(given)) return { verdict: attribute(given, plugin.name) };
      if (answer.nominatedNodeName !== undefined) nominatedNodeName = answer.nominatedNodeName;
      reasons.push(...given.reasons);
    }
    const nomination = nominatedNodeName === undefined ? {} : { nominatedNodeName };
    return { ...nomination, verdict: verdict(Code.Unschedulable, ...reasons) };
  }

  /** Reserve: in order; the first verdict stops it. The caller unreserves. */
  reserve(cycle: Cycle, info: PodInfo, nodeName: string): Verdict | undefined {
    for (const plugin of this.sets.reserve) {
      if (!plugin.reserve) continue;
      try {
        const given = plugin.reserve(cycle, info, nodeName);
        if (given) return attribute(given, plugin.name);
      } catch (error) {
        return errorVerdict(error, plugin.name);
      }
    }
    return undefined;
  }

  /** Unreserve: in reverse order. */
  unreserve(cycle: Cycle, info: PodInfo, nodeName: string): void {
    for (let i = this.sets.reserve.length - 1; i >= 0; i--) this.sets.reserve[i]!.unreserve?.(cycle, info, nodeName);
  }
}
