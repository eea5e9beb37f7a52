/**
 * The all-nodes hooks and the one-node hooks decide alike where all in-tree plugins have something to say, with arguments
 * of every kind: resources, images, volumes, devices, declared features, host ports, affinity and default spreading.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  loadExpressions,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodSpec,
  type ResourceClaim,
} from '../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const feature = 'RestartAllContainersOnContainerExits';
const gpu = 'example.com/gpu';
const fpga = 'example.com/fpga';

const fitArguments = (scoringStrategy: unknown, more = {}) => ({
  name: 'NodeResourcesFit',
  args: { scoringStrategy, ...more },
});
const weighted = [
  { name: 'cpu', weight: 3 },
  { name: 'memory', weight: 1 },
  { name: fpga, weight: 5 },
];

/** Profiles whose arguments send plugins down different paths. */
const profiles: readonly Record<string, unknown>[] = [
  {},
  { percentageOfNodesToScore: 30, pluginConfig: [fitArguments({ type: 'MostAllocated', resources: weighted })] },
  {
    pluginConfig: [
      fitArguments(
        {
          type: 'RequestedToCapacityRatio',
          resources: weighted,
          requestedToCapacityRatio: {
            shape: [
              { utilization: 0, score: 2 },
              { utilization: 40, score: 10 },
              { utilization: 100, score: 0 },
            ],
          },
        },
        { ignoredResources: [fpga] },
      ),
      {
        name: 'NodeResourcesBalancedAllocation',
        args: { resources: [{ name: 'cpu' }, { name: 'memory' }, { name: fpga }] },
      },
    ],
  },
  {
    pluginConfig: [
      {
        name: 'NodeAffinity',
        args: {
          addedAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['hdd'] }] }],
            },
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 7, preference: { matchExpressions: [{ key: zone, operator: 'In', values: ['a'] }] } },
            ],
          },
        },
      },
      { name: 'InterPodAffinity', args: { hardPodAffinityWeight: 60, ignorePreferredTermsOfExistingPods: true } },
    ],
  },
  {
    pluginConfig: [
      {
        name: 'PodTopologySpread',
        args: {
          defaultingType: 'List',
          defaultConstraints: [
            { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule' },
            { maxSkew: 2, topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway' },
          ],
        },
      },
    ],
    plugins: { score: { disabled: [{ name: 'ImageLocality' }], enabled: [{ name: 'TaintToleration', weight: 9 }] } },
  },
];

const nodeArbitrary = fc.record({
  zone: fc.constantFrom('a', 'b', undefined),
  disk: fc.constantFrom('ssd', 'hdd', undefined),
  cores: fc.constantFrom('2', '16'),
  cpu: fc.constantFrom('1', '4'),
  fpga: fc.constantFrom(undefined, '2'),
  image: fc.boolean(),
  declares: fc.boolean(),
  devices: fc.nat(2),
  taint: fc.constantFrom(undefined, undefined, 'NoSchedule', 'PreferNoSchedule'),
});
type RandomNode = typeof nodeArbitrary extends fc.Arbitrary<infer Shape> ? Shape : never;

const podArbitrary = fc.record({
  app: fc.constantFrom('x', 'y', undefined),
  cpu: fc.constantFrom('100m', '900m', undefined),
  /** What is special about it. */
  kind: fc.constantFrom(
    'plain',
    'fpga',
    'gpu',
    'claim',
    'volume',
    'exclusive',
    'feature',
    'fields',
    'cores',
    'sidecar',
    'overhead',
    'whole',
    'liked',
    'near',
    'port',
  ),
  at: fc.nat(3),
  priority: fc.constantFrom(0, 0, 5),
  tolerate: fc.constantFrom(undefined, 'Exists', 'Equal'),
});
type RandomPod = typeof podArbitrary extends fc.Arbitrary<infer Shape> ? Shape : never;

function nodeOf(shape: RandomNode, i: number): Node {
  const labels = {
    cores: shape.cores,
    ...(shape.zone ? { [zone]: shape.zone } : {}),
    ...(shape.disk ? { disk: shape.disk } : {}),
  };
  const taints = shape.taint ? [{ key: 'dedicated', value: 'x', effect: shape.taint }] : [];
  const allocatable = { cpu: shape.cpu, pods: '5', ...(shape.fpga ? { [fpga]: shape.fpga } : {}) };
  const node = makeNode(`n-${i}`, labels, { taints }, allocatable);
  return {
    ...node,
    status: {
      ...node.status,
      ...(shape.image ? { images: [{ names: ['big:latest'], sizeBytes: 800_000_000 }] } : {}),
      ...(shape.declares ? { declaredFeatures: [feature] } : {}),
    },
  };
}

function affinityOf({ kind, at }: RandomPod): PodSpec['affinity'] {
  const required = (term: Record<string, unknown>) => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
  });
  const named = [{ key: 'metadata.name', operator: 'In', values: [`n-${at}`, `n-${at + 1}`] }];
  if (kind === 'fields') return required({ matchFields: named });
  if (kind === 'cores') return required({ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['8'] }] });
  const labelSelector = { matchLabels: { app: 'x' } };
  if (kind === 'near') {
    return {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: zone }],
      },
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 10, podAffinityTerm: { labelSelector, topologyKey: hostname } },
        ],
      },
    };
  }
  if (kind !== 'liked') return undefined;
  const preference = { matchExpressions: [{ key: 'disk', operator: 'Exists' }] };
  return { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 4, preference }] } };
}

function podOf(shape: RandomPod, i: number): Pod {
  const { kind, at } = shape;
  const requests = {
    ...(shape.cpu ? { cpu: shape.cpu } : {}),
    ...(kind === 'fpga' ? { [fpga]: '1' } : {}),
    ...(kind === 'gpu' ? { [gpu]: '1' } : {}),
  };
  const affinity = affinityOf(shape);
  const claimName = kind === 'volume' ? `c-${at}` : kind === 'exclusive' ? 'exclusive' : undefined;
  const rule = { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } };
  return makePod(`p-${i}`, {
    labels: shape.app ? { app: shape.app } : {},
    priority: shape.priority,
    ...(shape.tolerate ? { tolerations: [{ key: 'dedicated', operator: shape.tolerate, value: 'x' }] } : {}),
    ...(affinity ? { affinity } : {}),
    ...(claimName ? { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] } : {}),
    ...(kind === 'claim' ? { resourceClaims: [{ name: 'd', resourceClaimName: `d-${at}` }] } : {}),
    ...(kind === 'overhead' ? { overhead: { cpu: '300m' } } : {}),
    ...(kind === 'whole' ? { resources: { requests: { cpu: '700m' } } } : {}),
    ...(kind === 'sidecar'
      ? {
          initContainers: [
            { name: 'side', image: 'pause', restartPolicy: 'Always', resources: { requests: { cpu: '200m' } } },
            { name: 'init', image: 'pause', resources: { requests: { cpu: '600m' } } },
          ],
        }
      : {}),
    containers: [
      {
        name: 'c',
        image: kind === 'plain' ? 'big' : 'pause',
        resources: { requests },
        ...(kind === 'feature' ? { restartPolicy: 'Never', restartPolicyRules: [rule] } : {}),
        ...(kind === 'port' ? { ports: [{ containerPort: 80, hostPort: 8000 + (at % 2) }] } : {}),
      },
    ],
  } as Parameters<typeof makePod>[1]);
}

const namespace = 'default';
const completed = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } };
const volumes: PersistentVolume[] = [0, 1, 2].map((i) => ({
  metadata: { name: `v-${i}`, labels: i === 2 ? {} : { [zone]: i === 0 ? 'a' : 'b' } },
  spec:
    i === 2
      ? {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }],
            },
          },
        }
      : {},
}));
const claims: PersistentVolumeClaim[] = [
  ...[0, 1, 2].map((i) => ({ metadata: { name: `c-${i}`, namespace, ...completed }, spec: { volumeName: `v-${i}` } })),
  {
    metadata: { name: 'exclusive', namespace, ...completed },
    spec: { volumeName: 'v-0', accessModes: ['ReadWriteOncePod'] },
  },
];
const deviceClaims: ResourceClaim[] = [0, 1, 2].map((i) => ({
  metadata: { name: `d-${i}`, namespace, uid: `claim-${i}` },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', count: 1 } }] } },
}));
const services = [{ metadata: { name: 's', namespace }, spec: { selector: { app: 'x' } } }];
const classes = [{ metadata: { name: 'gpu' }, spec: { extendedResourceName: gpu } }];

function objectsFor(nodes: readonly RandomNode[]) {
  const slices = nodes.flatMap(({ devices }, i) =>
    devices === 0
      ? []
      : [
          {
            metadata: { name: `s-${i}` },
            spec: {
              driver: 'gpu.example.com',
              nodeName: `n-${i}`,
              pool: { name: `n-${i}`, generation: 1, resourceSliceCount: 1 },
              devices: Array.from({ length: devices }, (_, d) => ({ name: `d-${d}` })),
            },
          },
        ],
  );
  return {
    persistentvolumes: volumes,
    persistentvolumeclaims: claims,
    resourceclaims: deviceClaims,
    deviceclasses: classes,
    resourceslices: slices,
    services,
  };
}

/** Runs random clusters on both paths; answers all messages that pods were given. */
function compare(parameters: { readonly numRuns: number; readonly seed?: number }): string {
  const said = new Set<string>();
  fc.assert(
    fc.property(
      fc.nat(profiles.length - 1),
      fc.array(nodeArbitrary, { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(podArbitrary, fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 1000 }),
      (profile, nodes, kinds, seed) => {
        const outcomes = [false, true].map((plain) => {
          const { addNodes, addPods, run, attempts, scheduler } = makeScheduler({
            seed,
            plain,
            objects: objectsFor(nodes),
            configuration: { profiles: [profiles[profile]] },
          });
          addNodes(...nodes.map(nodeOf));
          let serial = 0;
          for (const [shape, count] of kinds) for (let i = 0; i < count; i++) addPods(podOf(shape, serial++));
          run();
          scheduler.stop();
          return attempts.map(({ pod, nodeName, message }) => [pod.name, nodeName, message]);
        });
        for (const [, , message] of outcomes[0]!) said.add(String(message));
        expect(outcomes[0]).toEqual(outcomes[1]);
      },
    ),
    parameters,
  );
  return [...said].join('\n');
}

test('every in-tree plugin answers alike in both forms, whatever its arguments', async () => {
  await loadExpressions();
  compare({ numRuns: 80 });
}, 120_000);

test('the clusters are such that plugins of every sort refuse nodes', async () => {
  await loadExpressions();
  const said = compare({ numRuns: 60, seed: 36 });
  for (const reason of [
    'Insufficient cpu',
    `Insufficient ${fpga}`,
    'cannot allocate all claims',
    "didn't match Pod's required features",
    'no available volume zone',
    "didn't match Pod's node affinity/selector",
    'ReadWriteOncePod access mode',
    'untolerated taint',
    'free ports',
  ]) {
    expect(said).toContain(reason);
  }
}, 120_000);
