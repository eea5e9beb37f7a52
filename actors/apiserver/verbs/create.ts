/** Creates an object: a put under the condition that the key does not exist. */
import { StatusError } from '../../../src/api/index.ts';
import { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { resourceOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { refuseTaken } from '../stages/readability.ts';
import { storedForm } from '../webhooks/index.ts';
import { inOrder, putObject } from './commit.ts';

/** Tries at a generated name, as upstream's. */
const NAME_ATTEMPTS_MAX = 8;

export async function createObject(call: Call, server: Server): Promise<void> {
  const object = call.object as NonNullable<Call['object']>;
  const cache = server.cacheOf(call.kind);
  const name = object.metadata.name as string;
  const key = cache.keyOf(call.namespace, name);
  const existing = cache.get(key);
  if (existing !== undefined) return taken(call, name, existing);
  refuseTaken(call, key, name, server);
  const companion = server.services.prepare(call.kind, object, undefined, call.dryRun);
  if (call.dryRun) {
    server.services.settle(call.kind, object);
    object.metadata = inOrder(object.metadata);
    call.answer = {
      type: 'entry',
      code: 201,
      entry: new Entry(cache.placeOf(key), 0, undefined, object, call.owners),
      kind: call.kind,
    };
    return;
  }
  try {
    const leased = server.eventLeases.leaseFor(call.kind);
    const lease = leased === undefined ? undefined : await leased;
    const form = storedForm(object, call.kind, server);
    const stored = form instanceof Promise ? await form : form;
    const entry = await putObject(server, cache, key, stored, 0, {
      ...(lease === undefined ? {} : { lease }),
      companion,
      owners: call.owners ?? null,
    });
    if (entry === undefined) {
      // Either the name was taken in the meantime, or the address of the companion was: the next attempt picks another one.
      const winner = cache.get(key);
      if (winner !== undefined) taken(call, name, winner);
      return;
    }
    call.answer = { type: 'entry', code: 201, entry, kind: call.kind };
  } finally {
    server.services.settle(call.kind, object);
  }
}

/** A generated name is tried again with another suffix; a name of the client's own is refused. */
function taken(call: Call, name: string, { object }: Entry): void {
  const { generateName = '' } = (call.object?.metadata ?? {}) as { generateName?: string };
  // An apply or a PUT that meant to create updates what has come in between.
  if (call.verb !== 'create') return;
  const isBeingDeleted = object.metadata['deletionTimestamp'] !== undefined;
  if (generateName === '') throw StatusError.alreadyExists(resourceOf(call.kind), name, isBeingDeleted);
  if (call.hasGeneratedName !== true || call.attempt >= NAME_ATTEMPTS_MAX) {
    throw StatusError.generateNameConflict(resourceOf(call.kind), name, isBeingDeleted);
  }
  call.object = undefined;
  call.name = undefined;
}
