/** Which events bring back which rejected pods: the queueing hints of the plugins, as upstream has them. */
import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler, type PodShape } from '../../../support/scheduling.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';

/** A scheduler whose pod `waits` was rejected, and what happens to the pod when something happens. */
function rejected(nodes: Node[], others: Pod[], shape: PodShape) {
  const made = makeScheduler();
  const { cache, queue } = made.scheduler;
  made.addNodes(...nodes);
  made.addPods(...others, makePod('waits', shape));
  expect(made.run().get('waits')).toBeUndefined();
  const uid = 'uid-default-waits';
  expect(queue.get(uid)?.place).toBe('unschedulable');
  const back = () => queue.get(uid)?.place !== 'unschedulable';
  return {
    back,
    nodeUpdated: (previous: Node, object: Node) => {
      cache.nodeChanged({ type: 'updated', previous, object });
      return back();
    },
    nodeAdded: (object: Node) => {
      cache.nodeChanged({ type: 'added', object, initial: false });
      return back();
    },
    nodeDeleted: (object: Node) => {
      cache.nodeChanged({ type: 'deleted', object });
      return back();
    },
    podAdded: (object: Pod) => {
      cache.podChanged({ type: 'added', object, initial: false });
      return back();
    },
    podUpdated: (previous: Pod, object: Pod) => {
      cache.podChanged({ type: 'updated', previous, object });
      return back();
    },
    podDeleted: (object: Pod) => {
      cache.podChanged({ type: 'deleted', object });
      return back();
    },
  };
}

const labelled = (pod: Pod, labels: Record<string, string>): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, labels },
});

describe('NodeUnschedulable', () => {
  const cordoned = makeNode('n', {}, { unschedulable: true });

  it('comes back when a node is let go, or comes uncordoned', () => {
    expect(rejected([cordoned], [], {}).nodeUpdated(cordoned, makeNode('n'))).toBe(true);
    expect(rejected([cordoned], [], {}).nodeAdded(makeNode('m'))).toBe(true);
  });

  it('stays when a cordoned node gets a taint, or another cordoned one comes', () => {
    const tainted = makeNode('n', {}, { unschedulable: true, taints: [{ key: 'a', effect: 'NoSchedule' }] });
    expect(rejected([cordoned], [], {}).nodeUpdated(cordoned, tainted)).toBe(false);
    expect(rejected([cordoned], [], {}).nodeAdded(makeNode('m', {}, { unschedulable: true }))).toBe(false);
  });
});

describe('NodePorts', () => {
  const ports = (hostPort: number) => [{ name: 'c', ports: [{ containerPort: 80, hostPort }] }];
  const holder = makePod('holder', { nodeName: 'n', containers: ports(8080) });
  const sidecar = makePod('sidecar', {
    nodeName: 'n',
    initContainers: [{ name: 's', restartPolicy: 'Always', ports: [{ containerPort: 80, hostPort: 8080 }] }],
  });
  const other = makePod('other', { nodeName: 'n', containers: ports(9090) });

  it('comes back when the port is free, which a sidecar may have held', () => {
    expect(rejected([makeNode('n')], [holder], { containers: ports(8080) }).podDeleted(holder)).toBe(true);
    expect(rejected([makeNode('n')], [sidecar], { containers: ports(8080) }).podDeleted(sidecar)).toBe(true);
  });

  it('stays when another port is free', () => {
    expect(rejected([makeNode('n')], [holder, other], { containers: ports(8080) }).podDeleted(other)).toBe(false);
  });
});

describe('PodTopologySpread', () => {
  const labels = { app: 'x' };
  const shape = (extra = {}): PodShape => ({
    labels,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: zone,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: labels },
        ...extra,
      },
    ],
  });
  const full = { cpu: '0' };
  const nodes = [makeNode('a', { [zone]: 'a' }), makeNode('b', { [zone]: 'b' }, {}, full)];
  const one = makePod('one', { nodeName: 'a', labels });
  const requests = { cpu: '1' };
  const start = (extra = {}) => rejected(nodes, [one], { ...shape(extra), requests });

  it('comes back when a counted pod comes, goes, or begins or ends to be counted', () => {
    expect(start().podAdded(makePod('two', { nodeName: 'b', labels }))).toBe(true);
    expect(start().podDeleted(one)).toBe(true);
    expect(start().podUpdated(one, labelled(one, { app: 'y' }))).toBe(true);
  });

  it('stays when the pod is not counted before or after', () => {
    expect(start().podAdded(makePod('two', { nodeName: 'b', labels: { app: 'y' } }))).toBe(false);
    expect(start().podAdded(makePod('two', { nodeName: 'b', labels, namespace: 'other' }))).toBe(false);
    expect(start().podUpdated(one, labelled(one, { ...labels, more: '1' }))).toBe(false);
  });

  it('comes back when a node joins, leaves or changes its domain or its taints', () => {
    const [a] = nodes as [Node, Node];
    expect(start().nodeAdded(makeNode('c', { [zone]: 'c' }))).toBe(true);
    expect(start().nodeDeleted(nodes[1]!)).toBe(true);
    expect(start().nodeUpdated(a, makeNode('a', { [zone]: 'z' }))).toBe(true);
    expect(start().nodeUpdated(a, makeNode('a'))).toBe(true);
    const taints = [{ key: 'k', effect: 'PreferNoSchedule' as const }];
    expect(start().nodeUpdated(a, makeNode('a', { [zone]: 'a' }, { taints }))).toBe(true);
  });

  it('comes back with a toleration only when taints count', () => {
    const tolerating = (extra: object) => {
      const { podUpdated } = start(extra);
      const pod = makePod('waits', { ...shape(extra), requests });
      const tolerations = [{ key: 'k', operator: 'Exists' as const }];
      return podUpdated(pod, makePod('waits', { ...shape(extra), requests, tolerations, generation: 2 }));
    };
    expect(tolerating({ nodeTaintsPolicy: 'Honor' })).toBe(true);
    expect(tolerating({})).toBe(false);
  });
});

describe('InterPodAffinity', () => {
  const term = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: hostname });
  const tier = { labelSelector: { matchLabels: { tier: 'web' } }, topologyKey: hostname };
  const near: PodShape = {
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('x'), tier] } },
  };
  const apart: PodShape = {
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('x')] } },
  };
  const x = makePod('x', { nodeName: 'n', labels: { app: 'x' } });

  it('comes back when one pod matches all of its terms, not when it matches some', () => {
    const both = { app: 'x', tier: 'web' };
    expect(rejected([makeNode('n')], [], near).podAdded(makePod('y', { nodeName: 'n', labels: both }))).toBe(true);
    expect(rejected([makeNode('n')], [], near).podAdded(x)).toBe(false);
    expect(rejected([makeNode('n')], [x], near).podUpdated(x, labelled(x, both))).toBe(true);
  });

  it('comes back when the pod to keep away from goes, or is another one by its labels', () => {
    expect(rejected([makeNode('n')], [x], apart).podDeleted(x)).toBe(true);
    expect(rejected([makeNode('n')], [x], apart).podUpdated(x, labelled(x, { app: 'y' }))).toBe(true);
    expect(rejected([makeNode('n')], [x], apart).podUpdated(x, labelled(x, { app: 'x', more: '1' }))).toBe(false);
  });

  it('comes back when the pod that kept it away goes', () => {
    const jealous = makePod('jealous', { nodeName: 'n', ...apart });
    expect(rejected([makeNode('n')], [jealous], { labels: { app: 'x' } }).podDeleted(jealous)).toBe(true);
  });
});

describe('nominated pods', () => {
  /** Gated, so that it is not attempted itself. */
  const nominee = (nominatedNodeName: string): Pod => {
    const schedulingGates = [{ name: 'example.com/wait' }];
    const pod = makePod('first', { requests: { cpu: '4' }, priority: 10, schedulingGates });
    return { ...pod, status: { phase: 'Pending', nominatedNodeName } };
  };

  it('make room for those below them when they go or are nominated elsewhere', () => {
    for (const leave of ['goes', 'elsewhere'] as const) {
      const made = makeScheduler();
      const { cache, queue } = made.scheduler;
      made.addNodes(makeNode('n'), makeNode('m', {}, {}, { cpu: '0' }));
      const before = nominee('n');
      made.addPods(before, makePod('waits', { requests: { cpu: '1' } }));
      made.run();
      expect(queue.get('uid-default-waits')?.place).toBe('unschedulable');
      if (leave === 'goes') cache.podChanged({ type: 'deleted', object: before });
      else {
        cache.podChanged({ type: 'updated', previous: before, object: nominee('m') });
      }
      expect(queue.get('uid-default-waits')?.place, leave).not.toBe('unschedulable');
    }
  });
});
