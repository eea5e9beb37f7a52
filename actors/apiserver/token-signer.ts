/**
 * Signs service account tokens and tells genuine ones: JSON web tokens as upstream issues them, signed with an RSA or ECDSA key
 * and verified with any number of them. Keys come with the options, so that tokens outlive a restart and several servers accept
 * each other's; otherwise one is made here. What the claims of a genuine token are worth is decided in
 * authentication/service-accounts.ts.
 * @see pkg/serviceaccount/jwt.go, pkg/serviceaccount/claims.go
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import type { Clock, Random } from '../../src/runtime/index.ts';

export interface BoundObject {
  readonly name: string;
  /** Empty for a node that is named but not there. */
  readonly uid: string;
}

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  /** Seconds from now on that it is valid for. */
  readonly expirationSeconds: number;
  /** Seconds after which its use is warned of. */
  readonly warnAfterSeconds?: number | undefined;
  readonly pod?: BoundObject | undefined;
  readonly node?: BoundObject | undefined;
  readonly secret?: BoundObject | undefined;
}

/** The claims of a token that this server may have signed: anything may be missing or of another type. */
export interface Claims {
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iat?: unknown;
  readonly jti?: unknown;
  readonly [claim: string]: unknown;
}

export type Verified =
  | { readonly claims: Claims }
  /** It names this server as its issuer, but is not genuine. */
  | { readonly error: string }
  | undefined;

export interface TokenSigner {
  readonly issuer: string;
  sign(request: TokenRequest): { token: string; expiresAtMs: number };
  /** A token as Secrets of type kubernetes.io/service-account-token hold it: it lives as long as its Secret. */
  signLegacy(account: { namespace: string; name: string; uid: string }, secret: string): string;
  /** The claims of a token whose issuer and signature are this server's. */
  verify(token: string): Verified;
  /** The public keys as a JSON web key set. */
  keySet(): { keys: Record<string, unknown>[] };
}

export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

export interface TokenKeys {
  /** PEM of the private key that signs; empty: one is made. */
  readonly signingKeyPem: string;
  /** PEM of further keys that tokens may be signed with, public or private. */
  readonly verificationKeysPem: readonly string[];
  /** Issuers whose tokens count; the first is named in new ones. */
  readonly issuers: readonly string[];
}

/** A key as tokens name it. */
interface TokenKey {
  readonly key: KeyObject;
  /** As upstream: by the key itself, so that all servers give it the same. */
  readonly id: string;
  readonly algorithm: string;
}

/** The signature algorithm of a key in tokens; undefined for one that cannot sign tokens. */
export function tokenAlgorithmOf(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  return { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[namedCurve ?? ''];
}

/** A signature of ECDSA is two numbers of fixed length in tokens; RSA does not look at this. */
const SIGNATURE_FORM = 'ieee-p1363';

const hashOf = (algorithm: string): string => `sha${algorithm.slice(2)}`;

function publicKeyOf(given: string | KeyObject): TokenKey {
  const key = createPublicKey(given as string);
  const der = key.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('base64url');
  return { key, id, algorithm: tokenAlgorithmOf(key) ?? 'RS256' };
}

export function createTokenSigner(
  { signingKeyPem, verificationKeysPem, issuers }: TokenKeys,
  clock: Clock,
  random: Random,
): TokenSigner {
  const issuer = issuers[0] as string;
  let made: { signing: TokenKey; verifying: readonly TokenKey[] } | undefined;
  // Making a key takes tens of milliseconds: only a cluster that uses tokens pays for it.
  const keys = () => {
    if (made === undefined) {
      const key =
        signingKeyPem === ''
          ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
          : createPrivateKey(signingKeyPem);
      const own = publicKeyOf(key);
      const given = verificationKeysPem.map(publicKeyOf);
      const isGiven = given.some(({ id }) => id === own.id);
      made = { signing: { ...own, key }, verifying: isGiven ? given : [...given, own] };
    }
    return made;
  };
  const signed = (claims: object) => {
    const { key, id, algorithm } = keys().signing;
    const text = `${encode({ alg: algorithm, kid: id })}.${encode(claims)}`;
    const signature = signBytes(hashOf(algorithm), Buffer.from(text), { key, dsaEncoding: SIGNATURE_FORM });
    return `${text}.${signature.toString('base64url')}`;
  };
  return {
    issuer,
    sign(request) {
      const now = Math.floor(clock.now() / 1000);
      const exp = now + request.expirationSeconds;
      const { pod, node, secret, warnAfterSeconds } = request;
      const reference = ({ name, uid }: BoundObject) => (uid === '' ? { name } : { name, uid });
      const token = signed({
        aud: request.audiences,
        exp,
        iat: now,
        iss: issuer,
        jti: random.uuid(),
        'kubernetes.io': {
          namespace: request.namespace,
          ...(node === undefined ? {} : { node: reference(node) }),
          ...(pod === undefined ? {} : { pod: reference(pod) }),
          ...(secret === undefined ? {} : { secret: reference(secret) }),
          serviceaccount: { name: request.serviceAccount, uid: request.uid },
          ...(warnAfterSeconds === undefined ? {} : { warnafter: now + warnAfterSeconds }),
        },
        nbf: now,
        sub: `system:serviceaccount:${request.namespace}:${request.serviceAccount}`,
      });
      return { token, expiresAtMs: exp * 1000 };
    },
    signLegacy({ namespace, name, uid }, secret) {
      return signed({
        iss: LEGACY_ISSUER,
        'kubernetes.io/serviceaccount/namespace': namespace,
        'kubernetes.io/serviceaccount/secret.name': secret,
        'kubernetes.io/serviceaccount/service-account.name': name,
        'kubernetes.io/serviceaccount/service-account.uid': uid,
        sub: `system:serviceaccount:${namespace}:${name}`,
      });
    },
    verify(token) {
      const parts = token.split('.');
      // Node.js would leave out what is no base64url: one token could be written in many ways.
      if (parts.length !== 3 || !parts.every((part) => BASE64URL.test(part))) return undefined;
      const [head, body, signature] = parts as [string, string, string];
      const claims = decode(body) as Claims | undefined;
      if (claims === undefined || !(claims.iss === LEGACY_ISSUER || issuers.includes(claims.iss as string)))
        return undefined;
      const { alg, kid } = (decode(head) ?? {}) as { alg?: unknown; kid?: unknown };
      // The algorithm is the key's, never the token's: `none` and HS256 end here.
      if (!ALGORITHMS.includes(alg as string)) return undefined;
      const named = keys().verifying.filter(({ id }) => kid === undefined || kid === '' || kid === id);
      if (named.length === 0) return { error: 'invalid signature, no keys found' };
      const text = Buffer.from(`${head}.${body}`);
      const bytes = Buffer.from(signature, 'base64url');
      const isGenuine = ({ key, algorithm }: TokenKey) =>
        algorithm === alg && verifyBytes(hashOf(algorithm), text, { key, dsaEncoding: SIGNATURE_FORM }, bytes);
      return named.some(isGenuine) ? { claims } : { error: NOT_GENUINE };
    },
    keySet() {
      return {
        keys: keys().verifying.map(({ key, id, algorithm }) => {
          const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' });
          const numbers = kty === 'EC' ? { x, y } : { n, e };
          return { use: 'sig', kty, kid: id, ...(kty === 'EC' ? { crv } : {}), alg: algorithm, ...numbers };
        }),
      };
    },
  };
}

const ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];
const NOT_GENUINE = 'go-jose/go-jose: error in cryptographic primitive';
const BASE64URL = /^[\w-]+$/;

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The object that a part of a token holds; undefined when it is none. */
function decode(part: string): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // Tokens of others may hold anything.
    return undefined;
  }
}
