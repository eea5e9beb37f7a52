/**
 * Who owns which fields: keeps what `metadata.managedFields` shows over creates, updates and patches (apply.ts does it for
 * server-side apply). The API server calls {@link trackCreate} and {@link trackUpdate} with the decoded and defaulted object, before
 * admission changes it. Owners are no part of the object: they are stored beside it (owners-bytes.ts).
 *
 * @see KEP-555, k8s.io/apimachinery/pkg/util/managedfields
 */
import { emptyValue } from './conform.ts';
import {
  emptySet,
  type FieldSet,
  inOrder,
  isEmptySet,
  setOf,
  subtractSets,
  subtractSubtrees,
  unionSets,
} from './field-set.ts';
import { packCreated } from './field-set-bytes.ts';
import type { ManagedFieldsEntry } from './generated/types.ts';
import type { ApiObject } from './kinds/types.ts';
import type { Schema } from './schema.ts';
import { type Comparison, compareObjectsWithout } from './typed-value.ts';

/** Who writes, and what. */
export interface FieldWriter {
  /** The field manager: the query's, or the user agent up to its first `/`. */
  readonly manager: string;
  /** Such as `apps/v1`. */
  readonly apiVersion: string;
  /** Of the kind's definition. */
  readonly schema: Schema;
  /** Empty or left out for the object itself. */
  readonly subresource?: string | undefined;
  /** RFC 3339 in seconds. */
  readonly now: string;
  /** Paths that this write cannot change, such as `[['status']]`. The same array for all writes alike: it is looked up by identity. */
  readonly resetFields?: readonly (readonly string[])[] | undefined;
}

/** One manager's fields. */
export interface Ownership {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: FieldSet;
  /** The set's stored bytes, as long as it is the one that was read. */
  readonly packed?: Uint8Array | undefined;
}

/** By identity: manager, operation, subresource and, for updates, version. */
export type Owners = Map<string, Ownership>;

/** Members of metadata that nobody owns: they are the object's identity or the server's own. */
const unownedMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];
const passedMetadata: ReadonlySet<string> = new Set(unownedMetadata);

/** Nobody owns these. */
const unowned = setOf(['apiVersion'], ['kind'], ['metadata'], ...unownedMetadata.map((name) => ['metadata', name]));

export const withoutUnowned = (set: FieldSet): FieldSet => subtractSets(set, unowned);

export function identityOf(owner: Pick<Ownership, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const { manager, operation, apiVersion, subresource } = owner;
  return `${operation}\n${operation === 'Apply' ? '' : apiVersion}\n${subresource}\n${manager}`;
}

/** By what upstream tells managers apart: the text of their entry. */
export const compareOwners = (left: Ownership, right: Ownership): number => order(entryText(left), entryText(right));

function entryText({ manager, operation, apiVersion, subresource }: Ownership): string {
  return JSON.stringify({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(operation === 'Apply' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  });
}

/** The owners that entries name; undefined when an entry is not valid. */
export function decodeOwners(entries: readonly ManagedFieldsEntry[] | null | undefined): Owners | undefined {
  const owners: Owners = new Map();
  for (const entry of entries ?? []) {
    const { manager = '', operation, apiVersion = '', subresource = '', fieldsType, fieldsV1, time } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '') return undefined;
    if (fieldsType !== 'FieldsV1') return undefined;
    const set = knownMembers((fieldsV1 ?? {}) as FieldSet);
    if (set === undefined) return undefined;
    const owner: Ownership = { manager, operation, apiVersion, subresource, time: time ?? undefined, set };
    owners.set(identityOf(owner), owner);
  }
  return owners;
}

const knownKinds = new Set(['f:', 'k:', 'v:', 'i:']);

/** A set that a client has written, without members of kinds that nobody knows; undefined when it is none. */
function knownMembers(given: FieldSet): FieldSet | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const set: Record<string, FieldSet> = {};
  for (const key in given) {
    const inner = knownMembers(given[key] as FieldSet);
    if (inner === undefined) return undefined;
    if (key === '.') set[key] = emptySet;
    else if (key.length < 2 || key[1] !== ':') return undefined;
    else if (knownKinds.has(key.slice(0, 2))) {
      if (key[0] !== 'f' && !isKeyJson(key)) return undefined;
      set[key] = inner;
    }
  }
  return inOrder(set);
}

function isKeyJson(key: string): boolean {
  try {
    const value: unknown = JSON.parse(key.slice(2));
    if (key[0] === 'k') return typeof value === 'object' && value !== null && !Array.isArray(value);
    return key[0] === 'v' || Number.isInteger(value);
  } catch {
    return false;
  }
}

const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** As `metadata.managedFields` has them: appliers first, then by time and name. */
export function inOwnersOrder(owners: Owners): readonly Ownership[] {
  const list = [...owners.values()];
  for (let index = 1; index < list.length; index++)
    if (listOrder(list[index - 1] as Ownership, list[index] as Ownership) > 0) return list.sort(listOrder);
  return list;
}

const listOrder = (left: Ownership, right: Ownership): number =>
  order(left.operation, right.operation) ||
  order(left.time ?? '', right.time ?? '') ||
  order(left.manager, right.manager) ||
  order(left.apiVersion, right.apiVersion) ||
  order(left.subresource, right.subresource);

/** The value of `metadata.managedFields`; undefined when there are no owners. Its sets are shared: never change them. */
export function encodeOwners(owners: Owners): ManagedFieldsEntry[] | undefined {
  if (owners.size === 0) return undefined;
  return inOwnersOrder(owners).map(({ manager, operation, apiVersion, subresource, time, set }) => ({
    ...(manager === '' ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sorted(set),
    ...(subresource === '' ? {} : { subresource }),
  }));
}

const sortedSets = new WeakSet<FieldSet>();

/** The set as upstream writes it: members by their keys, at every level. */
function sorted(set: FieldSet): FieldSet {
  if (sortedSets.has(set)) return set;
  let result: Record<string, FieldSet> | undefined;
  for (const key in set) {
    const node = set[key] as FieldSet;
    const ordered = isEmptySet(node) ? node : sorted(node);
    if (ordered === node) continue;
    result ??= { ...set };
    result[key] = ordered;
  }
  const ordered = inOrder(result ?? set);
  sortedSets.add(ordered);
  return ordered;
}

/** The object as clients see it: the same with its owners in `metadata.managedFields`. A new one; nothing is changed. */
export function withManagedFields(object: ApiObject, owners: Owners): ApiObject {
  const managedFields = encodeOwners(owners);
  if (managedFields === undefined) return object;
  // No spread: what is spread first and then grows gets a hidden class for itself alone.
  return { ...object, metadata: Object.assign({}, object.metadata, { managedFields }) };
}

/** Takes `metadata.managedFields` out of an object that nobody else holds; returns what it was. */
export function takeManagedFields(object: ApiObject): readonly ManagedFieldsEntry[] | null | undefined {
  const given = object.metadata['managedFields'];
  if (given === undefined) return undefined;
  const { managedFields: _, ...metadata } = object.metadata;
  object.metadata = metadata as ApiObject['metadata'];
  return given as readonly ManagedFieldsEntry[] | null;
}

/** What two lists of owners say, but for the times. */
export function sameOwners(left: Owners, right: Owners): boolean {
  if (left.size !== right.size) return false;
  for (const [identity, { set, apiVersion }] of left) {
    const other = right.get(identity);
    if (other === undefined || other.apiVersion !== apiVersion) return false;
    if (other.set !== set && JSON.stringify(sorted(other.set)) !== JSON.stringify(sorted(set))) return false;
  }
  return true;
}

/**
 * The owners that an update begins with: those that the request gives in `managedFields`, unless it leaves them out or gives what is
 * not valid. An only entry that is empty clears them.
 */
function ownersBefore(stored: Owners, given: readonly ManagedFieldsEntry[] | null | undefined): Owners {
  if (given === undefined || given === null) return stored;
  const [first] = given;
  if (given.length === 1 && first !== undefined && Object.keys(first).length === 0) return new Map();
  const owners = decodeOwners(given);
  return owners === undefined || owners.size === 0 ? stored : owners;
}

/**
 * The owners that an object of which nothing was there before has, as the only entry's set in bytes; undefined when nobody owns any of
 * it. `stored`: the schema of the kind as it is stored, by default that of the writer's version.
 */
export function trackCreate(
  created: ApiObject,
  { schema, resetFields }: FieldWriter,
  stored: Schema = schema,
): Uint8Array | undefined {
  return packCreated(created, schema, stored, resetsOf(resetFields).passedOnCreate, passedMetadata);
}

/**
 * Who owns what after a create (`live` undefined), update or patch. `stored` are the owners until now, which this may change; `given`
 * is what the request says in managedFields, where it may say anything. An object that has no owners stays without.
 */
export function trackUpdate(
  stored: Owners,
  live: ApiObject | undefined,
  updated: ApiObject,
  writer: FieldWriter,
  given?: readonly ManagedFieldsEntry[] | null,
): Owners {
  const owners = (writer.subresource ?? '') === '' ? ownersBefore(stored, given) : stored;
  if (owners.size === 0 && live !== undefined) return owners;
  recordUpdate(owners, live, updated, writer);
  if (owners.size > updatersMax) capUpdaters(owners);
  return owners;
}

/**
 * Whether this write of a status is the first of an object whose status nobody owns, as that of every pod by its kubelet is, and changes
 * nothing else: it takes nothing from anybody, and its owner is the last of all.
 */
export function isFirstStatus(stored: Owners, live: ApiObject, updated: ApiObject, writer: FieldWriter): boolean {
  const { manager, apiVersion, schema, subresource, now, resetFields } = writer;
  if (subresource !== 'status' || stored.size === 0 || stored.size >= updatersMax) return false;
  const owner: Ownership = { manager, operation: 'Update', apiVersion, subresource, time: now, set: emptySet };
  for (const earlier of stored.values()) {
    if (earlier.subresource === 'status' || Object.hasOwn(earlier.set, 'f:status') || isEmptySet(earlier.set))
      return false;
    if (listOrder(earlier, owner) > 0) return false;
  }
  const { passed, passedBesideStatus, passedMetadata: names, deeper } = resetsOf(resetFields);
  if (deeper !== undefined || passed.has('status')) return false;
  const { added, modified, removed } = compareObjectsWithout(live, updated, schema, passedBesideStatus, names);
  return isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed);
}

/** Gives what differs between `live` and `updated` to the writer. */
export function recordUpdate(
  owners: Owners,
  live: ApiObject | undefined,
  updated: ApiObject,
  writer: FieldWriter,
): void {
  const comparison = compareObjects(live, updated, writer);
  const taken = withoutUnowned(unionSets(comparison.added, comparison.modified));
  takeFields(owners, undefined, comparison);
  if (isEmptySet(taken)) return;
  const { manager, apiVersion, subresource = '', now } = writer;
  const identity = identityOf({ manager, operation: 'Update', apiVersion, subresource });
  const previous = owners.get(identity);
  const set = unionSets(previous?.set ?? emptySet, taken);
  const packed = set === previous?.set ? previous.packed : undefined;
  owners.set(identity, { manager, operation: 'Update', apiVersion, subresource, time: now, set, packed });
}

/** What a write cannot change: members of the object as a whole, and paths below them. */
interface Resets {
  readonly passed: ReadonlySet<string>;
  readonly passedOnCreate: ReadonlySet<string>;
  readonly passedBesideStatus: ReadonlySet<string>;
  readonly passedMetadata: ReadonlySet<string>;
  readonly deeper: FieldSet | undefined;
}

const withoutResets: Resets = {
  passed: new Set(),
  passedOnCreate: new Set(['apiVersion', 'kind']),
  passedBesideStatus: new Set(['status']),
  passedMetadata,
  deeper: undefined,
};
const resets = new WeakMap<object, Resets>();

function resetsOf(paths: FieldWriter['resetFields']): Resets {
  if (paths === undefined || paths.length === 0) return withoutResets;
  let found = resets.get(paths);
  if (found === undefined) {
    const names = paths.flatMap((path) => (path.length === 1 ? path : []));
    const isMetadata = (path: readonly string[]): boolean => path.length === 2 && path[0] === 'metadata';
    const deeper = paths.filter((path) => path.length > 1 && !isMetadata(path));
    found = {
      passed: new Set(names),
      passedOnCreate: new Set([...names, 'apiVersion', 'kind']),
      passedBesideStatus: new Set([...names, 'status']),
      passedMetadata: new Set([...unownedMetadata, ...paths.filter(isMetadata).map(([, name]) => name as string)]),
      deeper: deeper.length === 0 ? undefined : setOf(...deeper),
    };
    resets.set(paths, found);
  }
  return found;
}

/** How the objects differ, but for what the write cannot change. */
export function compareObjects(
  live: ApiObject | undefined,
  updated: unknown,
  { schema, resetFields }: Pick<FieldWriter, 'schema' | 'resetFields'>,
): Comparison {
  const { passed, passedMetadata: names, deeper } = resetsOf(resetFields);
  const found = compareObjectsWithout(live ?? emptyValue(schema), updated, schema, passed, names);
  if (deeper === undefined) return found;
  const strip = (set: FieldSet): FieldSet => subtractSubtrees(set, deeper);
  return { added: strip(found.added), modified: strip(found.modified), removed: strip(found.removed) };
}

/** Takes changed and removed fields away from everybody but `except`; who owns nothing any more goes. */
export function takeFields(owners: Owners, except: string | undefined, comparison: Comparison): void {
  const changed = unionSets(comparison.added, comparison.modified);
  const nothing = isEmptySet(changed) && isEmptySet(comparison.removed);
  for (const [identity, owner] of owners) {
    let { set } = owner;
    if (identity !== except && !nothing) {
      set = subtractSets(subtractSets(set, changed), comparison.removed);
      if (set !== owner.set) owners.set(identity, { ...owner, set, packed: undefined });
    }
    if (isEmptySet(set)) owners.delete(identity);
  }
}

/** More updaters than these are merged into one. */
const updatersMax = 10;
const ancientManager = 'ancient-changes';

/** Merges the oldest updaters, version by version, while there are too many. */
function capUpdaters(owners: Owners): void {
  const updaters = [...owners.entries()]
    .filter(([, { operation }]) => operation === 'Update')
    .sort(([, left], [, right]) => order(left.time ?? '', right.time ?? '') || compareOwners(left, right));
  let count = updaters.length;
  const firstOf = new Map<string, string>();
  for (const [identity, { apiVersion, set, time }] of updaters) {
    if (count <= updatersMax) return;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, identity);
      continue;
    }
    const bucket = { manager: ancientManager, operation: 'Update', apiVersion, subresource: '' } as const;
    const key = identityOf(bucket);
    const merged = unionSets(owners.get(owners.has(key) ? key : first)?.set ?? emptySet, set);
    if (!owners.has(key)) owners.delete(first);
    owners.delete(identity);
    owners.set(key, { ...bucket, time, set: merged });
    count -= 1;
  }
}
