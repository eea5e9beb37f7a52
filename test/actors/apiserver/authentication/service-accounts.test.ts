import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const HOME = '/api/v1/namespaces/default';
const ISSUER = 'https://kubernetes.default.svc.cluster.local';

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
  await account('robot');
});
afterAll(() => server.stop());

function account(name: string) {
  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  return server.http('POST', `${HOME}/serviceaccounts`, body);
}

async function tokenFor(name: string, spec: object = {}): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const answer = await server.http('POST', `${HOME}/serviceaccounts/${name}/token`, body);
  expect(answer.text).toContain('"token"');
  return answer.body.status.token;
}

const whoAmI = (token: string) =>
  server.http(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    { authorization: `Bearer ${token}` },
  );

async function review(token: string, audiences?: string[]) {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
  return (await server.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body)).body.status;
}

const parts = (token: string) => token.split('.') as [string, string, string];
const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a service account token', () => {
  it('says who its account is, and what it is bound to', async () => {
    await server.http('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    await server.http('POST', `${HOME}/pods`, pod('bound', { spec: { serviceAccountName: 'robot', nodeName: 'n1' } }));
    const token = await tokenFor('robot', { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'bound' } });
    const claims = decoded(parts(token)[1]);
    expect(claims).toMatchObject({
      iss: ISSUER,
      aud: [ISSUER],
      sub: 'system:serviceaccount:default:robot',
      'kubernetes.io': { namespace: 'default', pod: { name: 'bound' }, node: { name: 'n1' } },
    });
    const { body } = await whoAmI(token);
    expect(body.status.userInfo).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/pod-name': ['bound'],
      },
    });
  });

  it.each([
    ['Pod', `${HOME}/pods`, pod('gone', { spec: { serviceAccountName: 'robot' } })],
    ['Secret', `${HOME}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'gone' } }],
    ['Node', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'gone' } }],
  ])('ends with the %s that it is bound to', async (kind, path, object) => {
    expect((await server.http('POST', path, object)).status).toBe(201);
    const token = await tokenFor('robot', { boundObjectRef: { kind, apiVersion: 'v1', name: 'gone' } });
    expect((await whoAmI(token)).status).toBe(201);
    await server.http('DELETE', `${path}/gone?gracePeriodSeconds=0`);
    expect((await whoAmI(token)).status).toBe(401);
    expect((await review(token)).error).toContain('service account token has been invalidated');
    // Another object of the same name is not the one.
    await server.http('POST', path, object);
    expect((await whoAmI(token)).status).toBe(401);
    await server.http('DELETE', `${path}/gone?gracePeriodSeconds=0`);
  });

  it('ends with its account, and does not come back with another of the same name', async () => {
    await account('brief');
    const token = await tokenFor('brief');
    expect((await whoAmI(token)).status).toBe(201);
    await server.http('DELETE', `${HOME}/serviceaccounts/brief`);
    expect((await review(token)).error).toContain('serviceaccounts "brief" not found');
    await account('brief');
    expect((await review(token)).error).toContain('does not match claim');
    expect((await whoAmI(token)).status).toBe(401);
  });

  it('is refused with changed claims, without a signature, with another algorithm or issuer', async () => {
    const [head, body, signature] = parts(await tokenFor('robot'));
    const claims = decoded(body);
    const altered = encoded({ ...claims, sub: 'system:serviceaccount:kube-system:admin' });
    const none = encoded({ alg: 'none' });
    const { kid } = decoded(head);
    const hmacHead = encoded({ alg: 'HS256', kid });
    const hmac = createHmac('sha256', 'public').update(`${hmacHead}.${body}`).digest('base64url');
    const forged = [
      `${head}.${altered}.${signature}`,
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${hmacHead}.${body}.${hmac}`,
      `${head}.${encoded({ ...claims, iss: 'https://elsewhere' })}.${signature}`,
      `${head}.${body}`,
      `${head}.!!!.${signature}`,
      'x.y.z',
    ];
    for (const token of forged) {
      expect((await whoAmI(token)).status, token).toBe(401);
      expect(await review(token)).toMatchObject({ user: {}, error: expect.stringContaining('invalid bearer token') });
    }
  });

  it('counts only for its audiences', async () => {
    const token = await tokenFor('robot', { audiences: ['vault'] });
    expect((await whoAmI(token)).status).toBe(401);
    expect((await review(token)).error).toContain('is invalid for the target audiences');
    expect(await review(token, ['vault', 'other'])).toMatchObject({ authenticated: true, audiences: ['vault'] });
    expect((await review(await tokenFor('robot'), ['vault'])).authenticated).toBeUndefined();
  });

  it('is bound only to what is there and runs as the account', async () => {
    await server.http('POST', `${HOME}/pods`, pod('foreign', { spec: { serviceAccountName: 'other' } }));
    const ask = (spec: object) =>
      server.http('POST', `${HOME}/serviceaccounts/robot/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec,
      });
    const foreign = await ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'foreign' } });
    expect(foreign.body.message).toBe(
      'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
    );
    const stale = await ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'bound', uid: 'u' } });
    expect(stale.status).toBe(409);
  });
});

it('publishes what others need to verify tokens', async () => {
  const discovery = await server.http('GET', '/.well-known/openid-configuration');
  expect(discovery.body).toMatchObject({ issuer: ISSUER, jwks_uri: expect.stringMatching(/\/openid\/v1\/jwks$/) });
  expect(discovery.headers.get('cache-control')).toBe('public, max-age=3600');
  const { text, headers } = await server.http('GET', '/openid/v1/jwks');
  expect(headers.get('content-type')).toBe('application/jwk-set+json');
  expect(JSON.parse(text).keys).toMatchObject([{ use: 'sig', kty: 'RSA', alg: 'RS256' }]);
});
