/**
 * Who owns which fields: keeps `metadata.managedFields` over creates, updates and patches (apply.ts does it for server-side apply).
 * The API server calls {@link trackUpdate} with the decoded and defaulted object, before admission changes it.
 *
 * @see KEP-555, k8s.io/apimachinery/pkg/util/managedfields
 */
import { emptyValue } from './conform.ts';
import { emptySet, type FieldSet, isEmptySet, setOf, subtractSets, subtractSubtrees, unionSets } from './field-set.ts';
import type { ManagedFieldsEntry } from './generated/types.ts';
import type { ApiObject } from './kinds/types.ts';
import type { Schema } from './schema.ts';
import { type Comparison, compareValues } from './typed-value.ts';

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
  /** Paths that this write cannot change, such as `[['status']]`. */
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
}

/** By identity: manager, operation, subresource and, for updates, version. */
export type Owners = Map<string, Ownership>;

/** Nobody owns these: they are the object's identity or the server's own. */
const unowned = setOf(
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['metadata', 'creationTimestamp'],
  ['metadata', 'selfLink'],
  ['metadata', 'uid'],
  ['metadata', 'clusterName'],
  ['metadata', 'generation'],
  ['metadata', 'managedFields'],
  ['metadata', 'resourceVersion'],
);

export const withoutUnowned = (set: FieldSet): FieldSet => subtractSets(set, unowned);

export function identityOf(owner: Omit<Ownership, 'set' | 'time'>): string {
  const version = owner.operation === 'Apply' ? '' : owner.apiVersion;
  return JSON.stringify([owner.manager, owner.operation, version, owner.subresource]);
}

/** The owners that entries name; undefined when an entry is not valid. */
export function decodeOwners(entries: readonly ManagedFieldsEntry[] | null | undefined): Owners | undefined {
  const owners: Owners = new Map();
  for (const entry of entries ?? []) {
    const { manager = '', operation, apiVersion = '', subresource = '', fieldsType, fieldsV1, time } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '') return undefined;
    if (fieldsType !== 'FieldsV1') return undefined;
    const set = (fieldsV1 ?? {}) as FieldSet;
    const owner: Ownership = { manager, operation, apiVersion, subresource, time: time ?? undefined, set };
    owners.set(identityOf(owner), owner);
  }
  return owners;
}

/** As `metadata.managedFields` has them: appliers first, then by time and name. Undefined when there are none. */
export function encodeOwners(owners: Owners): ManagedFieldsEntry[] | undefined {
  if (owners.size === 0) return undefined;
  const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
  return [...owners.values()]
    .sort(
      (left, right) =>
        order(left.operation, right.operation) ||
        order(left.time ?? '', right.time ?? '') ||
        order(left.manager, right.manager) ||
        order(left.apiVersion, right.apiVersion) ||
        order(left.subresource, right.subresource),
    )
    .map(({ manager, operation, apiVersion, subresource, time, set }) => ({
      ...(manager === '' ? {} : { manager }),
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: inKeyOrder(set),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

/** The set as upstream writes it: members by their keys. */
function inKeyOrder(set: FieldSet): FieldSet {
  const keys = Object.keys(set);
  if (keys.length > 1) keys.sort();
  const ordered: Record<string, FieldSet> = {};
  for (const key of keys) ordered[key] = inKeyOrder((set as Record<string, FieldSet>)[key] as FieldSet);
  return ordered;
}

interface Metadata {
  managedFields?: ManagedFieldsEntry[] | undefined;
  uid?: string | undefined;
}

export const metadataOf = (object: ApiObject | undefined): Metadata => (object?.metadata ?? {}) as Metadata;

/** Writes the owners into the object. */
export function setOwners(object: ApiObject, owners: Owners): void {
  const entries = encodeOwners(owners);
  const metadata = object.metadata as Record<string, unknown>;
  if (entries === undefined) delete metadata['managedFields'];
  else metadata['managedFields'] = entries;
}

/**
 * The owners that an update begins with: those that the request sets, unless it leaves them out or sets what is not valid. An only
 * entry that is empty clears them.
 */
function ownersBefore(live: ApiObject | undefined, updated: ApiObject, subresource: boolean): Owners {
  const stored = (): Owners => decodeOwners(metadataOf(live).managedFields) ?? new Map();
  if (subresource) return stored();
  const entries = metadataOf(updated).managedFields;
  const [first] = entries ?? [];
  if (entries?.length === 1 && first !== undefined && Object.keys(first).length === 0) return new Map();
  const given = decodeOwners(entries);
  return given === undefined || given.size === 0 ? stored() : given;
}

/**
 * Records in `updated.metadata.managedFields` what a create (`live` undefined), update or patch has changed. Changes only that
 * member. An object whose owners are not known, because it never had any, stays without.
 */
export function trackUpdate(live: ApiObject | undefined, updated: ApiObject, writer: FieldWriter): void {
  const owners = ownersBefore(live, updated, (writer.subresource ?? '') !== '');
  if (owners.size === 0 && live !== undefined) {
    setOwners(updated, owners);
    return;
  }
  recordUpdate(owners, live, updated, writer);
  capUpdaters(owners);
  setOwners(updated, owners);
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
  const previous = owners.get(identity)?.set ?? emptySet;
  owners.set(identity, {
    manager,
    operation: 'Update',
    apiVersion,
    subresource,
    time: now,
    set: unionSets(previous, taken),
  });
}

/** How the objects differ, but for what the write cannot change. */
export function compareObjects(
  live: ApiObject | undefined,
  updated: unknown,
  { schema, resetFields = [] }: Pick<FieldWriter, 'schema' | 'resetFields'>,
): Comparison {
  const found = compareValues(live ?? emptyValue(schema), updated, schema);
  if (resetFields.length === 0) return found;
  const reset = setOf(...resetFields);
  const strip = (set: FieldSet): FieldSet => subtractSubtrees(set, reset);
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
      if (set !== owner.set) owners.set(identity, { ...owner, set });
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
    .sort(([, left], [, right]) => ((left.time ?? '') < (right.time ?? '') ? -1 : 1));
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
