import { expect, test } from 'vitest';
import type { Pod } from '../../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler, type PodShape } from '../../../support/scheduling.ts';

const hostname = 'kubernetes.io/hostname';
const selector = { matchLabels: { app: 'web' } };
const replicaSet = (namespace: string) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace },
  // One object for both, as the caches' decoder makes it.
  spec: { selector },
});
const configuration = {
  profiles: [
    {
      pluginConfig: [
        {
          name: 'PodTopologySpread',
          args: {
            defaultingType: 'List',
            defaultConstraints: [{ maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: 'DoNotSchedule' }],
          },
        },
      ],
    },
  ],
};
const replica = (name: string, shape: PodShape): Pod => {
  const pod = makePod(name, { labels: { app: 'web' }, ...shape });
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true };
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } };
};

test('replicas are spread among those of their own namespace, though owners of another share the selector', () => {
  const { addNodes, addPods, run } = makeScheduler({
    configuration,
    objects: { replicasets: [replicaSet('a'), replicaSet('b')] },
  });
  addNodes(makeNode('n1', { [hostname]: 'n1' }), makeNode('n2', { [hostname]: 'n2' }));
  addPods(
    replica('a-1', { namespace: 'a', nodeName: 'n1' }),
    replica('a-2', { namespace: 'a', nodeName: 'n1' }),
    replica('a-3', { namespace: 'a', nodeName: 'n1' }),
    replica('b-1', { namespace: 'b', nodeName: 'n2' }),
  );
  addPods(replica('a-4', { namespace: 'a' }), replica('b-2', { namespace: 'b' }), replica('a-5', { namespace: 'a' }));
  // In `a` there are three on n1 and none on n2; in `b` it is the other way round, with one.
  expect(Object.fromEntries(run())).toEqual({ 'a-4': 'n2', 'b-2': 'n1', 'a-5': 'n2' });
});

test('a Service that selects the replicas narrows what their spreading counts', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'a' },
    spec: { selector: { tier: 'front' } },
  };
  const { addNodes, addPods, run } = makeScheduler({
    configuration,
    objects: { replicasets: [replicaSet('a')], services: [service] },
  });
  addNodes(makeNode('n1', { [hostname]: 'n1' }), makeNode('n2', { [hostname]: 'n2' }));
  const front = { labels: { app: 'web', tier: 'front' }, namespace: 'a' };
  // Without the service's selector n1 would have three of them, and n2 one.
  addPods(
    replica('back-1', { namespace: 'a', nodeName: 'n1' }),
    replica('back-2', { namespace: 'a', nodeName: 'n1' }),
    replica('back-3', { namespace: 'a', nodeName: 'n1' }),
    replica('front-1', { ...front, nodeName: 'n2' }),
  );
  addPods(replica('back-4', { namespace: 'a' }), replica('front-2', front));
  expect(Object.fromEntries(run())).toEqual({ 'back-4': 'n2', 'front-2': 'n1' });
});
