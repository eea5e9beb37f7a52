/** An object whose members are made when they are first asked for, such as the variables of a policy. */
import { CelError, CelMap } from './values.ts';

/** `make` returns the member's value, or the error of making it. */
export function lazyObject(names: readonly string[], make: (name: string) => unknown): unknown {
  return new LazyObject(names, make);
}

class LazyObject extends CelMap {
  readonly #names: readonly string[];
  readonly #make: (name: string) => unknown;
  readonly #made = new Map<string, unknown>();

  constructor(names: readonly string[], make: (name: string) => unknown) {
    super();
    this.#names = names;
    this.#make = make;
  }

  get size(): number {
    return this.#names.length;
  }

  override get(key: unknown): unknown {
    if (typeof key !== 'string' || !this.#names.includes(key)) return undefined;
    let value = this.#made.get(key);
    if (value === undefined) {
      value = this.#make(key);
      this.#made.set(key, value);
    }
    if (value instanceof Error) throw value instanceof CelError ? value : new CelError(value.message);
    return value;
  }

  override keys(): Iterable<unknown> {
    return this.#names;
  }
}
