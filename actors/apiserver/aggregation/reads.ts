/**
 * Reads over the bus of what other servers serve, as the autoscaler makes them: the user is allowed here, then the other server is
 * asked with the user's name on it. Writes and watches come over HTTP alone.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { StatusError } from '../../../src/api/index.ts';
import type { ApiRequest, ApiResponse } from '../../../src/client/protocol.ts';
import { pack } from '../../../src/runtime/index.ts';
import type { Identity } from '../call.ts';
import { plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { ask, refusalText } from '../stages/authorization.ts';
import type { RemoteVersion } from './api-services.ts';
import { fetchDocument, userHeaders } from './backend.ts';

/** How long the other server may take, as upstream's clients wait. */
const patienceMs = 30_000;

/** Whose the request is, when it is a read of what somebody else serves. */
export function remoteOf(server: Server, { group, version, verb }: ApiRequest): RemoteVersion | undefined {
  if (server.aggregation.isEmpty || (verb !== 'get' && verb !== 'list')) return undefined;
  return server.aggregation.ofPath(`/apis/${group}/${version}`);
}

/** @throws StatusError 403, 503, and what the other server refuses with */
export async function readRemote(
  server: Server,
  remote: RemoteVersion,
  request: ApiRequest,
  user: Identity,
): Promise<ApiResponse> {
  const { group, version, resource, verb, subresource = '', namespace = '', name = '' } = request;
  const asked = { user, verb, group, version, resource, subresource, namespace, name };
  const { allowed, reason } = await ask(asked, server);
  if (!allowed) {
    const text = refusalText(asked) + (reason === '' ? '' : `: ${reason}`);
    throw StatusError.forbidden({ group, name: resource }, name, text);
  }
  if (!remote.available) throw StatusError.serviceUnavailable('service unavailable');
  const headers: OutgoingHttpHeaders = userHeaders(user);
  const answer = await fetchDocument(server, remote, pathOf(request), headers, patienceMs).catch((error: unknown) => {
    throw StatusError.serviceUnavailable(`error trying to reach service: ${(error as Error).message}`);
  });
  const object = parsed(answer.text);
  if (answer.code < 400 && object !== undefined) return { code: answer.code, object: pack(object) };
  if (object?.['kind'] === 'Status' && typeof object['message'] === 'string') {
    return { code: answer.code, object: pack(object) };
  }
  throw answer.code === 404 ? StatusError.noSuchPath() : plainError(answer.text);
}

function pathOf({ group, version, resource, subresource, namespace, name, query = {} }: ApiRequest): string {
  const place = namespace === undefined || namespace === '' ? [] : ['namespaces', namespace];
  const parts = ['apis', group, version, ...place, resource, ...(name === undefined ? [] : [name])];
  if (subresource !== undefined) parts.push(subresource);
  const text = new URLSearchParams(query).toString();
  return `/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not a document of an API: its text is told as it is.
    return undefined;
  }
}
