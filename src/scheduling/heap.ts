/** A binary heap with removal by key: push, pop, update and delete cost O(log n), a look at the head or by key O(1). */
export class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #places = new Map<string, number>();
  readonly #keyOf: (item: Item) => string;
  readonly #before: (a: Item, b: Item) => boolean;

  constructor(keyOf: (item: Item) => string, before: (a: Item, b: Item) => boolean) {
    this.#keyOf = keyOf;
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0];
  }

  get(key: string): Item | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#items[place];
  }

  values(): readonly Item[] {
    return this.#items;
  }

  /** Adds an item, or puts it in the place of the one with the same key. */
  push(item: Item): void {
    const key = this.#keyOf(item);
    const place = this.#places.get(key) ?? this.#items.length;
    this.#items[place] = item;
    this.#places.set(key, place);
    this.#settle(place);
  }

  pop(): Item | undefined {
    const head = this.#items[0];
    if (head !== undefined) this.delete(this.#keyOf(head));
    return head;
  }

  delete(key: string): Item | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const removed = this.#items[place]!;
    const last = this.#items.pop()!;
    this.#places.delete(key);
    if (place < this.#items.length) {
      this.#items[place] = last;
      this.#places.set(this.#keyOf(last), place);
      this.#settle(place);
    }
    return removed;
  }

  #settle(from: number): void {
    if (!this.#up(from)) this.#down(from);
  }

  #up(from: number): boolean {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(this.#items[place]!, this.#items[parent]!)) break;
      this.#swap(place, parent);
      place = parent;
    }
    return place !== from;
  }

  #down(from: number): void {
    let place = from;
    for (;;) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < this.#items.length && this.#before(this.#items[child]!, this.#items[least]!)) least = child;
      }
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #swap(a: number, b: number): void {
    const items = this.#items;
    [items[a], items[b]] = [items[b]!, items[a]!];
    this.#places.set(this.#keyOf(items[a]!), a);
    this.#places.set(this.#keyOf(items[b]!), b);
  }
}
