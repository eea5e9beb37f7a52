/**
 * Takes a seat for a request from outside; the door gives it back when the answer has left, for a watch once it has begun.
 * Streams that last (exec, logs, proxies) take none, as upstream.
 * @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/request/list_work_estimator.go and mutating_work_estimator.go
 */
import { type Call, namespaceOf } from '../call.ts';
import type { FlowRequest, Work } from '../fairness/index.ts';
import type { Server } from '../server.ts';
import { booleanOf } from '../verbs/list-options.ts';

const LASTING = ['attach', 'exec', 'log', 'portforward', 'proxy'];
/** A list takes a seat for so many objects, at most so many seats. */
const OBJECTS_PER_SEAT = 100;
const LIST_SEATS_MAX = 10;
const ONE_SEAT: Work = { seats: 1 };

export function takeSeat(call: Call, server: Server): void | Promise<void> {
  if (server.fairness === undefined || call.door === 'bus') return;
  if (call.subresource !== undefined && LASTING.includes(call.subresource.name)) return;
  const { user, verb, kind, subresource, name = '' } = call;
  const request: FlowRequest = {
    user,
    verb,
    path: undefined,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    subresource: subresource?.name ?? '',
    namespace: namespaceOf(call),
    name,
  };
  const seat = server.fairness.enter(request, workOf(call, server), call.client);
  if (!(seat instanceof Promise)) {
    call.seat = seat;
    return;
  }
  return seat.then((taken) => {
    call.seat = taken;
  });
}

function workOf(call: Call, server: Server): Work {
  const { verb, kind, query } = call;
  if (verb === 'get') return ONE_SEAT;
  const cache = server.cacheOf(kind);
  // What follows a write is the work of telling all who watch.
  if (verb !== 'list' && verb !== 'watch') return { seats: 1, watchers: cache.router.size };
  if (verb === 'watch' && booleanOf(query['sendInitialEvents']) !== true) return ONE_SEAT;
  if (call.name !== undefined || /(^|,)metadata\.name=/.test(query['fieldSelector'] ?? '')) return ONE_SEAT;
  const limit = Number(query['limit'] ?? 0);
  // Who selects has everything looked at, whatever the limit.
  const selects = query['labelSelector'] !== undefined || query['fieldSelector'] !== undefined;
  const objects = limit > 0 && !selects ? Math.min(limit, cache.size) : cache.size;
  return { seats: Math.min(LIST_SEATS_MAX, Math.max(1, Math.ceil(objects / OBJECTS_PER_SEAT))) };
}
