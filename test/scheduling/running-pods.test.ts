/** Pods that begin to run where they were bound: what their kubelet says of their resources, and what it changes. */
import { expect, test } from 'vitest';
import type { Pod } from '../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

const asked = { cpu: '500m', memory: '1Gi' };
const statusOf = (requests: Record<string, string>, allocated = requests): Pod['status'] => ({
  phase: 'Running',
  containerStatuses: [
    {
      name: 'c',
      image: 'i',
      imageID: 'i',
      ready: true,
      restartCount: 0,
      allocatedResources: allocated,
      resources: { requests },
    },
  ],
});

test.each([
  ['what it asks for', statusOf(asked), true, 500],
  ['what it asks for, said in other words', statusOf({ cpu: '0.5', memory: '1024Mi' }), false, 500],
  ['more than it asks for', statusOf({ cpu: '700m', memory: '1Gi' }), false, 700],
  ['more given than it asks for', statusOf(asked, { cpu: '800m', memory: '1Gi' }), false, 800],
])('a pod that runs with %s', (_what, status, isKept, cpu) => {
  const { scheduler, addNodes, addPods, run } = makeScheduler();
  addNodes(makeNode('n'));
  const pending = makePod('p', { requests: asked });
  addPods(pending);
  run();
  const { cache } = scheduler;
  const uid = pending.metadata?.uid ?? '';
  const bound: Pod = { ...pending, spec: { containers: [], ...pending.spec, nodeName: 'n' } };
  cache.podChanged({ type: 'updated', object: bound, previous: pending });
  const before = cache.placed(uid);
  const running: Pod = { ...bound, status };
  cache.podChanged({ type: 'updated', object: running, previous: bound });
  // The same entry: what is remembered of the node holds on.
  expect(cache.placed(uid) === before).toBe(isKept);
  expect(cache.placed(uid)?.pod).toBe(running);
  expect(cache.nodes.requested[0]?.[cache.nodes.rowOf('n')]).toBe(cpu);
  const resized: Pod = { ...running, status: statusOf({ cpu: '900m', memory: '1Gi' }) };
  cache.podChanged({ type: 'updated', object: resized, previous: running });
  expect(cache.nodes.requested[0]?.[cache.nodes.rowOf('n')]).toBe(900);
});
