/**
 * Issues a token for a service account. @see pkg/registry/core/serviceaccount/storage/token.go
 */
import { fieldErrors, type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { notFoundOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import type { SubresourceHandler } from './handler.ts';

interface TokenSpec {
  audiences?: string[] | null;
  expirationSeconds?: number;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
}

const DEFAULT_SECONDS = 3600;
const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;

/** Kinds that a token may be bound to, and where they are found. */
const BINDABLE: Readonly<Record<string, { plural: string; namespaced: boolean }>> = {
  Pod: { plural: 'pods', namespaced: true },
  Secret: { plural: 'secrets', namespaced: true },
  Node: { plural: 'nodes', namespaced: false },
};

export const token: SubresourceHandler = {
  name: 'token',
  kinds: ['/registry/serviceaccounts'],
  create(call, server) {
    const account = server.cacheOf(call.kind).get(keyOf(call, server));
    if (account === undefined) throw notFoundOf(call.kind, call.name as string);
    const body = (call.part ?? {}) as unknown as { spec?: TokenSpec };
    const spec = body.spec ?? {};
    const seconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
    checkSeconds(seconds);
    const bound = boundObject(call, server, spec.boundObjectRef ?? undefined);
    const asked = spec.audiences ?? [];
    const audiences = asked.length > 0 ? asked : [server.tokens.issuer];
    const { uid } = account.object.metadata as { uid: string };
    const issued = server.tokens.sign({
      namespace: account.namespace,
      serviceAccount: account.name,
      uid,
      audiences,
      expirationSeconds: seconds,
      bound,
    });
    call.answer = {
      type: 'object',
      code: 201,
      object: {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: {
          name: account.name,
          namespace: account.namespace,
          uid,
          creationTimestamp: server.strategyContext(false).now,
        },
        spec: {
          audiences,
          expirationSeconds: seconds,
          boundObjectRef: spec.boundObjectRef ?? null,
        },
        status: {
          token: issued.token,
          expirationTimestamp: `${new Date(issued.expiresAtMs).toISOString().slice(0, 19)}Z`,
        },
      },
    };
  },
};

function checkSeconds(seconds: number): void {
  const message =
    seconds < SECONDS_MIN
      ? 'may not specify a duration less than 10 minutes'
      : seconds > SECONDS_MAX
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (message === undefined) return;
  throw StatusError.invalid({ group: 'authentication.k8s.io', name: 'TokenRequest' }, '', [
    fieldErrors.invalid('spec.expirationSeconds', seconds, message),
  ]);
}

function boundObject(
  call: Call,
  server: Server,
  reference: NonNullable<TokenSpec['boundObjectRef']> | undefined,
): { kind: string; name: string; uid: string } | undefined {
  if (reference === undefined) return undefined;
  const { kind = '', apiVersion = '', name = '', uid } = reference;
  const place = BINDABLE[kind];
  if (place === undefined || apiVersion !== 'v1') {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    throw StatusError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const definition = server.registry.byResource('', 'v1', place.plural) as KindDefinition;
  const cache = server.cacheOf(definition);
  const entry = cache.get(cache.keyOf(call.namespace, name));
  if (entry === undefined) throw notFoundOf(definition, name);
  const actual = entry.object.metadata['uid'] as string;
  if (uid !== undefined && uid !== '' && uid !== actual) {
    throw StatusError.conflict(
      { group: '', name: definition.plural },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { kind, name, uid: actual };
}
