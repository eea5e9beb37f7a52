/**
 * One HTTP request from its first byte to its answer. Whatever a client sends, it ends in an answer: refusals as they are, bugs
 * as a 500 that is logged.
 */
import type { ServerResponse } from 'node:http';
import { isStatusError, StatusError } from '../../../src/api/index.ts';
import type { RemoteVersion } from '../aggregation/api-services.ts';
import { serveRemote } from '../aggregation/serve.ts';
import { type AuditRecord, noteDecision } from '../audit/event.ts';
import { AuditRefused } from '../audit/index.ts';
import type { Notes } from '../authentication/types.ts';
import type { ResourceReference } from '../authorization/types.ts';
import { internal } from '../bus-door.ts';
import type { Answer, Call, Identity } from '../call.ts';
import { plainError } from '../failures.ts';
import { type FlowRequest, type Seat, TooManyRequests } from '../fairness/index.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { identityOf } from '../stages/authentication.ts';
import { ask, authorizePath, type Decision, refusalText } from '../stages/authorization.ts';
import { impersonatedOnPath } from '../stages/impersonation.ts';
import type { Upgrade } from '../streams/exchange.ts';
import { booleanOf } from '../verbs/list-options.ts';
import { sendAnswer, sendStatus } from './answers.ts';
import { checkMainQuery } from './main-queries.ts';
import { type Accepted, acceptedOf, prettyOf, READABLE, WATCHABLE } from './negotiation.ts';
import { parseResourcePath, type ResourcePath } from './paths.ts';
import { sendNotFound, sendPlainPath } from './plain-paths.ts';
import { hasProtobuf } from './protobuf.ts';
import { type Reply, type Request, type Response, send } from './reply.ts';
import { callOfRequest, credentialsOf, PageNotFound, type Query, queryOf, routeOf } from './requests.ts';

export async function handleRequest(
  server: Server,
  request: Request,
  response: Response,
  upgrade?: Upgrade,
): Promise<void> {
  const reply: Reply = { request, response, auditId: auditIdOf(request, server), warnings: [], upgrade };
  let accepted: Accepted | undefined;
  try {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = queryOf(mark < 0 ? '' : url.slice(mark + 1));
    const header = request.headers['accept'];
    const wanted = prettyOf(query.first['pretty'], request.headers['user-agent']);
    const resource = resourcePathOf(path);
    const remote = server.aggregation.ofPath(path);
    if (remote !== undefined) {
      accepted = acceptedOf(header, 'status', wanted, true);
      return await answerRemote(server, reply, remote, path, resource, query);
    }
    if (resource === undefined) {
      accepted = acceptedOf(header, 'object', wanted, path.startsWith('/api'));
      return await answerPath(server, reply, path, query, accepted);
    }
    // Refusals are told in any form that the client reads, also where a watch could not be sent in it.
    accepted = acceptedOf(header, 'status', wanted, true);
    const method = request.method ?? 'GET';
    let route: ReturnType<typeof routeOf>;
    try {
      route = routeOf(server, method, resource, query);
    } catch (error) {
      return await answerUnrouted(server, reply, path, resource, query, error);
    }
    const watching = route.verb === 'watch';
    const pretty = watching ? undefined : wanted;
    const form = acceptedOf(header, watching ? 'watch' : 'object', pretty, hasProtobuf(route));
    if (form === undefined)
      return await answerUnrouted(server, reply, path, resource, query, notAcceptable(header, route.verb));
    const status = accepted;
    await answerResource(
      server,
      reply,
      { form, status },
      callOfRequest(request, resource, query, route, reply.auditId, server),
    );
  } catch (error) {
    request.resume();
    if (error instanceof PageNotFound) return sendNotFound(reply);
    if (error instanceof TooManyRequests) return sendTooMany(reply, error);
    if (error instanceof AuditRefused) return sendUnrecorded(reply, error);
    const status = isStatusError(error)
      ? error
      : error instanceof URIError
        ? StatusError.noSuchPath()
        : internal(server, error);
    // What an answer failed over is not tried again.
    if (!isStatusError(error)) reply.warnings = [];
    sendStatus(reply, status, accepted);
  }
}

/** A request keeps the id that its client or a proxy gave it. */
function auditIdOf(request: Request, server: Server): string {
  const given = request.headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given : server.context.random.uuid();
}

async function answerPath(
  server: Server,
  reply: Reply,
  path: string,
  query: Query,
  accepted: Accepted | undefined,
): Promise<void> {
  const { request, auditId } = reply;
  const credentials = credentialsOf(request);
  const method = request.method ?? 'GET';
  const notes: Notes = { warnings: [], annotations: undefined };
  reply.warnings = notes.warnings;
  const user = await identityOf(credentials, server, notes);
  const { annotations } = notes;
  const record = server.auditor?.beginPath({ auditId, credentials, user, method, path, annotations });
  let seat: Seat | undefined;
  try {
    await settledFirst(server, record);
    const known = await impersonatedOnPath(user, credentials, method, path, server);
    if (record !== undefined && known !== user) record.impersonatedUser = known;
    seat = await server.fairness?.enter(pathRequest(known, method, path), { seats: 1 }, reply.response);
    reply.seat = seat;
    const decision = await authorizePath(known, method, path, server);
    checkMainQuery(known, path.replace(/\/+$/, ''));
    if (record !== undefined) noteDecision(record, true, decision.reason);
    if (!(await sendPlainPath(server, reply, path, query, accepted))) sendNotFound(reply);
    if (record !== undefined) server.auditor?.completed(record, reply.response.statusCode, {});
  } catch (error) {
    if (record !== undefined && isStatusError(error)) {
      if (error.code === 403) noteDecision(record, false, '');
      server.auditor?.completed(record, error.code, { error });
    }
    throw error;
  } finally {
    seat?.release();
  }
}

/** A resource that is not here, or not in a form that the client reads: told of to those only who may ask for it. */
async function answerUnrouted(
  server: Server,
  reply: Reply,
  path: string,
  resource: ResourcePath,
  query: Query,
  refusal: unknown,
): Promise<void> {
  const code = isStatusError(refusal) ? refusal.code : 404;
  await recorded(server, reply, path, resource, query, async (known, record) => {
    const { reason } = await authorizeUnrouted(server, known, reply.request.method ?? 'GET', resource, query);
    if (record !== undefined) noteDecision(record, true, reason);
    if (!isStatusError(refusal) && record !== undefined) server.auditor?.completed(record, code, {});
    throw refusal;
  });
}

/** What another server serves: who asks and whether they may is settled here, the rest there. */
async function answerRemote(
  server: Server,
  reply: Reply,
  remote: RemoteVersion,
  path: string,
  resource: ResourcePath | undefined,
  query: Query,
): Promise<void> {
  const method = reply.request.method ?? 'GET';
  const lasts = reply.upgrade !== undefined || booleanOf(query.first['watch']) === true;
  await recorded(server, reply, path, resource, query, async (known, record) => {
    const asked = pathRequest(known, method, path);
    const seat = lasts ? undefined : await server.fairness?.enter(asked, { seats: 1 }, reply.response);
    try {
      const { reason } =
        resource === undefined
          ? await authorizePath(known, method, path, server)
          : await authorizeUnrouted(server, known, method, resource, query);
      if (record !== undefined) noteDecision(record, true, reason);
      await serveRemote(server, reply, remote, known);
    } finally {
      seat?.release();
    }
  });
}

/** Finds out who asks, and records what becomes of it. */
async function recorded(
  server: Server,
  reply: Reply,
  path: string,
  resource: ResourcePath | undefined,
  query: Query,
  answer: (known: Identity, record: AuditRecord | undefined) => Promise<void>,
): Promise<void> {
  const { request, auditId } = reply;
  const credentials = credentialsOf(request);
  const method = request.method ?? 'GET';
  const notes: Notes = { warnings: [], annotations: undefined };
  reply.warnings = notes.warnings;
  const user = await identityOf(credentials, server, notes);
  const record = server.auditor?.beginPath({
    ...{ auditId, credentials, user, method, path },
    annotations: notes.annotations,
    resource: resource === undefined ? undefined : referenceOf(resource, method, query),
  });
  try {
    await settledFirst(server, record);
    const known = await impersonatedOnPath(user, credentials, method, path, server);
    if (record !== undefined && known !== user) record.impersonatedUser = known;
    await answer(known, record);
    if (record !== undefined) server.auditor?.completed(record, reply.response.statusCode, {});
  } catch (error) {
    if (record !== undefined && isStatusError(error)) {
      if (error.code === 403) noteDecision(record, false, '');
      server.auditor?.completed(record, error.code, { error });
    }
    throw error;
  }
}

function referenceOf(path: ResourcePath, method: string, query: Query): ResourceReference {
  const { group, version, resource, subresource = '', namespace = '', name = '' } = path;
  return { verb: unroutedVerb(method, path, query), group, version, resource, subresource, namespace, name };
}

function pathRequest(user: Identity, method: string, path: string): FlowRequest {
  return { user, verb: method.toLowerCase(), path, group: '', resource: '', subresource: '', namespace: '' };
}

/** Refuses whoever may not ask for the resource, whether or not there is one. @throws StatusError 401, 403 */
async function authorizeUnrouted(
  server: Server,
  known: Identity,
  method: string,
  path: ResourcePath,
  query: Query,
): Promise<Decision> {
  const asked = { user: known, ...referenceOf(path, method, query) };
  const { group, resource, name } = asked;
  const decision = await ask(asked, server);
  if (decision.allowed) return decision;
  const { reason } = decision;
  const text = refusalText(asked) + (reason === '' ? '' : `: ${reason}`);
  throw StatusError.forbidden({ group, name: resource }, name, text);
}

function unroutedVerb(
  method: string,
  { name, watch }: { name: string | undefined; watch: boolean },
  query: Query,
): string {
  const reads = name === undefined ? (booleanOf(query.first['watch']) === true ? 'watch' : 'list') : 'get';
  const verbs: Readonly<Record<string, string>> = {
    GET: watch ? 'watch' : reads,
    HEAD: reads,
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: name === undefined ? 'deletecollection' : 'delete',
  };
  return verbs[method] ?? '';
}

async function answerResource(
  server: Server,
  reply: Reply,
  accepted: { readonly form: Accepted; readonly status: Accepted | undefined },
  call: Call,
): Promise<void> {
  const started = server.context.clock.monotonic();
  let code = 200;
  call.client = reply.response;
  try {
    if (call.kind.deprecationWarning !== undefined) call.warnings.push(call.kind.deprecationWarning);
    const answer = await runPipeline(call, server);
    if ('code' in answer) code = answer.code;
    reply.seat = call.seat;
    if (call.audit !== undefined && server.auditor?.isBlocking === true && isWhole(answer)) {
      server.auditor.completed(call.audit, code, { call, answer });
      await server.auditor.settled(call.audit);
    }
    const sent = sendAnswer(server, reply, call, answer, accepted.form);
    if (sent !== undefined) await sent;
    if (call.audit !== undefined) recordAnswer(server, call.audit, reply, call, answer, code);
  } catch (error) {
    reply.request.resume();
    const status = isStatusError(error) ? error : refusalOf(server, error);
    code = status.code;
    reply.warnings = call.warnings;
    reply.seat = call.seat;
    if (call.audit !== undefined && server.auditor?.isBlocking === true && !(error instanceof AuditRefused)) {
      server.auditor.completed(call.audit, code, { call, error: status });
      await server.auditor.settled(call.audit);
    }
    if (error instanceof TooManyRequests) sendTooMany(reply, error);
    else if (error instanceof AuditRefused) sendUnrecorded(reply, error);
    else sendStatus(reply, status, accepted.status);
    if (call.audit !== undefined) server.auditor?.completed(call.audit, code, { call, error: status });
    else if (code === 401 && call.user.user === '') server.auditor?.unauthenticated(call);
  }
  if (call.seat !== undefined) releaseWhenSent(call.seat, call, reply.response, server);
  server.metrics.request(call, code, (server.context.clock.monotonic() - started) / 1000);
}

/** What an answer may leave in its connection's buffer with its seat given back. */
const UNSENT_BYTES_MAX = 64 * 1024;

/**
 * A request keeps its seat while its answer is compressed or waits for its client to read, for as long as a request may take:
 * so what answers fill memory with is bounded by seats.
 */
function releaseWhenSent(seat: Seat, { verb }: Call, response: Response, server: Server): void {
  const { clock } = server.context;
  const way = 'stream' in response ? response.stream : response.socket;
  const isSent = response.writableEnded && (way?.writableLength ?? 0) <= UNSENT_BYTES_MAX;
  // A watch has no end of its own.
  if (isSent || response.destroyed || (verb === 'watch' && !response.writableEnded)) {
    seat.release();
    return;
  }
  const release = () => {
    timer.cancel();
    seat.release();
  };
  const timer = clock.after(server.options.httpTimeouts.requestMs, release, { background: true });
  response.once('finish', release);
  response.once('close', release);
}

/** What is no Status: a request that could not be recorded, of which the audit has told, or a bug. */
function refusalOf(server: Server, error: unknown): StatusError {
  return error instanceof AuditRefused ? plainError(error.message) : internal(server, error);
}

const isWhole = ({ type }: Answer): boolean => type !== 'watch' && type !== 'stream';

/** Waits for what was told of a request that begins, where requests wait. */
async function settledFirst(server: Server, record: AuditRecord | undefined): Promise<void> {
  if (record !== undefined) await server.auditor?.settled(record);
}

/** Streams are told of when they begin and when they end. */
function recordAnswer(
  server: Server,
  record: AuditRecord,
  reply: Reply,
  call: Call,
  answer: Answer,
  code: number,
): void {
  const { auditor } = server;
  if (isWhole(answer)) {
    auditor?.completed(record, code, { call, answer });
    return;
  }
  auditor?.started(record, code);
  (reply.response as ServerResponse).on('close', () => auditor?.completed(record, code, { call }));
}

/** As upstream says it, which fails before there is a Status. */
function sendUnrecorded(reply: Reply, { message }: AuditRefused): void {
  const text = `Internal Server Error: ${JSON.stringify(reply.request.url)}: ${message}\n`;
  send(reply, 500, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' });
}

function sendTooMany(reply: Reply, error: TooManyRequests): void {
  send(reply, 429, 'text/plain; charset=utf-8', `${error.message}\n`, {
    'retry-after': '1',
    'x-content-type-options': 'nosniff',
  });
}

function resourcePathOf(path: string): ReturnType<typeof parseResourcePath> {
  return path.startsWith('/api') ? parseResourcePath(path) : undefined;
}

/** Clients that accept nothing the server has; which text they get depends on how far upstream's router would have come. */
function notAcceptable(header: string | undefined, verb: Call['verb']): StatusError {
  const known = (header ?? '')
    .split(',')
    .some((text) => /^\s*application\/(json|yaml|vnd\.kubernetes\.protobuf)/.test(text));
  if (known) return StatusError.notAcceptable(verb === 'watch' ? WATCHABLE : READABLE);
  const available = verb === 'list' || verb === 'watch' ? [...READABLE, ...WATCHABLE] : READABLE;
  const text = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`;
  return StatusError.other(406, 'NotAcceptable', text, {});
}
