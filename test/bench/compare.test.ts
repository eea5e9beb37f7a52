/** Statistics of A/B runs, and the quality of placements. */
import { describe, expect, it } from 'vitest';
import { calibrate } from '../../bench/calibration.ts';
import { compare, mannWhitney } from '../../bench/compare.ts';
import { qualityOf } from '../../bench/quality.ts';
import { makeNode, makePod } from '../support/scheduling.ts';

describe('A against B', () => {
  it('is believed when all of one side lie above the other', () => {
    const a = [100, 101, 102, 103, 104];
    const b = [120, 121, 122, 123, 124];
    expect(compare('pods/s', a, b, 'more')).toMatchObject({
      verdict: 'better',
      a: { median: 102 },
      b: { median: 122 },
    });
    expect(compare('CPU', a, b, 'less').verdict).toBe('worse');
    expect(compare('nodes used', b, a, 'neither').verdict).toBe('lower');
    expect(compare('skew', [0, 0, 0, 0, 0], [3, 3, 3, 3, 3], 'less').verdict).toBe('worse');
  });

  it('is no difference when the sides overlap, or there is too little to tell', () => {
    expect(compare('pods/s', [100, 110, 105, 95], [102, 99, 108, 104], 'more').verdict).toBe('no difference');
    expect(compare('pods/s', [1], [2], 'more').verdict).toBe('no difference');
    expect(mannWhitney([5, 5, 5], [5, 5, 5])).toBe(1);
  });

  it('gives the textbook p value', () => {
    // U = 3 of 25 with five a side: z = (9.5 - 0.5) / 4.787.
    expect(mannWhitney([1, 2, 3, 5, 7], [4, 6, 8, 9, 10])).toBeCloseTo(0.0601, 2);
  });
});

describe('placement quality', () => {
  const zone = 'topology.kubernetes.io/zone';
  const nodes = [makeNode('a', { [zone]: 'x' }), makeNode('b', { [zone]: 'x' }), makeNode('c', { [zone]: 'y' })];
  const on = (nodeName: string, name: string, cpu = '3') => makePod(name, { nodeName, requests: { cpu } });

  it('tells even from uneven', () => {
    const even = qualityOf(nodes, [on('a', 'p'), on('b', 'q'), on('c', 'r')], () => true, 0);
    expect(even).toMatchObject({ nodesUsed: 3, cpuUtilization: 0.75, cpuDeviation: 0, zoneSkew: 1, hostSkew: 0 });
    // What is left of each node takes no further pod.
    expect(even.fragmentation).toBe(1);
    const packed = qualityOf(nodes, [on('a', 'p', '1'), on('a', 'q', '1'), on('a', 'r', '1')], () => true, 2);
    expect(packed).toMatchObject({ nodesUsed: 1, fragmentation: 0, zoneSkew: 3, hostSkew: 3, victims: 2 });
    expect(packed.cpuDeviation).toBeGreaterThan(0.3);
  });

  it('counts required terms that do not hold, and nodes that are too full', () => {
    const apart = (namespaceSelector?: object) => ({
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchExpressions: [{ key: 'g', operator: 'Exists' }] },
            topologyKey: zone,
            ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
          },
        ],
      },
    });
    const pod = (name: string, nodeName: string, affinity?: object, namespace = 'default') =>
      makePod(name, { nodeName, namespace, labels: { g: 'x' }, ...(affinity === undefined ? {} : { affinity }) });
    const violations = (...pods: Parameters<typeof qualityOf>[1]) =>
      qualityOf(
        nodes,
        pods,
        () => true,
        0,
        (name) => ({ team: name }),
      ).violations;
    expect(violations(pod('p', 'a', apart()), pod('q', 'c', apart()))).toBe(0);
    expect(violations(pod('p', 'a', apart()), pod('q', 'b', apart()))).toBe(2);
    // Pods of other namespaces count only where the term says so.
    expect(violations(pod('p', 'a', apart()), pod('q', 'b', undefined, 'shop'))).toBe(0);
    expect(violations(pod('p', 'a', apart({ matchLabels: { team: 'shop' } })), pod('q', 'b', undefined, 'shop'))).toBe(
      1,
    );
    const near = { podAffinity: apart().podAntiAffinity };
    expect(violations(pod('p', 'a', near))).toBe(0);
    const onY = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['y'] }] }],
        },
      },
    };
    expect(violations(pod('p', 'a', onY), pod('q', 'c', onY))).toBe(1);
    expect(violations(on('a', 'p'), on('a', 'q'))).toBe(1);
  });

  it('counts the preferences that hold', () => {
    const near = {
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: { labelSelector: { matchLabels: { g: 'x' } }, topologyKey: zone } },
        ],
      },
    };
    const pods = ['a', 'b', 'c'].map((nodeName) =>
      makePod(`p-${nodeName}`, { nodeName, labels: { g: 'x' }, affinity: near }),
    );
    expect(qualityOf(nodes, pods, () => true, 0).preferencesMet).toBeCloseTo(2 / 3);
  });
});

it('calibration is a positive factor', () => {
  expect(calibrate().factor).toBeGreaterThan(0);
});
