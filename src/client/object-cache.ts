/**
 * The cache behind an informer: objects by namespace and name, filed under index values. A lookup by name or index never
 * scans; an update re-files an object only under the values that changed. Objects are shared and never changed here.
 */
import type { KubernetesObject, Lister } from './types.ts';

interface Entry<Type> {
  object: Type;
  /** Values per index, in the order of `indexes`. */
  readonly filed: (readonly string[])[];
}

interface Index<Type> {
  readonly name: string;
  readonly valuesOf: (object: Type) => readonly string[];
  readonly entries: Map<string, Set<Entry<Type>>>;
}

const none: readonly string[] = [];

export class ObjectCache<Type extends KubernetesObject> implements Lister<Type> {
  readonly #namespaces = new Map<string, Map<string, Entry<Type>>>();
  readonly #indexes: Index<Type>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(namespace: string | undefined, name: string): Type | undefined {
    return this.#namespaces.get(namespace ?? '')?.get(name)?.object;
  }

  list(namespace?: string): Type[] {
    const objects: Type[] = [];
    if (namespace !== undefined) {
      for (const entry of this.#namespaces.get(namespace)?.values() ?? []) objects.push(entry.object);
      return objects;
    }
    for (const names of this.#namespaces.values()) for (const entry of names.values()) objects.push(entry.object);
    return objects;
  }

  /** @throws Error when no index of that name was added: a mistake in the program. */
  byIndex(index: string, value: string): Type[] {
    const found = this.#indexes.find((candidate) => candidate.name === index);
    if (found === undefined) throw new Error(`no index "${index}": add it with addIndex before reading it`);
    const objects: Type[] = [];
    for (const entry of found.entries.get(value) ?? []) objects.push(entry.object);
    return objects;
  }

  addIndex(name: string, valuesOf: (object: Type) => readonly string[]): void {
    if (this.#indexes.some((index) => index.name === name)) return;
    const index: Index<Type> = { name, valuesOf, entries: new Map() };
    const position = this.#indexes.push(index) - 1;
    for (const names of this.#namespaces.values()) {
      for (const entry of names.values()) this.#file(index, position, entry, none, valuesOf(entry.object));
    }
  }

  /** Stores the object and returns what it replaces. */
  put(object: Type): Type | undefined {
    const namespace = object.metadata?.namespace ?? '';
    const name = object.metadata?.name ?? '';
    let names = this.#namespaces.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#namespaces.set(namespace, names);
    }
    let entry = names.get(name);
    const previous = entry?.object;
    if (entry === undefined) {
      entry = { object, filed: [] };
      names.set(name, entry);
      this.#size++;
    } else entry.object = object;
    for (let position = 0; position < this.#indexes.length; position++) {
      const index = this.#indexes[position]!;
      this.#file(index, position, entry, entry.filed[position] ?? none, index.valuesOf(object));
    }
    return previous;
  }

  /** Removes the object and returns it. */
  remove(namespace: string | undefined, name: string): Type | undefined {
    const names = this.#namespaces.get(namespace ?? '');
    const entry = names?.get(name);
    if (names === undefined || entry === undefined) return undefined;
    names.delete(name);
    if (names.size === 0) this.#namespaces.delete(namespace ?? '');
    this.#size--;
    for (let position = 0; position < this.#indexes.length; position++) {
      this.#file(this.#indexes[position]!, position, entry, entry.filed[position] ?? none, none);
    }
    return entry.object;
  }

  #file(
    index: Index<Type>,
    position: number,
    entry: Entry<Type>,
    before: readonly string[],
    after: readonly string[],
  ): void {
    entry.filed[position] = after;
    if (before.length === after.length && before.every((value, at) => value === after[at])) return;
    for (const value of before) {
      const entries = index.entries.get(value);
      entries?.delete(entry);
      if (entries?.size === 0) index.entries.delete(value);
    }
    for (const value of after) {
      const entries = index.entries.get(value);
      if (entries === undefined) index.entries.set(value, new Set([entry]));
      else entries.add(entry);
    }
  }
}
