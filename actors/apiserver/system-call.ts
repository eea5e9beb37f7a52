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
    signal: undefined,
    auditId: '',
  });
}

type Given =
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
  | 'signal'
  | 'auditId';

const NOBODY: Identity = { user: '', groups: [] };

/** A call with everything that stages fill in still empty. */
export function newCall(given: Pick<Call, Given> & { readonly proxyPath?: string }): Call {
  return {
    ...given,
    user: NOBODY,
    realUser: undefined,
    warnings: [],
    dryRun: false,
    fieldManager: '',
    object: undefined,
    previous: undefined,
    deleteOptions: undefined,
    attempt: 0,
    answer: undefined,
    part: undefined,
    expectedRevision: undefined,
  };
}
