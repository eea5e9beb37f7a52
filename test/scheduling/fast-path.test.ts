/** The all-nodes hooks and the one-node hooks decide alike, over random clusters and pods. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LabelSelector, PodSpec } from '../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';

const nodeArbitrary = fc.record({
  zone: fc.constantFrom('a', 'b', 'c', undefined),
  disk: fc.constantFrom('ssd', 'hdd', undefined),
  cpu: fc.constantFrom('1', '2', '4'),
  cordoned: fc.boolean().map((value) => value || undefined),
  taint: fc.constantFrom(undefined, undefined, 'NoSchedule', 'PreferNoSchedule', 'NoExecute'),
});

const selectorArbitrary: fc.Arbitrary<LabelSelector> = fc.constantFrom<LabelSelector[]>(
  { matchLabels: { app: 'x' } },
  { matchLabels: { app: 'y' } },
  { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
  {},
);
const termArbitrary = fc.record({
  labelSelector: selectorArbitrary,
  topologyKey: fc.constantFrom(zone, hostname),
  namespaces: fc.constantFrom<(string[] | undefined)[]>(undefined, ['other'], ['default', 'other']),
});
const preferredArbitrary = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: termArbitrary }),
  { maxLength: 2 },
);

const podArbitrary = fc.record({
  namespace: fc.constantFrom('default', 'other'),
  app: fc.constantFrom('x', 'y', undefined),
  cpu: fc.constantFrom('100m', '600m', '1500m', undefined),
  priority: fc.constantFrom(0, 0, 0, 10),
  tolerate: fc.boolean(),
  nodeSelector: fc.constantFrom(undefined, undefined, { disk: 'ssd' }),
  port: fc.constantFrom(undefined, undefined, undefined, 80),
  required: fc.array(termArbitrary, { maxLength: 1 }),
  requiredAnti: fc.array(termArbitrary, { maxLength: 1 }),
  preferred: preferredArbitrary,
  preferredAnti: preferredArbitrary,
  spread: fc.array(
    fc.record({
      maxSkew: fc.integer({ min: 1, max: 2 }),
      topologyKey: fc.constantFrom(zone, hostname),
      whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
      labelSelector: selectorArbitrary,
      minDomains: fc.constantFrom(undefined, 2, 4),
      nodeAffinityPolicy: fc.constantFrom(undefined, 'Honor', 'Ignore'),
      nodeTaintsPolicy: fc.constantFrom(undefined, 'Honor', 'Ignore'),
    }),
    { maxLength: 2 },
  ),
  affinityShape: fc.integer({ min: 0, max: 5 }),
});

type RandomPod = typeof podArbitrary extends fc.Arbitrary<infer Shape> ? Shape : never;

function podOf(shape: RandomPod, i: number) {
  const { affinityShape } = shape;
  const spec: Partial<PodSpec> = {
    priority: shape.priority,
    ...(shape.nodeSelector ? { nodeSelector: shape.nodeSelector } : {}),
    ...(shape.tolerate ? { tolerations: [{ operator: 'Exists', key: 'dedicated' }] } : {}),
    ...(affinityShape === 0 ? { topologySpreadConstraints: shape.spread } : {}),
    affinity: {
      ...(affinityShape === 1
        ? { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: shape.required } }
        : {}),
      ...(affinityShape === 2
        ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: shape.requiredAnti } }
        : {}),
      ...(affinityShape === 3
        ? {
            podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: shape.preferred },
            podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: shape.preferredAnti },
          }
        : {}),
    },
  };
  return makePod(`p-${i}`, {
    namespace: shape.namespace,
    labels: shape.app ? { app: shape.app } : {},
    ...spec,
    containers: [
      {
        name: 'c',
        image: 'pause',
        ...(shape.cpu ? { resources: { requests: { cpu: shape.cpu } } } : {}),
        ...(shape.port ? { ports: [{ containerPort: 80, hostPort: shape.port }] } : {}),
      },
    ],
  });
}

test('identical pods, nodes and seeds are placed identically on both paths', () => {
  fc.assert(
    fc.property(
      fc.array(nodeArbitrary, { minLength: 1, maxLength: 14 }),
      fc.array(podArbitrary, { minLength: 1, maxLength: 24 }),
      fc.integer({ min: 1, max: 1000 }),
      (nodes, shapes, seed) => {
        const outcomes = [false, true].map((plain) => {
          const { addNodes, addPods, run, attempts, scheduler } = makeScheduler({ seed, plain });
          for (const [i, node] of nodes.entries()) {
            addNodes(
              makeNode(
                `n-${i}`,
                { ...(node.zone ? { [zone]: node.zone } : {}), ...(node.disk ? { disk: node.disk } : {}) },
                {
                  ...(node.cordoned && i % 3 === 0 ? { unschedulable: true } : {}),
                  ...(node.taint ? { taints: [{ key: 'dedicated', effect: node.taint }] } : {}),
                },
                { cpu: node.cpu, pods: '6' },
              ),
            );
          }
          for (const [i, shape] of shapes.entries()) addPods(podOf(shape, i));
          run();
          scheduler.stop();
          return attempts.map(({ pod, nodeName, message }) => [pod.name, nodeName, message]);
        });
        expect(outcomes[0]).toEqual(outcomes[1]);
      },
    ),
    { numRuns: 100 },
  );
}, 120_000);

/** What happens between two rounds of attempts. */
const changeArbitrary = fc.record({
  kind: fc.constantFrom('delete', 'delete', 'deleteMany', 'taint', 'grow', 'image', 'addNode', 'more'),
  at: fc.nat(100),
});

test('replicas are placed, refused and preempt alike whether answers are remembered or not, while the cluster changes', () => {
  fc.assert(
    fc.property(
      fc.array(nodeArbitrary, { minLength: 1, maxLength: 10 }),
      fc.array(fc.tuple(podArbitrary, fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 3 }),
      fc.array(changeArbitrary, { maxLength: 12 }),
      fc.integer({ min: 1, max: 1000 }),
      (nodes, kinds, changes, seed) => {
        const outcomes = [false, true].map((plain) => {
          const { addNodes, addPods, run, attempts, scheduler } = makeScheduler({ seed, plain });
          const shapes = nodes.map((node, i) => ({
            node,
            name: `n-${i}`,
            cpu: node.cpu,
            images: 0,
            taint: node.taint,
          }));
          const nodeOf = ({ node, name, cpu, images, taint }: (typeof shapes)[number]) => {
            const made = makeNode(
              name,
              { ...(node.zone ? { [zone]: node.zone } : {}), ...(node.disk ? { disk: node.disk } : {}) },
              { ...(taint ? { taints: [{ key: 'dedicated', effect: taint }] } : {}) },
              { cpu, pods: '6' },
            );
            const list = Array.from({ length: images }, () => ({ names: ['pause:latest'], sizeBytes: 900_000_000 }));
            made.status = { ...made.status, images: list };
            return made;
          };
          addNodes(...shapes.map(nodeOf));
          let serial = 0;
          const add = () => {
            for (const [shape, count] of kinds) for (let i = 0; i < count; i++) addPods(podOf(shape, serial++));
          };
          add();
          run();
          for (const { kind, at } of changes) {
            const { cache } = scheduler;
            const placed = cache.nodes.pods.flat().sort((a, b) => (a.uid < b.uid ? -1 : 1));
            const one = shapes[at % shapes.length]!;
            const before = nodeOf(one);
            if (kind === 'delete' || kind === 'deleteMany') {
              const gone =
                kind === 'delete' ? placed.slice(at % 7, (at % 7) + 1) : placed.filter((_, i) => i % 3 === 0);
              for (const { pod, row } of gone) {
                const spec = { ...pod.spec!, nodeName: cache.nodes.names[row]! };
                cache.podChanged({ type: 'deleted', object: { ...pod, spec } });
              }
            } else if (kind === 'more') add();
            else if (kind === 'addNode') {
              shapes.push({ ...one, name: `n-${shapes.length}` });
              addNodes(nodeOf(shapes.at(-1)!));
            } else {
              if (kind === 'taint') one.taint = one.taint ? undefined : 'NoSchedule';
              if (kind === 'grow') one.cpu = '4';
              if (kind === 'image') one.images = 1 - one.images;
              cache.nodeChanged({ type: 'updated', previous: before, object: nodeOf(one) });
            }
            run();
          }
          scheduler.stop();
          return attempts.map(({ pod, nodeName, message }) => [pod.name, nodeName, message]);
        });
        expect(outcomes[0]).toEqual(outcomes[1]);
      },
    ),
    { numRuns: 100 },
  );
}, 120_000);
