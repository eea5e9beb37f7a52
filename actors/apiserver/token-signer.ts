/**
 * Signs service account tokens and tells genuine ones: RS256 JSON web tokens as upstream issues them. The key comes with the
 * options, so that tokens outlive a restart and several servers accept each other's; otherwise it is made here. What the
 * claims of a genuine token are worth is decided in authentication/service-accounts.ts.
 * @see pkg/serviceaccount/jwt.go, pkg/serviceaccount/claims.go
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
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
  /** The public key as a JSON web key set. */
  keySet(): { keys: Record<string, unknown>[] };
}

export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

export function createTokenSigner(keyPem: string, clock: Clock, random: Random, issuer: string): TokenSigner {
  let made: { key: KeyObject; publicKey: KeyObject; id: string } | undefined;
  // Making a key takes tens of milliseconds: only a cluster that uses tokens pays for it.
  const keys = () => {
    if (made === undefined) {
      const key =
        keyPem === '' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : createPrivateKey(keyPem);
      const publicKey = createPublicKey(key);
      const der = publicKey.export({ type: 'spki', format: 'der' });
      made = { key, publicKey, id: createHash('sha256').update(der).digest('base64url') };
    }
    return made;
  };
  const signed = (claims: object) => {
    const { key, id } = keys();
    const text = `${encode({ alg: 'RS256', kid: id })}.${encode(claims)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
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
      if (claims === undefined || (claims.iss !== issuer && claims.iss !== LEGACY_ISSUER)) return undefined;
      // The algorithm is the key's, never the token's: `none` and HS256 end here.
      if ((decode(head) as { alg?: unknown } | undefined)?.alg !== 'RS256') return undefined;
      const genuine = createVerify('RSA-SHA256')
        .update(`${head}.${body}`)
        .verify(keys().publicKey, Buffer.from(signature, 'base64url'));
      return genuine ? { claims } : { error: 'go-jose/go-jose: error in cryptographic primitive' };
    },
    keySet() {
      const { publicKey, id } = keys();
      const jwk = publicKey.export({ format: 'jwk' });
      return { keys: [{ use: 'sig', kty: jwk.kty, kid: id, alg: 'RS256', n: jwk.n, e: jwk.e }] };
    },
  };
}

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
