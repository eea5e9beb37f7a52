/**
 * A pool of numbers of which each is handed out once. The lower band is left to those who ask for a certain number, so that
 * chance does not take it from them: numbers are picked at random from the upper band first.
 * @see pkg/registry/core/service/allocator/bitmap.go, KEP-3070
 */
import type { Random } from '../../../src/runtime/index.ts';

export interface PoolOptions {
  readonly first: number;
  readonly size: number;
  /** Size of the lower band. */
  readonly reserved: number;
}

/** Random probes before the pool is searched from one end to the other. */
const PROBES = 32;

export class NumberPool {
  readonly #options: PoolOptions;
  readonly #random: Random;
  /** How many owners hold a number: ports of two protocols may share one. */
  readonly #holders = new Map<number, number>();

  constructor(options: PoolOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  includes(value: number): boolean {
    return value >= this.#options.first && value < this.#options.first + this.#options.size;
  }

  isTaken(value: number): boolean {
    return this.#holders.has(value);
  }

  take(value: number): void {
    this.#holders.set(value, (this.#holders.get(value) ?? 0) + 1);
  }

  release(value: number): void {
    const holders = this.#holders.get(value) ?? 0;
    if (holders <= 1) this.#holders.delete(value);
    else this.#holders.set(value, holders - 1);
  }

  /** A free number, not yet taken; undefined when the pool is exhausted. */
  pick(): number | undefined {
    const { first, size, reserved } = this.#options;
    const upper = size - reserved;
    for (let probe = 0; probe < PROBES && upper > 0; probe++) {
      const value = first + reserved + this.#random.integer(upper);
      if (!this.#holders.has(value)) return value;
    }
    for (let offset = 0; offset < size; offset++) {
      const value = first + ((reserved + offset) % size);
      if (!this.#holders.has(value)) return value;
    }
    return undefined;
  }
}
