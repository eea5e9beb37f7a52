/**
 * The end of a CustomResourceDefinition: its objects are deleted, and once the last is gone its finalizer goes too.
 * @see apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go
 */
import { isNotFound, type KindDefinition } from '../../../src/api/index.ts';
import { copyOf, type Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { deleteKey, putObject } from '../verbs/commit.ts';
import { deleteEntry } from '../verbs/delete.ts';
import { CLEANUP_FINALIZER, DEFINITIONS, withTerminating } from './deletion.ts';

/** How long objects with finalizers are waited for before they are looked at again. */
export const CLEANUP_RETRY_MS = 500;

/** Goes one step; says whether there is nothing left to do. `kind` is any of the definition's kinds. */
export async function finishDeletion(server: Server, entry: Entry, kind: KindDefinition | undefined): Promise<boolean> {
  const finalizers = (entry.object.metadata['finalizers'] as string[] | undefined) ?? [];
  if (!finalizers.includes(CLEANUP_FINALIZER)) return true;
  if (kind !== undefined) {
    const cache = server.cacheOf(kind);
    for (const instance of cache.list()) {
      if (instance.object.metadata['deletionTimestamp'] !== undefined) continue;
      try {
        await deleteEntry(server, kind, instance, {}, false);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    if (cache.size > 0) return false;
  }
  const object = copyOf(entry.object);
  const rest = finalizers.filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
  if (rest.length === 0) return (await deleteKey(server, entry.key, entry.revision)) !== undefined;
  object.metadata['finalizers'] = rest;
  const { now } = server.strategyContext(false);
  withTerminating(object, 'False', 'InstanceDeletionCompleted', 'removed all instances', now);
  const cache = server.caches.cacheOf(DEFINITIONS, false);
  return (await putObject(server, cache, entry.key, object, entry.revision)) !== undefined;
}
