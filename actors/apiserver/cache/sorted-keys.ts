/**
 * A set of keys that is read in sorted order and sorted only then: creations append, and a read after changes merges them in.
 * Lists of a kind and of each namespace stand on it. Sorting a sorted run with a short tail costs about one pass.
 */
export class SortedKeys {
  #keys: string[] = [];
  #members = new Set<string>();
  #unsorted = false;
  #removed = 0;

  get size(): number {
    return this.#members.size;
  }

  add(key: string): void {
    if (this.#members.has(key)) return;
    // A key that was removed and is still in the array must not stand there twice.
    if (this.#removed > 0) this.#compact();
    this.#members.add(key);
    const last = this.#keys[this.#keys.length - 1];
    if (last !== undefined && last > key) this.#unsorted = true;
    this.#keys.push(key);
  }

  delete(key: string): void {
    if (this.#members.delete(key)) this.#removed++;
  }

  /** In order. Valid until the next change. */
  sorted(): readonly string[] {
    if (this.#removed > 0) this.#compact();
    if (this.#unsorted) {
      this.#keys.sort();
      this.#unsorted = false;
    }
    return this.#keys;
  }

  #compact(): void {
    this.#keys = this.#keys.filter((key) => this.#members.has(key));
    this.#removed = 0;
  }
}
