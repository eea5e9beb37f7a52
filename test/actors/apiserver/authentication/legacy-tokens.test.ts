import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from '../../../../src/cluster/index.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 0, http: {} });
});
afterAll(() => cluster.stop());

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(cluster.endpoints.http + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never as { [field: string]: never } };
}

const HOME = '/api/v1/namespaces/default';

it('lives as long as the Secret that holds it', async () => {
  await cluster.settled();
  await send('POST', `${HOME}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'old' },
  });
  await send('POST', `${HOME}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'old-token', annotations: { 'kubernetes.io/service-account.name': 'old' } },
    type: 'kubernetes.io/service-account-token',
  });
  await cluster.settled();
  const secret = (await send('GET', `${HOME}/secrets/old-token`)).body as unknown as { data: Record<string, string> };
  const token = Buffer.from(secret.data['token'] ?? '', 'base64').toString();
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toMatchObject({
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:old',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'old-token',
    'kubernetes.io/serviceaccount/service-account.name': 'old',
  });
  expect(claims).not.toHaveProperty('exp');
  expect(Object.keys(secret.data).sort()).toEqual(['ca.crt', 'namespace', 'token']);
  const whoAmI = () =>
    send(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      { authorization: `Bearer ${token}` },
    );
  expect(await whoAmI()).toMatchObject({
    status: 201,
    body: { status: { userInfo: { username: 'system:serviceaccount:default:old' } } },
  });
  await send('DELETE', `${HOME}/secrets/old-token`);
  expect((await whoAmI()).status).toBe(401);
});
