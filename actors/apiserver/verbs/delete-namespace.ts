/**
 * Deleting a namespace: the first request only turns it Terminating; its content goes first, and then its finalizers.
 * @see pkg/registry/core/namespace/storage/storage.go Delete
 */
import type { KindDefinition } from '../../../src/api/index.ts';
import { copyOf, Entry } from '../cache/entry.ts';
import type { DeleteOptionsBody } from '../call.ts';
import type { Server } from '../server.ts';
import { putObject } from './commit.ts';
import { type Deletion, finalizersFor } from './delete.ts';

export const NAMESPACES = '/registry/namespaces';

/** Undefined when the namespace is to be deleted as any other object (or when the race was lost). */
export async function deleteNamespace(
  server: Server,
  kind: KindDefinition,
  entry: Entry,
  options: DeleteOptionsBody,
  dryRun: boolean,
): Promise<Deletion | undefined> {
  const { metadata, spec } = entry.object as unknown as {
    metadata: Record<string, unknown>;
    spec?: { finalizers?: string[] };
  };
  if (metadata['deletionTimestamp'] !== undefined) {
    return (spec?.finalizers ?? []).length > 0 ? { entry, gone: false } : undefined;
  }
  const object = copyOf(entry.object);
  object.metadata['deletionTimestamp'] = server.strategyContext(dryRun).now;
  object['status'] = { ...(object['status'] as object | undefined), phase: 'Terminating' };
  const finalizers = finalizersFor(kind, server, entry.object, options);
  if (finalizers !== undefined) object.metadata['finalizers'] = finalizers;
  if (dryRun) return { entry: new Entry(entry, entry.revision, undefined, object, entry.packedOwners), gone: false };
  const written = await putObject(server, server.cacheOf(kind), entry.key, object, entry.revision);
  return written === undefined ? undefined : { entry: written, gone: false };
}
