/**
 * Requests of group versions that other servers serve: the user is known and allowed here, then the request goes on to the other
 * server with the user's name on it. @see staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Identity } from '../call.ts';
import { headersOf, type Reply, send } from '../http/reply.ts';
import type { Server } from '../server.ts';
import { serveProxy } from '../streams/http-proxy.ts';
import type { RemoteVersion } from './api-services.ts';
import { backendOf, userHeaders } from './backend.ts';

/** Goes on to the server that serves it. The caller has authenticated and authorized the user. */
export async function serveRemote(server: Server, reply: Reply, remote: RemoteVersion, user: Identity): Promise<void> {
  const backend = remote.available ? backendOf(server, remote) : undefined;
  if (backend === undefined) {
    sendPlainError(reply, 'service unavailable');
    return;
  }
  const { request, response, upgrade } = reply;
  try {
    await serveProxy({ request, response, upgrade, headers: auditOnly(reply) }, backend, {
      target: request.url ?? '/',
      prefix: '',
      headers: userHeaders(user),
      host: backend.authority,
      refuseRedirects: true,
      failure: (text) => StatusError.serviceUnavailable(`error trying to reach service: ${text}`),
    });
  } catch (error) {
    request.resume();
    sendPlainError(reply, error instanceof Error ? error.message : String(error));
  }
}

/** What else an answer says of itself is the other server's to say. */
function auditOnly(reply: Reply): Record<string, string | string[]> {
  const { 'audit-id': audit } = headersOf(reply, '');
  return audit === undefined ? {} : { 'audit-id': audit };
}

function sendPlainError(reply: Reply, text: string): void {
  send(reply, 503, 'text/plain; charset=utf-8', `${text}\n`, { 'x-content-type-options': 'nosniff' });
}
