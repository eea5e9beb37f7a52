/** Deletes what a list selects, some at a time. The answer lists what was deleted; what is gone meanwhile does not matter. */
import { isNotFound } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import { deleteEntry, warnOfOrphans } from './delete.ts';
import { listObjects } from './list.ts';

/** Deletions on their way to the store at the same time. */
const CONCURRENT = 32;

export async function deleteCollection(call: Call, server: Server): Promise<void> {
  await listObjects(call, server);
  const answer = call.answer;
  if (answer?.type !== 'list') return;
  const entries = [...answer.entries];
  const options = call.deleteOptions ?? {};
  warnOfOrphans(call, server);
  let next = 0;
  const work = async () => {
    while (next < entries.length) {
      const entry = entries[next++] as Entry;
      try {
        const admitted = server.admission.admitDeletion(call, entry, server);
        if (admitted !== undefined) await admitted;
        await deleteEntry(server, call.kind, entry, options, call.dryRun);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT, entries.length) }, work));
  call.answer = { type: 'list', kind: call.kind, entries, revision: server.caches.revision };
}
