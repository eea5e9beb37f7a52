/** A pod that takes a while to be bound names the node that it will get; once it is bound, or will not be, it does not. */
import { afterEach, expect, test } from 'vitest';
import type { Pod } from '../../../src/api/index.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../../src/client/index.ts';
import { makeNode } from '../../support/scheduling.ts';
import { type SchedulingCluster, startSchedulingCluster } from '../../support/scheduling-cluster.ts';

let fixture: SchedulingCluster;
afterEach(() => fixture.cluster.stop());
const namespace = 'default';

/** A pod with a claim that waits for it, and that nobody provisions. */
async function start(featureGates: Record<string, boolean> = {}): Promise<void> {
  fixture = await startSchedulingCluster({ featureGates });
  const { client } = fixture.cluster;
  await client.create(nodes, makeNode('n1'));
  await client.create(storageClasses, {
    metadata: { name: 'slow' },
    provisioner: 'example.com/slow',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const accessModes = ['ReadWriteOnce'];
  const resources = { requests: { storage: '1Gi' } };
  await client.create(persistentVolumeClaims, {
    metadata: { name: 'c', namespace },
    spec: { storageClassName: 'slow', accessModes, resources },
  });
  await client.create(pods, {
    metadata: { name: 'p', namespace },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    },
  } as Pod);
}

/** Resolves when the scheduler has asked for a volume on the node. */
const chosen = () =>
  fixture.eventually('a chosen node', async () => {
    const claim = await fixture.cluster.client.get(persistentVolumeClaims, { namespace, name: 'c' });
    return claim.metadata?.annotations?.['volume.kubernetes.io/selected-node'];
  });

async function provision(): Promise<void> {
  const { client } = fixture.cluster;
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'slow',
      hostPath: { path: '/x' },
      claimRef: { namespace, name: 'c' },
    },
  });
  const patch = {
    metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { volumeName: 'pv' },
  };
  await client.patch(persistentVolumeClaims, { namespace, name: 'c' }, 'merge', patch);
}

test('while volumes are waited for the pod names its node, and no longer when it is bound', async () => {
  await start();
  expect(await chosen()).toBe('n1');
  expect((await fixture.pod('p')).status?.nominatedNodeName).toBe('n1');
  expect((await fixture.pod('p')).spec?.nodeName).toBeUndefined();
  await provision();
  expect(await fixture.nodeOf('p')).toBe('n1');
  expect((await fixture.pod('p')).status?.nominatedNodeName).toBeUndefined();
});

test('without the gate it does not', async () => {
  await start({ NominatedNodeNameForExpectation: false });
  expect(await chosen()).toBe('n1');
  expect((await fixture.pod('p')).status?.nominatedNodeName).toBeUndefined();
});
