import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Deployment, IntOrString, ReplicaSet } from '../../src/api/index.ts';
import {
  fenceposts,
  maxUnavailableOf,
  newReplicaSetSize,
  proportionalSizes,
  scaledValue,
} from '../../src/controller/index.ts';

function deployment(replicas: number, maxSurge: IntOrString, maxUnavailable: IntOrString): Deployment {
  return {
    spec: {
      replicas,
      selector: {},
      template: {},
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    },
  };
}

function replicaSet(name: string, replicas: number, max?: number): ReplicaSet {
  const annotations: Record<string, string> =
    max === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': String(max) };
  return { metadata: { name, annotations }, spec: { replicas, selector: {} } };
}

describe('rolling updates', () => {
  it.each([
    ['25%', 10, 'up', 3],
    ['25%', 10, 'down', 2],
    ['0%', 10, 'up', 0],
    [4, 10, 'up', 4],
    ['many', 10, 'up', 0],
    [undefined, 10, 'up', 0],
  ] as const)('reads %s of %d rounded %s as %d', (value, total, round, expected) => {
    expect(scaledValue(value, total, round)).toBe(expected);
  });

  it('lets one pod be missing when neither surge nor unavailable allow anything', () => {
    expect(fenceposts(deployment(1, '0%', '25%'))).toEqual({ surge: 0, unavailable: 1 });
  });

  it('never lets more pods be missing than there are', () => {
    expect(maxUnavailableOf(deployment(2, 0, 5))).toBe(2);
    expect(maxUnavailableOf(deployment(0, 0, 5))).toBe(0);
  });

  it.each([
    [10, 3, 10, 0, 3],
    [10, 3, 8, 2, 5],
    [10, 3, 3, 9, 10],
    [10, 0, 10, 0, 0],
  ])('wants %d with surge %d, has %d old and %d new: the new one becomes %d', (wanted, surge, old, size, expected) => {
    const all = [replicaSet('old', old), replicaSet('new', size)];
    expect(newReplicaSetSize(deployment(wanted, surge, 1), all, size)).toBe(expected);
  });

  it('divides a change of size in proportion and gives the rest to the largest', () => {
    const sets = [replicaSet('a', 5, 13), replicaSet('b', 8, 13)];
    const sizes = proportionalSizes(deployment(15, 3, 2), sets);
    expect([...sizes].map(([{ metadata }, size]) => [metadata?.name, size])).toEqual([
      ['b', 11],
      ['a', 7],
    ]);
  });

  it('always divides to exactly what is allowed', () => {
    const arbitrarySets = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        arbitrarySets,
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 10 }),
        (counts, wanted, surge) => {
          const total = counts.reduce((sum, count) => sum + count, 0);
          const sets = counts.map((count, at) => replicaSet(`s${at}`, count, total));
          const sizes = [...proportionalSizes(deployment(wanted, surge, 1), sets).values()];
          expect(sizes.every((size) => size >= 0)).toBe(true);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(wanted > 0 ? wanted + surge : 0);
        },
      ),
    );
  });
});
