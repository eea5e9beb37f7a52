/**
 * On which nodes claims of the same wording can be served, remembered until something changes there: of the many nodes that
 * a pod from a template is tried on, only those that served another one since are worked out again. Answers alone are
 * kept; the devices are chosen again on the node that wins. Used by the DynamicResources plugin.
 */
import type { Node, ResourceClaim } from '../../api/index.ts';
import type { AllocatedDevices } from './allocated.ts';
import type { DeviceInventory } from './inventory.ts';

/** Wordings remembered at a time. */
const wordingsMax = 64;

interface Wording {
  /** By row: the node as it was, and the answer. */
  readonly nodes: (Node | undefined)[];
  readonly fits: (boolean | undefined)[];
  readonly rows: Map<string, number>;
}

/** Answers for one wording, by row. */
export interface WordingAnswers {
  /** Undefined: not known, or not any more. */
  get(row: number, node: Node): boolean | undefined;
  set(row: number, node: Node, fits: boolean): void;
}

export class FittingRows {
  readonly #inventory: DeviceInventory;
  readonly #wordings = new Map<string, Wording>();

  constructor(inventory: DeviceInventory, allocated: AllocatedDevices) {
    this.#inventory = inventory;
    // Only what was said of nodes that reach the pool may be wrong now.
    allocated.onTaken((pool) => this.#forget(inventory.homeOf(pool)));
    inventory.onChange((nodeName) => this.#forget(nodeName));
  }

  /** Device classes changed. */
  clear(): void {
    this.#wordings.clear();
  }

  /** What is known for claims that say the same as these; to be used within one scheduling attempt. */
  of(claims: readonly ResourceClaim[]): WordingAnswers {
    this.#inventory.refresh();
    const { nodes, fits, rows } = this.#wording(JSON.stringify(claims.map(({ spec }) => spec)));
    return {
      get: (row, node) => (nodes[row] === node ? fits[row] : undefined),
      set(row, node, answer) {
        // Without holes, arrays stay fast.
        while (nodes.length <= row) {
          nodes.push(undefined);
          fits.push(undefined);
        }
        nodes[row] = node;
        fits[row] = answer;
        rows.set(node.metadata?.name ?? '', row);
      },
    };
  }

  /** What is known of a node, or of all. */
  #forget(nodeName: string | undefined): void {
    if (nodeName === undefined) {
      this.#wordings.clear();
      return;
    }
    for (const { rows, fits } of this.#wordings.values()) {
      const row = rows.get(nodeName);
      if (row !== undefined) fits[row] = undefined;
    }
  }

  #wording(key: string): Wording {
    const known = this.#wordings.get(key);
    if (known) {
      this.#wordings.delete(key);
      this.#wordings.set(key, known);
      return known;
    }
    if (this.#wordings.size >= wordingsMax) this.#wordings.delete(this.#wordings.keys().next().value!);
    const made: Wording = { nodes: [], fits: [], rows: new Map() };
    this.#wordings.set(key, made);
    return made;
  }
}
