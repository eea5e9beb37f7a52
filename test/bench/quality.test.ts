/** Placement figures: of two placements of the same pods on the same nodes, the worse one shows, in the figure that is about it. */
import { describe, expect, it } from 'vitest';
import { type PlacementQuality, qualityFigures, qualityOf } from '../../bench/quality.ts';
import type { Node, Pod } from '../../src/api/index.ts';

const nodes: Node[] = ['east', 'east', 'west', 'west'].map((zone, index) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `node-${index}`,
    labels: { 'kubernetes.io/hostname': `node-${index}`, 'topology.kubernetes.io/zone': zone },
  },
  status: { capacity: { cpu: '4', memory: '8Gi' }, allocatable: { cpu: '4', memory: '8Gi' } },
}));

type Affinity = NonNullable<Pod['spec']>['affinity'];

/** Pods of one CPU each on the nodes of these numbers. */
const placedOn = (where: readonly number[], affinity?: Affinity, cpu = '1'): Pod[] =>
  where.map(
    (node, index) =>
      ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `pod-${index}`, namespace: 'default', uid: `${index}`, labels: { app: 'web' } },
        spec: {
          nodeName: `node-${node}`,
          containers: [{ name: 'c', image: 'pause', resources: { requests: { cpu, memory: '1Gi' } } }],
          ...(affinity === undefined ? {} : { affinity }),
        },
      }) as Pod,
  );

const quality = (pods: readonly Pod[], victims = 0): PlacementQuality => qualityOf(nodes, pods, () => true, victims);

/** The figures in which `worse` is worse than `better`, by which way each is better. */
const worseIn = (better: PlacementQuality, worse: PlacementQuality): string[] =>
  qualityFigures
    .filter(({ name, better: way }) => {
      const difference = (worse[name] ?? 0) - (better[name] ?? 0);
      return way === 'less' ? difference > 0 : way === 'more' && difference < 0;
    })
    .map(({ name }) => name);

const apartByHost = (kind: 'preferred' | 'required'): Affinity => {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } };
  return kind === 'required'
    ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    : { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } };
};

describe('a worse placement shows', () => {
  it('in the skew of hosts and zones', () => {
    const even = quality(placedOn([0, 1, 2, 3]));
    const uneven = quality(placedOn([0, 0, 0, 2]));
    expect(even).toMatchObject({ hostSkew: 0, zoneSkew: 0, nodesUsed: 4 });
    expect(uneven).toMatchObject({ hostSkew: 3, zoneSkew: 2, nodesUsed: 2 });
    // As even as can be, but for the nodes that are left empty.
    expect(quality(placedOn([0, 0, 1, 1]))).toMatchObject({ hostSkew: 2, zoneSkew: 4 });
    expect(worseIn(even, uneven)).toEqual(['zoneSkew', 'hostSkew']);
  });

  it('in fragmentation: free CPU where no pod fits any more', () => {
    const pods = (where: readonly number[]) => placedOn(where, undefined, '1500m');
    // Two of these fill a node but for one CPU.
    expect(quality(pods([0, 1, 2, 3])).fragmentation).toBe(0);
    expect(quality(pods([0, 0, 1, 1])).fragmentation).toBeCloseTo(2 / 10);
    expect(worseIn(quality(pods([0, 1, 2, 3])), quality(pods([0, 0, 2, 2])))).toContain('fragmentation');
  });

  it('in the preferences that hold', () => {
    const apart = quality(placedOn([0, 1, 2, 3], apartByHost('preferred')));
    const together = quality(placedOn([0, 0, 2, 3], apartByHost('preferred')));
    expect([apart.preferencesMet, together.preferencesMet]).toEqual([1, 0.5]);
    expect(worseIn(apart, together)).toContain('preferencesMet');
  });

  it('in violations of what is required, and of what nodes have', () => {
    expect(quality(placedOn([0, 1, 2, 3], apartByHost('required'))).violations).toBe(0);
    expect(quality(placedOn([0, 0, 2, 3], apartByHost('required'))).violations).toBe(2);
    expect(quality(placedOn([0, 0, 0, 0, 0])).violations).toBe(1);
  });

  it('in how much is placed at all, and in who had to go for it', () => {
    const all = quality(placedOn([0, 1, 2, 3]));
    expect(all.cpuUtilization).toBeCloseTo(4 / 16);
    expect(worseIn(all, quality(placedOn([0, 1])))).toContain('cpuUtilization');
    expect(worseIn(all, quality(placedOn([0, 1, 2, 3]), 3))).toEqual(['victims']);
  });
});
