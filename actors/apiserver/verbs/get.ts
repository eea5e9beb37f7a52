/** Reads one object from its cache. */
import type { Call } from '../call.ts';
import { notFoundOf, plainError, tooLargeResourceVersion } from '../failures.ts';
import type { Server } from '../server.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';

/** How long a read waits for a revision that the caches do not have yet, as upstream's. */
const WAIT_MS = 3000;

export function getObject(call: Call, server: Server): void | Promise<void> {
  const version = call.query['resourceVersion'];
  if (version !== undefined && version !== '' && version !== '0') {
    const wanted = parseResourceVersion(version, plainError);
    if (wanted > server.caches.revision) return waitFor(server, wanted).then(() => read(call, server));
  } else if (server.options.sharedStore && version !== '0') {
    return catchUp(server).then(() => read(call, server));
  }
  read(call, server);
}

function read(call: Call, server: Server): void {
  const cache = server.cacheOf(call.kind);
  const entry = cache.get(cache.keyOf(call.namespace, call.name as string));
  const part = subresourceHandlerOf(call)?.part;
  if (entry === undefined) throw notFoundOf(call.kind, call.name as string, part?.absent?.(call.kind, 'read'));
  call.answer =
    part === undefined
      ? { type: 'entry', code: 200, entry, kind: call.kind }
      : { type: 'object', code: 200, object: part.read(entry.object, call.kind) };
}

/** Waits until the caches hold everything that the store has acknowledged: only needed when others write to it too. */
export async function catchUp(server: Server): Promise<void> {
  const { revision } = await server.store.range({ prefix: '/registry/', countOnly: true, limit: 1 });
  await server.caches.waitFor(revision, WAIT_MS);
}

/** Waits for `revision`; 504 when it does not come. */
export async function waitFor(server: Server, revision: number): Promise<void> {
  if (!(await server.caches.waitFor(revision, WAIT_MS)))
    throw tooLargeResourceVersion(revision, server.caches.revision);
}

/** A resourceVersion as a revision; `failed` makes the refusal from upstream's message. */
export function parseResourceVersion(text: string, failed: (message: string) => Error): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw failed(
    `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}
