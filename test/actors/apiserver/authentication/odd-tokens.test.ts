/** Tokens that the cluster's own key has signed, or nearly, and that are odd all the same. */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
let now: number;
let server: TestServer;
let uid: string;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    serviceAccountAdmission: false,
    serviceAccountKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  });
  now = Math.floor(server.system.clock.now() / 1000);
  uid = (await server.http('POST', ACCOUNTS, { metadata: { name: 'robot' } })).body.metadata.uid;
});
afterAll(() => server.stop());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object = {}, head: object = {}, key: KeyObject = privateKey): string {
  const own = { namespace: 'default', serviceaccount: { name: 'robot', uid } };
  const all = {
    iss: ISSUER,
    aud: [ISSUER],
    exp: now + 600,
    'kubernetes.io': own,
    sub: 'system:serviceaccount:default:robot',
  };
  const text = `${encode({ alg: 'RS256', ...head })}.${encode({ ...all, ...claims })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
}

async function statusOf(text: string): Promise<number> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const headers = { authorization: `Bearer ${text}` };
  return (await server.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review, headers)).status;
}

describe('a token', () => {
  it('of the same form as those of the server is taken', async () => {
    expect(await statusOf(token())).toBe(201);
    // Those without audiences are of an older form, for this server.
    expect(await statusOf(token({ aud: [] }))).toBe(201);
  });

  it.each<[string, () => string]>([
    ['that is not valid yet', () => token({ nbf: now + 600 })],
    ['that was issued in the future', () => token({ iat: now + 600 })],
    ['that has expired', () => token({ exp: now - 600 })],
    ['whose audience is a part of ours', () => token({ aud: ISSUER.slice(0, -1) })],
    [
      'of another account of the same name',
      () => token({ 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: 'other' } } }),
    ],
    ['that names no account', () => token({ 'kubernetes.io': null })],
    ['whose account is an object', () => token({ 'kubernetes.io': { namespace: { a: 1 }, serviceaccount: [] } })],
    ['that says ES256', () => token({}, { alg: 'ES256' })],
    ['that says rs256', () => token({}, { alg: 'rs256' })],
    ['of another key', () => token({}, {}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)],
    [
      'with a key of its own in its head',
      () => {
        const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
        return token({}, { jwk: own.publicKey.export({ format: 'jwk' }), kid: 'own' }, own.privateKey);
      },
    ],
    ['with padding', () => `${token()}==`],
    ['with what is no base64', () => token().replace(/\.([^.]*)$/, '.!$1')],
    ['with five parts', () => `${token()}.a.b`],
    ['without a body', () => token().replace(/\..*\./, '..')],
    ['of a list', () => `${encode([])}.${encode([])}.${encode([])}`],
  ])('%s is refused', async (_what, make) => {
    expect(await statusOf(make())).toBe(401);
  });

  it('of half a megabyte is refused without a failure', async () => {
    expect([401, 431]).toContain(await statusOf(token({ padding: 'x'.repeat(400_000) }).replace(/.{8}$/, '--------')));
  });
});

it('lets nobody in by a token whose account has gone, whatever it was bound to', async () => {
  const made = await server.http('POST', ACCOUNTS, { metadata: { name: 'brief' } });
  const own = { namespace: 'default', serviceaccount: { name: 'brief', uid: made.body.metadata.uid } };
  const text = token({ 'kubernetes.io': own, sub: 'system:serviceaccount:default:brief' });
  expect(await statusOf(text)).toBe(201);
  await server.http('DELETE', `${ACCOUNTS}/brief`);
  expect(await statusOf(text)).toBe(401);
});
