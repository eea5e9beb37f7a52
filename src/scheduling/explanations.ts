/**
 * Why pods went where they went: for the last attempts of the last pods, what each node was refused for or scored with. Off
 * until somebody turns it on, and then bounded: {@link ExplanationLimits}. The scheduler serves it under {@link explainChannel}.
 */
import { callChannel } from '../runtime/index.ts';
import type { Cycle } from './cycle-state.ts';
import type { Diagnosis } from './diagnosis.ts';
import { diagnoseExtenders, type ExtenderRound } from './extender.ts';
import type { NodeTable } from './node-table.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './profile.ts';

export interface ScoreShare {
  readonly plugin: string;
  /** 0 to 100, as normalized. */
  readonly score: number;
  readonly weight: number;
}

export interface NodeExplanation {
  readonly node: string;
  /** Weighted sum; absent for a node that does not fit. */
  readonly total?: number;
  readonly scores?: readonly ScoreShare[];
  /** Who refused it, and why. */
  readonly plugin?: string;
  readonly reasons?: readonly string[];
}

export interface RefusalCount {
  readonly plugin: string;
  readonly reason: string;
  readonly nodes: number;
}

export interface AttemptExplanation {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly profile: string;
  /** The node decided on; absent when none. */
  readonly nodeName?: string;
  /** What the pod's condition says, when there was none. */
  readonly message?: string;
  /** Nodes in the cluster, looked at, and fitting. */
  readonly nodesTotal: number;
  readonly nodesLookedAt: number;
  readonly nodesFitting: number;
  readonly refusals: readonly RefusalCount[];
  /** The best of those that fit, then some of those that do not. */
  readonly nodes: readonly NodeExplanation[];
}

export interface ExplainRequest {
  /** Turns recording on or off; absent: asks for a pod. */
  readonly record?: boolean;
  readonly namespace?: string;
  readonly name?: string;
}

export interface ExplainReply {
  readonly recording: boolean;
  /** From the oldest to the newest. */
  readonly attempts: readonly AttemptExplanation[];
}

export const explainChannel = callChannel<ExplainRequest, ExplainReply>('scheduler.explain');

export interface ExplanationLimits {
  readonly podsMax: number;
  readonly attemptsMax: number;
  /** Nodes of each kind, fitting and not, that are kept one by one. */
  readonly nodesMax: number;
}

export class Explanations {
  recording: boolean;
  readonly #limits: ExplanationLimits;
  /** By `namespace/name`, the one attempted longest ago first. */
  readonly #pods = new Map<string, AttemptExplanation[]>();

  constructor(recording: boolean, limits: ExplanationLimits = { podsMax: 500, attemptsMax: 4, nodesMax: 25 }) {
    this.recording = recording;
    this.#limits = limits;
  }

  /** Nodes of each kind worth telling one by one. */
  get nodesMax(): number {
    return this.#limits.nodesMax;
  }

  add(key: string, attempt: AttemptExplanation): void {
    const attempts = this.#pods.get(key) ?? [];
    this.#pods.delete(key);
    attempts.push(attempt);
    if (attempts.length > this.#limits.attemptsMax) attempts.shift();
    this.#pods.set(key, attempts);
    if (this.#pods.size > this.#limits.podsMax) this.#pods.delete(this.#pods.keys().next().value!);
  }

  answer({ record, namespace = 'default', name = '' }: ExplainRequest): ExplainReply {
    if (record !== undefined) {
      this.recording = record;
      if (!record) this.#pods.clear();
    }
    return { recording: this.recording, attempts: this.#pods.get(`${namespace}/${name}`) ?? [] };
  }
}

/** How often each reason was given, the most frequent first. */
export function refusalCounts(diagnosis: Diagnosis, nodes: NodeTable): RefusalCount[] {
  const counts = new Map<string, { plugin: string; reason: string; nodes: number }>();
  for (const row of nodes.order()) {
    const { plugin = '', reasons } = diagnosis.of(row);
    for (const reason of reasons) {
      const key = `${plugin}\n${reason}`;
      const known = counts.get(key) ?? { plugin, reason, nodes: 0 };
      known.nodes++;
      counts.set(key, known);
    }
  }
  return [...counts.values()].sort((a, b) => b.nodes - a.nodes);
}

/** Some of the nodes that were refused, one by one. */
export function refusedNodes(diagnosis: Diagnosis, nodes: NodeTable, most: number): NodeExplanation[] {
  const found: NodeExplanation[] = [];
  for (const row of nodes.order()) {
    if (found.length >= most) break;
    const { plugin, reasons } = diagnosis.of(row);
    if (reasons.length === 0) continue;
    found.push({ node: nodes.names[row]!, ...(plugin === undefined ? {} : { plugin }), reasons });
  }
  return found;
}

/** A node that fits, with the weighted sum of its scores and what extenders added. */
export function scoredNode(
  node: string,
  scores: readonly ScoreShare[],
  added: ReadonlyMap<string, number> | undefined,
): NodeExplanation {
  const total = scores.reduce((sum, { score, weight }) => sum + score * weight, added?.get(node) ?? 0);
  return { node, total, scores };
}

/** The parts of an explanation that tell of nodes: the best first, the chosen one before its equals, then those refused. */
export function explainedNodes(
  { nodesMax }: Explanations,
  nodes: NodeTable,
  diagnosis: Diagnosis,
  fitting: readonly NodeExplanation[],
  chosen?: string,
): Pick<AttemptExplanation, 'nodesTotal' | 'nodesFitting' | 'refusals' | 'nodes'> {
  const first = ({ node }: NodeExplanation) => (node === chosen ? 0 : 1);
  const best = [...fitting].sort((a, b) => (b.total ?? 0) - (a.total ?? 0) || first(a) - first(b)).slice(0, nodesMax);
  return {
    nodesTotal: nodes.nodeCount,
    nodesFitting: fitting.length,
    refusals: refusalCounts(diagnosis, nodes),
    nodes: [...best, ...refusedNodes(diagnosis, nodes, nodesMax)],
  };
}

/** What a search came to: the rows that fit, and how many nodes were looked at. */
export interface Choice {
  readonly profile: Profile;
  readonly cycle: Cycle;
  readonly info: PodInfo;
  readonly rows: Int32Array;
  readonly count: number;
  readonly evaluated: number;
  readonly nodeName: string;
  /** By node, what extenders added to its score, and why they refused it. */
  readonly added: ReadonlyMap<string, number> | undefined;
  readonly rejected?: ExtenderRound['rejected'] | undefined;
}

/** Why this node was chosen. Asked before the next search, which takes its place. */
export function explainChoice(
  explanations: Explanations,
  nodes: NodeTable,
  atMs: number,
  { profile, cycle, info, rows, count, evaluated, nodeName, added, rejected }: Choice,
): AttemptExplanation {
  // A single node that fits is taken without being scored.
  const shares = count > 1 ? profile.scoreShares(cycle, info, rows, count) : [[]];
  const fitting = shares.map((scores, i) => scoredNode(nodes.names[rows[i]!]!, scores, added));
  const diagnosis = rejected?.size
    ? diagnoseExtenders(profile, cycle, info, evaluated, nodes, rejected)
    : profile.diagnose(cycle, info, evaluated);
  return {
    atMs,
    profile: profile.name,
    nodesLookedAt: evaluated,
    nodeName,
    ...explainedNodes(explanations, nodes, diagnosis, fitting, nodeName),
  };
}
