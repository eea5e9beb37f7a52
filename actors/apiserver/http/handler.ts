/**
 * One HTTP request from its first byte to its answer. Whatever a client sends, it ends in an answer: refusals as they are, bugs
 * as a 500 that is logged.
 */
import { isStatusError, StatusError } from '../../../src/api/index.ts';
import { internal } from '../bus-door.ts';
import type { Call } from '../call.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { identityOf } from '../stages/authentication.ts';
import { authorizePath } from '../stages/authorization.ts';
import { impersonatedOnPath } from '../stages/impersonation.ts';
import { sendAnswer, sendStatus } from './answers.ts';
import { type Accepted, acceptedOf, READABLE, WATCHABLE } from './negotiation.ts';
import { parseResourcePath } from './paths.ts';
import { sendNotFound, sendPlainPath } from './plain-paths.ts';
import { hasProtobuf } from './protobuf.ts';
import type { Reply, Request, Response } from './reply.ts';
import { callOfRequest, credentialsOf, PageNotFound, queryOf, routeOf } from './requests.ts';

export async function handleRequest(server: Server, request: Request, response: Response): Promise<void> {
  const reply: Reply = { request, response, auditId: server.context.random.uuid(), warnings: [] };
  let accepted: Accepted | undefined;
  try {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = queryOf(mark < 0 ? '' : url.slice(mark + 1));
    const header = request.headers['accept'];
    const resource = resourcePathOf(path);
    if (resource === undefined) {
      accepted = acceptedOf(header, 'object', query.first['pretty'], path.startsWith('/api'));
      const credentials = credentialsOf(request);
      const method = request.method ?? 'GET';
      const user = impersonatedOnPath(identityOf(credentials, server), credentials, method, path, server);
      authorizePath(user, method, path, server);
      if (!(await sendPlainPath(server, reply, path, query, accepted))) sendNotFound(reply);
      return;
    }
    // Refusals are told in any form that the client reads, also where a watch could not be sent in it.
    accepted = acceptedOf(header, 'status', query.first['pretty'], true);
    const route = routeOf(server, request.method ?? 'GET', resource, query);
    const watching = route.verb === 'watch';
    const pretty = watching ? undefined : query.first['pretty'];
    const form = acceptedOf(header, watching ? 'watch' : 'object', pretty, hasProtobuf(route));
    if (form === undefined) throw notAcceptable(header, route.verb);
    const status = accepted;
    await answerResource(server, reply, { form, status }, () =>
      callOfRequest(request, resource, query, route, reply.auditId),
    );
  } catch (error) {
    request.resume();
    if (error instanceof PageNotFound) return sendNotFound(reply);
    const status = isStatusError(error)
      ? error
      : error instanceof URIError
        ? StatusError.noSuchPath()
        : internal(server, error);
    sendStatus(reply, status, accepted);
  }
}

async function answerResource(
  server: Server,
  reply: Reply,
  accepted: { readonly form: Accepted; readonly status: Accepted | undefined },
  make: () => Promise<Call>,
): Promise<void> {
  const started = server.context.clock.monotonic();
  const call = await make();
  let code = 200;
  try {
    if (call.kind.deprecationWarning !== undefined) call.warnings.push(call.kind.deprecationWarning);
    const answer = await runPipeline(call, server);
    if ('code' in answer) code = answer.code;
    sendAnswer(server, reply, call, answer, accepted.form);
  } catch (error) {
    const status = isStatusError(error) ? error : internal(server, error);
    code = status.code;
    reply.warnings = call.warnings;
    sendStatus(reply, status, accepted.status);
  }
  server.metrics.request(call, code, (server.context.clock.monotonic() - started) / 1000);
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
