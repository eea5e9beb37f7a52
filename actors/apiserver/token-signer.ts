/**
 * Service account tokens: RS256 JSON web tokens as upstream issues them, bound to a pod, node or secret when asked. The key
 * comes with the options, so that tokens outlive a restart and several servers accept each other's; otherwise it is made here.
 * @see pkg/serviceaccount/claims.go
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
import type { Identity } from './call.ts';

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly bound?: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
}

export interface TokenSigner {
  readonly issuer: string;
  sign(request: TokenRequest): { token: string; expiresAtMs: number };
  /** The service account's identity, or undefined. */
  verify(token: string): Identity | undefined;
  /** The public key as a JSON web key set. */
  keySet(): { keys: Record<string, unknown>[] };
}

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

interface Claims {
  readonly aud?: readonly string[];
  readonly exp?: number;
  readonly iss?: string;
  readonly sub?: string;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly node?: { readonly name: string; readonly uid: string };
  };
}

export function createTokenSigner(keyPem: string, clock: Clock, random: Random): TokenSigner {
  let made: { key: KeyObject; id: string } | undefined;
  // Making a key takes tens of milliseconds: only a cluster that uses tokens pays for it.
  const keys = () => {
    if (made === undefined) {
      const key =
        keyPem === '' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : createPrivateKey(keyPem);
      const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
      made = { key, id: createHash('sha256').update(der).digest('base64url') };
    }
    return made;
  };
  return {
    issuer: ISSUER,
    sign(request) {
      const { key, id } = keys();
      const now = Math.floor(clock.now() / 1000);
      const exp = now + request.expirationSeconds;
      const { bound } = request;
      const claims = {
        aud: request.audiences,
        exp,
        iat: now,
        iss: ISSUER,
        jti: random.uuid(),
        'kubernetes.io': {
          namespace: request.namespace,
          ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
          serviceaccount: { name: request.serviceAccount, uid: request.uid },
        },
        nbf: now,
        sub: `system:serviceaccount:${request.namespace}:${request.serviceAccount}`,
      };
      const text = `${encode({ alg: 'RS256', kid: id })}.${encode(claims)}`;
      const signature = createSign('RSA-SHA256').update(text).sign(key).toString('base64url');
      return { token: `${text}.${signature}`, expiresAtMs: exp * 1000 };
    },
    verify(token) {
      const [head, body, signature] = token.split('.') as [string, string, string];
      const { key } = keys();
      const genuine = createVerify('RSA-SHA256')
        .update(`${head}.${body}`)
        .verify(createPublicKey(key), Buffer.from(signature, 'base64url'));
      if (!genuine) return undefined;
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
      const account = claims['kubernetes.io'];
      if (claims.iss !== ISSUER || account === undefined || claims.sub === undefined) return undefined;
      if ((claims.exp ?? 0) * 1000 <= clock.now()) return undefined;
      return {
        user: claims.sub,
        uid: account.serviceaccount.uid,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'],
        extra: {
          ...(claims.jti === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] }),
          ...(account.pod === undefined
            ? {}
            : {
                'authentication.kubernetes.io/pod-name': [account.pod.name],
                'authentication.kubernetes.io/pod-uid': [account.pod.uid],
              }),
        },
      };
    },
    keySet() {
      const { key, id } = keys();
      const jwk = createPublicKey(key).export({ format: 'jwk' });
      return { keys: [{ use: 'sig', kty: jwk.kty, kid: id, alg: 'RS256', n: jwk.n, e: jwk.e }] };
    },
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
