/** Who owns the claims of a StatefulSet's pods, by its retention policy. */
import { describe, expect, it } from 'vitest';
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../../src/api/index.ts';
import {
  claimOwners,
  hasUnexpectedController,
  isClaimOwnerUpToDate,
  isStaleClaim,
} from '../../src/controller/index.ts';

type Keep = 'Retain' | 'Delete';

function setOf(whenScaled: Keep, whenDeleted: Keep, replicas = 1): StatefulSet {
  return {
    metadata: { name: 'web', uid: 'set' },
    spec: {
      replicas,
      selector: {},
      template: {},
      serviceName: 'web',
      persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
    },
  };
}

const pod: Pod = { metadata: { name: 'web-0', uid: 'pod' } };
const bySet: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  name: 'web',
  uid: 'set',
  controller: true,
  blockOwnerDeletion: true,
};
const byPod: OwnerReference = { ...bySet, apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'pod' };
const other: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' };
const manager: OwnerReference = { ...other, controller: true };
const claimOf = (...ownerReferences: OwnerReference[]): PersistentVolumeClaim => ({ metadata: { ownerReferences } });

describe('the owners of a claim', () => {
  const cases: readonly [
    scaled: Keep,
    deleted: Keep,
    kept: readonly OwnerReference[],
    away: readonly OwnerReference[],
  ][] = [
    ['Retain', 'Retain', [], []],
    ['Retain', 'Delete', [bySet], [bySet]],
    ['Delete', 'Retain', [], [byPod]],
    ['Delete', 'Delete', [bySet], [byPod]],
  ];
  for (const [scaled, deleted, kept, away] of cases) {
    for (const [replicas, wanted] of [
      [1, kept],
      [0, away],
    ] as const) {
      it(`are ${wanted.map(({ kind }) => kind)} when scaled ${scaled}, deleted ${deleted}, of ${replicas}`, () => {
        const set = setOf(scaled, deleted, replicas);
        for (const owners of [[], [bySet], [byPod], [bySet, byPod]]) {
          const claim = claimOf(other, ...owners);
          const same = owners.length === wanted.length && owners.every((owner) => wanted.includes(owner));
          expect(isClaimOwnerUpToDate(claim, set, pod)).toBe(same);
          expect(claimOwners(claim, set, pod)).toEqual([other, ...wanted]);
        }
      });
    }
  }

  it('are mended where the set owns it without controlling it', () => {
    const set = setOf('Retain', 'Delete');
    const { controller: _controls, ...owns } = bySet;
    expect(isClaimOwnerUpToDate(claimOf(owns), set, pod)).toBe(false);
    expect(claimOwners(claimOf(owns), set, pod)).toEqual([bySet]);
  });

  it('are left alone where an earlier set or pod of the name is among them', () => {
    for (const earlier of [
      { ...bySet, uid: 'before' },
      { ...byPod, uid: 'before' },
    ]) {
      expect(isClaimOwnerUpToDate(claimOf(earlier), setOf('Delete', 'Delete'), pod)).toBe(true);
    }
  });

  it('are nobody of ours beside another controller', () => {
    const set = setOf('Delete', 'Delete');
    expect(hasUnexpectedController(claimOf(manager), set, pod)).toBe(true);
    expect(hasUnexpectedController(claimOf(manager), setOf('Retain', 'Retain'), pod)).toBe(false);
    expect(hasUnexpectedController(claimOf(other, bySet), set, pod)).toBe(false);
    expect(isClaimOwnerUpToDate(claimOf(manager), set, pod)).toBe(true);
    expect(isClaimOwnerUpToDate(claimOf(manager, bySet), set, pod)).toBe(false);
    expect(claimOwners(claimOf(manager, bySet), set, pod)).toEqual([manager]);
  });
});

it('a claim is stale for a pod to be made when it is to go with the pod before, and pods take theirs along', () => {
  const absent: Pod = { metadata: { name: 'web-0' } };
  expect(isStaleClaim(claimOf(byPod), setOf('Delete', 'Retain'), absent)).toBe(true);
  expect(isStaleClaim(claimOf(byPod), setOf('Retain', 'Retain'), absent)).toBe(false);
  expect(isStaleClaim(claimOf({ ...byPod, name: 'web-1' }), setOf('Delete', 'Retain'), absent)).toBe(false);
});
