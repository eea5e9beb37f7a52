/**
 * Deleting a CustomResourceDefinition: the request only marks it, with a finalizer that holds it until its objects are gone.
 * @see apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go Delete
 */
import { type ApiObject, withCondition } from '../../../src/api/index.ts';
import { copyOf, Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { putObject } from '../verbs/commit.ts';

export const DEFINITIONS = '/registry/apiextensions.k8s.io/customresourcedefinitions';
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** What a definition's status says of its end. */
export function withTerminating(object: ApiObject, status: string, reason: string, message: string, now: string): void {
  const before = object['status'] as { conditions?: [] } | undefined;
  const conditions = withCondition(before?.conditions, { type: 'Terminating', status, reason, message }, now);
  object['status'] = { ...before, conditions };
}

/** Marks the definition. Undefined when it is to be deleted as any other object, or when the race was lost. */
export async function markDefinition(
  server: Server,
  entry: Entry,
  dryRun: boolean,
): Promise<{ entry: Entry; gone: boolean } | undefined> {
  if (entry.object.metadata['deletionTimestamp'] !== undefined) return undefined;
  const { now } = server.strategyContext(dryRun);
  const object = copyOf(entry.object);
  object.metadata['deletionTimestamp'] = now;
  const finalizers = (object.metadata['finalizers'] as string[] | undefined) ?? [];
  if (!finalizers.includes(CLEANUP_FINALIZER)) object.metadata['finalizers'] = [...finalizers, CLEANUP_FINALIZER];
  const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon';
  withTerminating(object, 'True', 'InstanceDeletionPending', message, now);
  if (dryRun) return { entry: new Entry(entry, entry.revision, undefined, object, entry.packedOwners), gone: false };
  const cache = server.caches.cacheOf(DEFINITIONS, false);
  const written = await putObject(server, cache, entry.key, object, entry.revision);
  return written === undefined ? undefined : { entry: written, gone: false };
}
