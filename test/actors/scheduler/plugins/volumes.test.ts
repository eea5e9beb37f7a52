/** The volume plugins over claims and volumes that are there: where a pod may go, and what it is told. */
import { describe, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../../../support/scheduling.ts';

const zone = 'topology.kubernetes.io/zone';
const betaZone = 'failure-domain.beta.kubernetes.io/zone';
const namespace = 'default';

const volume = (
  name: string,
  labels: Record<string, string> = {},
  spec: PersistentVolume['spec'] = {},
): PersistentVolume => ({
  metadata: { name, labels },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  status: { phase: 'Bound' },
});

const bound = (name: string, volumeName: string, accessModes = ['ReadWriteOnce']): PersistentVolumeClaim => ({
  metadata: { name, namespace, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
  spec: { volumeName, accessModes },
  status: { phase: 'Bound' },
});

const using = (podName: string, claimName: string, nodeName?: string): Pod =>
  makePod(podName, {
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    ...(nodeName ? { nodeName } : {}),
  });

interface World {
  readonly volumes?: PersistentVolume[];
  readonly claims?: PersistentVolumeClaim[];
  readonly classes?: StorageClass[];
  readonly nodes?: Record<string, Record<string, string>>;
  readonly pods: readonly Pod[];
}

/** Where the last pod went, or what it was told. */
function outcome({ volumes = [], claims = [], classes = [], nodes = { n: {} }, pods }: World): string | undefined {
  const { addNodes, addPods, run, messageOf, scheduler } = makeScheduler({
    objects: { persistentvolumes: volumes, persistentvolumeclaims: claims, storageclasses: classes },
  });
  addNodes(...Object.entries(nodes).map(([name, labels]) => makeNode(name, labels)));
  addPods(...pods);
  const { name = '' } = pods.at(-1)!.metadata!;
  const placed = run().get(name);
  scheduler.stop();
  return placed ?? messageOf(name)?.replace(/ no new claims to deallocate, preemption: .*/, '');
}

describe('VolumeZone', () => {
  const claims = [bound('c', 'pv')];
  const pods = [using('p', 'c')];

  test('a volume with a zone is usable in that zone', () => {
    const volumes = [volume('pv', { [zone]: 'b' })];
    expect(outcome({ volumes, claims, pods, nodes: { n1: { [zone]: 'a' }, n2: { [zone]: 'b' } } })).toBe('n2');
  });

  test('a volume of several zones in each of them', () => {
    const volumes = [volume('pv', { [zone]: 'b__c' })];
    expect(outcome({ volumes, claims, pods, nodes: { n1: { [zone]: 'a' }, n2: { [zone]: 'c' } } })).toBe('n2');
  });

  test("a volume's old label is met by a node's new one, and not the other way round", () => {
    const nodes = { n1: { [zone]: 'a' } };
    expect(outcome({ volumes: [volume('pv', { [betaZone]: 'a' })], claims, pods, nodes })).toBe('n1');
    expect(
      outcome({ volumes: [volume('pv', { [zone]: 'a' })], claims, pods, nodes: { n1: { [betaZone]: 'a' } } }),
    ).toBe('0/1 nodes are available: 1 node(s) had no available volume zone.');
  });

  test('a node without any such label is no obstacle', () => {
    expect(outcome({ volumes: [volume('pv', { [zone]: 'b' })], claims, pods, nodes: { n1: {} } })).toBe('n1');
  });

  test('a claim bound to a volume that is gone is named', () => {
    expect(outcome({ claims, pods })).toBe('0/1 nodes are available: persistentvolume "pv" not found.');
  });
});

describe('VolumeBinding', () => {
  test('claims that are missing, lost, going or unbound', () => {
    const pods = [using('p', 'c')];
    const told = (claim?: PersistentVolumeClaim) => outcome({ claims: claim ? [claim] : [], pods });
    expect(told()).toBe('0/1 nodes are available: persistentvolumeclaim "c" not found.');
    expect(told({ ...bound('c', 'pv'), status: { phase: 'Lost' } })).toBe(
      '0/1 nodes are available: persistentvolumeclaim "c" bound to non-existent persistentvolume "pv".',
    );
    const going = bound('c', 'pv');
    going.metadata!.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(told(going)).toBe('0/1 nodes are available: persistentvolumeclaim "c" is being deleted.');
    expect(told({ metadata: { name: 'c', namespace }, spec: { storageClassName: 'now' }, status: {} })).toBe(
      '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
    );
  });

  test('an ephemeral claim must be made, and for this pod', () => {
    const ephemeral = { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } };
    const pods = [makePod('p', { volumes: [{ name: 'v', ephemeral }] } as Parameters<typeof makePod>[1])];
    expect(outcome({ pods })).toBe(
      '0/1 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v".',
    );
    expect(outcome({ pods, claims: [bound('p-v', 'pv')], volumes: [volume('pv')] })).toBe(
      '0/1 nodes are available: PVC default/p-v was not created for pod default/p (pod is not owner).',
    );
    const owned = bound('p-v', 'pv');
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-default-p', controller: true };
    owned.metadata!.ownerReferences = [owner];
    expect(outcome({ pods, claims: [owned], volumes: [volume('pv')] })).toBe('n');
  });

  test("a bound volume's node affinity", () => {
    const terms = [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['fast'] }] }];
    const volumes = [volume('pv', {}, { nodeAffinity: { required: { nodeSelectorTerms: terms } } })];
    const world = { volumes, claims: [bound('c', 'pv')], pods: [using('p', 'c')] };
    expect(outcome({ ...world, nodes: { n1: {}, n2: { disk: 'fast' } } })).toBe('n2');
    expect(outcome({ ...world, nodes: { n1: {} } })).toBe(
      "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity.",
    );
  });

  test('a claim that waits for its pod finds a volume, or says that there is none', () => {
    const classes: StorageClass[] = [
      {
        metadata: { name: 'local' },
        provisioner: 'kubernetes.io/no-provisioner',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
    ];
    const waiting: PersistentVolumeClaim = {
      metadata: { name: 'c', namespace },
      spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      status: { phase: 'Pending' },
    };
    const world = { classes, claims: [waiting], pods: [using('p', 'c')] };
    const free = volume('pv', {}, { storageClassName: 'local' });
    free.status = { phase: 'Available' };
    expect(outcome({ ...world, volumes: [free] })).toBe('n');
    expect(outcome({ ...world, volumes: [] })).toBe(
      "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
    );
  });
});

describe('a volume that a waiting claim is matched with', () => {
  const storageClassName = 'local';
  const waiting = (spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim => ({
    metadata: { name: 'c', namespace, uid: 'uid-c' },
    spec: {
      storageClassName,
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
    status: { phase: 'Pending' },
  });
  const free = (spec: PersistentVolume['spec'] = {}): PersistentVolume => ({
    ...volume('pv', {}, { storageClassName, ...spec }),
    status: { phase: 'Available' },
  });
  const claimRef = { namespace, name: 'c', uid: 'uid-c' };
  const elsewhere = {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }] },
  };
  const annotated = free({ storageClassName: '' });
  annotated.metadata!.annotations = { 'volume.beta.kubernetes.io/storage-class': storageClassName };

  test.each<[string, PersistentVolumeClaim, PersistentVolume[], boolean]>([
    ['has its attributes class', waiting({ volumeAttributesClassName: 'gold' }), [free()], false],
    ['has no attributes class that it lacks', waiting(), [free({ volumeAttributesClassName: 'gold' })], false],
    [
      'may have the same attributes class',
      waiting({ volumeAttributesClassName: 'gold' }),
      [free({ volumeAttributesClassName: 'gold' })],
      true,
    ],
    ['may name its class by annotation', waiting(), [annotated], true],
    ['is large enough', waiting(), [free({ capacity: { storage: '1Mi' } })], false],
    ['has its modes', waiting({ accessModes: ['ReadWriteMany'] }), [free()], false],
    [
      'may differ in modes and attributes if it is promised to it',
      waiting({ accessModes: ['ReadWriteMany'], volumeAttributesClassName: 'gold' }),
      [free({ claimRef })],
      true,
    ],
    ['is not promised to an earlier claim', waiting(), [free({ claimRef: { ...claimRef, uid: 'uid-old' } })], false],
    [
      'is the promised one, wherever that is usable',
      waiting(),
      [{ ...free(), metadata: { name: 'other' } }, free({ claimRef, nodeAffinity: elsewhere })],
      false,
    ],
  ])('%s', (_what, claim, volumes, fits) => {
    const classes: StorageClass[] = [
      {
        metadata: { name: storageClassName },
        provisioner: 'kubernetes.io/no-provisioner',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
    ];
    expect(outcome({ classes, volumes, claims: [claim], pods: [using('p', 'c')] })).toBe(
      fits ? 'n' : "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
    );
  });
});

describe('VolumeRestrictions', () => {
  test('a claim for one pod only serves one pod', () => {
    const world = {
      volumes: [volume('pv')],
      claims: [bound('c', 'pv', ['ReadWriteOncePod'])],
      nodes: { n1: {}, n2: {} },
    };
    expect(outcome({ ...world, pods: [using('p', 'c')] })).toMatch(/^n/);
    expect(outcome({ ...world, pods: [using('first', 'c', 'n1'), using('p', 'c')] })).toBe(
      '0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
    );
  });
});
