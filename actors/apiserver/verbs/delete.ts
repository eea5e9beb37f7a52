/**
 * Deletes an object: at once, or by marking it when it has finalizers, a grace period, or dependents to be dealt with first.
 * @see staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Delete, registry/rest/delete.go BeforeDelete
 */
import { type ApiObject, type KindDefinition, StatusError } from '../../../src/api/index.ts';
import { Entry } from '../cache/entry.ts';
import type { Call, DeleteOptionsBody } from '../call.ts';
import { DEFINITIONS, markDefinition } from '../custom-resources/deletion.ts';
import { conflictOf, notFoundOf, preconditionFailed } from '../failures.ts';
import { storedKindOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { deleteKey, putObject } from './commit.ts';
import { deleteNamespace, NAMESPACES } from './delete-namespace.ts';

/** Kinds whose DELETE answers with the object where others answer with a Status, as upstream. */
const RETURNS_OBJECT = new Set([
  '/registry/pods',
  '/registry/podtemplates',
  '/registry/persistentvolumes',
  '/registry/persistentvolumeclaims',
  '/registry/resourcequotas',
  '/registry/services/specs',
  '/registry/serviceaccounts',
  '/registry/storageclasses',
  '/registry/volumeattachments',
  '/registry/csinodes',
  '/registry/csidrivers',
  '/registry/csistoragecapacities',
  '/registry/volumeattributesclasses',
]);

/** What became of the object. */
export interface Deletion {
  /** Its last state: with the delete's revision when it is gone. */
  readonly entry: Entry;
  readonly gone: boolean;
}

const ATTEMPTS_MAX = 20;

export async function deleteObject(call: Call, server: Server): Promise<void> {
  const options = call.deleteOptions ?? {};
  const entry = call.previous;
  if (entry === undefined) throw notFoundOf(call.kind, call.name as string);
  warnOfOrphans(call, server);
  const deletion = await deleteEntry(server, call.kind, entry, options, call.dryRun);
  const answersObject = !deletion.gone || RETURNS_OBJECT.has(call.kind.storagePrefix);
  const code = !deletion.gone && options.orphanDependents === false ? 202 : 200;
  call.answer = answersObject
    ? { type: 'entry', code, entry: deletion.entry, kind: call.kind }
    : { type: 'object', code, object: successOf(call.kind, deletion.entry) };
}

/** Warns a client that did not say what becomes of the dependents when they stay behind. */
export function warnOfOrphans(call: Call, server: Server): void {
  const { propagationPolicy, orphanDependents } = call.deleteOptions ?? {};
  if (propagationPolicy !== undefined || orphanDependents !== undefined) return;
  const warning = storedKindOf(call.kind, server.registry).strategy?.orphanWarning;
  if (warning !== undefined) call.warnings.push(warning);
}

function successOf(kind: KindDefinition, entry: Entry): ApiObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: entry.name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.plural,
      uid: entry.object.metadata['uid'],
    },
  };
}

/** Deletes one object, with new attempts while others change it. Throws NotFound when it is gone before. */
export async function deleteEntry(
  server: Server,
  kind: KindDefinition,
  first: Entry,
  options: DeleteOptionsBody,
  dryRun: boolean,
): Promise<Deletion> {
  const cache = server.cacheOf(kind);
  let entry: Entry | undefined = first;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (entry === undefined) throw notFoundOf(kind, first.name);
    checkPreconditions(kind, entry, options);
    const deletion =
      (kind.storagePrefix === NAMESPACES && (await deleteNamespace(server, kind, entry, options, dryRun))) ||
      (kind.storagePrefix === DEFINITIONS && (await markDefinition(server, entry, dryRun))) ||
      (await attemptDelete(server, kind, entry, options, dryRun));
    if (deletion !== undefined) return deletion;
    entry = cache.get(first.key);
  }
  throw conflictOf(kind, first.name);
}

export function checkPreconditions(kind: KindDefinition, entry: Entry, { preconditions }: DeleteOptionsBody): void {
  if (preconditions === undefined) return;
  const { uid, resourceVersion } = preconditions;
  const actual = entry.object.metadata['uid'];
  if (uid !== undefined && uid !== actual) {
    throw preconditionFailed(
      kind,
      entry.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${actual}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(entry.revision)) {
    throw preconditionFailed(
      kind,
      entry.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${entry.revision}). The object might have been modified`,
    );
  }
}

/** One attempt; undefined when somebody changed the object in between. */
async function attemptDelete(
  server: Server,
  kind: KindDefinition,
  entry: Entry,
  options: DeleteOptionsBody,
  dryRun: boolean,
): Promise<Deletion | undefined> {
  const marked = markDeletion(server, kind, entry.object, options);
  let last = entry;
  if (marked.object !== undefined) {
    if (dryRun)
      return {
        entry: new Entry(entry, entry.revision, undefined, marked.object, entry.packedOwners),
        gone: marked.deletesNow,
      };
    const written = await putObject(server, server.cacheOf(kind), entry.key, marked.object, entry.revision);
    if (written === undefined) return undefined;
    last = written;
  }
  if (!marked.deletesNow) return { entry: last, gone: false };
  if (dryRun) return { entry: last, gone: true };
  const revision = await deleteKey(server, last.key, last.revision, server.services.release(kind, last.object));
  if (revision !== undefined) return { entry: last.at(revision), gone: true };
  // Marked and then changed by somebody else: their version is deleted by the next attempt.
  return undefined;
}

interface Marked {
  /** To be written; undefined when the object stays as it is. */
  readonly object: ApiObject | undefined;
  readonly deletesNow: boolean;
}

function markDeletion(server: Server, kind: KindDefinition, current: ApiObject, options: DeleteOptionsBody): Marked {
  // Nothing but metadata changes: the rest is shared, and its bytes are taken over.
  const object: ApiObject = { ...current, metadata: { ...current.metadata } };
  const { metadata } = object;
  const graceful = markGraceful(server, kind, object, options);
  const finalizers = finalizersFor(kind, server, current, options);
  if (finalizers !== undefined) metadata['finalizers'] = finalizers.length === 0 ? undefined : finalizers;
  const pending = ((metadata['finalizers'] as string[] | undefined) ?? []).length > 0;
  if (graceful === 'pending') {
    return { object: sameValue(object, current) ? undefined : object, deletesNow: false };
  }
  if (graceful === 'none') {
    if (!pending) return { object: undefined, deletesNow: true };
    markAsDeleting(object, server.strategyContext(false).now);
    return { object: sameValue(object, current) ? undefined : object, deletesNow: false };
  }
  return { object, deletesNow: graceful.periodSeconds === 0 && !pending };
}

/** Marks the object when its kind is deleted gracefully; says whether it did, or whether that was done before. */
function markGraceful(
  server: Server,
  kind: KindDefinition,
  object: ApiObject,
  options: DeleteOptionsBody,
): 'none' | 'pending' | { periodSeconds: number } {
  const { metadata } = object as { metadata: Record<string, unknown> };
  const strategy = storedKindOf(kind, server.registry).strategy;
  const before = metadata['deletionGracePeriodSeconds'] as number | undefined;
  const requested = options.gracePeriodSeconds;
  if (metadata['deletionTimestamp'] !== undefined) {
    if (before === undefined || before === 0) return 'none';
    if (requested === undefined || requested >= before) return 'pending';
    const end = Date.parse(metadata['deletionTimestamp'] as string) + (requested - before) * 1000;
    metadata['deletionTimestamp'] = timestamp(end);
    metadata['deletionGracePeriodSeconds'] = requested;
    return { periodSeconds: requested };
  }
  const periodSeconds = strategy?.gracePeriodSeconds?.(object, requested);
  if (periodSeconds === undefined) return 'none';
  metadata['deletionTimestamp'] = timestamp(server.context.clock.now() + periodSeconds * 1000);
  metadata['deletionGracePeriodSeconds'] = periodSeconds;
  raiseGeneration(metadata);
  return { periodSeconds };
}

/** What finalizers do to kinds without a grace period. */
function markAsDeleting(object: ApiObject, now: string): void {
  const { metadata } = object as { metadata: Record<string, unknown> };
  if (metadata['deletionGracePeriodSeconds'] === undefined) raiseGeneration(metadata);
  if (
    metadata['deletionTimestamp'] === undefined ||
    Date.parse(metadata['deletionTimestamp'] as string) > Date.parse(now)
  ) {
    metadata['deletionTimestamp'] = now;
  }
  metadata['deletionGracePeriodSeconds'] = 0;
}

export function raiseGeneration(metadata: Record<string, unknown>): void {
  const generation = metadata['generation'];
  if (typeof generation === 'number' && generation > 0) metadata['generation'] = generation + 1;
}

function timestamp(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** The finalizers that the propagation policy wants; undefined when they are right already. */
export function finalizersFor(
  kind: KindDefinition,
  server: Server,
  object: ApiObject,
  options: DeleteOptionsBody,
): string[] | undefined {
  const current = (object.metadata['finalizers'] as string[] | undefined) ?? [];
  const { orphanDependents, propagationPolicy } = options;
  let orphan: boolean;
  let foreground: boolean;
  if (orphanDependents !== undefined) {
    orphan = orphanDependents;
    foreground = false;
  } else if (propagationPolicy !== undefined) {
    orphan = propagationPolicy === 'Orphan';
    foreground = propagationPolicy === 'Foreground';
  } else {
    foreground = current.includes(FOREGROUND);
    orphan =
      current.includes(ORPHAN) ||
      (!foreground && storedKindOf(kind, server.registry).strategy?.defaultPropagation === 'orphan');
  }
  const wanted = current.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (orphan) wanted.push(ORPHAN);
  if (foreground) wanted.push(FOREGROUND);
  return sameValue([...wanted].sort(), [...current].sort()) ? undefined : wanted;
}

/** Refused because something else must go first. */
export function conflictNow(kind: KindDefinition, name: string, message: string): StatusError {
  return StatusError.conflict({ group: kind.group, name: kind.plural }, name, message);
}
