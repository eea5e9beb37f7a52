/** Claims of pods are allocated, reserved and given back, in a whole cluster. */
import { afterEach, expect, test } from 'vitest';
import type { Pod, ResourceSlice } from '../../../src/api/index.ts';
import {
  deviceClasses,
  deviceTaintRules,
  nodes,
  pods,
  resourceClaims,
  resourceSlices,
} from '../../../src/client/index.ts';
import { Cluster, type ClusterOptions } from '../../../src/cluster/index.ts';
import { makeNode } from '../../support/scheduling.ts';

let cluster: Cluster;
afterEach(() => cluster.stop());

const slice = (nodeName: string, devices: string[]): ResourceSlice => ({
  metadata: { name: `s-${nodeName}` },
  spec: {
    driver: 'gpu.example.com',
    nodeName,
    pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
    devices: devices.map((name) => ({ name })),
  },
});

const pod = (name: string, claim: string): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'i', resources: { claims: [{ name: 'd' }] } }],
    resourceClaims: [{ name: 'd', resourceClaimName: claim }],
  },
});

const claimNamed = (name: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
});

async function until(name: string, holds: (found: Pod) => boolean): Promise<Pod> {
  for (let attempt = 0; attempt < 2400; attempt++) {
    const found = await cluster.client.get(pods, { namespace: 'default', name });
    if (holds(found)) return found;
    await cluster.clock.sleep(25);
  }
  throw new Error(`pod ${name} did not get there`);
}

const isRefused = ({ status }: Pod) => status?.conditions?.some((condition) => condition.status === 'False') ?? false;
const isPlaced = ({ spec }: Pod) => Boolean(spec?.nodeName);

async function start(options: ClusterOptions = {}): Promise<void> {
  cluster = await Cluster.start({
    nodes: 0,
    components: ['apiserver', 'scheduler'],
    threads: 'inline',
    https: false,
    disabledAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition'],
    ...options,
  });
  const { client } = cluster;
  for (const name of ['n1', 'n2']) await client.create(nodes, makeNode(name));
  await client.create(deviceClasses, {
    metadata: { name: 'gpu' },
    spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }] },
  });
}

test('a pod goes where its device is, and the claim says who has it', async () => {
  await start();
  const { client } = cluster;
  await client.create(resourceSlices, slice('n2', ['d0']));
  await client.create(resourceClaims, claimNamed('one'));
  await client.create(pods, pod('p', 'one'));
  expect((await until('p', isPlaced)).spec?.nodeName).toBe('n2');
  const { metadata, status } = await client.get(resourceClaims, { namespace: 'default', name: 'one' });
  expect(status?.allocation?.devices?.results).toMatchObject([{ request: 'r', pool: 'n2', device: 'd0' }]);
  expect(status?.reservedFor).toMatchObject([{ resource: 'pods', name: 'p' }]);
  expect(metadata?.finalizers).toContain('resource.kubernetes.io/delete-protection');
});

test('a device serves one claim; the next pod waits until there is another', async () => {
  await start();
  const { client } = cluster;
  await client.create(resourceSlices, slice('n1', ['d0']));
  for (const name of ['one', 'two']) await client.create(resourceClaims, claimNamed(name));
  await client.create(pods, pod('p', 'one'));
  await until('p', isPlaced);
  await client.create(pods, pod('q', 'two'));
  const refused = await until('q', isRefused);
  expect(refused.status?.conditions?.[0]?.message).toBe(
    '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  );
  await client.create(resourceSlices, slice('n2', ['d1']));
  expect((await until('q', isPlaced)).spec?.nodeName).toBe('n2');
});

test('pods that share a claim are reserved together, on its node', async () => {
  await start();
  const { client } = cluster;
  await client.create(resourceSlices, slice('n1', ['d0']));
  await client.create(resourceClaims, claimNamed('shared'));
  for (const name of ['p', 'q']) await client.create(pods, pod(name, 'shared'));
  for (const name of ['p', 'q']) expect((await until(name, isPlaced)).spec?.nodeName).toBe('n1');
  const { status } = await client.get(resourceClaims, { namespace: 'default', name: 'shared' });
  expect(status?.reservedFor?.map(({ name }) => name).sort()).toEqual(['p', 'q']);
});

test('a device that a rule taints is given to nobody until the rule goes', async () => {
  await start({ runtimeConfig: { 'resource.k8s.io/v1beta2': 'true' } });
  const { client } = cluster;
  await client.create(deviceTaintRules, {
    metadata: { name: 'maintenance' },
    spec: { deviceSelector: { pool: 'n1' }, taint: { key: 'maintenance', effect: 'NoSchedule' } },
  });
  await client.create(resourceSlices, slice('n1', ['d0']));
  await client.create(resourceClaims, claimNamed('one'));
  await client.create(pods, pod('p', 'one'));
  await until('p', isRefused);
  await client.delete(deviceTaintRules, { name: 'maintenance' });
  expect((await until('p', isPlaced)).spec?.nodeName).toBe('n1');
});

test('a class that nobody made is named', async () => {
  await start();
  const claim = claimNamed('one');
  claim.spec.devices.requests[0]!.exactly.deviceClassName = 'none';
  await cluster.client.create(resourceClaims, claim);
  await cluster.client.create(pods, pod('p', 'one'));
  const refused = await until('p', isRefused);
  expect(refused.status?.conditions?.[0]?.message).toMatch(
    /^0\/2 nodes are available: request r: device class none does not exist\./,
  );
});
