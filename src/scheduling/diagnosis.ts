/**
 * Why no node fits a pod: a verdict for each row that was looked at, one for all others, and the message that users see
 * in the pod's condition and in the FailedScheduling event, to upstream's letter.
 * @see kubernetes/pkg/scheduler/framework/types.go FitError
 */
import type { NodeTable } from './node-table.ts';
import { Code, isRejected, unresolvable, type Verdict, type VerdictCode } from './verdict.ts';

const unnamed = unresolvable();

export class Diagnosis {
  /** Nodes in the cluster when the attempt was made. */
  readonly nodesTotal: number;
  /** By row. */
  readonly #verdicts: (Verdict | undefined)[] = [];
  #explicit = 0;
  /** For rows that have no verdict of their own. */
  absent: Verdict = unnamed;
  preFilterMessage = '';
  postFilterMessage = '';
  /** Plugins whose registered events may help; see the queue. */
  readonly unschedulablePlugins = new Set<string>();
  readonly pendingPlugins = new Set<string>();

  constructor(nodesTotal: number) {
    this.nodesTotal = nodesTotal;
  }

  set(row: number, given: Verdict): void {
    if (this.#verdicts[row] === undefined) this.#explicit++;
    this.#verdicts[row] = given;
  }

  /** Rows with a verdict of their own. */
  get explicit(): number {
    return this.#explicit;
  }

  of(row: number): Verdict {
    return this.#verdicts[row] ?? this.absent;
  }

  /** Remembers which plugin to ask when something changes. */
  addPlugin(given: Verdict): void {
    if (given.plugin === undefined || !isRejected(given)) return;
    (given.code === Code.Pending ? this.pendingPlugins : this.unschedulablePlugins).add(given.plugin);
  }

  /** Live rows whose verdict has the code, in the table's order. */
  rowsWith(code: VerdictCode, nodes: NodeTable): number[] {
    const rows: number[] = [];
    for (const row of nodes.order()) if (this.of(row).code === code) rows.push(row);
    return rows;
  }

  message(): string {
    let text = `0/${this.nodesTotal} nodes are available:`;
    if (this.preFilterMessage !== '') text += ` ${this.preFilterMessage}.`;
    else {
      const reasons = this.#histogram();
      if (reasons.length > 0) text += ` ${reasons.join(', ')}.`;
    }
    return this.postFilterMessage === '' ? text : `${text} ${this.postFilterMessage}`;
  }

  /** `<count> <reason>`, sorted as text (so that 10 comes before 2, as upstream has it). */
  #histogram(): string[] {
    const byVerdict = new Map<Verdict, number>();
    for (const given of this.#verdicts) if (given) byVerdict.set(given, (byVerdict.get(given) ?? 0) + 1);
    if (this.#explicit < this.nodesTotal) {
      byVerdict.set(this.absent, (byVerdict.get(this.absent) ?? 0) + this.nodesTotal - this.#explicit);
    }
    const byReason = new Map<string, number>();
    for (const [given, count] of byVerdict) {
      for (const reason of given.reasons) byReason.set(reason, (byReason.get(reason) ?? 0) + count);
    }
    return [...byReason].map(([reason, count]) => `${count} ${reason}`).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
}

/** There is no node at all. */
export const noNodesMessage = 'no nodes available to schedule pods';
