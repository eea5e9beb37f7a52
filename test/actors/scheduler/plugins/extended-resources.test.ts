/** Extended resources that a DeviceClass stands for: the scheduler makes the claim that the pod did not write. */
import { afterEach, expect, test } from 'vitest';
import type { Pod, ResourceSlice } from '../../../../src/api/index.ts';
import { deviceClasses, nodes, pods, resourceClaims, resourceSlices } from '../../../../src/client/index.ts';
import { makeNode } from '../../../support/scheduling.ts';
import { type SchedulingCluster, startSchedulingCluster } from '../../../support/scheduling-cluster.ts';

let fixture: SchedulingCluster;
afterEach(() => fixture.cluster.stop());

const slice = (nodeName: string, devices: string[]): ResourceSlice => ({
  metadata: { name: `s-${nodeName}` },
  spec: {
    driver: 'gpu.example.com',
    nodeName,
    pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
    devices: devices.map((name) => ({ name })),
  },
});

const podWith = (name: string, limits: Record<string, string>, more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'i', resources: { limits } }], ...more },
});

async function start(featureGates: Record<string, boolean> = {}): Promise<void> {
  fixture = await startSchedulingCluster({ featureGates });
  const { client } = fixture.cluster;
  await client.create(nodes, makeNode('plain'));
  await client.create(nodes, makeNode('devices'));
  await client.create(deviceClasses, {
    metadata: { name: 'gpu' },
    spec: {
      extendedResourceName: 'example.com/gpu',
      selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }],
    },
  });
  await client.create(resourceSlices, slice('devices', ['d1', 'd2', 'd3']));
}

test('a pod that asks for the resource gets devices by a claim of its own', async () => {
  await start();
  const { client } = fixture.cluster;
  await client.create(pods, podWith('p', { 'example.com/gpu': '2', cpu: '1' }));
  expect(await fixture.nodeOf('p')).toBe('devices');
  const { metadata, status } = await fixture.pod('p');
  const { resourceClaimName, requestMappings } = status!.extendedResourceClaimStatus!;
  expect(resourceClaimName).toMatch(/^p-extended-resources-/);
  expect(requestMappings).toEqual([
    { containerName: 'c', resourceName: 'example.com/gpu', requestName: 'container-0-request-1' },
  ]);
  const claim = await client.get(resourceClaims, { namespace: 'default', name: resourceClaimName });
  expect(claim.metadata).toMatchObject({
    annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: metadata!.uid, controller: true }],
    finalizers: ['resource.kubernetes.io/delete-protection'],
  });
  expect(claim.spec.devices?.requests).toEqual([
    { name: 'container-0-request-1', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
  ]);
  expect(claim.status?.allocation?.devices?.results?.map(({ device }) => device)).toEqual(['d1', 'd2']);
  expect(claim.status?.reservedFor).toEqual([{ resource: 'pods', name: 'p', uid: metadata!.uid }]);
});

test('devices that run out are told, and a class is a resource of its own name too', async () => {
  await start();
  const { client } = fixture.cluster;
  await client.create(pods, podWith('first', { 'deviceclass.resource.kubernetes.io/gpu': '2' }));
  expect(await fixture.nodeOf('first')).toBe('devices');
  await client.create(pods, podWith('second', { 'example.com/gpu': '2' }));
  expect(await fixture.messageOf('second')).toBe(
    '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  );
});

test('a node that offers the resource itself needs no claim', async () => {
  await start();
  const { client } = fixture.cluster;
  await client.create(nodes, makeNode('plugin', { disk: 'ssd' }, {}, { 'example.com/gpu': '1' }));
  await client.create(pods, podWith('p', { 'example.com/gpu': '1' }, { nodeSelector: { disk: 'ssd' } }));
  expect(await fixture.nodeOf('p')).toBe('plugin');
  expect((await fixture.pod('p')).status?.extendedResourceClaimStatus).toBeUndefined();
  expect((await client.list(resourceClaims, {})).items).toEqual([]);
});

test('a class that comes later lets a waiting pod in; without the gate none does', async () => {
  await start();
  const { client } = fixture.cluster;
  await client.create(pods, podWith('p', { 'example.com/later': '1' }));
  expect(await fixture.messageOf('p')).toContain('2 Insufficient example.com/later');
  await client.create(deviceClasses, {
    metadata: { name: 'later' },
    spec: {
      extendedResourceName: 'example.com/later',
      selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }],
    },
  });
  expect(await fixture.nodeOf('p')).toBe('devices');
  await fixture.cluster.stop();

  await start({ DRAExtendedResource: false });
  await fixture.cluster.client.create(pods, podWith('p', { 'example.com/gpu': '1' }));
  expect(await fixture.messageOf('p')).toContain('2 Insufficient example.com/gpu');
});
