/** What users read when a pod does not fit: upstream's text, to the letter. */
import { expect, test } from 'vitest';
import { makeNode, makePod, makeScheduler } from '../../support/scheduling.ts';

const unhelpful = (nodes: number) =>
  `no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;
const noVictims = (nodes: number) =>
  `no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} No preemption victims found for incoming pod.`;

function messageFor(setUp: (test: ReturnType<typeof makeScheduler>) => void): string | undefined {
  const given = makeScheduler();
  setUp(given);
  given.run();
  given.scheduler.stop();
  return given.messageOf('p');
}

test('without nodes the pod waits and is attempted when one arrives', () => {
  const { addPods, addNodes, run, scheduler } = makeScheduler();
  addPods(makePod('p'));
  expect(run().size).toBe(0);
  expect(scheduler.queue.sizes()).toMatchObject({ active: 0, unschedulable: 1 });
  addNodes(makeNode('n'));
  expect(run().get('p')).toBe('n');
  scheduler.stop();
});

test('a request larger than every node is not helped by preemption', () => {
  const message = messageFor(({ addNodes, addPods }) => {
    addNodes(makeNode('a'), makeNode('b'), makeNode('c'));
    addPods(makePod('p', { requests: { cpu: '8' } }));
  });
  expect(message).toBe(`0/3 nodes are available: 3 Insufficient cpu. ${unhelpful(3)}`);
});

test('requests of placed pods count, and equal priority is no victim', () => {
  const message = messageFor(({ addNodes, addPods }) => {
    addNodes(makeNode('a', {}, {}, { cpu: '1' }));
    addPods(makePod('full', { nodeName: 'a', requests: { cpu: '800m' } }), makePod('p', { requests: { cpu: '800m' } }));
  });
  expect(message).toBe(`0/1 nodes are available: 1 Insufficient cpu. ${noVictims(1)}`);
});

test('reasons are counted by node and sorted as text', () => {
  const message = messageFor(({ addNodes, addPods }) => {
    addNodes(
      makeNode('a', {}, { unschedulable: true }),
      makeNode('b', {}, { taints: [{ key: 'k', effect: 'NoSchedule' }] }),
      makeNode('c', {}, {}, { cpu: '1', memory: '1Gi' }),
      makeNode('d', { disk: 'hdd' }),
    );
    addPods(makePod('full', { nodeName: 'c', requests: { cpu: '900m', memory: '900Mi' } }));
    addPods(
      makePod('p', {
        requests: { cpu: '900m', memory: '900Mi' },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['hdd'] }] }],
            },
          },
        },
      }),
    );
  });
  expect(message).toBe(
    "0/4 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector, " +
      '1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/4 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.',
  );
});

test('preemptionPolicy Never says so', () => {
  const message = messageFor(({ addNodes, addPods }) => {
    addNodes(makeNode('a', {}, {}, { cpu: '1' }));
    addPods(makePod('full', { nodeName: 'a', requests: { cpu: '800m' } }));
    addPods(makePod('p', { priority: 10, preemptionPolicy: 'Never', requests: { cpu: '800m' } }));
  });
  expect(message).toBe(
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
  );
});

test('host ports, pod affinity and existing anti-affinity name themselves', () => {
  const port = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] };
  expect(
    messageFor(({ addNodes, addPods }) => {
      addNodes(makeNode('a'));
      addPods(makePod('q', { nodeName: 'a', ...port }), makePod('p', port));
    }),
  ).toBe(`0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`);

  const near = [{ labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'kubernetes.io/hostname' }];
  expect(
    messageFor(({ addNodes, addPods }) => {
      addNodes(makeNode('a'));
      addPods(makePod('p', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } } }));
    }),
  ).toBe(`0/1 nodes are available: 1 node(s) didn't match pod affinity rules. ${unhelpful(1)}`);

  expect(
    messageFor(({ addNodes, addPods }) => {
      addNodes(makeNode('a'));
      addPods(
        makePod('q', {
          nodeName: 'a',
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } },
        }),
        makePod('p', { labels: { app: 'x' } }),
      );
    }),
  ).toBe(`0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. ${noVictims(1)}`);
});

test('matchFields that name absent nodes, and a spreading constraint without the label', () => {
  const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }];
  expect(
    messageFor(({ addNodes, addPods }) => {
      addNodes(makeNode('a'), makeNode('b'));
      addPods(
        makePod('p', {
          affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
        }),
      );
    }),
  ).toBe(`0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${unhelpful(2)}`);
  expect(
    messageFor(({ addNodes, addPods }) => {
      addNodes(makeNode('a'));
      addPods(
        makePod('p', {
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
          ],
        }),
      );
    }),
  ).toBe(
    `0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label). ${unhelpful(1)}`,
  );
});

test('gated pods stay out until their gates are gone', () => {
  const { addNodes, addPods, run, scheduler } = makeScheduler();
  addNodes(makeNode('n'));
  const gated = makePod('p', { schedulingGates: [{ name: 'a' }, { name: 'b' }] });
  addPods(gated);
  expect(run().size).toBe(0);
  expect(scheduler.queue.sizes()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 });
  const still = makePod('p', { schedulingGates: [{ name: 'b' }], generation: 2 });
  scheduler.cache.podChanged({ type: 'updated', object: still, previous: gated });
  expect(run().size).toBe(0);
  const free = makePod('p', { generation: 3 });
  scheduler.cache.podChanged({ type: 'updated', object: free, previous: still });
  expect(run().get('p')).toBe('n');
  scheduler.stop();
});
