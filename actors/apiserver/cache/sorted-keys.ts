/**
 * Keys that are read in sorted order and sorted only then: creations append, and a read after changes merges them in.
 * Lists of a kind and of each namespace stand on it. Sorting a sorted run with a short tail costs about one pass.
 * Which keys there are is for its owner to know: it adds none that is there, and deletes none that is not.
 */
export class SortedKeys {
  #keys: string[] = [];
  /** Deleted, and still among the others until the next read. */
  readonly #gone = new Set<string>();
  #unsorted = false;

  get size(): number {
    return this.#keys.length - this.#gone.size;
  }

  add(key: string): void {
    // Where it stands already it must not stand twice.
    if (this.#gone.size > 0 && this.#gone.delete(key)) return;
    const last = this.#keys[this.#keys.length - 1];
    if (last !== undefined && last > key) this.#unsorted = true;
    this.#keys.push(key);
  }

  delete(key: string): void {
    this.#gone.add(key);
    // Nobody may ever read: what is gone does not outgrow what is there.
    if (this.#gone.size * 2 > this.#keys.length) this.#compact();
  }

  /** In order. Valid until the next change. */
  sorted(): readonly string[] {
    if (this.#gone.size > 0) this.#compact();
    if (this.#unsorted) {
      this.#keys.sort();
      this.#unsorted = false;
    }
    return this.#keys;
  }

  #compact(): void {
    this.#keys = this.#keys.filter((key) => !this.#gone.has(key));
    this.#gone.clear();
  }
}
