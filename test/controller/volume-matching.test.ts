/** Which volume a claim gets, and why a volume that it names is refused. */
import { describe, expect, it } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../src/api/index.ts';
import { bestVolumeFor, mismatchOf } from '../../src/controller/index.ts';

const claim = (spec: object = {}): PersistentVolumeClaim => ({
  metadata: { name: 'c', namespace: 'ns', uid: 'u1' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'local',
    resources: { requests: { storage: '2Gi' } },
    ...spec,
  } as PersistentVolumeClaim['spec'],
});

const volume = (name: string, storage: string, spec: object = {}, more: object = {}): PersistentVolume => ({
  metadata: { name, ...more },
  spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'local', ...spec },
  status: { phase: 'Available' },
});

const reserved = (uid?: string) => ({
  claimRef: { name: 'c', namespace: 'ns', ...(uid === undefined ? {} : { uid }) },
});
const both = { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] };
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };

describe('bestVolumeFor', () => {
  it.each<[string, PersistentVolume[], string | undefined, PersistentVolumeClaim?, boolean?]>([
    ['the smallest that is large enough', [volume('a', '9Gi'), volume('b', '3Gi'), volume('d', '1Gi')], 'b'],
    ['fewer access modes before a smaller size', [volume('a', '3Gi', both), volume('b', '9Gi')], 'b'],
    ['more access modes when nothing else serves', [volume('a', '3Gi', both), volume('b', '1Gi')], 'a'],
    ['a reserved one before a smaller one', [volume('a', '9Gi', reserved()), volume('b', '3Gi')], 'a'],
    [
      'a reserved one with more modes after all with fewer',
      [volume('a', '3Gi', { ...both, ...reserved() }), volume('b', '9Gi')],
      'b',
    ],
    ['no reserved one that is too small', [volume('a', '1Gi', reserved())], undefined],
    ['no one of an earlier claim of this name', [volume('a', '3Gi', reserved('u0'))], undefined],
    ['one reserved for this very claim', [volume('a', '3Gi', reserved('u1'))], 'a'],
    ['no other class', [volume('a', '3Gi', { storageClassName: 'other' })], undefined],
    ['a reserved one of another class', [volume('a', '3Gi', { storageClassName: 'other', ...reserved() })], 'a'],
    ['no other attributes class', [volume('a', '3Gi', { volumeAttributesClassName: 'gold' })], undefined],
    [
      'the same attributes class',
      [volume('a', '3Gi', { volumeAttributesClassName: 'gold' })],
      'a',
      claim({ volumeAttributesClassName: 'gold' }),
    ],
    ['no attributes class written as empty text', [volume('a', '3Gi')], 'a', claim({ volumeAttributesClassName: '' })],
    ['no block device for a file system', [volume('a', '3Gi', { volumeMode: 'Block' })], undefined],
    ['no reserved block device either', [volume('a', '3Gi', { volumeMode: 'Block', ...reserved() })], undefined],
    ['none that is being deleted', [volume('a', '3Gi', {}, deleting)], undefined],
    ['none without the modes', [volume('a', '3Gi', { accessModes: ['ReadOnlyMany'] })], undefined],
    ['none that is released', [{ ...volume('a', '3Gi'), status: { phase: 'Released' } }], undefined],
    [
      'by selector',
      [volume('a', '3Gi'), volume('b', '9Gi', {}, { labels: { disk: 'fast' } })],
      'b',
      claim({ selector: { matchLabels: { disk: 'fast' } } }),
    ],
    ['none when only a reserved one will do', [volume('a', '3Gi')], undefined, claim(), true],
    [
      'the reserved one when only that will do',
      [volume('a', '3Gi'), volume('b', '9Gi', reserved())],
      'b',
      claim(),
      true,
    ],
  ])('chooses %s', (_what, volumes, name, wanted = claim(), onlyReserved = false) => {
    expect(bestVolumeFor(wanted, volumes, onlyReserved)?.metadata?.name).toBe(name);
    expect(bestVolumeFor(wanted, [...volumes].reverse(), onlyReserved)?.metadata?.name).toBe(name);
  });
});

describe('mismatchOf', () => {
  it.each<[string, PersistentVolume, string | undefined]>([
    ['serves', volume('a', '2Gi'), undefined],
    ['is being deleted', volume('a', '2Gi', {}, deleting), 'the volume is marked for deletion "a"'],
    ['is too small', volume('a', '1Gi'), 'requested PV is too small'],
    ['is of another class', volume('a', '2Gi', { storageClassName: 'other' }), 'storageClassName does not match'],
    [
      'has other attributes',
      volume('a', '2Gi', { volumeAttributesClassName: 'gold' }),
      'volumeAttributesClassName does not match',
    ],
    ['is a block device', volume('a', '2Gi', { volumeMode: 'Block' }), 'incompatible volumeMode'],
    ['lacks a mode', volume('a', '2Gi', { accessModes: ['ReadWriteMany'] }), 'incompatible accessMode'],
  ])('a volume that %s', (_what, named, why) => {
    expect(mismatchOf(named, claim())).toBe(why);
  });
});
