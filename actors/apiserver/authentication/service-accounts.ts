/**
 * Service account tokens: genuine ones of accounts, pods, nodes and secrets that are still there. The signature is looked at
 * once a token and remembered; what the token is bound to is looked at each time, so that a deletion counts at once.
 * @see pkg/serviceaccount/claims.go, pkg/serviceaccount/legacy.go
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { Identity } from '../call.ts';
import { type Claims, LEGACY_ISSUER, type TokenSigner, type Verified } from '../token-signer.ts';
import type { BearerToken } from './bearer-token.ts';
import type { LegacyTokenUses } from './legacy-tokens.ts';
import { type Attempt, AUTHENTICATED, type Notes, shared, type TokenAuthenticator } from './types.ts';

/** Clocks may differ by this much: as long a token counts after its end, and its objects after their deletion began. */
const LEEWAY_MS = 60_000;
/** Genuine tokens remembered; beyond it all are forgotten. */
const REMEMBERED_MAX = 4096;

const KUBERNETES = 'kubernetes.io/serviceaccount/';
const EXTRA = 'authentication.kubernetes.io/';

interface Reference {
  readonly name?: unknown;
  readonly uid?: unknown;
}

interface PrivateClaims {
  readonly namespace?: unknown;
  readonly serviceaccount?: Reference;
  readonly pod?: Reference;
  readonly node?: Reference;
  readonly secret?: Reference;
  /** Of pods' tokens that count for a year: when their client should have read another one, in seconds. */
  readonly warnafter?: unknown;
}

type Kind = 'serviceaccounts' | 'secrets' | 'pods' | 'minions';

/** What is wrong with a token of this cluster. Never leaves this file. */
class Refused extends Error {}

export function createServiceAccountAuthenticator(
  signer: TokenSigner,
  caches: Caches,
  clock: Clock,
  apiAudiences: readonly string[],
  legacyUses: LegacyTokenUses | undefined = undefined,
): TokenAuthenticator {
  let genuine = new Map<string, Verified>();
  /** Of genuine tokens: the same object each time, by which others keep what they work out about a user. */
  const identities = new WeakMap<Claims, Identity>();

  function verified({ text, digest }: BearerToken): Verified {
    const known = genuine.get(digest);
    if (known !== undefined) return known;
    const result = signer.verify(text);
    if (result === undefined || 'error' in result) return result;
    if (genuine.size >= REMEMBERED_MAX) genuine = new Map();
    genuine.set(digest, result);
    return result;
  }

  function find(kind: Kind, namespace: string | undefined, name: string): ApiObject | undefined {
    const cache = caches.cacheOf(`/registry/${kind}`, kind !== 'minions');
    return cache.get(cache.keyOf(namespace, name))?.object;
  }

  const wasDeleted = (object: ApiObject): boolean => {
    const at = object.metadata['deletionTimestamp'];
    return typeof at === 'string' && Date.parse(at) < clock.now() - LEEWAY_MS;
  };

  /** The object that a token is bound to, as it was then. */
  function boundTo(kind: Kind, word: string, namespace: string | undefined, { name, uid }: Reference): void {
    const object = find(kind, namespace, String(name));
    if (object === undefined) throw new Refused('service account token has been invalidated');
    if (object.metadata['uid'] !== uid) {
      throw new Refused(
        `${word} UID (${object.metadata['uid']}) does not match service account ${word} ref claim (${String(uid)})`,
      );
    }
    if (wasDeleted(object)) throw new Refused('service account token has been invalidated');
  }

  function accountOf(namespace: string, name: string, uid: string, mismatch: (actual: string) => string): ApiObject {
    const account = find('serviceaccounts', namespace, name);
    if (account === undefined) throw new Refused(`serviceaccounts ${JSON.stringify(name)} not found`);
    if (wasDeleted(account)) throw new Refused(`service account ${namespace}/${name} has been deleted`);
    const actual = account.metadata['uid'] as string;
    if (actual !== uid) throw new Refused(mismatch(actual));
    return account;
  }

  function checkTimes({ exp, nbf, iat }: Claims): void {
    const now = clock.now();
    if (typeof nbf === 'number' && now + LEEWAY_MS < nbf * 1000) {
      throw new Refused('service account token is not valid yet');
    }
    if (typeof exp === 'number' && now - LEEWAY_MS > exp * 1000) throw new Refused('service account token has expired');
    if (typeof iat === 'number' && now + LEEWAY_MS < iat * 1000) {
      throw new Refused('service account token is issued in the future');
    }
  }

  function bound(claims: Claims, notes: Notes | undefined): Identity {
    checkTimes(claims);
    const own = (claims['kubernetes.io'] ?? {}) as PrivateClaims;
    const namespace = String(own.namespace ?? '');
    const name = String(own.serviceaccount?.name ?? '');
    const uid = String(own.serviceaccount?.uid ?? '');
    accountOf(namespace, name, uid, (actual) => `service account UID (${actual}) does not match claim (${uid})`);
    const { pod, node, secret } = own;
    if (secret !== undefined) boundTo('secrets', 'secret', namespace, secret);
    if (pod !== undefined) boundTo('pods', 'pod', namespace, pod);
    // Of a pod's token the node is told, but it may go before the pod.
    else if (node !== undefined) boundTo('minions', 'node', undefined, node);
    if (typeof own.warnafter === 'number' && own.warnafter !== 0) {
      legacyUses?.projected(String(claims.sub), Math.floor(clock.now() / 1000) - own.warnafter, notes);
    }
    let user = identities.get(claims);
    if (user === undefined) {
      user = identity(namespace, name, uid, extraOf(claims, pod, node));
      identities.set(claims, user);
    }
    return user;
  }

  /** What a token says of itself and of what it is bound to. */
  function extraOf(claims: Claims, pod: Reference | undefined, node: Reference | undefined): Record<string, string[]> {
    const extra: Record<string, string[]> = {};
    if (typeof claims.jti === 'string') extra[`${EXTRA}credential-id`] = [`JTI=${claims.jti}`];
    for (const [word, reference] of [
      ['node', node],
      ['pod', pod],
    ] as const) {
      if (reference?.name !== undefined) extra[`${EXTRA}${word}-name`] = [String(reference.name)];
      if (reference?.uid !== undefined) extra[`${EXTRA}${word}-uid`] = [String(reference.uid)];
    }
    return extra;
  }

  function legacy(claims: Claims, token: string, audiences: readonly string[], notes: Notes | undefined) {
    const read = (claim: string, word: string) => {
      const value = claims[`${KUBERNETES}${claim}`];
      if (typeof value !== 'string' || value === '') throw new Refused(`${word} claim is missing`);
      return value;
    };
    const namespace = read('namespace', 'namespace');
    const secretName = read('secret.name', 'secretName');
    const name = read('service-account.name', 'serviceAccountName');
    const uid = read('service-account.uid', 'serviceAccountUID');
    if (claims.sub !== `system:serviceaccount:${namespace}:${name}`) throw new Refused('sub claim is invalid');
    const secret = find('secrets', namespace, secretName);
    if (secret === undefined || secret.metadata['deletionTimestamp'] !== undefined) {
      throw new Refused('Token has been invalidated');
    }
    if (!holds(secret, token)) throw new Refused("Token does not match server's copy");
    const mismatch = (actual: string) => `ServiceAccount UID (${actual}) does not match claim (${uid})`;
    const account = accountOf(namespace, name, uid, mismatch);
    const judged = (refusal: string | undefined): Attempt =>
      refusal === undefined ? { user: identity(namespace, name, uid, {}), audiences } : { error: refusal };
    const refusal = legacyUses?.used(secret, account, notes);
    return refusal instanceof Promise ? refusal.then(judged) : judged(refusal);
  }

  return {
    authenticate(token, wanted, notes) {
      const result = verified(token);
      if (result === undefined || 'error' in result) return result;
      const { claims } = result;
      const stated = typeof claims.aud === 'string' ? [claims.aud] : Array.isArray(claims.aud) ? claims.aud : [];
      // Legacy tokens say nothing of audiences: they are for this server.
      const own = stated.length === 0 ? apiAudiences : (stated as string[]);
      const asked = wanted ?? apiAudiences;
      const audiences = shared(own, asked);
      if (audiences.length === 0) {
        return { error: `token audiences ${goList(own)} is invalid for the target audiences ${goList(asked)}` };
      }
      try {
        if (claims.iss === LEGACY_ISSUER) return legacy(claims, token.text, audiences, notes);
        return { user: bound(claims, notes), audiences };
      } catch (error) {
        if (error instanceof Refused) return { error: error.message };
        throw error;
      }
    },
  };
}

function identity(namespace: string, name: string, uid: string, extra: Record<string, string[]>): Identity {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function holds(secret: ApiObject, token: string): boolean {
  const data = (secret['data'] ?? {}) as Record<string, unknown>;
  const copy = data['token'];
  const text = typeof copy === 'string' ? Buffer.from(copy, 'base64').toString() : undefined;
  return text === token;
}

/** A list as Go prints it with %q. */
function goList(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
}
