/** Claims and volumes: what is bound, refused, waited for, attached and kept, and what the events say of it. */
import { afterEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../src/api/index.ts';
import {
  coreEvents,
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
let cluster: TestCluster;
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
async function pass(ms: number): Promise<void> {
  await cluster.system.advance(ms);
  await settled();
}
/** `Type Reason message` of each event about the object, in the order of their texts. */
async function eventsAbout(name: string): Promise<string[]> {
  await settled();
  const { items } = await cluster.client.list(coreEvents);
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`)
    .sort();
}
const claim = (name: string, spec: object = {}, annotations: Record<string, string> = {}) => ({
  metadata: { name, namespace, annotations },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});
const volume = (name: string, spec: object = {}, annotations: Record<string, string> = {}) => ({
  metadata: { name, annotations },
  spec: {
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: 'local',
    ...('csi' in spec || 'nfs' in spec ? {} : { hostPath: { path: '/tmp/x' } }),
    ...spec,
  },
});
const podWith = (name: string, claimName: string, spec: object = {}) => ({
  metadata: { name, namespace },
  spec: {
    containers: [{ name: 'c', image: 'pause:1' }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    ...spec,
  },
});
const readClaim = (name: string) => cluster.client.get(persistentVolumeClaims, { namespace, name });
const readVolume = (name: string) => cluster.client.get(persistentVolumes, { name });

describe('the binder', () => {
  const start = async () => {
    cluster = await startCluster(['persistentvolume-binder-controller']);
    const { client } = cluster;
    const late = { provisioner: 'csi.example.com', volumeBindingMode: 'WaitForFirstConsumer' };
    await client.create(storageClasses, { metadata: { name: 'late' }, ...late });
    for (const [name, provisioner] of [
      ['outside', 'csi.example.com'],
      ['ebs', 'kubernetes.io/aws-ebs'],
      ['none', 'kubernetes.io/no-provisioner'],
    ] as const) {
      await client.create(storageClasses, { metadata: { name }, provisioner });
    }
    await settled();
  };
  const waiting = (driver: string) =>
    `Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner '${driver}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;

  it.each<[string, object, string[]]>([
    [
      'without a class',
      { storageClassName: '' },
      ['Normal FailedBinding no persistent volumes available for this claim and no storage class is set'],
    ],
    [
      'of a class that is not there',
      { storageClassName: 'gone' },
      ['Warning ProvisioningFailed storageclass.storage.k8s.io "gone" not found'],
    ],
    [
      'of a class that provisions nothing',
      { storageClassName: 'none' },
      ['Warning ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner'],
    ],
    ['of a driver outside', { storageClassName: 'outside' }, [waiting('csi.example.com')]],
    ['of a plugin whose place a driver took', { storageClassName: 'ebs' }, [waiting('ebs.csi.aws.com')]],
    [
      'that waits for its first consumer',
      { storageClassName: 'late' },
      ['Normal WaitForFirstConsumer waiting for first consumer to be created before binding'],
    ],
    [
      'that names a volume of another class',
      { storageClassName: 'outside', volumeName: 'v' },
      ['Warning VolumeMismatch Cannot bind to requested volume "v": storageClassName does not match'],
    ],
    [
      'that names a volume of another claim',
      { storageClassName: 'local', volumeName: 'taken' },
      ['Warning FailedBinding volume "taken" already bound to a different claim.'],
    ],
    ['that names a volume that is not there', { storageClassName: 'local', volumeName: 'nothing' }, []],
  ])('tells of a claim %s', async (_what, spec, events) => {
    await start();
    await cluster.client.create(persistentVolumes, volume('v'));
    const claimRef = { kind: 'PersistentVolumeClaim', name: 'other', namespace };
    await cluster.client.create(persistentVolumes, volume('taken', { claimRef }));
    await settled();
    await cluster.client.create(persistentVolumeClaims, claim('c', spec));
    await settled();
    expect(await eventsAbout('c')).toEqual(events);
    expect((await readClaim('c')).status).toEqual({ phase: 'Pending' });
  });

  it('tells of a volume that is reserved for a claim of another mode, on both sides', async () => {
    await start();
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'local' }));
    await settled();
    const { uid } = (await readClaim('c')).metadata ?? {};
    const claimRef = { kind: 'PersistentVolumeClaim', name: 'c', namespace, uid };
    await cluster.client.create(persistentVolumes, volume('block', { claimRef, volumeMode: 'Block' }));
    expect(await eventsAbout('block')).toEqual([
      'Warning VolumeMismatch Cannot bind PersistentVolume to requested PersistentVolumeClaim "c" due to incompatible volumeMode.',
    ]);
    expect(await eventsAbout('c')).toContain(
      'Warning VolumeMismatch Cannot bind PersistentVolume "block" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    );
  });

  it('names all pods that wait to be scheduled, some time later', async () => {
    await start();
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'late' }));
    await settled();
    for (const name of ['b', 'a']) await cluster.client.create(pods, podWith(name, 'c'));
    await settled();
    expect(await eventsAbout('c')).toHaveLength(1);
    await pass(16_000);
    expect(await eventsAbout('c')).toContain('Normal WaitForPodScheduled waiting for pods a,b to be scheduled');
  });

  it('leaves a waiting claim to the scheduler, even once a node was chosen, but takes a reserved volume', async () => {
    await start();
    await cluster.client.create(persistentVolumes, volume('free', { storageClassName: 'late' }));
    const chosen = { 'volume.kubernetes.io/selected-node': 'n1' };
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'late' }, chosen));
    await settled();
    expect((await readClaim('c')).status?.phase).toBe('Pending');
    expect(await eventsAbout('c')).toEqual([waiting('csi.example.com')]);
    const claimRef = { kind: 'PersistentVolumeClaim', name: 'c', namespace };
    await cluster.client.create(persistentVolumes, volume('kept', { storageClassName: 'late', claimRef }));
    await settled();
    expect((await readClaim('c')).spec?.volumeName).toBe('kept');
  });

  it('gives a claim the default class only when no volume without a class serves it', async () => {
    await start();
    await cluster.client.create(persistentVolumeClaims, claim('early'));
    await cluster.client.create(persistentVolumes, volume('plain', { storageClassName: '' }));
    await settled();
    expect((await readClaim('early')).spec).toMatchObject({ volumeName: 'plain' });
    await cluster.client.create(persistentVolumeClaims, claim('later'));
    await settled();
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    await cluster.client.patch(storageClasses, { name: 'outside' }, 'merge', { metadata: { annotations } });
    await settled();
    expect((await readClaim('later')).spec?.storageClassName).toBe('outside');
    expect((await readClaim('early')).spec?.storageClassName).toBeUndefined();
  });

  it('tells what attributes a bound claim has', async () => {
    await start();
    const csi = { driver: 'd', volumeHandle: 'h' };
    await cluster.client.create(persistentVolumes, volume('v', { csi, volumeAttributesClassName: 'gold' }));
    const spec = { storageClassName: 'local', volumeAttributesClassName: 'gold' };
    await cluster.client.create(persistentVolumeClaims, claim('c', spec));
    await settled();
    expect((await readClaim('c')).status).toEqual({
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '2Gi' },
      currentVolumeAttributesClassName: 'gold',
    });
  });

  it('keeps the reservation of a volume whose claim took another', async () => {
    await start();
    await cluster.client.create(persistentVolumes, volume('one'));
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'local' }));
    await settled();
    const { uid } = (await readClaim('c')).metadata ?? {};
    const claimRef = { kind: 'PersistentVolumeClaim', name: 'c', namespace, uid };
    await cluster.client.create(persistentVolumes, volume('two', { claimRef }));
    await settled();
    const two = await readVolume('two');
    expect(two.spec?.claimRef).toEqual({ kind: 'PersistentVolumeClaim', name: 'c', namespace });
    expect(two.status?.phase).toBe('Available');
  });

  it.each<[string, { madeBy?: string } & Record<string, unknown>, string | undefined, string[]]>([
    ['Retain', {}, 'Released', []],
    ['Delete of a path under /tmp', { persistentVolumeReclaimPolicy: 'Delete' }, undefined, []],
    [
      'Delete of another path',
      { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/data' } },
      'Failed',
      ['Warning VolumeFailedDelete host_path deleter only supports /tmp/.+ but received provided /data'],
    ],
    [
      'Recycle of a driver that cannot',
      { persistentVolumeReclaimPolicy: 'Recycle', csi: { driver: 'd', volumeHandle: 'h' } },
      'Failed',
      ['Warning VolumeFailedRecycle No recycler plugin found for the volume!'],
    ],
    ['Recycle', { persistentVolumeReclaimPolicy: 'Recycle' }, 'Available', ['Normal VolumeRecycled Volume recycled']],
    [
      'Delete of a driver outside',
      { persistentVolumeReclaimPolicy: 'Delete', csi: { driver: 'd', volumeHandle: 'h' } },
      'Released',
      [],
    ],
    [
      'Delete of a plugin that cannot',
      { persistentVolumeReclaimPolicy: 'Delete', hostPath: undefined, nfs: { server: 's', path: '/p' } },
      'Failed',
      [
        'Warning VolumeFailedDelete error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
      ],
    ],
    [
      'Delete of what a plugin that is no more had made',
      { persistentVolumeReclaimPolicy: 'Delete', madeBy: 'kubernetes.io/glusterfs' },
      'Failed',
      ['Warning VolumeFailedDelete no volume plugin matched name: kubernetes.io/glusterfs'],
    ],
  ])('reclaims by %s', async (_what, { madeBy, ...spec }, phase, events) => {
    await start();
    const annotations: Record<string, string> =
      madeBy === undefined ? {} : { 'pv.kubernetes.io/provisioned-by': madeBy };
    await cluster.client.create(persistentVolumes, volume('v', spec, annotations));
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'local' }));
    await settled();
    await cluster.client.patch(persistentVolumeClaims, { namespace, name: 'c' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'c' });
    await settled();
    const found = await readVolume('v');
    expect(found.metadata?.deletionTimestamp !== undefined).toBe(phase === undefined);
    if (phase !== undefined) expect(found.status?.phase).toBe(phase);
    expect(await eventsAbout('v')).toEqual(events);
  });
});

describe('claims that pods use', () => {
  const start = async () => {
    cluster = await startCluster(['persistentvolumeclaim-protection-controller', 'ephemeral-volume-controller']);
    await cluster.client.create(persistentVolumeClaims, claim('c'));
    await settled();
  };
  const isThere = (name: string) =>
    readClaim(name).then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    );
  const finish = (name: string) =>
    cluster.client.patch(
      pods,
      { namespace, name },
      'merge',
      { status: { phase: 'Succeeded' } },
      { subresource: 'status' },
    );

  it('stay as long as a scheduled pod that names them is there, even when it has ended', async () => {
    await start();
    await cluster.client.create(pods, podWith('p', 'c', { nodeName: 'n1' }));
    await settled();
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'c' });
    await finish('p');
    await settled();
    expect(await isThere('c')).toBe(true);
    await cluster.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    await settled();
    expect(await isThere('c')).toBe(false);
  });

  it('go while the pod that names them has no node', async () => {
    await start();
    await cluster.client.create(pods, podWith('p', 'c'));
    await settled();
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'c' });
    await settled();
    expect(await isThere('c')).toBe(false);
  });

  it('are made for ephemeral volumes once a claim that stood in the way is gone', async () => {
    await start();
    await cluster.client.create(persistentVolumeClaims, claim('p-v'));
    const volumes = [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: claim('').spec } } }];
    await cluster.client.create(pods, podWith('p', '', { volumes }));
    expect(await eventsAbout('p')).toEqual([
      'Warning FailedBinding ephemeral volume v: PVC default/p-v was not created for pod default/p (pod is not owner)',
    ]);
    await cluster.client.delete(persistentVolumeClaims, { namespace, name: 'p-v' });
    await settled();
    expect((await readClaim('p-v')).metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Pod', name: 'p' });
  });
});

describe('volumes that are attached', () => {
  const driver = 'csi.example.com';
  const name = `kubernetes.io/csi/${driver}^handle`;
  /** A volume bound to a claim, and two nodes whose volumes the controller attaches. */
  const start = async () => {
    cluster = await startCluster(['persistentvolume-binder-controller', 'persistentvolume-attach-detach-controller']);
    for (const node of ['n1', 'n2']) {
      await cluster.addNode(node);
      const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
      await cluster.client.patch(nodes, { name: node }, 'merge', { metadata: { annotations } });
    }
    await cluster.client.create(persistentVolumes, volume('v', { csi: { driver, volumeHandle: 'handle' } }));
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'local' }));
    await settled();
  };
  const attachmentsOf = async () => {
    await settled();
    return (await cluster.client.list(volumeAttachments)).items.map(({ spec }) => spec.nodeName).sort();
  };
  const answer = async (status: object) => {
    for (const { metadata } of (await cluster.client.list(volumeAttachments)).items) {
      const key = { name: metadata?.name ?? '' };
      await cluster.client.patch(volumeAttachments, key, 'merge', { status }, { subresource: 'status' });
    }
    await settled();
  };
  const patchNode = (status: object) =>
    cluster.client.patch(nodes, { name: 'n1' }, 'merge', { status }, { subresource: 'status' });
  const attachedTo = async (node: string) =>
    (await cluster.client.get(nodes, { name: node })).status?.volumesAttached?.map((each) => each.name) ?? [];
  const use = async (pod: string, node: string) => {
    await cluster.client.create(pods, podWith(pod, 'c', { nodeName: node }));
    await settled();
  };
  const drop = async (pod: string) => {
    await cluster.client.delete(pods, { namespace, name: pod }, { gracePeriodSeconds: 0 });
    await settled();
  };

  it('stand in the status of the node, and the pod is told', async () => {
    await start();
    await use('p', 'n1');
    expect(await attachmentsOf()).toEqual(['n1']);
    expect(await attachedTo('n1')).toEqual([]);
    await answer({ attached: true });
    expect(await attachedTo('n1')).toEqual([name]);
    expect(await eventsAbout('p')).toEqual([
      'Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "v" ',
    ]);
    await drop('p');
    expect([await attachmentsOf(), await attachedTo('n1')]).toEqual([[], []]);
  });

  it('are not attached where the driver needs none', async () => {
    await start();
    await cluster.client.create(csiDrivers, { metadata: { name: driver }, spec: { attachRequired: false } });
    await settled();
    await use('p', 'n1');
    expect(await attachmentsOf()).toEqual([]);
  });

  it('are told of when the driver fails, or says nothing for two minutes', async () => {
    await start();
    await use('p', 'n1');
    await answer({ attached: false, attachError: { time: '2026-01-01T00:00:00Z', message: 'no such disk' } });
    expect(await eventsAbout('p')).toEqual([
      'Warning FailedAttachVolume AttachVolume.Attach failed for volume "v" : no such disk',
    ]);
    await pass(130_000);
    expect(await eventsAbout('p')).toContain(
      `Warning FailedAttachVolume AttachVolume.Attach failed for volume "v" : timed out waiting for external-attacher of ${driver} CSI driver to attach volume handle`,
    );
  });

  it('wait for the node that holds them, which the pod is told of once', async () => {
    await start();
    await use('first', 'n1');
    await answer({ attached: true });
    await use('second', 'n2');
    await pass(30_000);
    expect(await attachmentsOf()).toEqual(['n1']);
    const { items } = await cluster.client.list(coreEvents);
    const told = items.filter(({ involvedObject }) => involvedObject.name === 'second');
    expect(told.map(({ count, message }) => [count, message])).toEqual([
      [1, 'Multi-Attach error for volume "v" Volume is already used by pod(s) first'],
    ]);
    await drop('first');
    await pass(3_000);
    expect(await attachmentsOf()).toEqual(['n2']);
  });

  it.each<[string, object, object, number, boolean]>([
    ['stay on a ready node that has them mounted', {}, {}, 400_000, true],
    [
      'stay on a silent node for six minutes',
      { conditions: [{ type: 'Ready', status: 'Unknown' }] },
      {},
      300_000,
      true,
    ],
    [
      'leave a silent node after six minutes',
      { conditions: [{ type: 'Ready', status: 'Unknown' }] },
      {},
      370_000,
      false,
    ],
    [
      'leave a node out of service at once',
      {},
      { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] },
      3_000,
      false,
    ],
  ])('%s', async (_what, status, spec, ms, stays) => {
    await start();
    await use('p', 'n1');
    await answer({ attached: true });
    await patchNode({ volumesInUse: [name], ...status });
    await drop('p');
    await cluster.client.patch(nodes, { name: 'n1' }, 'merge', { spec });
    await pass(ms);
    expect(await attachmentsOf()).toEqual(stays ? ['n1'] : []);
    expect(await attachedTo('n1')).toEqual(stays ? [name] : []);
  });
});

describe('volumes of the simulated driver', () => {
  const start = async () => {
    cluster = await startCluster([
      'persistentvolume-binder-controller',
      'persistentvolume-expander-controller',
      'simulated-csi-controller',
    ]);
    const provisioner = 'simulated.kubehive.io';
    await cluster.client.create(storageClasses, {
      metadata: { name: 'fast' },
      provisioner,
      allowVolumeExpansion: true,
    });
    await cluster.client.create(persistentVolumeClaims, claim('c', { storageClassName: 'fast' }));
    await settled();
  };
  const change = async (spec: object) => {
    await cluster.client.patch(persistentVolumeClaims, { namespace, name: 'c' }, 'merge', { spec });
    await settled();
  };
  const volumeOf = async () => readVolume((await readClaim('c')).spec?.volumeName ?? '');

  it('are provisioned, which the events tell as those of a driver outside', async () => {
    await start();
    const { metadata, spec } = await volumeOf();
    expect(spec?.capacity).toEqual({ storage: '1Gi' });
    expect((await eventsAbout('c')).map((event) => event.split(' ')[1])).toEqual([
      'ExternalProvisioning',
      'Provisioning',
      'ProvisioningSucceeded',
    ]);
    expect(await eventsAbout('c')).toContain(
      `Normal ProvisioningSucceeded Successfully provisioned volume ${metadata?.name}`,
    );
  });

  it('grow with their claim', async () => {
    await start();
    await change({ resources: { requests: { storage: '3Gi' } } });
    const { metadata, spec } = await volumeOf();
    expect(spec?.capacity).toEqual({ storage: '3Gi' });
    expect((await readClaim('c')).status).toMatchObject({
      capacity: { storage: '3Gi' },
      allocatedResources: { storage: '3Gi' },
    });
    const events = await eventsAbout('c');
    expect(events).toContain('Normal ExternalExpanding waiting for an external controller to expand this PVC');
    expect(events).toContain(`Normal Resizing External resizer is resizing volume ${metadata?.name}`);
    expect(events).toContain('Normal VolumeResizeSuccessful Resize volume succeeded');
  });

  it('take another class of attributes, and wait for one that is not there', async () => {
    await start();
    await change({ volumeAttributesClassName: 'gold' });
    const waiting = { status: 'Pending', targetVolumeAttributesClassName: 'gold' };
    expect((await readClaim('c')).status?.modifyVolumeStatus).toEqual(waiting);
    expect((await volumeOf()).spec?.volumeAttributesClassName).toBeUndefined();
    await cluster.client.create(volumeAttributesClasses, {
      metadata: { name: 'gold' },
      driverName: 'simulated.kubehive.io',
      parameters: { iops: '500' },
    });
    await settled();
    const { status } = await readClaim('c');
    expect([status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus]).toEqual(['gold', undefined]);
    expect((await volumeOf()).spec?.volumeAttributesClassName).toBe('gold');
    expect(await eventsAbout('c')).toContain(
      'Normal VolumeModifySuccessful external resizer modified volume c with vac gold successfully',
    );
  });
});

describe('selinux-warning-controller', () => {
  const driver = 'csi.example.com';
  it.each<[string, object, object, boolean, string[]]>([
    [
      'other levels',
      { seLinuxOptions: { level: 's0:c1,c2' } },
      { seLinuxOptions: { level: 's0:c3,c4' } },
      true,
      [
        'Normal SELinuxLabelConflict SELinuxLabel ":::s0:c1,c2" conflicts with pod b that uses the same volume as this pod with SELinuxLabel ":::s0:c3,c4". If both pods land on the same node, only one of them may access the volume.',
      ],
    ],
    [
      'another way of labelling',
      { seLinuxOptions: { level: 's0:c1,c2' } },
      { seLinuxOptions: { level: 's0:c1,c2' }, seLinuxChangePolicy: 'Recursive' },
      true,
      [
        'Normal SELinuxChangePolicyConflict SELinuxChangePolicy "MountOption" conflicts with pod b that uses the same volume as this pod with SELinuxChangePolicy "Recursive". If both pods land on the same node, only one of them may access the volume.',
      ],
    ],
    ['the same label', { seLinuxOptions: { level: 's0:c1' } }, { seLinuxOptions: { level: 's0:c1' } }, true, []],
    ['parts that do not meet', { seLinuxOptions: { level: 's0:c1' } }, { seLinuxOptions: { type: 't' } }, true, []],
    [
      'a driver that does not label',
      { seLinuxOptions: { level: 's0:c1' } },
      { seLinuxOptions: { level: 's0:c2' } },
      false,
      [],
    ],
  ])('tells two pods of %s', async (_what, first, second, seLinuxMount, events) => {
    cluster = await startCluster(['selinux-warning-controller']);
    await cluster.client.create(csiDrivers, { metadata: { name: driver }, spec: { seLinuxMount } });
    await cluster.client.create(persistentVolumes, volume('v', { csi: { driver, volumeHandle: 'handle' } }));
    await cluster.client.create(persistentVolumeClaims, claim('c', { volumeName: 'v', storageClassName: 'local' }));
    await settled();
    await cluster.client.create(pods, podWith('a', 'c', { securityContext: first }));
    await cluster.client.create(pods, podWith('b', 'c', { securityContext: second }));
    expect(await eventsAbout('a')).toEqual(events);
    expect(await eventsAbout('b')).toHaveLength(events.length);
  });
});
