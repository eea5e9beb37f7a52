import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PodSpec, Volume } from '../../src/api/index.ts';
import {
  configMaps,
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
} from '../../src/client/index.ts';
import { startCluster, type TestCluster } from '../actors/kubelet/fixtures.ts';

const namespace = 'default';
const driver = 'csi.example.com';
const attachable = (handle: string) => `kubernetes.io/csi/${driver}^${handle}`;

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster();
  await cluster.addNode({ nodeName: 'node-1' });
});
afterEach(() => cluster.stop());

/** A claim `name` and a volume of the same name that are bound to each other. */
async function bind(name: string, source: object = { csi: { driver, volumeHandle: name } }): Promise<void> {
  const { client } = cluster;
  const capacity = { storage: '1Gi' };
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: name };
  await client.create(persistentVolumeClaims, {
    metadata: { name, namespace },
    spec: { ...spec, resources: { requests: capacity } },
  });
  await client.create(persistentVolumes, {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], capacity, claimRef: { namespace, name }, ...source },
  });
  const status = { phase: 'Bound' };
  await client.patch(persistentVolumeClaims, { namespace, name }, 'merge', { status }, { subresource: 'status' });
}

const claims = (...names: string[]): Partial<PodSpec> => ({
  containers: [
    { name: 'app', image: 'nginx:1.27', volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) },
  ],
  volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
});

const mounting = (...volumes: Volume[]): Partial<PodSpec> => ({
  ...claims(...volumes.map(({ name }) => name)),
  volumes,
});

const statusOf = async () => (await cluster.client.get(nodes, { name: 'node-1' })).status;
const inUse = async () => (await statusOf())?.volumesInUse;
const phaseOf = async (name: string) => (await cluster.pod(name)).status?.phase;

/** What the attach-detach controller says. */
async function attach(...handles: string[]): Promise<void> {
  const volumesAttached = handles.map((handle) => ({ name: attachable(handle), devicePath: '' }));
  const patch = { status: { volumesAttached } };
  await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', patch, { subresource: 'status' });
  await cluster.system.settled();
}

async function add(name: string, spec: Partial<PodSpec>): Promise<void> {
  await cluster.addPod(name, spec);
  await cluster.system.settled();
}

async function remove(name: string): Promise<void> {
  await cluster.client.delete(pods, { namespace, name });
  await cluster.system.advance(31_000);
  await cluster.system.settled();
}

/** Lets time pass for what is tried again in the background. */
async function pass(ms: number): Promise<void> {
  await cluster.system.advance(ms);
  await cluster.system.settled();
}

describe('a pod with a volume that is attached', () => {
  it('waits until the node says so, with the volume in use before', async () => {
    await bind('data');
    await add('web', claims('data'));
    const { status } = await cluster.pod('web');
    expect(status?.phase).toBe('Pending');
    expect(status?.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(status?.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status).toBe('False');
    expect(status?.podIP).toBeUndefined();
    expect(await inUse()).toEqual([attachable('data')]);
    await pass(200_000);
    expect(await phaseOf('web')).toBe('Pending');
    // Upstream's kubelet tells nothing of a wait that ran out of time: that is the attach-detach controller's to say.
    expect(await cluster.events('web')).toEqual([]);
    await attach('other');
    expect(await phaseOf('web')).toBe('Pending');
    await attach('other', 'data');
    expect(await phaseOf('web')).toBe('Running');
  });

  it('lets go of the volume when it has ended, unless another pod of the node uses it', async () => {
    await bind('data');
    await bind('more');
    await add('one', claims('data'));
    await attach('data');
    await add('two', claims('data'));
    expect(await phaseOf('two')).toBe('Running');
    await add('three', claims('more', 'data'));
    expect(await inUse()).toEqual([attachable('data'), attachable('more')]);
    expect(await phaseOf('three')).toBe('Pending');
    await remove('three');
    expect(await inUse()).toEqual([attachable('data')]);
    await remove('one');
    expect(await inUse()).toEqual([attachable('data')]);
    await remove('two');
    expect(await inUse()).toBeUndefined();
  });

  it('can be deleted while it waits', async () => {
    await bind('data');
    await add('web', claims('data'));
    await remove('web');
    await expect(cluster.pod('web')).rejects.toThrow('not found');
    expect(await inUse()).toBeUndefined();
    await attach('data');
    await add('again', claims('data'));
    expect(await phaseOf('again')).toBe('Running');
  });

  it('lets go of the volume when it completes', async () => {
    await bind('data');
    const spec = claims('data');
    spec.containers![0]!.command = ['true'];
    await add('job', { ...spec, restartPolicy: 'Never' });
    expect(await inUse()).toEqual([attachable('data')]);
    await attach('data');
    expect(await phaseOf('job')).toBe('Succeeded');
    expect(await inUse()).toBeUndefined();
  });
});

describe('a pod does not wait', () => {
  it.each<[string, () => Promise<Partial<PodSpec>>]>([
    [
      'for a driver that attaches nothing',
      async () => {
        await cluster.client.create(csiDrivers, { metadata: { name: driver }, spec: { attachRequired: false } });
        await bind('data');
        return claims('data');
      },
    ],
    [
      'for a volume that is no CSI volume',
      async () => {
        await bind('data', { hostPath: { path: '/data' } });
        return claims('data');
      },
    ],
    [
      'for a volume that no container mounts',
      async () => {
        await bind('data');
        const volumes = [...claims('data').volumes!, { name: 'unused', configMap: { name: 'missing' } }];
        return { volumes };
      },
    ],
    [
      'for an optional ConfigMap or key',
      async () => {
        await cluster.client.create(configMaps, { metadata: { name: 'there', namespace }, data: { a: '1' } });
        const items = [{ key: 'b', path: 'b' }];
        return mounting(
          { name: 'one', configMap: { name: 'missing', optional: true } },
          { name: 'two', configMap: { name: 'there', items, optional: true } },
        );
      },
    ],
  ])('%s', async (_what, make) => {
    const spec = await make();
    const before = (await cluster.client.get(nodes, { name: 'node-1' })).metadata?.resourceVersion;
    await add('web', spec);
    expect(await phaseOf('web')).toBe('Running');
    expect(await inUse()).toBeUndefined();
    const after = (await cluster.client.get(nodes, { name: 'node-1' })).metadata?.resourceVersion;
    expect(after).toBe(before);
  });
});

describe('a pod is told by FailedMount', () => {
  const failed = (text: string) => `FailedMount: ${text}`;

  it('of a claim that cannot be used, and runs when it can', async () => {
    await add('web', claims('data'));
    const lists = 'unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]';
    const text = `Unable to attach or mount volumes: ${lists}: error processing PVC default/data: `;
    expect(await cluster.events('web')).toEqual([
      failed(`${text}failed to fetch PVC from API server: persistentvolumeclaims "data" not found`),
    ]);
    const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await cluster.client.create(persistentVolumeClaims, { metadata: { name: 'data', namespace }, spec: claim });
    await pass(10_000);
    expect(await cluster.events('web')).toContain(failed(`${text}PVC is not bound`));
    await cluster.client.create(persistentVolumes, {
      metadata: { name: 'data' },
      spec: { accessModes: claim.accessModes, capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
    });
    const key = { namespace, name: 'data' };
    await cluster.client.patch(persistentVolumeClaims, key, 'merge', { spec: { volumeName: 'data' } });
    const status = { phase: 'Bound' };
    await cluster.client.patch(persistentVolumeClaims, key, 'merge', { status }, { subresource: 'status' });
    await pass(10_000);
    expect(await phaseOf('web')).toBe('Running');
  });

  it('of a claim that was made for another pod', async () => {
    await bind('web-v');
    const volumeClaimTemplate = {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await add('web', mounting({ name: 'v', ephemeral: { volumeClaimTemplate } }));
    expect((await cluster.events('web'))[0]).toMatch(
      /failed to process volumes=\[v\]: PVC default\/web-v was not created for pod default\/web \(pod is not owner\)$/,
    );
    expect(await phaseOf('web')).toBe('Pending');
  });

  const items = [{ key: 'k', path: 'p' }];
  it.each<[string, Omit<Volume, 'name'>, string]>([
    ['a ConfigMap', { configMap: { name: 'c' } }, 'configmap "c" not found'],
    ['a Secret', { secret: { secretName: 's' } }, 'secret "s" not found'],
    ['a key', { configMap: { name: 'empty', items } }, 'configmap references non-existent config key: k'],
    ['a secret key', { secret: { secretName: 'empty', items } }, 'references non-existent secret key: k'],
    ['one source', { projected: { sources: [{ secret: { name: 's' } }] } }, 'secret "s" not found'],
    [
      'several sources',
      { projected: { sources: [{ configMap: { name: 'c' } }, { secret: { name: 'empty', items } }] } },
      '[configmap "c" not found, references non-existent secret key: k]',
    ],
  ])('of %s that is missing, again and again, and runs when it is there', async (_what, source, text) => {
    await cluster.client.create(configMaps, { metadata: { name: 'empty', namespace } });
    await cluster.client.create(secrets, { metadata: { name: 'empty', namespace } });
    await add('web', mounting({ name: 'v', ...source }));
    const message = failed(`MountVolume.SetUp failed for volume "v" : ${text}`);
    expect(await cluster.events('web')).toEqual([message]);
    expect(await phaseOf('web')).toBe('Pending');
    const patch = { data: { k: 'aw==' } };
    const key = { namespace, name: 'empty' };
    await cluster.client.patch(configMaps, key, 'merge', patch);
    await cluster.client.patch(secrets, key, 'merge', patch);
    await cluster.client.create(configMaps, { metadata: { name: 'c', namespace } });
    await cluster.client.create(secrets, { metadata: { name: 's', namespace } });
    await pass(500);
    expect(await phaseOf('web')).toBe('Running');
    expect((await cluster.events('web')).filter((event) => event.startsWith('FailedMount'))).toEqual([message]);
  });
});

describe('a kubelet that is started again', () => {
  it('goes on with the volumes of its pods and gives up those of pods that are gone', async () => {
    await bind('data');
    await bind('old');
    await add('web', claims('data'));
    await attach('data', 'old');
    const patch = { status: { volumesInUse: [attachable('data'), attachable('old')] } };
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', patch, { subresource: 'status' });
    await cluster.system.restart('kubelet/node-1');
    await cluster.system.settled();
    expect(await phaseOf('web')).toBe('Running');
    expect(await inUse()).toEqual([attachable('data')]);
    await remove('web');
    expect(await inUse()).toBeUndefined();
  });
});
