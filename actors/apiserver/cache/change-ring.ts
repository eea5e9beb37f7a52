/**
 * The latest changes of one kind, oldest first, so that a watch can start in the recent past. Bounded: what falls out raises
 * the floor, and a watch that starts below the floor is refused as expired.
 */
import type { Entry } from './entry.ts';

/** One change of one object. */
export interface Change {
  readonly revision: number;
  /** The state after it; undefined when the object was deleted. */
  readonly entry: Entry | undefined;
  /** The state before it; undefined when the object was created. */
  readonly previous: Entry | undefined;
}

export class ChangeRing {
  readonly #limit: number;
  #changes: Change[] = [];
  /** Watches may start at this revision or later. */
  floor: number;

  constructor(limit: number, floor: number) {
    this.#limit = limit;
    this.floor = floor;
  }

  push(change: Change): void {
    this.#changes.push(change);
    // Dropping half at once makes the cost of dropping constant per change.
    if (this.#changes.length >= this.#limit * 2) {
      this.floor = (this.#changes[this.#limit - 1] as Change).revision;
      this.#changes = this.#changes.slice(this.#limit);
    }
  }

  /** Changes after `revision`, which must not be below the floor. */
  since(revision: number): readonly Change[] {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle] as Change).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.#changes : this.#changes.slice(low);
  }
}
