/** Pods that use a feature go where the node declares it. */
import { expect, test } from 'vitest';
import type { Node } from '../../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../../../support/scheduling.ts';

const declaring = (name: string, ...declaredFeatures: string[]): Node => {
  const node = makeNode(name);
  return { ...node, status: { ...node.status, declaredFeatures } };
};
const restartsAll = makePod('p', {
  containers: [
    {
      name: 'c',
      image: 'i',
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [7] } }],
    },
  ],
});
const hostUsers = makePod('p', { hostNetwork: true, hostUsers: false });

test.each([
  ['containers that restart all others', restartsAll, 'RestartAllContainersOnContainerExits'],
  ["user namespaces on the host's network", hostUsers, 'UserNamespacesHostNetworkSupport'],
])('%s need %s', (_what, pod, feature) => {
  const { addNodes, addPods, run, messageOf, scheduler } = makeScheduler();
  addNodes(makeNode('old'), declaring('other', 'GuaranteedQoSPodCPUResize'));
  addPods(pod);
  expect(run().size).toBe(0);
  expect(messageOf('p')).toBe(
    "0/2 nodes are available: 2 node(s) didn't match Pod's required features. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  );
  addNodes(declaring('new', feature));
  expect(run().get('p')).toBe('new');
  scheduler.stop();
});

test('a node that declares more than before is looked at again', () => {
  const { addNodes, addPods, run, scheduler } = makeScheduler();
  addNodes(makeNode('n'));
  addPods(restartsAll);
  expect(run().size).toBe(0);
  const object = declaring('n', 'RestartAllContainersOnContainerExits');
  scheduler.cache.nodeChanged({ type: 'updated', previous: makeNode('n'), object });
  expect(run().get('p')).toBe('n');
  scheduler.stop();
});

test('pods that need nothing, and all pods without the gate, go anywhere', () => {
  const plain = makeScheduler();
  plain.addNodes(makeNode('n'));
  plain.addPods(makePod('q'));
  expect(plain.run().get('q')).toBe('n');
  plain.scheduler.stop();
  const off = makeScheduler({ featureGates: { NodeDeclaredFeatures: false } });
  off.addNodes(makeNode('n'));
  off.addPods(restartsAll);
  expect(off.run().get('p')).toBe('n');
  off.scheduler.stop();
});
