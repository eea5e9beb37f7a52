import { afterEach, expect, it } from 'vitest';
import type { Pod, Secret } from '../../../src/api/index.ts';
import { configMaps, pods, secrets, serviceAccounts } from '../../../src/client/index.ts';
import { remoteStore } from '../../../src/store/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const INVALID = 'kubernetes.io/legacy-token-invalid-since';
const USED = 'kubernetes.io/legacy-token-last-used';
let cluster: TestCluster;
afterEach(() => cluster.stop());

/** Puts the creation of a Secret two years back, which no client can. */
async function age(name: string): Promise<void> {
  const store = remoteStore(cluster.system.bus, 'store');
  const key = `/registry/secrets/${namespace}/${name}`;
  const [found] = (await store.range({ key })).kvs;
  const text = Buffer.from(found?.value ?? []).toString('latin1');
  const value = Buffer.from(text.replaceAll('2026-01-01T', '2024-01-01T'), 'latin1');
  await store.txn({ success: [{ type: 'put', key, value }] });
}

const token = (name: string, more: Secret['metadata'] = {}): Secret => ({
  metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': 'bot' }, ...more },
  type: 'kubernetes.io/service-account-token',
});
const pod = (name: string, spec: Partial<NonNullable<Pod['spec']>>): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec },
});

it('marks tokens that nobody uses, and none that a pod mounts, that were used or that a person made', async () => {
  cluster = await startCluster(['legacy-serviceaccount-token-cleaner-controller']);
  const { client, system } = cluster;
  await client.patch(configMaps, tracking, 'merge', { data: { since: '2020-01-01' } });
  const listed = ['unused', 'mounted', 'from-env', 'pulled', 'filed', 'used', 'used-long-ago', 'young'];
  await client.create(serviceAccounts, {
    metadata: { name: 'bot', namespace },
    secrets: listed.map((name) => ({ name })),
  });
  for (const name of [...listed, 'by-hand']) {
    const used = { used: '2025-12-30', 'used-long-ago': '2024-06-01' }[name];
    await client.create(secrets, token(name, used === undefined ? {} : { labels: { [USED]: used } }));
    if (name !== 'young') await age(name);
  }
  await client.create(pods, pod('a', { volumes: [{ name: 'v', secret: { secretName: 'mounted' } }] }));
  const env = [{ name: 'T', valueFrom: { secretKeyRef: { name: 'from-env', key: 'token' } } }];
  await client.create(pods, pod('b', { containers: [{ name: 'c', image: 'nginx', env }] }));
  await client.create(pods, pod('c', { imagePullSecrets: [{ name: 'pulled' }] }));
  const azureFile = { secretName: 'filed', shareName: 's' };
  await client.create(pods, pod('d', { volumes: [{ name: 'v', azureFile }] }));
  await system.advance(25 * 3_600_000);
  const marked = async () => {
    const { items } = await client.list(secrets, { namespace });
    return items.filter(({ metadata }) => metadata?.labels?.[INVALID] !== undefined).map((item) => item.metadata?.name);
  };
  expect((await marked()).sort()).toEqual(['unused', 'used-long-ago']);
  // Once its pod is gone, nothing speaks for a token any more.
  await client.delete(pods, { namespace, name: 'a' }, { gracePeriodSeconds: 0 });
  await system.advance(25 * 3_600_000);
  expect((await marked()).sort()).toEqual(['mounted', 'unused', 'used-long-ago']);
});
