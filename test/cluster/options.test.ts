import { describe, expect, it } from 'vitest';
import { ClusterOptionsError, planNodes } from '../../src/cluster/options.ts';

describe('node plans', () => {
  it('number nodes from 0', () => {
    expect(planNodes(3).map(({ name }) => name)).toEqual(['node-0', 'node-1', 'node-2']);
  });

  it('are one node unless told otherwise, and none for 0', () => {
    expect(planNodes()).toHaveLength(1);
    expect(planNodes(0)).toEqual([]);
  });

  it('take groups with names, labels, taints and capacity of their own', () => {
    const taint = { key: 'gpu', effect: 'NoSchedule' };
    const plans = planNodes([
      { count: 2, prefix: 'gpu', labels: { kind: 'gpu' }, taints: [taint], capacity: { cpu: '8' } },
      { name: 'edge' },
    ]);
    expect(plans.map(({ name }) => name)).toEqual(['gpu-0', 'gpu-1', 'edge']);
    expect(plans[1]).toMatchObject({ labels: { kind: 'gpu' }, taints: [taint], capacity: { cpu: '8' } });
  });

  it('refuse counts that are none and names that are taken', () => {
    expect(() => planNodes(-1)).toThrow(ClusterOptionsError);
    expect(() => planNodes(1.5)).toThrow(/1.5 is not a whole number/);
    expect(() => planNodes([{ count: 1 }, { count: 2 }])).toThrow(/two nodes would be called "node-0"/);
  });
});
