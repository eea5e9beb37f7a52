import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ConfigMap, Secret } from '../../../../src/api/index.ts';
import { Cluster } from '../../../../src/cluster/index.ts';

const auditLog = join(mkdtempSync(join(tmpdir(), 'kubehive-legacy-')), 'audit.log');
let cluster: Cluster;
beforeAll(async () => {
  const auditPolicyFile = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
  cluster = await Cluster.start({ nodes: 0, http: {}, security: { auditPolicyFile, auditLogPath: auditLog } });
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

describe('a token that a Secret holds', () => {
  const lastUsed = 'kubernetes.io/legacy-token-last-used';
  const invalidSince = 'kubernetes.io/legacy-token-invalid-since';
  let token = '';

  const secret = async () => (await send('GET', `${HOME}/secrets/kept-token`)).body as unknown as Secret;
  const whoAmI = () =>
    fetch(`${cluster.endpoints.http}/apis/authentication.k8s.io/v1/selfsubjectreviews`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
    });
  const label = (value: Record<string, string | null>) =>
    send(
      'PATCH',
      `${HOME}/secrets/kept-token`,
      { metadata: { labels: value } },
      { 'content-type': 'application/merge-patch+json' },
    );
  const today = () => new Date().toISOString().slice(0, 10);

  beforeAll(async () => {
    await send('POST', `${HOME}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'kept' },
    });
    await send('POST', `${HOME}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'kept-token', annotations: { 'kubernetes.io/service-account.name': 'kept' } },
      type: 'kubernetes.io/service-account-token',
    });
    await cluster.settled();
    token = Buffer.from((await secret()).data?.['token'] ?? '', 'base64').toString();
  });

  it('is labelled with the day of its last use, once a day, also when many use it at once', async () => {
    expect((await secret()).metadata?.labels?.[lastUsed]).toBeUndefined();
    // A test that runs over midnight may see either day.
    const before = today();
    const answers = await Promise.all(Array.from({ length: 8 }, () => whoAmI()));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    const { metadata } = await secret();
    expect([before, today()]).toContain(metadata?.labels?.[lastUsed]);
    await label({ [lastUsed]: '2020-02-03' });
    expect((await whoAmI()).status).toBe(201);
    expect([before, today()]).toContain((await secret()).metadata?.labels?.[lastUsed]);
    // The server's clock may be behind the one that wrote it.
    const tomorrow = new Date(Date.parse(today()) + 86_400_000).toISOString().slice(0, 10);
    await label({ [lastUsed]: tomorrow });
    const { metadata: marked } = await secret();
    expect((await whoAmI()).status).toBe(201);
    if (before === today()) expect((await secret()).metadata?.resourceVersion).toBe(marked?.resourceVersion);
  });

  it('warns when the account lists its Secret, as tokens were made automatically once', async () => {
    expect((await whoAmI()).headers.get('warning')).toBeNull();
    const listed = { secrets: [{ name: 'kept-token' }] };
    const merge = { 'content-type': 'application/merge-patch+json' };
    await send('PATCH', `${HOME}/serviceaccounts/kept`, listed, merge);
    const text =
      'Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.';
    expect((await whoAmI()).headers.get('warning')).toBe(`299 - "${text}"`);
    const version = await fetch(`${cluster.endpoints.http}/version`, { headers: { authorization: `Bearer ${token}` } });
    expect(version.headers.get('warning')).toBe(`299 - "${text}"`);
    await send('PATCH', `${HOME}/serviceaccounts/kept`, { secrets: null }, merge);
  });

  it('is refused once it is marked invalid, and taken again when the mark goes', async () => {
    await label({ [invalidSince]: '2021-01-01', [lastUsed]: '2020-01-01' });
    expect((await whoAmI()).status).toBe(401);
    // That somebody tried is noted as well.
    expect((await secret()).metadata?.labels?.[lastUsed]).not.toBe('2020-01-01');
    const reviewed = await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token },
    });
    expect(reviewed.body['status']).toEqual({
      user: {},
      error: `[invalid bearer token, the token in secret default/kept-token for service account default/kept has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSince}' label from the secret to temporarily allow use of this token]`,
    });
    await label({ [invalidSince]: null });
    expect((await whoAmI()).status).toBe(201);
  });

  it('leaves in the audit log which Secret it was of', async () => {
    const told = () => readFileSync(auditLog, 'utf8');
    await vi.waitFor(() => {
      for (const [key, value] of [
        ['manual-secret', 'kept-token'],
        ['autogenerated-secret', 'kept-token'],
        ['invalidated', 'kept-token/default'],
      ]) {
        expect(told()).toContain(`"authentication.k8s.io/legacy-token-${key}":"${value}"`);
      }
    }, 60_000);
    expect(told()).not.toContain(token);
  });
});

it('is counted, by how it was made and whether it still held', async () => {
  const text = await (await fetch(`${cluster.endpoints.http}/metrics`)).text();
  for (const kind of ['legacy_manual', 'legacy_auto', 'invalid_legacy_auto']) {
    expect(text).toMatch(new RegExp(`^serviceaccount_${kind}_token_uses_total\\S* [1-9]`, 'm'));
  }
});

describe('the ConfigMap that says since when uses are recorded', () => {
  const path = '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking';
  const since = async () => ((await send('GET', path)).body as unknown as ConfigMap).data?.['since'];

  it('is there from the start, and is given a date again when it holds none', async () => {
    expect(await since()).toMatch(/^\d{4}-\d\d-\d\d$/);
    await send(
      'PATCH',
      path,
      { data: { since: 'yesterday', more: 'x' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await vi.waitFor(async () => expect(await since()).toMatch(/^\d{4}-\d\d-\d\d$/), 60_000);
    // What somebody says is believed.
    await send('PATCH', path, { data: { since: '2020-02-03' } }, { 'content-type': 'application/merge-patch+json' });
    await cluster.settled();
    expect(await since()).toBe('2020-02-03');
  });
});
