/**
 * One node label as a column: for each row the interned value, or -1 where the node lacks the label. Topology domains
 * are these values. Counters that sum by domain register here, so that a relabelled node moves its counts.
 */
import { Tally } from './tally.ts';

/** Counts by row that can also be read by topology domain; each view is kept up to date once it was asked for. */
export class RowCounter {
  readonly rows = new Tally();
  readonly #views: { readonly column: LabelColumn; readonly tally: Tally }[] = [];

  add(row: number, amount: number): void {
    this.rows.add(row, amount);
    for (const { column, tally } of this.#views) {
      const domain = column.values[row]!;
      if (domain >= 0) tally.add(domain, amount);
    }
  }

  /** The sums by domain of `column`; live. */
  byDomain(column: LabelColumn): Tally {
    for (const view of this.#views) if (view.column === column) return view.tally;
    const tally = new Tally();
    this.rows.forEach((row, count) => {
      const domain = column.values[row]!;
      if (domain >= 0) tally.add(domain, count);
    });
    this.#views.push({ column, tally });
    column.counters.set(this, tally);
    return tally;
  }

  /** Takes the counter out of its columns; it must not be used afterwards. */
  dispose(): void {
    for (const { column } of this.#views) column.counters.delete(this);
    this.#views.length = 0;
  }
}

export class LabelColumn {
  readonly key: string;
  /** Interned value a row; -1 where the label is absent. */
  values: Int32Array;
  readonly texts: string[] = [];
  readonly #ids = new Map<string, number>();
  /** How many nodes carry each value. */
  readonly nodes = new Tally();
  readonly counters = new Map<RowCounter, Tally>();

  constructor(key: string, capacity: number) {
    this.key = key;
    this.values = new Int32Array(capacity).fill(-1);
  }

  grow(capacity: number): void {
    const grown = new Int32Array(capacity).fill(-1);
    grown.set(this.values);
    this.values = grown;
  }

  idOf(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.#ids.set(text, id);
    }
    return id;
  }

  /** Sets a row's value (undefined: absent) and moves what was counted there. */
  set(row: number, text: string | undefined): void {
    const next = text === undefined ? -1 : this.idOf(text);
    const previous = this.values[row]!;
    if (next === previous) return;
    this.values[row] = next;
    if (previous >= 0) this.nodes.add(previous, -1);
    if (next >= 0) this.nodes.add(next, 1);
    for (const [counter, tally] of this.counters) {
      const count = counter.rows.get(row);
      if (count === 0) continue;
      if (previous >= 0) tally.add(previous, -count);
      if (next >= 0) tally.add(next, count);
    }
  }
}
