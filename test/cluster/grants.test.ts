/** The cloud's controllers work with upstream's roles and what the simulated cloud grants: nothing that they ask is refused. */
import { afterEach, expect, it } from 'vitest';
import {
  clusterRoleBindings,
  configMaps,
  coreEvents,
  nodes,
  persistentVolumeClaims,
  type Resource,
  roles,
  services,
  storageClasses,
  volumeAttachments,
} from '../../src/client/index.ts';
import { Cluster } from '../../src/cluster/index.ts';

const web = { namespace: 'default', name: 'web' };
let cluster: Cluster | undefined;

afterEach(() => cluster?.stop());

async function refused(): Promise<string[]> {
  const text = (await cluster?.actors.metricsText()) ?? '';
  return text.split('\n').filter((line) => line.startsWith('apiserver_request_total{') && line.includes('code="403"'));
}

it('lets the controllers of the cloud do what they must without being administrators', {
  timeout: 60_000,
}, async () => {
  cluster = await Cluster.start({ components: ['all', 'cloud'], nodes: 1, clock: 'virtual' });
  const { client } = cluster;
  await client.create(nodes, {
    metadata: { name: 'new' },
    spec: { taints: [{ key: 'node.cloudprovider.kubernetes.io/uninitialized', effect: 'NoSchedule' }] },
  });
  await client.create(services, { metadata: web, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
  await cluster.settled();
  const service = await client.get(services, web);
  expect(service.status?.loadBalancer?.ingress?.[0]?.ip).toBe('198.18.0.1');
  expect(service.metadata?.finalizers).toEqual(['service.kubernetes.io/load-balancer-cleanup']);
  const node = await client.get(nodes, { name: 'new' });
  expect(node.spec?.providerID).toBe('simulated://new');
  await client.delete(services, web);
  await client.delete(nodes, { name: 'new' });
  await cluster.settled();
  const records = await client.get(configMaps, { namespace: 'kube-system', name: 'simulated-cloud' });
  expect(Object.keys(records.data ?? {})).toEqual(['route.node-0']);
  expect((await client.get(roles, { namespace: 'kube-system', name: 'simulated-cloud' })).rules).toHaveLength(2);
  expect(await refused()).toEqual([]);
});

it('gives the simulated storage driver the right to attach and enlarge volumes, and to tell of it', {
  timeout: 60_000,
}, async () => {
  cluster = await Cluster.start({ nodes: 0, clock: 'virtual' });
  const { client } = cluster;
  const source = { persistentVolumeName: 'v' };
  await client.create(volumeAttachments, {
    metadata: { name: 'a' },
    spec: { attacher: 'simulated.kubehive.io', nodeName: 'n', source },
  });
  await cluster.settled();
  const { status } = await client.get(volumeAttachments, { name: 'a' });
  expect(status?.attached).toBe(true);
  await client.create(storageClasses, {
    metadata: { name: 'fast' },
    provisioner: 'simulated.kubehive.io',
    allowVolumeExpansion: true,
  });
  const key = { namespace: 'default', name: 'c' };
  const ask = (storage: string) => ({ resources: { requests: { storage } } });
  await client.create(persistentVolumeClaims, {
    metadata: key,
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', ...ask('1Gi') },
  });
  await cluster.settled();
  await client.patch(persistentVolumeClaims, key, 'merge', { spec: ask('2Gi') });
  await cluster.settled();
  expect((await client.get(persistentVolumeClaims, key)).status?.capacity).toEqual({ storage: '2Gi' });
  const told = (await client.list(coreEvents)).items.map(({ reason }) => reason);
  expect(told).toContain('VolumeResizeSuccessful');
  expect(await refused()).toEqual([]);
  const binding = await client.get(clusterRoleBindings as Resource, { name: 'simulated-csi-controller' });
  expect(binding).toMatchObject({ subjects: [{ name: 'simulated-csi-controller', namespace: 'kube-system' }] });
});
