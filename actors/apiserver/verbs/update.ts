/**
 * Writes a changed object under the condition that nobody else changed it since. An object whose last finalizer goes while it
 * is being deleted is removed instead of written; one that would not change is not written at all.
 * @see staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Update
 */
import { type ApiObject, sameOwners, unpackOwners } from '../../../src/api/index.ts';
import { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { conflictOf } from '../failures.ts';
import { storedKindOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
import { storedForm } from '../webhooks/index.ts';
import { deleteKey, inOrder, putObject } from './commit.ts';

export async function updateObject(call: Call, server: Server): Promise<void> {
  const previous = call.previous as Entry;
  const object = call.object as ApiObject;
  if (call.expectedRevision !== undefined && call.expectedRevision !== String(previous.revision)) {
    throw conflictOf(call.kind, call.name as string);
  }
  const cache = server.cacheOf(call.kind);
  const strategy = storedKindOf(call.kind, server.registry).strategy;
  object.metadata['resourceVersion'] = previous.object.metadata['resourceVersion'];
  // What was sealed with an old key is written again although nothing changed: so keys are rotated. And upstream rewrites who owns
  // the replicas of a custom object whenever its scale is put.
  const isStale = server.encryption?.isStale(previous.key) === true;
  const isCustomScale = call.verb === 'update' && call.subresource?.name === 'scale' && call.kind.custom !== undefined;
  if (!isStale && !isCustomScale && sameValue(object, previous.object) && keepsOwners(call, previous)) {
    return answer(call, server, previous);
  }
  const companion = server.services.prepare(call.kind, object, previous.object, call.dryRun);
  if (call.dryRun) {
    server.services.settle(call.kind, object);
    object.metadata = inOrder(object.metadata);
    return answer(call, server, new Entry(previous, previous.revision, undefined, object, call.owners));
  }
  if (endsDeletion(object, previous.object) && strategy?.hasFinalizers?.(object) !== true) {
    const revision = await deleteKey(
      server,
      previous.key,
      previous.revision,
      server.services.release(call.kind, previous.object),
    );
    server.services.settle(call.kind, object);
    if (revision !== undefined) answer(call, server, new Entry(previous, revision, undefined, object, call.owners));
    return;
  }
  try {
    const leased = server.eventLeases.leaseFor(call.kind);
    const lease = leased === undefined ? undefined : await leased;
    const form = storedForm(object, call.kind, server);
    const stored = form instanceof Promise ? await form : form;
    const entry = await putObject(server, cache, previous.key, stored, previous.revision, {
      ...(lease === undefined ? {} : { lease }),
      companion,
      owners: call.owners ?? null,
    });
    if (entry !== undefined) answer(call, server, entry);
  } finally {
    server.services.settle(call.kind, object);
  }
}

/** Whether the same fields belong to the same owners as before, whatever the times. */
function keepsOwners({ owners }: Call, { packedOwners, fields }: Entry): boolean {
  if (owners === packedOwners) return true;
  if (owners === undefined || packedOwners === undefined) return false;
  if (Buffer.compare(owners, packedOwners) === 0) return true;
  return sameOwners(unpackOwners(owners, fields?.schema), unpackOwners(packedOwners, fields?.schema));
}

/** Whether nothing holds the deleted object back any more after this update: no finalizer, and no grace period. */
function endsDeletion(object: ApiObject, previous: ApiObject): boolean {
  if (previous.metadata['deletionTimestamp'] === undefined) return false;
  const finalizers = object.metadata['finalizers'] as string[] | undefined;
  if (finalizers !== undefined && finalizers.length > 0) return false;
  const grace = previous.metadata['deletionGracePeriodSeconds'];
  return grace === undefined || grace === 0;
}

function answer(call: Call, _server: Server, entry: Entry): void {
  const part = subresourceHandlerOf(call)?.part;
  call.answer =
    part === undefined
      ? { type: 'entry', code: 200, entry, kind: call.kind }
      : { type: 'object', code: 200, object: part.read(entry.object, call.kind) };
}
