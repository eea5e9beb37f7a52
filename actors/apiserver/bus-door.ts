/** The bus door: other actors' requests and watches, as packed objects. */
import { Observable } from 'rxjs';
import { type ApiObject, isStatusError, StatusError } from '../../src/api/index.ts';
import {
  type ApiIdentity,
  type ApiRequest,
  type ApiResponse,
  type ApiTarget,
  type ApiWatchBatch,
  type ApiWatchEvent,
  type ApiWatchRequest,
  apiChannels,
} from '../../src/client/protocol.ts';
import { isBusError, pack, type ServeContext } from '../../src/runtime/index.ts';
import { isStoreError } from '../../src/store/index.ts';
import { readRemote, remoteOf } from './aggregation/reads.ts';
import { ANONYMOUS } from './authentication/types.ts';
import type { Answer, Call, Identity, Verb, WatchSink } from './call.ts';
import { messageOf, methodNotAllowed, plainError } from './failures.ts';
import { serves } from './kinds.ts';
import { runPipeline } from './pipeline.ts';
import type { Server } from './server.ts';
import { newCall } from './system-call.ts';

const PROGRAM: Requester = { identity: { user: 'system:admin', groups: ['system:masters', 'system:authenticated'] } };
const NOBODY: Requester = { identity: ANONYMOUS };

export function serveBus(server: Server): void {
  const { bus } = server.context;
  bus.serve(apiChannels.request, (request, context) => answerRequest(server, request, context));
  bus.serve(apiChannels.batch, (requests, context) =>
    Promise.all(requests.map((request) => answerRequest(server, request, context))),
  );
  bus.feed(apiChannels.watch, (request, context) => watchStream(server, request, context), { sizeOf: batchBytes });
}

async function answerRequest(server: Server, request: ApiRequest, context: ServeContext): Promise<ApiResponse> {
  const started = server.context.clock.monotonic();
  let call: Call | undefined;
  let response: ApiResponse;
  try {
    const remote = remoteOf(server, request);
    if (remote !== undefined) return await readRemote(server, remote, request, requesterOf(context.caller).identity);
    call = busCall(server, request, request.verb, context);
    const answer = await runPipeline(call, server);
    response = request.quiet === true ? quietResponseOf(answer) : responseOf(call, answer);
    if (call.audit !== undefined) server.auditor?.completed(call.audit, response.code, { call, answer });
  } catch (error) {
    response = refusal(server, error, call);
    if (call?.audit !== undefined && isStatusError(error)) {
      server.auditor?.completed(call.audit, response.code, { call, error });
    }
  }
  if (call?.audit?.pending !== undefined) await call.audit.pending;
  if (call !== undefined)
    server.metrics.request(call, response.code, (server.context.clock.monotonic() - started) / 1000);
  return response;
}

function busCall(server: Server, request: ApiRequest | ApiWatchRequest, verb: Verb, context: ServeContext): Call {
  const kind = server.registry.byResource(request.group, request.version, request.resource);
  if (kind === undefined) throw StatusError.noSuchPath();
  const subresource =
    request.subresource === undefined ? undefined : kind.subresources?.find(({ name }) => name === request.subresource);
  if (request.subresource !== undefined && subresource === undefined) throw StatusError.noSuchPath();
  if (!serves(kind, subresource, verb)) throw methodNotAllowed();
  checkPlace(kind.namespaced, request, verb);
  const { identity, userAgent } = requesterOf(context.caller);
  const query = request.query ?? {};
  const body = 'body' in request ? request.body : undefined;
  return newCall({
    door: 'bus',
    verb,
    kind,
    subresource,
    namespace: kind.namespaced ? request.namespace : undefined,
    name: request.name,
    query,
    queryAll: (name) => (query[name] === undefined ? [] : [query[name]]),
    body: body === undefined ? undefined : { form: 'packed', bytes: body },
    patchType: 'patchType' in request ? request.patchType : undefined,
    credentials: { type: 'bus', identity },
    userAgent: userAgent ?? context.caller.address,
    auditId: '',
  });
}

interface Requester {
  readonly identity: Identity;
  readonly userAgent?: string;
}

const requesters = new WeakMap<ApiIdentity, Requester>();

/**
 * Who calls: as whom the actor was spawned. The program itself is administrator; an actor that was given no identity is nobody.
 * All requests of an actor have the same object, by which authorization, fairness and audit remember what they found out.
 */
export function requesterOf({ address, identity: given }: ServeContext['caller']): Requester {
  if (given === undefined) return address === 'main' ? PROGRAM : NOBODY;
  let requester = requesters.get(given as ApiIdentity);
  if (requester === undefined) {
    const { user, uid, groups, extra, userAgent } = given as ApiIdentity;
    requester = { identity: { user, uid, groups, extra }, userAgent };
    requesters.set(given as ApiIdentity, requester);
  }
  return requester;
}

/** A request must say where its object is. */
function checkPlace(namespaced: boolean, { namespace, name }: ApiTarget, verb: Verb): void {
  const named = verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete';
  if (named && (name === undefined || name === '')) throw methodNotAllowed();
  if (namespaced && (namespace === undefined || namespace === '') && verb !== 'list' && verb !== 'watch') {
    throw methodNotAllowed();
  }
}

/** Nobody looks at the object, and at an event hardly anybody ever will: what was decoded of it need not be kept. */
function quietResponseOf(answer: Answer): ApiResponse {
  if (!('code' in answer)) return { code: 200 };
  if (answer.type !== 'entry') return { code: answer.code };
  if (answer.kind.kind !== 'Event')
    return { code: answer.code, name: answer.entry.name, revision: answer.entry.revision };
  answer.entry.retire();
  return { code: answer.code };
}

function responseOf(call: Call, answer: Answer): ApiResponse {
  const warnings = call.warnings.length === 0 ? undefined : call.warnings;
  switch (answer.type) {
    case 'entry': {
      const view = answer.entry.view(answer.kind);
      const { revision } = view;
      const object = call.query['managedFields'] === 'true' ? pack(view.whole) : view.bytes;
      return { code: answer.code, object, ...(revision === 0 ? {} : { revision }), warnings };
    }
    case 'object':
      return { code: answer.code, object: pack(answer.object), warnings };
    case 'list': {
      const entries = answer.entries.map((entry) => entry.view(answer.kind));
      return {
        code: 200,
        items: entries.map((entry) => entry.bytes),
        revisions: entries.map((entry) => entry.revision),
        listRevision: answer.revision,
        continue: answer.continue,
        remainingItemCount: answer.remainingItemCount,
        warnings,
      };
    }
    case 'empty':
      return { code: answer.code };
    default:
      throw StatusError.badRequest('this is a stream: it is not served by a request');
  }
}

/** A refusal as it is; anything else is a bug, which is logged and answered with 500. */
function refusal(server: Server, error: unknown, call: Call | undefined): ApiResponse {
  const status = isStatusError(error) ? error : internal(server, error);
  return {
    code: status.code,
    object: pack(status.toStatus()),
    warnings: call?.warnings.length ? call.warnings : undefined,
  };
}

/** What a client is told of an error that is no refusal: the store is away or too busy, or there is a bug, which is logged. */
export function internal(server: Server, error: unknown): StatusError {
  if (isBusError(error) && error.code !== 'HandlerFailed') return StatusError.serviceUnavailable(error.message);
  if (isStoreError(error)) {
    // Clients wait and try again; what they wrote may or may not be there, as with etcd.
    if (error.code === 'Overloaded') return StatusError.tooManyRequests(error.message, 1);
    if (error.code === 'Closed' || error.code === 'Failed') return StatusError.serviceUnavailable(error.message);
    return plainError(error.message);
  }
  server.context.log.error('a request failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return StatusError.internalError(messageOf(error));
}

function batchBytes(batch: ApiWatchBatch): number {
  let bytes = 8;
  for (const event of batch) bytes += 32 + (event[2]?.length ?? 0);
  return bytes;
}

function watchStream(server: Server, request: ApiWatchRequest, context: ServeContext): Observable<ApiWatchBatch> {
  return new Observable<ApiWatchBatch>((subscriber) => {
    let stop: (() => void) | undefined;
    let stopped = false;
    let ended: (() => void) | undefined;
    let events: ApiWatchEvent[] = [];
    let kind: Call['kind'];
    const flush = () => {
      if (events.length === 0) return;
      const batch = events;
      events = [];
      subscriber.next(batch);
    };
    const sink: WatchSink = {
      event(type, entry) {
        const view = entry.view(kind);
        events.push([type, view.revision, view.bytes]);
      },
      bookmark(revision, initialEventsEnd) {
        events.push(initialEventsEnd ? ['BOOKMARK', revision, null, true] : ['BOOKMARK', revision, null]);
      },
      flush,
      end(status) {
        if (status !== undefined) events.push(['ERROR', 0, pack(status)]);
        flush();
        subscriber.complete();
      },
    };
    const fail = (error: unknown) => {
      const status = isStatusError(error) ? error : internal(server, error);
      sink.end(status.toStatus() as unknown as ApiObject);
    };
    const begin = async () => {
      const call = busCall(server, request, 'watch', context);
      kind = call.kind;
      const answer = await runPipeline(call, server);
      if (answer.type !== 'watch' || stopped) return;
      const { audit } = call;
      if (audit !== undefined) {
        server.auditor?.started(audit, 200);
        ended = () => server.auditor?.completed(audit, 200, { call });
      }
      stop = answer.open(sink);
      if (stopped) stop();
    };
    begin().catch(fail);
    return () => {
      stopped = true;
      stop?.();
      ended?.();
    };
  });
}
