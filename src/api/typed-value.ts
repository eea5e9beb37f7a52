/**
 * Values walked by their schema, as server-side apply sees them: which fields a value has, how two values differ, what merging
 * them gives, and what is left without some fields. managed-fields.ts and apply.ts are built of these.
 *
 * @see sigs.k8s.io/structured-merge-diff/typed
 */
import { setMember } from './conform.ts';
import { emptySet, type FieldSet, inOrder, isEmptySet, lookUp, nodeOf } from './field-set.ts';
import { goJson } from './go-text.ts';
import type { Schema } from './schema.ts';

type Json = Record<string, unknown>;
type MutableSet = Record<string, FieldSet>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values that are owned and replaced as a whole. */
export function isLeaf(schema: Schema | undefined): boolean {
  if (schema === undefined) return true;
  if (schema.kind === 'object' || schema.kind === 'map') return schema.atomic === true;
  if (schema.kind === 'array') return schema.listType !== 'map' && schema.listType !== 'set';
  return schema.kind !== 'any';
}

/** Free JSON merges member by member; its lists are replaced as a whole. */
const freeMap: Schema = {
  kind: 'map',
  typeName: 'map[string]interface {}',
  get element() {
    return freeValue;
  },
};
const freeValue: Schema = { kind: 'any', typeName: 'interface {}' };

/** The schema that fits the value: free JSON takes the form of what it holds. */
export function resolveSchema(schema: Schema | undefined, value: unknown): Schema | undefined {
  return schema?.kind === 'any' ? (isObject(value) ? freeMap : undefined) : schema;
}

/** Defaults of list keys that upstream's schema has. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** A list item's key in a set; undefined when it has none of the key fields. */
export function itemKey(schema: Schema, item: unknown): string | undefined {
  if (schema.listType === 'set') return `v:${goJson(item)}`;
  if (!isObject(item)) return undefined;
  const names = schema.listMapKeys ?? [];
  let parts = '';
  for (const name of names.length > 1 ? [...names].sort() : names) {
    const field = schema.element?.object?.fields.get(name);
    const given = item[name] ?? field?.default ?? keyDefaults[name] ?? (field?.presence === 'always' ? '' : undefined);
    // Keys may be left out as long as one is there.
    if (given === undefined) continue;
    const plain = typeof given === 'string' && plainText.test(given);
    parts += `${parts === '' ? '' : ','}"${name}":${plain ? `"${given}"` : goJson(given)}`;
  }
  return parts === '' ? undefined : `k:{${parts}}`;
}

/** What JSON writes as it is, a byte a character. */
export const plainText = /^[\w./:-]*$/;

/** Items that say the same key: an object may have been created with them. They are owned and compared as a whole. */
export class Repeated {
  readonly items: unknown[];

  constructor(items: unknown[]) {
    this.items = items;
  }
}

/** Items by key, in order; those with the same key are {@link Repeated}. Items without a key are left out. */
export function itemsByKey(schema: Schema, list: unknown): Map<string, unknown> {
  const items = new Map<string, unknown>();
  for (const item of Array.isArray(list) ? list : []) {
    const key = itemKey(schema, item);
    if (key === undefined) continue;
    const first = items.get(key);
    if (first instanceof Repeated) first.items.push(item);
    else items.set(key, first === undefined ? item : new Repeated([first, item]));
  }
  return items;
}

/** The fields that a configuration names, as its manager will own them. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  return visitFields(value, schema);
}

function visitFields(value: unknown, given: Schema | undefined): FieldSet {
  const schema = resolveSchema(given, value);
  const set: MutableSet = {};
  if (schema?.kind === 'array' && Array.isArray(value)) {
    for (const [key, item] of itemsByKey(schema, value)) {
      const leaf = isLeaf(schema.element) || item instanceof Repeated;
      set[key] = nodeOf(true, leaf ? emptySet : visitFields(item, schema.element)) ?? emptySet;
    }
    return inOrder(set);
  }
  if (!isObject(value)) return set;
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    const field = schema?.kind === 'object' ? schema.object?.fields.get(key)?.schema : undefined;
    const type = resolveSchema(field ?? schema?.element, member);
    const leaf = isLeaf(type) || (schema?.kind === 'object' && field === undefined);
    const empty = member === null || (isObject(member) && Object.keys(member).length === 0);
    const owned = leaf || empty || field === undefined;
    const node = nodeOf(owned, leaf ? emptySet : visitFields(member, type));
    if (node !== undefined) set[`f:${key}`] = node;
  }
  return inOrder(set);
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Nodes of the three sets: undefined where there is nothing. */
interface Difference {
  added?: FieldSet | undefined;
  modified?: FieldSet | undefined;
  removed?: FieldSet | undefined;
}

const none: Difference = Object.freeze({});

/** How `after` differs from `before`. `managedFields` themselves are nobody's and are not looked at. */
export function compareValues(before: unknown, after: unknown, schema: Schema): Comparison {
  return comparisonOf(compareNode(before, after, schema));
}

/** Like {@link compareValues}, of two objects and without the members named in `passed` and, of their metadata, in the other. */
export function compareObjectsWithout(
  before: unknown,
  after: unknown,
  schema: Schema,
  passed: ReadonlySet<string>,
  passedMetadata: ReadonlySet<string>,
): Comparison {
  if (!isObject(before) || !isObject(after)) return compareValues(before, after, schema);
  return comparisonOf(compareMembers(before, after, schema, passed, passedMetadata));
}

const comparisonOf = ({ added = emptySet, modified = emptySet, removed = emptySet }: Difference): Comparison => ({
  added,
  modified,
  removed,
});

/** Null, or without any member. */
export const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0);

function compareNode(before: unknown, after: unknown, given: Schema | undefined): Difference {
  if (before === after) return none;
  const schema = given?.kind === 'any' ? resolveSchema(given, after ?? before) : given;
  if (isLeaf(schema) || (isNothing(before) && isNothing(after)) || mixed(before, after))
    return compareLeaf(before, after);
  if (before === undefined) return { added: wholeNode(after, schema) };
  if (after === undefined) return { removed: wholeNode(before, schema) };
  if (schema?.kind === 'array') return compareLists(before, after, schema);
  return compareMembers(isObject(before) ? before : {}, isObject(after) ? after : {}, schema);
}

function compareMembers(
  old: Json,
  current: Json,
  schema: Schema | undefined,
  passed?: ReadonlySet<string>,
  passedMetadata?: ReadonlySet<string>,
): Difference {
  const found = new DifferenceBuilder();
  for (const key in current) {
    if (passed?.has(key)) continue;
    const left = ownMember(old, key);
    const right = current[key];
    if (left === right || key === 'managedFields') continue;
    const inner = memberSchema(schema, key);
    const isMetadata = passedMetadata !== undefined && key === 'metadata' && isObject(left) && isObject(right);
    const difference = isMetadata
      ? compareMembers(left, right, inner, passedMetadata)
      : compareNode(left, right, inner);
    if (difference !== none) found.put(memberKey(key), difference);
  }
  for (const key in old) {
    if (ownMember(current, key) !== undefined || key === 'managedFields' || passed?.has(key)) continue;
    found.put(memberKey(key), compareNode(old[key], undefined, memberSchema(schema, key)));
  }
  return found.finish();
}

function compareLists(before: unknown, after: unknown, schema: Schema): Difference {
  const [old, current] = [Array.isArray(before) ? before : [], Array.isArray(after) ? after : []];
  const found = new DifferenceBuilder();
  if (sameOrder(old, current, schema)) {
    for (let index = 0; index < current.length; index++) {
      const difference = compareNode(old[index], current[index], schema.element);
      if (difference === none) continue;
      // Items with the same key are one.
      if (hasRepeatedKeys(current, schema)) return compareByKey(old, current, schema);
      const key = itemKey(schema, current[index]);
      if (key !== undefined) found.put(key, difference);
    }
    return found.finish();
  }
  return compareByKey(old, current, schema);
}

function compareByKey(before: unknown[], after: unknown[], schema: Schema): Difference {
  const found = new DifferenceBuilder();
  const old = itemsByKey(schema, before);
  const current = itemsByKey(schema, after);
  for (const [key, item] of current) found.put(key, compareItem(old.get(key), item, schema.element));
  for (const [key, item] of old) {
    if (!current.has(key)) found.put(key, compareItem(item, undefined, schema.element));
  }
  return found.finish();
}

/** Repeated items are a leaf; what takes their place, or had it, is one that came or went. */
function compareItem(before: unknown, after: unknown, schema: Schema | undefined): Difference {
  if (before instanceof Repeated) {
    if (after instanceof Repeated) return sameJson(before.items, after.items) ? none : { modified: emptySet };
    return { ...(after === undefined ? none : compareNode(undefined, after, schema)), removed: emptySet };
  }
  if (!(after instanceof Repeated)) return compareNode(before, after, schema);
  return { ...(before === undefined ? none : compareNode(before, undefined, schema)), added: emptySet };
}

/** Whether the items have the same keys in the same order, so that their keys need not be made. */
function sameOrder(old: unknown[], current: unknown[], schema: Schema): boolean {
  if (old.length !== current.length || schema.listType !== 'map') return false;
  const names = schema.listMapKeys ?? [];
  for (let index = 0; index < current.length; index++) {
    const [left, right] = [old[index], current[index]];
    if (!isObject(left) || !isObject(right)) return false;
    for (const name of names) if (left[name] !== right[name]) return false;
  }
  return true;
}

const hasRepeatedKeys = (list: unknown[], schema: Schema): boolean => itemsByKey(schema, list).size !== list.length;

/** Collects the differences of members; makes nothing while there are none. */
class DifferenceBuilder {
  difference: { added?: MutableSet; modified?: MutableSet; removed?: MutableSet } = none as object;

  finish(): Difference {
    const { added, modified, removed } = this.difference;
    if (added === undefined && modified === undefined && removed === undefined) return none;
    return {
      added: added && inOrder(added),
      modified: modified && inOrder(modified),
      removed: removed && inOrder(removed),
    };
  }

  put(key: string, { added, modified, removed }: Difference): void {
    if (added === undefined && modified === undefined && removed === undefined) return;
    if (this.difference === none) this.difference = {};
    const sets = this.difference;
    if (added !== undefined) {
      sets.added ??= {};
      sets.added[key] = added;
    }
    if (modified !== undefined) {
      sets.modified ??= {};
      sets.modified[key] = modified;
    }
    if (removed !== undefined) {
      sets.removed ??= {};
      sets.removed[key] = removed;
    }
  }
}

/** The node of a value that was not there before, or is not there any more: itself and all below. */
function wholeNode(value: unknown, given: Schema | undefined): FieldSet {
  const schema = resolveSchema(given, value);
  if (isLeaf(schema) || isNothing(value)) return emptySet;
  const node: MutableSet = { '.': emptySet };
  let isLeafNode = true;
  if (schema?.kind === 'array') {
    for (const [key, item] of itemsByKey(schema, value)) {
      node[key] = item instanceof Repeated ? emptySet : wholeNode(item, schema.element);
      isLeafNode = false;
    }
  } else {
    for (const key in value as Json) {
      const member = (value as Json)[key];
      if (member === undefined) continue;
      node[memberKey(key)] = wholeNode(member, memberSchema(schema, key));
      isLeafNode = false;
    }
  }
  return isLeafNode ? emptySet : inOrder(node);
}

/** A value that has changed between list, object and scalar: only free JSON can. */
export const mixed = (before: unknown, after: unknown): boolean =>
  before !== undefined &&
  before !== null &&
  after !== undefined &&
  after !== null &&
  (typeof before !== typeof after || Array.isArray(before) !== Array.isArray(after));

const ownMember = (object: Json, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** So many keys are remembered: fields and the labels in use, not all labels ever. */
const MEMBER_KEYS_MAX = 4096;
let memberKeys = new Map<string, string>();

/** The key of a named member. Remembered, since a text that was put together is looked up among all names when it becomes a key. */
function memberKey(name: string): string {
  let key = memberKeys.get(name);
  if (key === undefined) {
    key = `f:${name}`;
    if (memberKeys.size >= MEMBER_KEYS_MAX) memberKeys = new Map();
    memberKeys.set(name, key);
  }
  return key;
}

/** The schema of a named member. */
function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.kind === 'object' ? schema.object?.fields.get(key)?.schema : schema?.element;
}

function compareLeaf(before: unknown, after: unknown): Difference {
  if (before === undefined) return { added: emptySet };
  if (after === undefined) return { removed: emptySet };
  return sameJson(before, after) ? none : { modified: emptySet };
}

/** Whether two values say the same; the order of members does not matter. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => sameJson(item, right[index]))
    );
  }
  if (Array.isArray(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => sameJson(ownMember(left as Json, name), ownMember(right as Json, name)));
}

/** `right` laid over `left`: its leaves win, its list items are merged by their keys. Neither is changed. */
export function mergeValues(left: unknown, right: unknown, given: Schema | undefined): unknown {
  if (right === undefined) return left;
  if (left === undefined || left === null) return right;
  const schema = resolveSchema(given, right ?? left);
  if (isLeaf(schema) || mixed(left, right)) return right;
  if (right === null) return left;
  if (schema?.kind === 'array') return mergeLists(left as unknown[], right as unknown[], schema);
  const merged: Json = { ...(left as Json) };
  for (const key of Object.keys(right as Json)) {
    setMember(merged, key, mergeValues(ownMember(left as Json, key), (right as Json)[key], memberSchema(schema, key)));
  }
  return merged;
}

/**
 * Items of both: those of `right` in its order, those that only `left` has where they stood between the shared ones. Items that
 * `left` repeats are kept as long as `right` does not name them; then they give way to its one.
 */
function mergeLists(left: unknown[], right: unknown[], schema: Schema): unknown[] {
  const old = itemsByKey(schema, left);
  const current = itemsByKey(schema, right);
  const keyed = left.filter((item) => itemKey(schema, item) !== undefined);
  const oldKeys = keyed.map((item) => itemKey(schema, item) as string);
  const currentKeys = [...current.keys()];
  const shared = currentKeys.filter((key) => old.has(key));
  const taken = new Set<string>();
  let nextShared = 0;
  const merged: unknown[] = [];
  let atOld = 0;
  let atCurrent = 0;
  while (atOld < oldKeys.length || atCurrent < currentKeys.length) {
    const oldKey = oldKeys[atOld];
    const currentKey = currentKeys[atCurrent];
    if (oldKey !== undefined && oldKey !== currentKey) {
      const isNext = nextShared >= shared.length || shared[nextShared] === oldKey;
      // A shared item that the configuration has put elsewhere: it is taken there.
      if (currentKey !== undefined && current.has(oldKey) && !isNext) {
        atOld += 1;
        continue;
      }
      if (!current.has(oldKey)) {
        merged.push(keyed[atOld]);
        atOld += 1;
        continue;
      }
      if (taken.has(oldKey)) atOld += 1;
    }
    if (currentKey === undefined) continue;
    if (oldKey === currentKey) atOld += 1;
    const before = old.get(currentKey);
    merged.push(mergeValues(before instanceof Repeated ? null : before, current.get(currentKey), schema.element));
    taken.add(currentKey);
    if (shared[nextShared] === currentKey) nextShared += 1;
    atCurrent += 1;
  }
  return merged;
}

/** The value without the fields of the set. Lists and objects that lose all their members become null, those within others are emptied. */
export function removeFields(value: unknown, set: FieldSet, given: Schema | undefined): unknown {
  const schema = resolveSchema(given, value);
  if (isLeaf(schema)) return value;
  if (schema?.kind === 'array') {
    if (!Array.isArray(value) || value.length === 0) return value;
    const kept: unknown[] = [];
    for (const item of value) {
      const key = itemKey(schema, item);
      const { member, children } = key === undefined ? { member: false, children: emptySet } : lookUp(set, key);
      if (member) continue;
      kept.push(isEmptySet(children) ? item : emptied(item, children, schema.element));
    }
    return kept.length > 0 ? kept : null;
  }
  if (!isObject(value) || Object.keys(value).length === 0) return value;
  const kept: Json = {};
  let some = false;
  for (const key of Object.keys(value)) {
    const { member, children } = lookUp(set, `f:${key}`);
    if (member) continue;
    const item = value[key];
    some = true;
    setMember(kept, key, isEmptySet(children) ? item : emptied(item, children, memberSchema(schema, key)));
  }
  return some ? kept : null;
}

/** What is left of a member that stays: without all that was in it, it is empty. */
function emptied(value: unknown, set: FieldSet, schema: Schema | undefined): unknown {
  const rest = removeFields(value, set, schema);
  if (rest !== null || value === null) return rest;
  return Array.isArray(value) ? [] : isObject(value) ? {} : null;
}
