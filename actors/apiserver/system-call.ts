/** Makes the calls that the server sends through its own pipeline, as itself. */
import type { KindDefinition } from '../../src/api/index.ts';
import type { Call, Identity, Verb } from './call.ts';
import type { Server } from './server.ts';

/** The user that an API server is to itself, as upstream. */
export const LOOPBACK: Identity = { user: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export function callOf(
  server: Server,
  kind: KindDefinition,
  verb: Verb,
  parts: { readonly namespace?: string | undefined; readonly name?: string; readonly body?: Uint8Array },
): Call {
  return newCall({
    door: 'bus',
    verb,
    kind,
    subresource: undefined,
    namespace: parts.namespace,
    name: parts.name,
    query: {},
    queryAll: () => [],
    body: parts.body === undefined ? undefined : { form: 'packed', bytes: parts.body },
    patchType: undefined,
    credentials: { type: 'bus', identity: LOOPBACK },
    userAgent: `kube-apiserver/${server.options.serverVersion.gitVersion}`,
    auditId: '',
  });
}

/** What a door knows of a request. */
export type CallRequest = Pick<
  Call,
  | 'door'
  | 'verb'
  | 'kind'
  | 'subresource'
  | 'namespace'
  | 'name'
  | 'query'
  | 'queryAll'
  | 'body'
  | 'patchType'
  | 'credentials'
  | 'userAgent'
  | 'auditId'
> & { readonly proxyPath?: string; readonly readBody?: Call['readBody'] };

const NOBODY: Identity = { user: '', groups: [] };

/** A call with everything that stages fill in still empty. Written out member by member: spreading costs microseconds. */
export function newCall(request: CallRequest): Call {
  return {
    door: request.door,
    verb: request.verb,
    kind: request.kind,
    subresource: request.subresource,
    namespace: request.namespace,
    name: request.name,
    query: request.query,
    queryAll: request.queryAll,
    body: request.body,
    readBody: request.readBody,
    patchType: request.patchType,
    proxyPath: request.proxyPath,
    credentials: request.credentials,
    userAgent: request.userAgent,
    auditId: request.auditId,
    user: NOBODY,
    realUser: undefined,
    audit: undefined,
    client: undefined,
    seat: undefined,
    warnings: [],
    annotations: undefined,
    dryRun: false,
    fieldManager: '',
    object: undefined,
    owners: undefined,
    emptied: undefined,
    previous: undefined,
    deleteOptions: undefined,
    attempt: 0,
    answer: undefined,
    part: undefined,
    expectedRevision: undefined,
  };
}
