/** How many volumes of a driver a node takes: what counts, and what counts only once. */
import { expect, it } from 'vitest';
import type {
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  StorageClass,
  VolumeAttachment,
} from '../../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../../../support/scheduling.ts';

const driver = 'disks.example.com';
const namespace = 'default';
const exceeded = '0/1 nodes are available: 1 node(s) exceed max volume count.';

const volume = (name: string, spec: PersistentVolume['spec'] = { csi: { driver, volumeHandle: name } }) =>
  ({ metadata: { name }, spec, status: { phase: 'Bound' } }) as PersistentVolume;

const claim = (name: string, volumeName: string): PersistentVolumeClaim => ({
  metadata: { name, namespace, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
  spec: { volumeName, accessModes: ['ReadWriteMany'] },
  status: { phase: 'Bound' },
});

const using = (name: string, claimName: string, nodeName?: string): Pod =>
  makePod(name, {
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    ...(nodeName ? { nodeName } : {}),
  });

const inline = (name: string, volumes: PodSpec['volumes'], nodeName?: string): Pod =>
  makePod(name, { ...(volumes ? { volumes } : {}), ...(nodeName ? { nodeName } : {}) });

interface World {
  readonly limit?: number;
  readonly annotations?: Record<string, string>;
  readonly drivers?: readonly string[];
  readonly volumes?: PersistentVolume[];
  readonly claims?: PersistentVolumeClaim[];
  readonly classes?: StorageClass[];
  readonly attachments?: VolumeAttachment[];
}

/** Where the last of the pods goes, or what it is told. */
function outcome(world: World, ...pods: Pod[]): string | undefined {
  const { limit = 1, annotations = {}, drivers = [driver] } = world;
  const csiNode: CSINode = {
    metadata: { name: 'n', annotations },
    spec: { drivers: drivers.map((name) => ({ name, nodeID: 'n', allocatable: { count: limit } })) },
  };
  const made = makeScheduler({
    objects: {
      csinodes: [csiNode],
      persistentvolumes: world.volumes ?? [],
      persistentvolumeclaims: world.claims ?? [],
      storageclasses: world.classes ?? [],
      volumeattachments: world.attachments ?? [],
    },
  });
  made.addNodes(makeNode('n'));
  made.addPods(...pods);
  const last = pods.at(-1)!.metadata!.name!;
  return made.run().get(last) ?? made.messageOf(last)?.split(' no new claims')[0];
}

const two = { volumes: [volume('a'), volume('b')], claims: [claim('a', 'a'), claim('b', 'b')] };

it('a node takes as many volumes as its limit, and each of them for many pods', () => {
  expect(outcome(two, using('p', 'a'))).toBe('n');
  expect(outcome(two, using('first', 'a', 'n'), using('p', 'b'))).toBe(exceeded);
  expect(outcome(two, using('first', 'a', 'n'), using('p', 'a'))).toBe('n');
  expect(outcome({ ...two, limit: 2 }, using('first', 'a', 'n'), using('p', 'b'))).toBe('n');
});

it('volumes of other drivers, and volumes that drivers make for one pod only, do not count', () => {
  const foreign = {
    volumes: [volume('a', { csi: { driver: 'other', volumeHandle: 'a' } }), volume('b')],
    claims: two.claims,
  };
  expect(outcome(foreign, using('first', 'a', 'n'), using('p', 'b'))).toBe('n');
  const secrets = [{ name: 'v', csi: { driver } }];
  expect(outcome(two, inline('first', secrets, 'n'), using('p', 'b'))).toBe('n');
  expect(outcome(two, using('first', 'a', 'n'), inline('p', secrets))).toBe('n');
});

it('a volume that is still attached counts though no pod uses it', () => {
  const attachment = (persistentVolumeName: string, nodeName: string): VolumeAttachment => ({
    metadata: { name: `${persistentVolumeName}-${nodeName}` },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName } },
  });
  expect(outcome({ ...two, attachments: [attachment('a', 'n')] }, using('p', 'b'))).toBe(exceeded);
  expect(outcome({ ...two, attachments: [attachment('b', 'n')] }, using('p', 'b'))).toBe('n');
  expect(outcome({ ...two, attachments: [attachment('a', 'elsewhere')] }, using('p', 'b'))).toBe('n');
});

it('a claim without a volume counts for the driver that will provision it', () => {
  const classes: StorageClass[] = [
    { metadata: { name: 'late' }, provisioner: driver, volumeBindingMode: 'WaitForFirstConsumer' },
  ];
  const waiting: PersistentVolumeClaim = {
    metadata: { name: 'w', namespace },
    spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    status: { phase: 'Pending' },
  };
  const world = { ...two, classes, claims: [...two.claims, waiting] };
  expect(outcome(world, using('p', 'w'))).toBe('n');
  expect(outcome(world, using('first', 'a', 'n'), using('p', 'w'))).toBe(exceeded);
  const old = { ...waiting, spec: { ...waiting.spec, storageClassName: 'none' } };
  old.metadata = { ...old.metadata, annotations: { 'volume.beta.kubernetes.io/storage-class': 'late' } };
  expect(outcome({ ...world, claims: [...two.claims, old] }, using('first', 'a', 'n'), using('p', 'w'))).toBe(exceeded);
});

it("volumes of a built-in plugin count for the driver in its place where the node's CSINode says so", () => {
  const disks = (pdName: string) => [{ name: 'v', gcePersistentDisk: { pdName } }];
  const world = {
    drivers: ['pd.csi.storage.gke.io'],
    volumes: [volume('a', { gcePersistentDisk: { pdName: 'a' } })],
    claims: [claim('a', 'a')],
  };
  const annotations = { 'storage.alpha.kubernetes.io/migrated-plugins': 'kubernetes.io/aws-ebs,kubernetes.io/gce-pd' };
  expect(outcome(world, using('first', 'a', 'n'), inline('p', disks('b')))).toBe('n');
  expect(outcome({ ...world, annotations }, using('first', 'a', 'n'), inline('p', disks('b')))).toBe(exceeded);
});

it('follows the pods that come and go', () => {
  const names = ['v1', 'v2', 'v3'];
  const csiNode: CSINode = {
    metadata: { name: 'n' },
    spec: { drivers: [{ name: driver, nodeID: 'n', allocatable: { count: 2 } }] },
  };
  const { addNodes, addPods, run, messageOf, scheduler, clock } = makeScheduler({
    objects: {
      csinodes: [csiNode],
      persistentvolumes: names.map((name) => volume(name)),
      persistentvolumeclaims: names.map((name) => claim(`c-${name}`, name)),
    },
  });
  const gone = (name: string, claimName: string) => {
    scheduler.cache.podChanged({ type: 'deleted', object: using(name, claimName, 'n') });
    clock.advance(600_000);
  };
  addNodes(makeNode('n'));
  addPods(using('a', 'c-v1', 'n'), using('b', 'c-v2'));
  expect(run().get('b')).toBe('n');
  addPods(using('b-too', 'c-v2', 'n'), using('late', 'c-v3'));
  expect(run().size).toBe(0);
  expect(messageOf('late')).toContain('exceed max volume count');
  // Its volume is another pod's too.
  gone('b', 'c-v2');
  expect(run().size).toBe(0);
  gone('b-too', 'c-v2');
  expect(run().get('late')).toBe('n');
  scheduler.stop();
});
