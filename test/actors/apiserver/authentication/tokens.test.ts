import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../../src/cluster/pki.ts';
import { startServer, type TestServer } from '../fixtures.ts';
import { type LocalService, localService } from './local-services.ts';

let server: TestServer;
let issuer: LocalService;
let webhook: LocalService;
type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
let keys: Keys;
let strangerKeys: Keys;
const known = { reviews: 0 };
/** What the issuer publishes. */
let published: JWK[];

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  strangerKeys = await generateKeyPair('RS256');
  published = [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }];
  const ca = await createAuthority(Date.now());
  const tls = await ca.issue({ commonName: 'issuer', usage: 'server', hosts: ['127.0.0.1'] });
  issuer = await localService(
    (_body, path) =>
      path.startsWith('/.well-known') ? { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` } : { keys: published },
    tls,
  );
  webhook = await localService(({ spec }: { spec: { token: string } }) => {
    known.reviews++;
    if (spec.token === 'garbage') return 'not json';
    if (spec.token !== 'remote-token') return { status: { authenticated: false, error: 'never heard of it' } };
    const user = { username: 'remy', uid: 'r1', groups: ['remote'], extra: { where: ['elsewhere'] } };
    return { status: { authenticated: true, user } };
  });
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: [{ token: 'static', user: 'jane', uid: '7', groups: ['dev'] }],
    passwords: [{ user: 'bob', password: 'pass:word', groups: ['dev'] }],
    bootstrapTokens: true,
    jwtIssuers: [
      {
        issuer: { url: issuer.url, audiences: ['kubehive'], certificateAuthority: ca.certificate },
        claimMappings: {
          username: { expression: '"oidc:" + claims.email' },
          groups: { claim: 'roles', prefix: 'oidc:' },
          uid: { claim: 'sub' },
          extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }],
        },
        claimValidationRules: [
          { claim: 'hd', requiredValue: 'example.com' },
          { expression: 'claims.exp - claims.iat <= 86400', message: 'tokens live a day at most' },
        ],
        userValidationRules: [{ expression: "!user.username.startsWith('oidc:system:')", message: 'reserved' }],
      },
    ],
    tokenWebhook: { endpoint: { url: webhook.url }, version: 'v1', cacheTtlMs: 60_000 },
  });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await webhook.stop();
});

const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
async function whoAmI(authorization: string) {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { status, body } = await server.http('POST', path, review, { authorization });
  return { status, user: body.status?.userInfo };
}

async function tokenReview(token: string) {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  return (await server.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body)).body.status;
}

describe('static credentials', () => {
  it('are those of the files', async () => {
    expect(await whoAmI('Bearer static')).toEqual({
      status: 201,
      user: { username: 'jane', uid: '7', groups: ['dev', 'system:authenticated'] },
    });
    expect((await whoAmI('Bearer Static')).status).toBe(401);
    const basic = (text: string) => whoAmI(`Basic ${Buffer.from(text).toString('base64')}`);
    expect((await basic('bob:pass:word')).user).toEqual({ username: 'bob', groups: ['dev', 'system:authenticated'] });
    for (const wrong of ['bob:password', 'bob:', 'bob', ':pass:word', 'eve:pass:word', '__proto__:x']) {
      expect((await basic(wrong)).status, wrong).toBe(401);
    }
  });
});

describe('bootstrap tokens', () => {
  const secret = (id: string, more: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:workers',
      ...more,
    },
  });
  const make = (id: string, more: Record<string, string> = {}) =>
    server.http('POST', '/api/v1/namespaces/kube-system/secrets', secret(id, more));

  it('introduce nodes, until their Secret goes', async () => {
    await make('aaaaaa');
    const token = 'Bearer aaaaaa.0123456789abcdef';
    expect((await whoAmI(token)).user).toEqual({
      username: 'system:bootstrap:aaaaaa',
      groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
    });
    expect((await whoAmI('Bearer aaaaaa.0123456789abcdee')).status).toBe(401);
    await server.http('DELETE', '/api/v1/namespaces/kube-system/secrets/bootstrap-token-aaaaaa');
    expect((await whoAmI(token)).status).toBe(401);
  });

  it.each([
    ['bbbbbb', { expiration: '2020-01-01T00:00:00Z' }],
    ['cccccc', { 'usage-bootstrap-authentication': 'false' }],
    ['dddddd', { 'auth-extra-groups': 'system:masters' }],
    ['eeeeee', { 'token-id': 'ffffff' }],
  ])('%s does not do with %j', async (id, more) => {
    await make(id, more);
    expect((await whoAmI(`Bearer ${id}.0123456789abcdef`)).status).toBe(401);
  });
});

describe('tokens of an OpenID issuer', () => {
  const claims = { email: 'amy@example.com', hd: 'example.com', roles: ['admin'], tenant: 'blue' };
  const sign = (more: JWTPayload = {}, key = keys.privateKey, lifetime = '1h') =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(more.iss ?? issuer.url)
      .setAudience(more.aud ?? 'kubehive')
      .setSubject('amy-1')
      .setIssuedAt()
      .setExpirationTime(lifetime)
      .sign(key);

  it('are mapped as the configuration says', async () => {
    expect(await whoAmI(`Bearer ${await sign()}`)).toEqual({
      status: 201,
      user: {
        username: 'oidc:amy@example.com',
        uid: 'amy-1',
        groups: ['oidc:admin', 'system:authenticated'],
        extra: { 'example.com/tenant': ['blue'] },
      },
    });
  });

  it.each([
    ['of another audience', () => sign({ aud: 'other' }), 'expected audience'],
    ['of another key', () => sign({}, strangerKeys.privateKey), 'signature verification failed'],
    ['that has expired', () => sign({}, keys.privateKey, '-1h'), 'exp'],
    ['without a claim that is asked for', () => sign({ hd: 'evil.com' }), 'required claim hd value does not match'],
    ['that lives too long', () => sign({}, keys.privateKey, '48h'), 'tokens live a day at most'],
    ['whose user is not allowed', () => sign({ email: 'system:admin' }), 'reserved'],
    ['of another issuer', () => sign({ iss: 'https://elsewhere' }), 'invalid bearer token'],
  ])('%s are refused', async (_what, make, message) => {
    const token = await make();
    expect((await whoAmI(`Bearer ${token}`)).status).toBe(401);
    expect((await tokenReview(token)).error).toContain(message);
  });

  it('count at once when the issuer changes its keys, and no longer by the old ones', async () => {
    const before = published;
    const old = await sign();
    const [one, two] = [await generateKeyPair('RS256'), await generateKeyPair('ES256')];
    const statusOf = async (token: string) => (await whoAmI(`Bearer ${token}`)).status;
    expect(await statusOf(old)).toBe(201);
    // Another key by the same name.
    published = [{ ...(await exportJWK(one.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }];
    expect(await statusOf(await sign({}, one.privateKey))).toBe(201);
    expect(await statusOf(old)).toBe(401);
    // Several keys without names, and a token that names none.
    published = await Promise.all([keys, one, two].map(async ({ publicKey }) => exportJWK(publicKey)));
    const nameless = (alg: string, key: typeof one.privateKey) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg })
        .setIssuer(issuer.url)
        .setAudience('kubehive')
        .setSubject('amy-1')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key);
    expect(await statusOf(await nameless('ES256', two.privateKey))).toBe(201);
    expect(await statusOf(await nameless('RS256', one.privateKey))).toBe(201);
    expect(await statusOf(await nameless('RS256', strangerKeys.privateKey))).toBe(401);
    published = before;
    expect(await statusOf(await sign())).toBe(201);
  });

  it('without a signature are refused', async () => {
    const [, body] = (await sign()).split('.');
    const head = Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url');
    expect((await whoAmI(`Bearer ${head}.${body}.`)).status).toBe(401);
  });
});

describe('the token webhook', () => {
  it('is asked once, and believed', async () => {
    const before = known.reviews;
    for (let round = 0; round < 3; round++) {
      expect((await whoAmI('Bearer remote-token')).user).toEqual({
        username: 'remy',
        uid: 'r1',
        groups: ['remote', 'system:authenticated'],
        extra: { where: ['elsewhere'] },
      });
    }
    expect(known.reviews).toBe(before + 1);
  });

  it('lets nobody in whom it does not know, nor when it answers garbage', async () => {
    expect((await whoAmI('Bearer unheard-of')).status).toBe(401);
    expect((await tokenReview('unheard-of')).error).toContain('never heard of it');
    expect((await whoAmI('Bearer garbage')).status).toBe(401);
  });
});
