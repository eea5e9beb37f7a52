/**
 * JSON patch, with the reading of RFC 6902 that upstream's library has: negative indexes count from the end, replacing a missing
 * member adds it, a missing value is null. Changes copies only: members that no operation reaches are shared with the input.
 *
 * @see RFC 6902, github.com/evanphx/json-patch v4
 */
import { setMember } from './conform.ts';
import { StatusError } from './errors.ts';
import { stableJson } from './hash.ts';

/** More operations in one patch are refused. */
export const jsonPatchOperationsMax = 10_000;
/** What all copies of a patch may add, in bytes of JSON: a few copies of copies would fill the memory. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;

type Container = Record<string, unknown> | unknown[];

/** The patch does not fit the object; `message` says why in the words of upstream's library. */
class PatchDoesNotApply extends Error {}

const MISSING = 'missing value';

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/**
 * Applies the operations in order and returns the result. Where one does not apply, `refuse` makes the error of the reason: the
 * API answers 422 without saying why, as upstream does.
 * @throws StatusError 400 for what is no patch, 413 for too many operations, and what `refuse` makes
 */
export function applyJsonPatch(
  document: unknown,
  patch: unknown,
  refuse: (reason: string) => StatusError = () => StatusError.unprocessable(),
): unknown {
  if (!Array.isArray(patch)) {
    throw StatusError.badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []interface {}',
    );
  }
  if (patch.length > jsonPatchOperationsMax) {
    throw StatusError.requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${jsonPatchOperationsMax}, got ${patch.length}`,
    );
  }
  try {
    const run = new PatchRun(document);
    for (const operation of patch) run.apply((operation ?? {}) as Operation);
    run.sortKeys();
    return run.document;
  } catch (error) {
    if (error instanceof PatchDoesNotApply) throw refuse(error.message);
    throw error;
  }
}

/** One application: remembers which containers are copies already. */
class PatchRun {
  document: unknown;
  readonly #own = new Set<Container>();
  #copiedBytes = 0;

  constructor(document: unknown) {
    this.document = document;
  }

  apply({ op, path, from, value }: Operation): void {
    if (typeof path !== 'string') throw new PatchDoesNotApply(`${op} operation failed to decode path: ${MISSING}`);
    switch (op) {
      case 'add':
        this.#add(op, path, value ?? null);
        return;
      case 'remove':
        this.#remove(op, path);
        return;
      case 'replace': {
        if (path === '') {
          // The whole document, by another that could be one.
          if (isContainer(value)) this.document = value;
          return;
        }
        const { container, key } = this.#find(op, path);
        if (Array.isArray(container)) container[existingIndex(container, key)] = value ?? null;
        else setMember(container, key, value ?? null);
        return;
      }
      case 'move': {
        const moved = this.#read(op, from);
        this.#remove(op, from as string);
        this.#add(op, path, moved);
        return;
      }
      case 'copy':
        this.#add(op, path, this.#copyOf(this.#read(op, from)));
        return;
      case 'test': {
        const found = path === '' ? this.document : this.#read(op, path);
        if (stableJson(found ?? null) !== stableJson(value ?? null)) {
          throw new PatchDoesNotApply(`testing value ${path} failed: test failed`);
        }
        return;
      }
      default:
        throw new PatchDoesNotApply(`Unexpected kind: ${op}`);
    }
  }

  /** Puts the keys of everything that was touched in order, as upstream's encoder does. */
  sortKeys(): void {
    for (const container of this.#own) {
      if (Array.isArray(container)) continue;
      const sorted = sortedCopy(container);
      for (const key of Object.keys(container)) delete container[key];
      for (const key of Object.keys(sorted)) setMember(container, key, sorted[key]);
    }
  }

  #add(op: string, path: string, value: unknown): void {
    const { container, key } = this.#find(op, path);
    if (!Array.isArray(container)) setMember(container, key, value);
    else if (key === '-') container.push(value);
    else container.splice(indexWithin(key, container.length + 1), 0, value);
  }

  #remove(op: string, path: string): void {
    const { container, key } = this.#find(op, path);
    if (Array.isArray(container)) container.splice(existingIndex(container, key), 1);
    else if (Object.hasOwn(container, key)) delete container[key];
    else {
      const why = `Unable to remove nonexistent key: ${key}: ${MISSING}`;
      throw new PatchDoesNotApply(`error in ${op} for path: '${path}': ${why}`);
    }
  }

  #read(op: string, path: unknown): unknown {
    if (typeof path !== 'string') throw new PatchDoesNotApply(`${op} operation failed to decode from: ${MISSING}`);
    const { container, key } = this.#find(op, path);
    if (Array.isArray(container)) return container[existingIndex(container, key)];
    return Object.hasOwn(container, key) ? container[key] : null;
  }

  /** A value of its own: what is written into one place must not show in the other. */
  #copyOf(value: unknown): unknown {
    const text = JSON.stringify(value ?? null);
    this.#copiedBytes += Buffer.byteLength(text);
    if (this.#copiedBytes > COPIED_BYTES_MAX) {
      const sizes = `${this.#copiedBytes}, exceeding the limit ${COPIED_BYTES_MAX}`;
      throw new PatchDoesNotApply(`Unable to complete the copy, the accumulated size increase of copy is ${sizes}`);
    }
    return JSON.parse(text);
  }

  /** The container that holds the path's last part, made a copy of its own together with all above it. */
  #find(op: string, path: string): { container: Container; key: string } {
    const missing = () => {
      const shown = op === 'add' || op === 'remove' ? JSON.stringify(path) : path;
      return new PatchDoesNotApply(`${op} operation does not apply: doc is missing path: ${shown}: ${MISSING}`);
    };
    const parts = path.split('/').slice(1).map(unescapePart);
    const key = parts.pop();
    if (key === undefined || !isContainer(this.document)) throw missing();
    let container = this.#owned(this.document);
    this.document = container;
    for (const part of parts) {
      const at = Array.isArray(container) ? existingIndex(container, part) : part;
      const inner = Object.hasOwn(container, at) ? (container as Record<string, unknown>)[at] : undefined;
      if (!isContainer(inner)) throw missing();
      const next = this.#owned(inner);
      if (Array.isArray(container)) container[at as number] = next;
      else setMember(container, part, next);
      container = next;
    }
    return { container, key };
  }

  #owned(value: Container): Container {
    if (this.#own.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#own.add(copy);
    return copy;
  }
}

/** Upstream re-encodes what a patch has touched with its keys sorted; errors quote that text. */
export function sortedCopy(object: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(object).sort()) setMember(copy, key, object[key]);
  return copy;
}

const unescapePart = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** An index below `length`; negative ones count from the end. */
function indexWithin(text: string, length: number): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new PatchDoesNotApply(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const index = Number(text);
  if (index >= length || index < -length) {
    throw new PatchDoesNotApply(`Unable to access invalid index: ${index}: invalid index referenced`);
  }
  return index < 0 ? index + length : index;
}

const existingIndex = (array: readonly unknown[], text: string): number => indexWithin(text, array.length);
