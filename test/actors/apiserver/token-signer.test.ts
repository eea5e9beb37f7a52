/** Keys of service account tokens: one signs, several verify. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { createTokenSigner } from '../../../actors/apiserver/token-signer.ts';
import { seededRandom, VirtualClock } from '../../../src/runtime/index.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const pem = (key: KeyObject) =>
  key.export(key.type === 'private' ? { type: 'pkcs8', format: 'pem' } : { type: 'spki', format: 'pem' }).toString();
const signer = (signing: KeyObject, verifying: readonly KeyObject[] = [], issuers = ['https://me']) =>
  createTokenSigner(
    { signingKeyPem: pem(signing), verificationKeysPem: verifying.map(pem), issuers },
    new VirtualClock(),
    seededRandom(1),
  );
const REQUEST = { namespace: 'a', serviceAccount: 'b', uid: 'c', audiences: ['d'], expirationSeconds: 600 };

describe('service account tokens', () => {
  it.each([
    ['an RSA key', rsa, 'RS256'],
    ['a P-256 key', curve('P-256'), 'ES256'],
    ['a P-384 key', curve('P-384'), 'ES384'],
    ['a P-521 key', curve('P-521'), 'ES512'],
  ])('are signed with %s', (_name, key, algorithm) => {
    const own = signer(key);
    const { token } = own.sign(REQUEST);
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: own.keySet().keys[0]?.['kid'] });
    expect(own.keySet().keys).toMatchObject([{ use: 'sig', alg: algorithm }]);
    expect(own.verify(token)).toMatchObject({ claims: { iss: 'https://me', aud: ['d'] } });
    const altered = `${token.slice(0, -8)}AAAAAAAA`;
    expect(own.verify(altered)).toEqual({ error: 'go-jose/go-jose: error in cryptographic primitive' });
  });

  it('count while the key that signed them is among those that verify', () => {
    const before = signer(rsa).sign(REQUEST).token;
    const next = curve('P-256');
    const rotating = signer(next, [createPublicKey(rsa)]);
    expect(rotating.verify(before)).toMatchObject({ claims: {} });
    expect(rotating.keySet().keys.map(({ alg }) => alg)).toEqual(['RS256', 'ES256']);
    expect(signer(next, [next]).keySet().keys).toHaveLength(1);
    expect(signer(next).verify(before)).toEqual({ error: 'invalid signature, no keys found' });
  });

  it('of a former issuer count beside those of the present one', () => {
    const before = signer(rsa, [], ['https://old']).sign(REQUEST).token;
    const both = signer(rsa, [], ['https://new', 'https://old']);
    expect(both.issuer).toBe('https://new');
    expect(both.verify(before)).toMatchObject({ claims: { iss: 'https://old' } });
    expect(signer(rsa, [], ['https://new']).verify(before)).toBeUndefined();
  });
});
