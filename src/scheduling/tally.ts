/**
 * Counts by small integer (a row, or a topology domain). Few entries live in a Map; past {@link denseFrom} the counts
 * move to an Int32Array, so that a counter over thousands of nodes costs an array load, and one that touches a handful
 * of nodes does not cost an array of them.
 */
const denseFrom = 96;

export class Tally {
  #sparse: Map<number, number> | undefined = new Map();
  #dense = new Int32Array(0);
  /** While dense: how many indexes have each count, so that the least one is found without looking at them all. */
  readonly #indexesAt: number[] = [];
  /** Sum of all counts. */
  total = 0;
  /** Indexes whose count is not 0. */
  distinct = 0;

  get(index: number): number {
    return this.#sparse ? (this.#sparse.get(index) ?? 0) : (this.#dense[index] ?? 0);
  }

  add(index: number, amount: number): void {
    this.total += amount;
    const sparse = this.#sparse;
    if (sparse) {
      const before = sparse.get(index) ?? 0;
      const after = before + amount;
      if (after === 0) sparse.delete(index);
      else sparse.set(index, after);
      this.distinct = sparse.size;
      if (sparse.size > denseFrom) this.#densify(sparse);
      return;
    }
    if (index >= this.#dense.length) {
      const grown = new Int32Array(Math.max(index + 1, this.#dense.length * 2));
      grown.set(this.#dense);
      this.#dense = grown;
    }
    const before = this.#dense[index]!;
    const after = before + amount;
    this.#dense[index] = after;
    this.#move(before, after);
    if (before === 0) {
      if (after !== 0) this.distinct++;
    } else if (after === 0) this.distinct--;
  }

  #move(before: number, after: number): void {
    const at = this.#indexesAt;
    if (before > 0) at[before]!--;
    for (let count = at.length; count <= after; count++) at.push(0);
    if (after > 0) at[after]!++;
  }

  /** The least count that is not 0, and how many indexes have it; 0 and 0 when all are. */
  least(): { readonly count: number; readonly indexes: number } {
    if (!this.#sparse) {
      const at = this.#indexesAt;
      for (let count = 1; count < at.length; count++) if (at[count]! > 0) return { count, indexes: at[count]! };
      return { count: 0, indexes: 0 };
    }
    let least = 0;
    let indexes = 0;
    for (const count of this.#sparse.values()) {
      if (indexes === 0 || count < least) {
        least = count;
        indexes = 1;
      } else if (count === least) indexes++;
    }
    return { count: least, indexes };
  }

  #densify(sparse: Map<number, number>): void {
    let highest = 0;
    for (const index of sparse.keys()) if (index > highest) highest = index;
    this.#dense = new Int32Array(highest + 1);
    for (const [index, count] of sparse) {
      this.#dense[index] = count;
      this.#move(0, count);
    }
    this.#sparse = undefined;
  }

  /** Calls back for each index whose count is not 0, in no particular order. */
  forEach(callback: (index: number, count: number) => void): void {
    if (this.#sparse) {
      for (const [index, count] of this.#sparse) callback(index, count);
      return;
    }
    const dense = this.#dense;
    for (let index = 0; index < dense.length; index++) {
      const count = dense[index]!;
      if (count !== 0) callback(index, count);
    }
  }
}
