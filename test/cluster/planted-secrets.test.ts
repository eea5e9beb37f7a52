/** Plants secrets wherever a cluster takes some, makes things go wrong with them, and looks for them where they must not be. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/index.ts';
import { memorySink } from '../../src/runtime/index.ts';

const planted = {
  secretValue: 'planted-secret-value',
  staticToken: 'planted-static-token',
  password: 'planted-password',
  wrongToken: 'planted-wrong-token',
  bootstrap: 'plantedbootstrap',
  encryptionKey: 'planted-encryption-key-32-bytes!',
  webhookToken: 'planted-webhook-token',
  webhookPassword: 'planted-webhook-password',
  proxyHeader: 'planted-proxy-header',
  cookie: 'planted-cookie',
  query: 'planted-query-token',
};

const folder = mkdtempSync(join(tmpdir(), 'kubehive-planted-'));
const dataDirectory = join(folder, 'data');
const auditLog = join(folder, 'audit.log');
const log = memorySink(100_000);
const answers: string[] = [];
let cluster: Cluster;
let serviceAccountToken = '';
/** A line of every private key that the cluster has made. */
let keyLines: string[] = [];

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(cluster.endpoints.http + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) answers.push(text);
  return { ok: response.ok, text };
}

/** A service that nobody answers for, and the credentials for it. */
const kubeconfigOf = (user: object) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });

const secret = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { a: planted.secretValue },
  ...more,
});
const SECRETS = '/api/v1/namespaces/default/secrets';

beforeAll(async () => {
  const secretKey = Buffer.from(planted.encryptionKey).toString('base64');
  cluster = await Cluster.start({
    nodes: 1,
    http: {},
    https: {},
    dataDirectory,
    log,
    logLevel: 'debug',
    security: {
      tokenAuthFile: file('tokens.csv', `${planted.staticToken},jane,u1\n`),
      basicAuthFile: file('passwords.csv', `${planted.password},bob,u2\n`),
      enableBootstrapTokenAuth: true,
      auditPolicyFile: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] },
      auditLogPath: auditLog,
      auditWebhookConfigFile: file('audit.kubeconfig', kubeconfigOf({ token: planted.webhookToken })),
      authenticationTokenWebhookConfigFile: file('tokens.kubeconfig', kubeconfigOf({ token: planted.webhookToken })),
      authorizationMode: ['Node', 'RBAC', 'Webhook'],
      authorizationWebhookConfigFile: file(
        'authorization.kubeconfig',
        kubeconfigOf({ username: 'hook', password: planted.webhookPassword }),
      ),
      encryptionProviderConfig: {
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'EncryptionConfiguration',
        resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'k', secret: secretKey }] } }] }],
      },
    },
  });
  keyLines = privateKeyLines();
  await send('POST', SECRETS, secret('good'));
  const tokenBody = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const issued = await send('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', tokenBody);
  serviceAccountToken = JSON.parse(issued.text).status.token;
  const bootstrapSecret = secret('bootstrap-token-abcdef', {
    type: 'bootstrap.kubernetes.io/token',
    stringData: { 'token-id': 'abcdef', 'token-secret': planted.bootstrap, 'usage-bootstrap-authentication': 'true' },
  });
  await send('POST', '/api/v1/namespaces/kube-system/secrets', bootstrapSecret);
  // What goes wrong while secrets are at hand.
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  for (const headers of [
    bearer(planted.staticToken),
    bearer(planted.wrongToken),
    bearer(serviceAccountToken),
    bearer(`${serviceAccountToken}x`),
    bearer(`abcdef.${planted.bootstrap}`),
    basic(`bob:${planted.password}`),
    basic(`eve:${planted.wrongToken}`),
  ]) {
    await send('GET', SECRETS, undefined, headers);
    await send('POST', SECRETS, secret('refused'), headers);
  }
  // Headers and queries of clients, and of proxies that are none.
  for (const headers of [
    { 'x-remote-user': planted.proxyHeader, 'x-remote-extra-secret': planted.proxyHeader },
    { cookie: `session=${planted.cookie}`, 'proxy-authorization': `Basic ${planted.cookie}` },
    { 'impersonate-user': 'jane', 'impersonate-extra-bad%zz': planted.proxyHeader, ...bearer(planted.staticToken) },
  ]) {
    await send('GET', '/api/v1/namespaces/default/nothings', undefined, headers);
  }
  await send('GET', `/api/v1/namespaces/default/pods/absent/log?access_token=${planted.query}x`, undefined, {
    ...bearer(planted.staticToken),
  });
  await send('POST', SECRETS, secret('good'));
  await send('PUT', `${SECRETS}/good`, { ...secret('good'), type: 'changed' });
  await send('PUT', `${SECRETS}/good`, { ...secret('other') });
  await send('POST', SECRETS, { ...secret('Bad_Name') });
  await send('POST', `${SECRETS}?fieldValidation=Strict`, { ...secret('strict'), unknown: true });
  const dockerConfig = {
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': planted.secretValue },
  };
  await send('POST', SECRETS, secret('docker', dockerConfig));
  await send('PATCH', `${SECRETS}/good`, [{ op: 'test', path: '/data/a', value: planted.secretValue }], {
    'content-type': 'application/json-patch+json',
  });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'reader' },
    spec: {
      containers: [
        {
          name: 'c',
          image: 'nginx',
          env: [
            { name: 'A', valueFrom: { secretKeyRef: { name: 'good', key: 'a' } } },
            { name: 'B', valueFrom: { secretKeyRef: { name: 'good', key: 'absent' } } },
          ],
        },
      ],
    },
  };
  await send('POST', '/api/v1/namespaces/default/pods', pod);
  await cluster.settled();
}, 60_000);
afterAll(() => cluster.stop());

/** Of the keys in files and of the administrator's kubeconfig. */
function privateKeyLines(): string[] {
  const pki = join(dataDirectory, 'pki');
  const files = readdirSync(pki)
    .filter((name) => name.endsWith('.key'))
    .map((name) => readFileSync(join(pki, name), 'utf8'));
  const inKubeconfig = /client-key-data: *"?([\w+/=]+)/.exec(cluster.kubeconfig)?.[1] ?? '';
  return [...files, Buffer.from(inKubeconfig, 'base64').toString()].map((pem) => pem.split('\n')[2] ?? pem);
}

/** Everything planted, as it is and in base64. */
function findings(text: string): string[] {
  const keys = Object.fromEntries(keyLines.map((line, index) => [`key ${index}`, line]));
  const all = { ...planted, serviceAccountToken, ...keys };
  return Object.entries(all).flatMap(([name, value]) =>
    [value, Buffer.from(value).toString('base64')].some((form) => text.includes(form)) ? [name] : [],
  );
}

it('knows what to look for', () => {
  expect(keyLines.length).toBeGreaterThan(3);
  expect(keyLines.every((line) => line.length > 30)).toBe(true);
});

it('tells no secret in logs', () => {
  expect(log.records.length).toBeGreaterThan(0);
  expect(findings(JSON.stringify(log.records))).toEqual([]);
});

it('tells no secret in events', async () => {
  const events = await send('GET', '/api/v1/events');
  expect(JSON.parse(events.text).items.length).toBeGreaterThan(0);
  expect(findings(events.text)).toEqual([]);
});

it('tells no secret in refusals', () => {
  expect(answers.length).toBeGreaterThan(15);
  expect(findings(answers.join('\n'))).toEqual([]);
});

it('tells no secret in metrics, actors, health, configurations and what waits', async () => {
  for (const path of [
    '/metrics',
    '/kubehive/actors',
    '/configz',
    '/statusz',
    '/flagz',
    '/debug/pprof/cmdline',
    '/readyz?verbose',
    '/debug/api_priority_and_fairness/dump_requests',
    '/debug/api_priority_and_fairness/dump_queues',
    '/api/v1/namespaces/kube-system/configmaps',
    '/openid/v1/jwks',
    '/.well-known/openid-configuration',
  ]) {
    expect(findings((await send('GET', path)).text), path).toEqual([]);
  }
});

it('tells no secret in the audit log, but for what stands in addresses', () => {
  const audit = readFileSync(auditLog, 'utf8');
  expect(audit).toContain('"resource":"secrets"');
  // As upstream, which records addresses as they are: secrets do not belong there.
  expect(findings(audit)).toEqual(['query']);
});
