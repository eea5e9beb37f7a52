/**
 * Issues a token for a service account. @see pkg/registry/core/serviceaccount/storage/token.go
 */
import { type ApiObject, fieldErrors, type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { notFoundOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import type { BoundObject } from '../token-signer.ts';
import type { SubresourceHandler } from './handler.ts';

interface TokenSpec {
  audiences?: string[] | null;
  expirationSeconds?: number;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
}

type Account = { readonly namespace: string; readonly name: string; readonly object: ApiObject };

const DEFAULT_SECONDS = 3600;
const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;
/** What kubelets ask for where a pod did not say: such tokens live a year, and their use is counted as stale after this. */
const PROJECTED_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;

const LEGACY_TYPE = 'kubernetes.io/service-account-token';
const NAME = { group: 'authentication.k8s.io', name: 'TokenRequest' };

export const token: SubresourceHandler = {
  name: 'token',
  kinds: ['/registry/serviceaccounts'],
  create(call, server) {
    const account = server.cacheOf(call.kind).get(keyOf(call, server));
    if (account === undefined) throw notFoundOf(call.kind, call.name as string);
    const body = (call.part ?? {}) as ApiObject & { spec?: TokenSpec };
    checkPlace(body, account);
    const spec = body.spec ?? {};
    const wanted = spec.expirationSeconds ?? DEFAULT_SECONDS;
    checkSeconds(wanted);
    const asked = spec.audiences ?? [];
    const audiences = asked.length > 0 ? asked : server.options.apiAudiences;
    const bound = boundObjects(call, server, account, spec.boundObjectRef ?? undefined);
    const { uid } = account.object.metadata as { uid: string };
    const legacy = isLegacy(call, wanted, bound.secretObject);
    const seconds = legacy ? wanted : shortened(call, wanted, server.options.tokenSecondsMax);
    const extended =
      server.options.extendTokens &&
      bound.pod !== undefined &&
      seconds === PROJECTED_SECONDS &&
      audiences.every((audience) => server.options.apiAudiences.includes(audience));
    const nowMs = Math.floor(server.context.clock.now() / 1000) * 1000;
    const issued = legacy
      ? server.tokens.signLegacy({ namespace: account.namespace, name: account.name, uid }, bound.secret?.name ?? '')
      : server.tokens.sign({
          namespace: account.namespace,
          serviceAccount: account.name,
          uid,
          audiences,
          expirationSeconds: extended ? EXTENDED_SECONDS : seconds,
          ...(extended ? { warnAfterSeconds: seconds } : {}),
          pod: bound.pod,
          node: bound.node,
          secret: bound.secret,
        }).token;
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
          token: issued,
          expirationTimestamp: `${new Date(nowMs + seconds * 1000).toISOString().slice(0, 19)}Z`,
        },
      },
    };
  },
};

/** A name or namespace in the body must be the path's. */
function checkPlace(body: ApiObject, account: Account): void {
  const { name, namespace } = body.metadata ?? {};
  for (const [field, value, actual, word] of [
    ['metadata.name', name, account.name, 'name'],
    ['metadata.namespace', namespace, account.namespace, 'namespace'],
  ] as const) {
    if (value === undefined || value === '' || value === actual) continue;
    const message = `must match the service account ${word} if specified`;
    throw StatusError.invalid(NAME, account.name, [fieldErrors.invalid(field, value, message)]);
  }
}

function checkSeconds(seconds: number): void {
  const message =
    seconds < SECONDS_MIN
      ? 'may not specify a duration less than 10 minutes'
      : seconds > SECONDS_MAX
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (message === undefined) return;
  throw StatusError.invalid(NAME, '', [fieldErrors.invalid('spec.expirationSeconds', seconds, message)]);
}

/** As long as a token may last here. Upstream says so to whoever asked for more, and gives that. */
function shortened(call: Call, seconds: number, secondsMax: number): number {
  if (secondsMax === 0 || seconds <= secondsMax) return seconds;
  call.warnings.push(`requested expiration of ${seconds} seconds shortened to ${secondsMax} seconds`);
  return secondsMax;
}

/**
 * The token controller asks for the token of a Secret, which lives as long as that does. Upstream's holds the key and signs
 * by itself; here the key never leaves the API server.
 */
function isLegacy(call: Call, seconds: number, secret: ApiObject | undefined): boolean {
  return (
    secret?.['type'] === LEGACY_TYPE &&
    seconds === SECONDS_MAX &&
    call.door === 'bus' &&
    call.user.user === 'system:kube-controller-manager'
  );
}

interface Bound {
  readonly pod?: BoundObject;
  readonly node?: BoundObject | undefined;
  readonly secret?: BoundObject;
  readonly secretObject?: ApiObject;
}

/** What the token is bound to. A pod's token also names the pod's node. */
function boundObjects(
  call: Call,
  server: Server,
  account: Account,
  reference: NonNullable<TokenSpec['boundObjectRef']> | undefined,
): Bound {
  if (reference === undefined) return {};
  const { kind = '', apiVersion = '', name = '', uid } = reference;
  const find = (plural: string, of: string): ApiObject | undefined => {
    const definition = server.registry.byResource('', 'v1', plural) as KindDefinition;
    const cache = server.cacheOf(definition);
    return cache.get(cache.keyOf(definition.namespaced ? call.namespace : undefined, of))?.object;
  };
  const required = (plural: string): ApiObject => {
    const object = find(plural, name);
    if (object === undefined) throw notFoundOf(server.registry.byResource('', 'v1', plural) as KindDefinition, name);
    return object;
  };
  const referenceTo = (object: ApiObject): BoundObject => {
    const actual = object.metadata['uid'] as string;
    if (uid !== undefined && uid !== '' && uid !== actual) {
      const text = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw StatusError.conflict({ group: '', name: kind }, name, text);
    }
    return { name, uid: actual };
  };
  if (apiVersion === 'v1' && kind === 'Pod') {
    const pod = required('pods');
    const { serviceAccountName, nodeName = '' } = pod['spec'] as { serviceAccountName?: string; nodeName?: string };
    if (serviceAccountName !== account.name) {
      throw StatusError.badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account.name)} to pod running with different serviceaccount name.`,
      );
    }
    const bound = referenceTo(pod);
    if (nodeName === '') return { pod: bound };
    const node = find('nodes', nodeName);
    return { pod: bound, node: { name: nodeName, uid: (node?.metadata['uid'] as string | undefined) ?? '' } };
  }
  if (apiVersion === 'v1' && kind === 'Node') return { node: referenceTo(required('nodes')) };
  if (apiVersion === 'v1' && kind === 'Secret') {
    const secretObject = required('secrets');
    return { secret: referenceTo(secretObject), secretObject };
  }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  throw StatusError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}
