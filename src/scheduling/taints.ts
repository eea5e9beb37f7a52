/** Taints and tolerations: which taints keep a pod away, and the answer for a whole table of nodes at once. */
import type { Taint, Toleration } from '../api/index.ts';
import type { NodeTable } from './node-table.ts';

/** @see kubernetes/staging/src/k8s.io/component-helpers/scheduling/corev1 ToleratesTaint */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator) {
    case undefined:
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

/** The first taint that none of the tolerations covers. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** By taint set: does a pod with these tolerations tolerate its hard taints? Answers are remembered. */
export class TaintAnswers {
  readonly #nodes: NodeTable;
  readonly #tolerations: readonly Toleration[];
  /** 0: not asked, 1: tolerated, 2: not. */
  #known = new Uint8Array(16);

  constructor(nodes: NodeTable, tolerations: readonly Toleration[]) {
    this.#nodes = nodes;
    this.#tolerations = tolerations;
  }

  tolerated(row: number): boolean {
    const id = this.#nodes.taintSet[row]!;
    if (id === 0) return true;
    if (id >= this.#known.length) {
      const grown = new Uint8Array(Math.max(id + 1, this.#known.length * 2));
      grown.set(this.#known);
      this.#known = grown;
    }
    if (this.#known[id] === 0) {
      this.#known[id] = untolerated(this.#nodes.taintSets[id]!.hard, this.#tolerations) ? 2 : 1;
    }
    return this.#known[id] === 1;
  }
}
