/**
 * Which pods would have to go to make room for one pod, and where that does the least harm: a dry run over candidate
 * nodes and upstream's order of criteria. Pure: nothing is evicted here. The dry run moves pods in the live table and
 * puts them back, so it costs no copies.
 * @see kubernetes/pkg/scheduler/framework/preemption/preemption.go
 */
import { labelSelectorOf, type Pod, type PodDisruptionBudget } from '../api/index.ts';
import type { Cycle } from './cycle-state.ts';
import { Diagnosis } from './diagnosis.ts';
import type { PluginHandle } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { Code, errorVerdict, unresolvable, type Verdict } from './verdict.ts';

/** What preempting on one node would take. */
export interface Candidate {
  readonly row: number;
  readonly nodeName: string;
  /** From the most to the least important. */
  readonly victims: readonly PodInfo[];
  /** Victims whose PodDisruptionBudget does not allow another disruption. */
  readonly violations: number;
}

export interface DryRun {
  readonly candidates: readonly Candidate[];
  /** Why the other nodes that were tried are no candidates. */
  readonly diagnosis: Diagnosis;
  readonly error: Verdict | undefined;
}

const noVictims = unresolvable('No preemption victims found for incoming pod');
const unhelpful = unresolvable('Preemption is not helpful for scheduling');

const starts = new WeakMap<Pod, number>();

/** When the pod started, in milliseconds since the epoch; a pod that has not counts as starting now. */
function startedMs({ pod }: PodInfo, nowMs: number): number {
  let started = starts.get(pod);
  if (started === undefined) {
    const { startTime } = pod.status ?? {};
    started = startTime ? Date.parse(startTime) : Number.POSITIVE_INFINITY;
    starts.set(pod, started);
  }
  return started === Number.POSITIVE_INFINITY ? nowMs : started;
}

/** Sorts the most important first: higher priority, then the longer running; ties in an order that is always the same. */
function byImportance(victims: PodInfo[], nowMs: number): PodInfo[] {
  return victims.sort(
    (a, b) => b.priority - a.priority || startedMs(a, nowMs) - startedMs(b, nowMs) || (a.uid < b.uid ? -1 : 1),
  );
}

interface Budget {
  readonly namespace: string;
  readonly matches: (labels: Readonly<Record<string, string>>) => boolean;
  readonly disrupted: Readonly<Record<string, unknown>>;
  readonly allowed: number;
}

function compileBudgets(budgets: readonly PodDisruptionBudget[]): Budget[] {
  return budgets.flatMap(({ metadata, spec, status }) => {
    const { selector } = spec ?? {};
    const empty = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
    if (!selector || empty) return [];
    const parsed = labelSelectorOf(selector);
    return [
      {
        namespace: metadata?.namespace ?? '',
        matches: (labels: Readonly<Record<string, string>>) => parsed.matches(labels),
        disrupted: status?.disruptedPods ?? {},
        allowed: status?.disruptionsAllowed ?? 0,
      },
    ];
  });
}

/** Splits victims by whether their going would break a budget, budgets being used up in the order of the victims. */
function splitByBudgets(
  victims: readonly PodInfo[],
  budgets: readonly Budget[],
): [violating: PodInfo[], others: PodInfo[]] {
  const left = budgets.map(({ allowed }) => allowed);
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of victims) {
    let broken = false;
    const { labels } = info.labelClass;
    if (Object.keys(labels).length > 0) {
      for (const [i, budget] of budgets.entries()) {
        if (budget.namespace !== info.namespace || !budget.matches(labels) || info.name in budget.disrupted) continue;
        left[i]!--;
        if (left[i]! < 0) broken = true;
      }
    }
    (broken ? violating : others).push(info);
  }
  return [violating, others];
}

/** The fewest victims on a row that make room, or why there are none. */
function selectVictims(
  handle: PluginHandle,
  cycle: Cycle,
  info: PodInfo,
  row: number,
  budgets: readonly Budget[],
  nowMs: number,
): Candidate | Verdict {
  const { nodes } = handle;
  const potential = nodes.pods[row]!.filter((other) => other.priority < info.priority);
  if (potential.length === 0) return noVictims;
  for (const other of potential) handle.tryRemovePod(cycle, info, other);
  const victims: PodInfo[] = [];
  let violations = 0;
  let error: Verdict | undefined;
  const given = handle.filterRow(cycle, info, row);
  if (!given) {
    const [violating, others] = splitByBudgets(byImportance([...potential], nowMs), budgets);
    // Spare as many as possible, those under a budget first, the important before the others.
    const spare = (other: PodInfo): boolean => {
      handle.tryAddPod(cycle, info, other, row);
      const rejected = handle.filterRow(cycle, info, row);
      if (!rejected) return true;
      if (rejected.code === Code.Error) error = rejected;
      handle.tryRemovePod(cycle, info, other);
      victims.push(other);
      return false;
    };
    for (const other of violating) if (!spare(other)) violations++;
    for (const other of others) spare(other);
    if (violating.length > 0 && others.length > 0) byImportance(victims, nowMs);
  }
  for (const other of potential) if (other.row < 0) handle.tryAddPod(cycle, info, other, row);
  if (given ?? error) return given ?? error!;
  if (victims.length === 0) {
    return errorVerdict(new Error(`expected at least one victim pod on node ${JSON.stringify(nodes.names[row])}`));
  }
  return { row, nodeName: nodes.names[row]!, victims, violations };
}

/** How many candidates are enough. */
export function candidatesWanted(nodes: number, leastPercentage: number, leastAbsolute: number): number {
  return Math.min(Math.max(Math.trunc((nodes * leastPercentage) / 100), leastAbsolute), nodes);
}

/** Tries preemption on rows that it could help, from a random one on, until enough candidates are known. */
export function dryRunPreemption(
  handle: PluginHandle,
  cycle: Cycle,
  info: PodInfo,
  rows: readonly number[],
  wanted: number,
  budgets: readonly PodDisruptionBudget[],
): DryRun {
  const { nodes, random, clock } = handle;
  const diagnosis = new Diagnosis(nodes.nodeCount);
  diagnosis.absent = unhelpful;
  const clean: Candidate[] = [];
  const violating: Candidate[] = [];
  const compiled = compileBudgets(budgets);
  const nowMs = clock.now();
  // What one pod of a kind would have to evict, the next one would too, unless something beside the row counts.
  const memory = cycle.answers?.complete && compiled.length === 0 ? cycle.answers : undefined;
  const own = nodes.rowOf(handle.nominator.nodeOf(info.uid) ?? '');
  let error: Verdict | undefined;
  const offset = rows.length > 0 ? random.integer(rows.length) : 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[(offset + i) % rows.length]!;
    let result =
      memory && row !== own && memory.victimStamps[row] === nodes.rowVersions[row] ? memory.victims[row] : undefined;
    if (!result) {
      result = selectVictims(handle, cycle, info, row, compiled, nowMs);
      if (memory && row !== own) {
        memory.victims[row] = result;
        memory.victimStamps[row] = nodes.rowVersions[row]!;
      }
    }
    if ('victims' in result) {
      (result.violations === 0 ? clean : violating).push(result);
      if (clean.length > 0 && clean.length + violating.length >= wanted) break;
    } else {
      if (result.code === Code.Error) error ??= result;
      diagnosis.set(row, result);
    }
  }
  return { candidates: [...clean, ...violating], diagnosis, error };
}

/** Sums are shifted so that a victim always costs, however low its priority. */
const shift = 2 ** 31;

function sumOfPriorities({ victims }: Candidate): number {
  let sum = 0;
  for (const { priority } of victims) sum += priority + shift;
  return sum;
}

/** Earlier than all others of the highest priority. */
function earliestStartMs({ victims }: Candidate, nowMs: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  const highest = victims[0]!.priority;
  for (const one of victims) if (one.priority === highest) earliest = Math.min(earliest, startedMs(one, nowMs));
  return earliest;
}

/** What makes a candidate worse than another, from the weightiest on. Victims come with the most important first. */
const harms: readonly ((candidate: Candidate, nowMs: number) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]!.priority,
  sumOfPriorities,
  ({ victims }) => victims.length,
  (candidate, nowMs) => -earliestStartMs(candidate, nowMs),
];

/**
 * The candidate that does the least harm: fewest budget violations, lowest highest priority, lowest sum of priorities,
 * fewest victims, latest start of the most important victims; then the first.
 */
export function pickCandidate(candidates: readonly Candidate[], nowMs: number): Candidate | undefined {
  let best = candidates[0];
  for (let i = 1; i < candidates.length; i++) {
    const other = candidates[i]!;
    for (const harm of harms) {
      const difference = harm(other, nowMs) - harm(best!, nowMs);
      if (difference < 0) best = other;
      if (difference !== 0) break;
    }
  }
  return best;
}
