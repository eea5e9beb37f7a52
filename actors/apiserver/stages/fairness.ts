/**
 * Takes a seat for a request from outside; the door gives it back when the request is over, for a watch once it has begun.
 * Streams that last (exec, logs, proxies) take none, as upstream.
 */
import { type Call, scopeOf } from '../call.ts';
import type { Server } from '../server.ts';

const LASTING = ['attach', 'exec', 'log', 'portforward', 'proxy'];
/** A list takes a seat for so many objects, at most so many seats. */
const OBJECTS_PER_SEAT = 100;
const LIST_SEATS_MAX = 10;

export function takeSeat(call: Call, server: Server): void | Promise<void> {
  if (server.fairness === undefined || call.door === 'bus') return;
  if (call.subresource !== undefined && LASTING.includes(call.subresource.name)) return;
  const { verb, group, resource, subresource, namespace } = scopeOf(call);
  const { user, kind, name = '' } = call;
  const request = { user, verb, group, version: kind.version, resource, subresource, namespace, name };
  const seat = server.fairness.enter(request, widthOf(call, server), call.client);
  if (!(seat instanceof Promise)) {
    call.seat = seat;
    return;
  }
  return seat.then((taken) => {
    call.seat = taken;
  });
}

function widthOf({ verb, kind, query }: Call, server: Server): number {
  if (verb !== 'list') return 1;
  const { size } = server.cacheOf(kind);
  const limit = Number(query['limit'] ?? 0);
  const objects = limit > 0 ? Math.min(limit, size) : size;
  return Math.min(LIST_SEATS_MAX, Math.max(1, Math.ceil(objects / OBJECTS_PER_SEAT)));
}
