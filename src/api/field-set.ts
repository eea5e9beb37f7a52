/**
 * Sets of fields, in the very form that `metadata.managedFields` stores them, so that nothing is parsed or encoded to work with
 * them. Sets are never changed: every function returns a new one, or one it was given.
 *
 * A set is a tree. `{ "f:spec": { "f:replicas": {}, "f:template": { ".": {}, "f:spec": {} } } }` holds `.spec.replicas`,
 * `.spec.template` and `.spec.template.spec`, but not `.spec`: a node without members of its own is in the set itself, one with
 * members only when it has a `.`. The root is never in the set, and `{}` as the root is the empty set.
 *
 * Keys are `f:<field>`, `k:<key fields as JSON>`, `v:<value as JSON>` and `i:<index>`.
 * @see sigs.k8s.io/structured-merge-diff/fieldpath
 */
import { quote } from './go-text.ts';
import type { Schema } from './schema.ts';

export interface FieldSet {
  readonly [key: string]: FieldSet;
}

type MutableSet = Record<string, FieldSet>;

export const emptySet: FieldSet = Object.freeze({});
const self = '.';

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

/** Whether the path that leads to this node is in the set. */
const isMember = (node: FieldSet): boolean => Object.hasOwn(node, self) || isEmptySet(node);

/** A node from its parts; undefined when there is nothing in it. */
export function nodeOf(member: boolean, children: FieldSet): FieldSet | undefined {
  if (isEmptySet(children)) return member ? emptySet : undefined;
  const ordered = inOrder(children);
  return member ? { [self]: emptySet, ...ordered } : ordered;
}

/** Keys in order, as upstream stores them. The same set when they already are. */
export function inOrder(set: FieldSet): FieldSet {
  let last = '';
  for (const key in set) {
    if (key < last) {
      const sorted: MutableSet = {};
      for (const name of Object.keys(set).sort()) sorted[name] = set[name] ?? emptySet;
      return sorted;
    }
    last = key;
  }
  return set;
}

const child = (set: FieldSet, key: string): FieldSet | undefined => (Object.hasOwn(set, key) ? set[key] : undefined);

function combine(
  left: FieldSet,
  right: FieldSet,
  node: (left: FieldSet | undefined, right: FieldSet | undefined) => FieldSet | undefined,
): FieldSet {
  const result: MutableSet = {};
  for (const key of Object.keys(left)) {
    if (key === self) continue;
    const combined = node(left[key], child(right, key));
    if (combined !== undefined) result[key] = combined;
  }
  for (const key of Object.keys(right)) {
    if (key === self || Object.hasOwn(left, key)) continue;
    const combined = node(undefined, right[key]);
    if (combined !== undefined) result[key] = combined;
  }
  return inOrder(result);
}

/** What is in either. */
export function unionSets(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left)) return right;
  if (isEmptySet(right) || left === right) return left;
  return withMembersOf(left, right);
}

/** Two nodes as one. The left one itself when the right one adds nothing. */
function unionNodes(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmptySet(left)) {
    // A leaf is a member: joined with a node that has members, it is that node with a mark.
    return left === right || isEmptySet(right) || Object.hasOwn(right, self) ? right : { [self]: emptySet, ...right };
  }
  if (isEmptySet(right)) return Object.hasOwn(left, self) ? left : { [self]: emptySet, ...left };
  return withMembersOf(left, right);
}

/** Neither is empty. */
function withMembersOf(left: FieldSet, right: FieldSet): FieldSet {
  let result: MutableSet | undefined;
  for (const key in right) {
    const other = right[key] as FieldSet;
    const own = child(left, key);
    const joined = own === undefined ? other : unionNodes(own, other);
    if (joined === own) continue;
    // No spread: what is spread first and then grows gets a hidden class for itself alone.
    result ??= Object.assign({}, left) as MutableSet;
    result[key] = joined;
  }
  return result === undefined ? left : inOrder(result);
}

/** What is in both. */
export function intersectSets(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (one, other) => {
    if (one === undefined || other === undefined) return undefined;
    return nodeOf(isMember(one) && isMember(other), intersectSets(childrenOf(one), childrenOf(other)));
  });
}

/**
 * What is in `left` but not in `right`; `left` itself when they have nothing in common. A member's own members stay when only it
 * itself is in `right`.
 */
export function subtractSets(left: FieldSet, right: FieldSet): FieldSet {
  return withoutMembersOf(left, right, subtractNodes) ?? emptySet;
}

/** Like {@link subtractSets}, but a member of `right` takes everything below it along. */
export function subtractSubtrees(left: FieldSet, right: FieldSet): FieldSet {
  return withoutMembersOf(left, right, subtractBelow) ?? emptySet;
}

/** What is left of a node; undefined when nothing is. */
function subtractNodes(left: FieldSet, right: FieldSet): FieldSet | undefined {
  if (isEmptySet(right)) return isEmptySet(left) ? undefined : nodeOf(false, childrenOf(left));
  if (isEmptySet(left)) return Object.hasOwn(right, self) ? undefined : left;
  return withoutMark(left, withoutMembersOf(left, right, subtractNodes));
}

function subtractBelow(left: FieldSet, right: FieldSet): FieldSet | undefined {
  if (isMember(right)) return undefined;
  return isEmptySet(left) ? left : withoutMark(left, withoutMembersOf(left, right, subtractBelow));
}

/** What has lost all its members is a leaf, if it is a member itself. */
const withoutMark = (before: FieldSet, node: FieldSet | undefined): FieldSet | undefined =>
  node !== undefined && node !== before && hasOnlySelf(node) ? emptySet : node;

const hasOnlySelf = (node: FieldSet): boolean => {
  for (const key in node) if (key !== self) return false;
  return true;
};

/** `left` without what `subtract` takes of each shared key; undefined when all is gone. Marks are keys like others. */
function withoutMembersOf(
  left: FieldSet,
  right: FieldSet,
  subtract: (left: FieldSet, right: FieldSet) => FieldSet | undefined,
): FieldSet | undefined {
  let changes: Map<string, FieldSet | undefined> | undefined;
  for (const key in right) {
    const own = child(left, key);
    if (own === undefined) continue;
    const rest = key === self ? undefined : subtract(own, right[key] as FieldSet);
    if (rest === own) continue;
    changes ??= new Map();
    changes.set(key, rest);
  }
  if (changes === undefined) return left;
  const result: MutableSet = {};
  let some = false;
  for (const key in left) {
    const rest = changes.has(key) ? changes.get(key) : left[key];
    if (rest === undefined) continue;
    result[key] = rest;
    some = true;
  }
  return some ? result : undefined;
}

/** The node without the mark that it is a member itself. */
export function childrenOf(node: FieldSet): FieldSet {
  if (!Object.hasOwn(node, self)) return node;
  const { [self]: _, ...children } = node;
  return children;
}

/** The node under `key`, with what it says of itself and of what is below. */
export function lookUp(set: FieldSet, key: string): { readonly member: boolean; readonly children: FieldSet } {
  const node = child(set, key);
  return node === undefined
    ? { member: false, children: emptySet }
    : { member: isMember(node), children: childrenOf(node) };
}

/** The schema of what a key leads to. */
export function schemaUnder(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.kind === 'object' && key.startsWith('f:')) return schema.object?.fields.get(key.slice(2))?.schema;
  return schema?.element;
}

/** The same set with every named field above a member made a member too. */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const result: MutableSet = {};
  for (const key of Object.keys(set)) {
    const { member, children } = lookUp(set, key);
    const named = schema?.kind === 'object' && key.startsWith('f:') && schema.object?.fields.has(key.slice(2)) === true;
    const node = nodeOf(member || named, withNamedFields(children, schemaUnder(schema, key)));
    if (node !== undefined) result[key] = node;
  }
  return result;
}

/** A set of single paths of named fields: `setOf(['metadata', 'name'], ['kind'])`. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce<FieldSet>((set, path) => unionSets(set, singlePath(path)), emptySet);
}

function singlePath([first, ...rest]: readonly string[]): FieldSet {
  return first === undefined ? emptySet : { [`f:${first}`]: rest.length === 0 ? emptySet : singlePath(rest) };
}

/** Paths as messages print them: `.spec.containers[name="a"].image`, sorted. */
export function pathTexts(set: FieldSet): string[] {
  const texts: string[] = [];
  const visit = (node: FieldSet, before: string): void => {
    for (const key of Object.keys(node).sort()) {
      const { member, children } = lookUp(node, key);
      const text = before + keyText(key);
      if (member) texts.push(text);
      visit(children, text);
    }
  };
  visit(childrenOf(set), '');
  return texts;
}

/** `f:a` → `.a`, `k:{"name":"a"}` → `[name="a"]`, `v:"x"` → `[="x"]`, `i:1` → `[1]`. */
export function keyText(key: string): string {
  const rest = key.slice(2);
  switch (key[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const fields = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      const texts = fields.map(
        ([name, value]) => `${name}=${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`,
      );
      return `[${texts.join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

/** The order of keys in messages: names and values as texts, but numbers by what they are. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  const [kind, other] = [left.slice(0, 2), right.slice(0, 2)];
  if (kind !== other || kind === 'f:') return left < right ? -1 : 1;
  const [a, b] = [JSON.parse(left.slice(2)) as unknown, JSON.parse(right.slice(2)) as unknown];
  if (kind !== 'k:') return compareScalars(a, b);
  const [ours, theirs] = [Object.entries(a as object), Object.entries(b as object)];
  for (const [index, [name, value]] of ours.entries()) {
    const [otherName, otherValue] = theirs[index] ?? [];
    if (otherName === undefined) return 1;
    if (name !== otherName) return name < otherName ? -1 : 1;
    const order = compareScalars(value, otherValue);
    if (order !== 0) return order;
  }
  return ours.length - theirs.length;
}

function compareScalars(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  // Numbers come before texts, and those before truth values.
  const [a, b] = typeof left === typeof right ? [String(left), String(right)] : [typeof left, typeof right];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
