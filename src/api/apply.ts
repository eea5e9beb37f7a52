/**
 * Server-side apply: merges a configuration into the live object, takes away what the manager has stopped naming, and refuses
 * what others own unless told to take it over.
 *
 * The result is the merged object, still to be decoded (decodePatched), defaulted and admitted, and who owns its fields.
 * @see KEP-555, sigs.k8s.io/structured-merge-diff/merge
 */
import { emptyValue } from './conform.ts';
import { StatusError } from './errors.ts';
import {
  childrenOf,
  compareKeys,
  emptySet,
  type FieldSet,
  intersectSets,
  isEmptySet,
  keyText,
  lookUp,
  setOf,
  subtractSets,
  subtractSubtrees,
  unionSets,
  withNamedFields,
} from './field-set.ts';
import type { StatusCause } from './generated/types.ts';
import { quote } from './go-text.ts';
import { stableJson } from './hash.ts';
import type { ApiObject } from './kinds/types.ts';
import {
  compareObjects,
  compareOwners,
  type FieldWriter,
  identityOf,
  type Owners,
  type Ownership,
  recordUpdate,
  takeFields,
  withoutUnowned,
} from './managed-fields.ts';
import type { Schema } from './schema.ts';
import { typedError } from './typed-errors.ts';
import { compareValues, fieldsOf, mergeValues, removeFields, sameJson } from './typed-value.ts';
import { parseYaml, YamlSyntaxError } from './yaml-text.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const firstManager = 'before-first-apply';

export interface ApplyWriter extends FieldWriter {
  /** Group, version and kind of the path; the configuration must say the same. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Take over fields that others own. */
  readonly force: boolean;
}

/**
 * The configuration of an apply patch, which may be YAML or JSON. Keys that its text repeats are added to `repeated`.
 * @throws StatusError 400
 */
export function parseConfiguration(body: Uint8Array, repeated?: string[]): ApiObject {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (repeated !== undefined && mayRepeat(text, value)) repeated.push(...parseYaml(text).repeated);
  } catch {
    try {
      const parsed = parseYaml(text);
      value = parsed.value;
      repeated?.push(...parsed.repeated);
    } catch (error) {
      if (!(error instanceof YamlSyntaxError)) throw error;
      const reason = error.message.replace(/did not find expected '?,.*$/, 'did not find expected node content');
      throw StatusError.badRequest(`error decoding YAML: error converting YAML to JSON: ${reason}`);
    }
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw StatusError.badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    );
  }
  return (value ?? {}) as ApiObject;
}

/** Whether more members are written than there are. Texts may look like members, which costs no more than a second look. */
function mayRepeat(text: string, value: unknown): boolean {
  let members = text.match(/"\s*:/g)?.length ?? 0;
  const count = (inner: unknown): void => {
    if (typeof inner !== 'object' || inner === null) return;
    if (!Array.isArray(inner)) members -= Object.keys(inner).length;
    for (const member of Object.values(inner)) count(member);
  };
  count(value);
  return members > 0;
}

/** What an apply makes. */
export interface Applied {
  readonly object: ApiObject;
  readonly owners: Owners;
}

/**
 * Applies `configuration` to `live` (undefined: it is created), whose fields belong to `stored`. Returns undefined when nothing changes.
 * None of them is changed.
 * @throws StatusError 400 for another kind, 409 with a cause for each field that others own, 500 for what the schema lacks
 */
export function applyConfiguration(
  live: ApiObject | undefined,
  stored: Owners,
  configuration: ApiObject,
  writer: ApplyWriter,
): Applied | undefined {
  checkConfiguration(configuration, writer);
  let applied: Applied | undefined;
  try {
    applied = applyOnce(live, configuration, ownersOf(live, stored, writer), writer, writer.force);
  } catch (error) {
    if (!(error instanceof ApplyConflict)) throw error;
    const conflicts = writer.manager === 'kubectl' ? withoutAllowed(error.conflicts, live, writer) : error.conflicts;
    if (conflicts.length > 0) throw conflictStatus(conflicts);
    applied = applyOnce(live, configuration, ownersOf(live, stored, writer), writer, true);
  }
  if (writer.manager !== 'kubectl' || annotationOf(live) === undefined) return applied;
  const object = withLastApplied(applied?.object ?? (live as ApiObject), configuration, applied !== undefined);
  return object === undefined ? undefined : { object, owners: applied?.owners ?? stored };
}

function ownersOf(live: ApiObject | undefined, stored: Owners, writer: FieldWriter): Owners {
  const owners: Owners = new Map(stored);
  // What was there before anybody's ownership was recorded belongs to a manager of that name.
  if (owners.size === 0 && live !== undefined)
    recordUpdate(owners, undefined, live, { ...writer, manager: firstManager });
  return owners;
}

const groupVersion = (group: string, version: string): string => `${group}/${version}`;

function checkConfiguration(configuration: ApiObject, { group, version, kind, schema }: ApplyWriter): void {
  const metadata = (configuration.metadata ?? {}) as Record<string, unknown>;
  const written = configuration.apiVersion as unknown;
  const given = typeof written === 'string' ? written : '';
  const slash = given.indexOf('/');
  const said = slash < 0 ? groupVersion('', given) : given;
  if (said !== groupVersion(group, version) || configuration.kind !== kind) {
    throw StatusError.badRequest(`invalid object type: ${said}, Kind=${configuration.kind ?? ''}`);
  }
  if (Array.isArray(metadata['managedFields'])) throw StatusError.badRequest('metadata.managedFields must be nil');
  const error = typedError(configuration, schema);
  if (error !== undefined) {
    const where = `${metadata['namespace'] ?? ''}/${metadata['name'] ?? ''}; ${given}`;
    const shown = slash < 0 ? where.replace(/; /, '; /') : where;
    throw StatusError.other(500, '', `failed to create typed patch object (${shown}, Kind=${kind}): ${error}`);
  }
}

interface Conflict {
  readonly owner: Ownership;
  readonly path: string;
  readonly set: FieldSet;
}

class ApplyConflict extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super('apply conflict');
    this.conflicts = conflicts;
  }
}

function applyOnce(
  live: ApiObject | undefined,
  configuration: ApiObject,
  owners: Owners,
  writer: ApplyWriter,
  force: boolean,
): Applied | undefined {
  const { manager, apiVersion, subresource = '', schema, now, resetFields = [] } = writer;
  const identity = identityOf({ manager, operation: 'Apply', apiVersion, subresource });
  const base = live ?? emptyValue(schema);
  const last = owners.get(identity);
  const named = subtractSubtrees(fieldsOf(configuration, schema), setOf(...resetFields));
  const set = withoutUnowned(named);
  const own = { manager, operation: 'Apply', apiVersion, subresource, time: last?.time } as const;
  let merged = mergeValues(base, configuration, schema);
  if (last !== undefined && !isEmptySet(last.set)) {
    // What the configuration says of the object's identity counts while pruning, though nobody comes to own it.
    owners.set(identity, { ...own, set: named });
    merged = withIdentity(prune(merged, owners, last.set, schema) as ApiObject, live);
  }
  owners.set(identity, { ...own, set });
  const comparison = compareObjects(live, merged, writer);
  if (!force) {
    const changed = unionSets(comparison.added, comparison.modified);
    const conflicts = [...owners]
      .filter(([other]) => other !== identity)
      .flatMap(([, owner]) => conflictsWith(owner, intersectSets(owner.set, changed)));
    if (conflicts.length > 0) throw new ApplyConflict(conflicts);
  }
  takeFields(owners, identity, comparison);
  // Also the order of a list's items counts, which nobody owns.
  const changedObject = !sameJson(base, merged);
  const changedOwners = last === undefined || stableJson(last.set) !== stableJson(set);
  if (live !== undefined && !changedObject && !changedOwners) return undefined;
  const recorded = owners.get(identity);
  if (recorded !== undefined) owners.set(identity, { ...recorded, time: now });
  const metadata = { ...((merged as ApiObject).metadata ?? {}) };
  return { object: { ...(merged as ApiObject), metadata }, owners };
}

/** The members of metadata that nobody owns, which pruning must not take. */
const identityMembers = ['name', 'namespace', 'uid', 'creationTimestamp', 'generation', 'resourceVersion', 'selfLink'];

function withIdentity(pruned: ApiObject, live: ApiObject | undefined): ApiObject {
  const metadata: Record<string, unknown> = { ...pruned.metadata };
  for (const name of identityMembers)
    metadata[name] ??= (live?.metadata as Record<string, unknown> | undefined)?.[name];
  for (const name of identityMembers) if (metadata[name] === undefined) delete metadata[name];
  return { ...pruned, metadata };
}

/**
 * Takes away what the manager named last time and nobody names now. First all of it goes; then what somebody still owns comes back;
 * then what the manager never owned but which hung on what it owned.
 */
function prune(merged: unknown, owners: Owners, last: FieldSet, schema: Schema): unknown {
  const named = (set: FieldSet): FieldSet => withNamedFields(set, schema);
  const all = named(fieldsOf(merged, schema));
  let pruned = removeFields(merged, named(last), schema);
  let owned: FieldSet = emptySet;
  for (const owner of owners.values()) owned = unionSets(owned, owner.set);
  const kept = unionSets(named(fieldsOf(pruned, schema)), named(owned));
  pruned = removeFields(merged, subtractSets(all, kept), schema);
  const gone = subtractSets(all, named(fieldsOf(pruned, schema)));
  return removeFields(merged, intersectSets(gone, named(last)), schema);
}

/** A conflict for each path of the set: at every level the members first, then what is below them. */
function conflictsWith(owner: Ownership, set: FieldSet): Conflict[] {
  const conflicts: Conflict[] = [];
  const visit = (node: FieldSet, before: string, wrap: (inner: FieldSet) => FieldSet): void => {
    const keys = Object.keys(node).sort(compareKeys);
    for (const key of keys) {
      if (lookUp(node, key).member)
        conflicts.push({ owner, path: before + keyText(key), set: wrap({ [key]: emptySet }) });
    }
    for (const key of keys) visit(lookUp(node, key).children, before + keyText(key), (inner) => wrap({ [key]: inner }));
  };
  visit(childrenOf(set), '', (inner) => inner);
  return conflicts;
}

function ownerText({ manager, operation, apiVersion, subresource }: Ownership): string {
  let text = quote(manager);
  if (subresource !== '') text += ` with subresource ${quote(subresource)}`;
  return operation === 'Update' ? `${text} using ${apiVersion}` : text;
}

function conflictStatus(conflicts: readonly Conflict[]): StatusError {
  const sorted = [...conflicts].sort((left, right) => compareOwners(left.owner, right.owner));
  const causes: StatusCause[] = sorted.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${ownerText(owner)}`,
    field: path,
  }));
  const [first] = sorted;
  if (sorted.length === 1 && first !== undefined) {
    return StatusError.applyConflict(
      causes,
      `Apply failed with 1 conflict: conflict with ${ownerText(first.owner)}: ${first.path}`,
    );
  }
  const lines: string[] = [];
  let named = '';
  for (const { owner, path } of sorted) {
    if (ownerText(owner) !== named) lines.push(`conflicts with ${ownerText(owner)}:`);
    named = ownerText(owner);
    lines.push(`- ${path}`);
  }
  return StatusError.applyConflict(causes, `Apply failed with ${sorted.length} conflicts: ${lines.join('\n')}`);
}

function annotationOf(object: ApiObject | undefined): string | undefined {
  const annotations = (object?.metadata as { annotations?: Record<string, string> } | undefined)?.annotations;
  const text = annotations?.[lastApplied];
  return text === '' ? undefined : text;
}

/** kubectl may take over what its own client-side apply has set before: the conflicts that are left. */
function withoutAllowed(
  conflicts: readonly Conflict[],
  live: ApiObject | undefined,
  { schema, apiVersion }: FieldWriter,
): readonly Conflict[] {
  const text = annotationOf(live);
  if (text === undefined) return conflicts;
  let allowed: FieldSet;
  try {
    const object = JSON.parse(text) as ApiObject;
    if (object.apiVersion !== apiVersion) return conflicts;
    // What has changed since is not its own any more.
    const { added, modified, removed } = compareValues(live, object, schema);
    allowed = subtractSets(subtractSets(subtractSets(fieldsOf(object, schema), modified), added), removed);
  } catch {
    // An annotation that is no JSON allows nothing.
    return conflicts;
  }
  return conflicts.filter(({ set }) => !isEmptySet(subtractSets(set, allowed)));
}

/** Keeps client-side apply's annotation in step, so that both ways of applying can be mixed. */
function withLastApplied(object: ApiObject, configuration: ApiObject, changed: boolean): ApiObject | undefined {
  const given = configuration.metadata as Record<string, unknown> | undefined;
  const annotations = given?.['annotations'] as Record<string, unknown> | undefined;
  const applied = { ...configuration, metadata: { ...given } } as Record<string, unknown> & {
    metadata: Record<string, unknown>;
  };
  delete applied.metadata['managedFields'];
  if (annotations !== undefined && annotations !== null) {
    const { [lastApplied]: _, ...rest } = annotations;
    applied.metadata['annotations'] = rest;
  }
  const text = `${stableJson(applied)}\n`;
  const metadata = object.metadata as Record<string, unknown>;
  const current = (metadata['annotations'] ?? {}) as Record<string, unknown>;
  if (!changed && current[lastApplied] === text) return undefined;
  return { ...object, metadata: { ...metadata, annotations: { ...current, [lastApplied]: text } } };
}
