/** Who is who: certificates that are asked for, tokens in Secrets, bootstrap tokens, and what every namespace is given. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CertificateSigningRequest, Secret } from '../../../src/api/index.ts';
import {
  certificateSigningRequests,
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  createBusClient,
  nodes,
  secrets,
  serviceAccounts,
} from '../../../src/client/index.ts';
import { nodeRequest, testAuthority } from './certificates.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
let cluster: TestCluster;
afterEach(() => cluster.stop());
const settled = () => cluster.system.settled();
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('certificate signing requests', () => {
  const kubelet = {
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['client auth', 'digital signature'],
  };
  const ask = (more: object = kubelet) =>
    cluster.client.create(certificateSigningRequests, {
      metadata: { name: 'r' },
      spec: { request: nodeRequest, ...kubelet, ...more },
    });
  const get = () => cluster.client.get(certificateSigningRequests, { name: 'r' });
  const decide = (...conditions: { type: string; status: string }[]) =>
    cluster.client.patch(
      certificateSigningRequests,
      { name: 'r' },
      'merge',
      { status: { conditions: conditions.map((each) => ({ ...each, reason: 'Test', message: '' })) } },
      { subresource: 'approval' },
    );

  it('are approved soon after whoever asked is allowed to', async () => {
    cluster = await startCluster(['certificatesigningrequest-approving-controller']);
    const allow = (role: string) =>
      cluster.client.create(clusterRoleBindings, {
        metadata: { name: role },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joining' }],
      });
    await allow('system:node-bootstrapper');
    const identity = { user: 'joining', groups: ['system:authenticated'], userAgent: 'test' };
    const joining = createBusClient((await cluster.system.connect('joining', identity)).bus);
    await settled();
    await joining.create(certificateSigningRequests, {
      metadata: { name: 'r' },
      spec: { request: nodeRequest, ...kubelet },
    });
    await settled();
    await cluster.system.advance(1_000);
    expect((await get()).status?.conditions).toBeUndefined();
    await allow('system:certificates.k8s.io:certificatesigningrequests:nodeclient');
    await cluster.system.advance(3_000);
    await settled();
    expect((await get()).status?.conditions?.map(({ reason }) => reason)).toEqual(['AutoApproved']);
  });

  const issue = async (certificate: string) => {
    const { metadata, spec, status } = await get();
    const wanted: CertificateSigningRequest = { metadata, spec, status: { ...status, certificate } };
    await cluster.client.update(certificateSigningRequests, wanted, { subresource: 'status' });
  };
  const certificate = base64(testAuthority.certificate);

  it.each<[string, { type: string; status: string }[], boolean, boolean]>([
    ['failed', [{ type: 'Failed', status: 'True' }], false, true],
    ['issued', [{ type: 'Approved', status: 'True' }], true, true],
    ['somebody else says something of', [{ type: 'example.com/Seen', status: 'True' }], false, false],
  ])('that %s go after an hour: %s', async (_what, conditions, issued, goes) => {
    cluster = await startCluster(['certificatesigningrequest-cleaner-controller']);
    await ask({ signerName: 'example.com/none' });
    await decide(...conditions);
    if (issued) await issue(certificate);
    await cluster.system.advance(2.5 * 3_600_000);
    await settled();
    const { items } = await cluster.client.list(certificateSigningRequests);
    expect(items).toHaveLength(goes ? 0 : 1);
  });
});

describe('serviceaccount-token-controller', () => {
  const key = { namespace, name: 't' };
  const token = (more: Partial<Secret>): Secret => ({
    metadata: { ...key, annotations: { 'kubernetes.io/service-account.name': 'bot' } },
    type: 'kubernetes.io/service-account-token',
    ...more,
  });
  const start = async (more: Partial<Secret>) => {
    cluster = await startCluster(['serviceaccount-token-controller'], { rootCa: 'PEM' });
    await cluster.client.create(serviceAccounts, { metadata: { name: 'bot', namespace }, secrets: [{ name: 't' }] });
    await cluster.client.create(secrets, token(more));
    await settled();
  };

  it('adds what is missing, and leaves what somebody else wrote', async () => {
    const data = { namespace: base64('other'), token: base64('mine'), 'ca.crt': base64('old') };
    await start({ data });
    expect((await cluster.client.get(secrets, key)).data).toEqual({ ...data, 'ca.crt': base64('PEM') });
  });

  it('leaves a Secret that has everything as it is', async () => {
    const data = { namespace: base64('other'), token: base64('mine'), 'ca.crt': base64('PEM') };
    await start({ data });
    const { metadata } = await cluster.client.get(secrets, key);
    expect(metadata?.annotations).toEqual({ 'kubernetes.io/service-account.name': 'bot' });
  });

  it('takes a Secret that is gone off the list of its account, also when the account has changed since', async () => {
    await start({});
    const account = { namespace, name: 'bot' };
    await Promise.all([
      cluster.client.delete(secrets, key),
      cluster.client.patch(serviceAccounts, account, 'merge', { metadata: { labels: { a: 'b' } } }),
    ]);
    await settled();
    expect((await cluster.client.get(serviceAccounts, account)).secrets).toBeUndefined();
  });
});

describe('bootstrap tokens', () => {
  const bootstrapToken = (id: string, more: Record<string, string>): Secret => {
    const data = { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more };
    return {
      metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, base64(value)])),
    };
  };

  it('sign with an id of six, until a time that can be read', async () => {
    cluster = await startCluster(['bootstrap-signer-controller']);
    const { client } = cluster;
    await client.create(secrets, bootstrapToken('abcdef', {}));
    await client.create(secrets, bootstrapToken('short', {}));
    await client.create(secrets, bootstrapToken('ghijkl', { expiration: '2027-01-01' }));
    await client.create(secrets, bootstrapToken('mnopqr', { expiration: '2027-01-01T00:00:00+01:00' }));
    const held = bootstrapToken('stuvwx', {});
    await client.create(secrets, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
    await client.delete(secrets, { namespace: 'kube-system', name: 'bootstrap-token-stuvwx' });
    const key = { namespace: 'kube-public', name: 'cluster-info' };
    await client.create(configMaps, { metadata: key, data: { kubeconfig: 'apiVersion: v1' } });
    await settled();
    const signed = Object.keys((await client.get(configMaps, key)).data ?? {}).filter((name) => name.startsWith('jws'));
    expect(signed.sort()).toEqual(['jws-kubeconfig-abcdef', 'jws-kubeconfig-mnopqr', 'jws-kubeconfig-stuvwx']);
  });

  it('go when their time cannot be read', async () => {
    cluster = await startCluster(['token-cleaner-controller']);
    await cluster.client.create(secrets, bootstrapToken('abcdef', { expiration: '2027-01-01' }));
    await cluster.client.create(secrets, bootstrapToken('ghijkl', { expiration: '2027-01-01T00:00:00Z' }));
    await settled();
    const { items } = await cluster.client.list(secrets, { namespace: 'kube-system' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['bootstrap-token-ghijkl']);
  });
});

it('a role that gathers nothing keeps the rules that somebody gave it', async () => {
  cluster = await startCluster(['clusterrole-aggregation-controller']);
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  await cluster.client.create(clusterRoles, {
    metadata: { name: 'sum' },
    rules,
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { nobody: 'has-this' } }] },
  });
  await settled();
  expect((await cluster.client.get(clusterRoles, { name: 'sum' })).rules).toEqual(rules);
});

it.each([
  ['mine', 'mine'],
  [null, expect.stringMatching(/^Contains a CA bundle/)],
])('the ConfigMap of the authority keeps a description of one’s own: %s', async (given, kept) => {
  cluster = await startCluster(['root-ca-certificate-publisher-controller'], { rootCa: 'PEM' });
  await settled();
  const key = { namespace, name: 'kube-root-ca.crt' };
  const annotations = { 'kubernetes.io/description': given };
  await cluster.client.patch(configMaps, key, 'merge', { metadata: { annotations } });
  await settled();
  const { metadata } = await cluster.client.get(configMaps, key);
  expect(metadata?.annotations?.['kubernetes.io/description']).toEqual(kept);
});

it.each([
  ['00', '00'],
  ['soon', '0'],
])('the time to live of a node is a number, however it is written: %s', async (given, kept) => {
  cluster = await startCluster(['ttl-controller']);
  const annotations = { 'node.alpha.kubernetes.io/ttl': given };
  await cluster.client.create(nodes, { metadata: { name: 'n', annotations } });
  await settled();
  const { metadata } = await cluster.client.get(nodes, { name: 'n' });
  expect(metadata?.annotations?.['node.alpha.kubernetes.io/ttl']).toBe(kept);
});
