/**
 * Numbers of which each is handed out once. The lower band is left to those who ask for a certain number, so that chance does
 * not take it from them: numbers are picked at random from the upper band first.
 * @see pkg/registry/core/service/allocator/bitmap.go, KEP-3070
 */
import type { Random } from '../../../src/runtime/index.ts';

export interface Band {
  /** How many numbers there are, from 0. */
  readonly size: number;
  /** Size of the lower band. */
  readonly reserved: number;
}

/** Random probes before the band is searched from one end to the other. */
const PROBES = 32;

/** A number that is not taken; undefined when all are. */
export function pickFree(
  { size, reserved }: Band,
  random: Random,
  isTaken: (value: number) => boolean,
): number | undefined {
  const upper = size - reserved;
  for (let probe = 0; probe < PROBES && upper > 0; probe++) {
    const value = reserved + random.integer(upper);
    if (!isTaken(value)) return value;
  }
  for (let offset = 0; offset < size; offset++) {
    const value = (reserved + offset) % size;
    if (!isTaken(value)) return value;
  }
  return undefined;
}

/** How many owners hold each item: ports of two protocols may share one. */
export class Holders<Item> {
  readonly #counts = new Map<Item, number>();

  has(item: Item): boolean {
    return this.#counts.has(item);
  }

  take(item: Item): void {
    this.#counts.set(item, (this.#counts.get(item) ?? 0) + 1);
  }

  release(item: Item): void {
    const count = this.#counts.get(item) ?? 0;
    if (count <= 1) this.#counts.delete(item);
    else this.#counts.set(item, count - 1);
  }
}
