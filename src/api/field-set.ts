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
  if (isEmptySet(right)) return left;
  return combine(left, right, (one, other) => {
    if (one === undefined || other === undefined) return one ?? other;
    return nodeOf(isMember(one) || isMember(other), unionSets(childrenOf(one), childrenOf(other)));
  });
}

/** What is in both. */
export function intersectSets(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (one, other) => {
    if (one === undefined || other === undefined) return undefined;
    return nodeOf(isMember(one) && isMember(other), intersectSets(childrenOf(one), childrenOf(other)));
  });
}

/** What is in `left` but not in `right`. A member's own members stay when only it itself is in `right`. */
export function subtractSets(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(right)) return left;
  return combine(left, right, (one, other) => {
    if (one === undefined || other === undefined) return one;
    return nodeOf(isMember(one) && !isMember(other), subtractSets(childrenOf(one), childrenOf(other)));
  });
}

/** Like {@link subtractSets}, but a member of `right` takes everything below it along. */
export function subtractSubtrees(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(right)) return left;
  return combine(left, right, (one, other) => {
    if (one === undefined || other === undefined) return one;
    if (isMember(other)) return undefined;
    return nodeOf(isMember(one), subtractSubtrees(childrenOf(one), childrenOf(other)));
  });
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
