import { describe, expect, it } from 'vitest';
import { errorsOf } from './context.ts';

const spec = {
  capacity: { storage: '1Gi' },
  accessModes: ['ReadWriteOnce'],
  persistentVolumeReclaimPolicy: 'Retain',
  volumeMode: 'Filesystem',
};
const hostPath = { path: '/data', type: '' };
const metadata = { name: 'v', annotations: { 'volume.beta.kubernetes.io/mount-options': 'ro' } };
const options =
  'metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type';

describe('persistent volumes', () => {
  it('take mount options where their source does', () => {
    const nfs = { server: 's', path: '/p' };
    expect(errorsOf('core.v1.PersistentVolume', { metadata, spec: { ...spec, nfs } })).toEqual([]);
    expect(errorsOf('core.v1.PersistentVolume', { metadata, spec: { ...spec, hostPath } })).toEqual([options]);
  });

  it('are told twice of what is wrong when they change, and of mount options once', () => {
    const body = { metadata, spec: { ...spec, hostPath, accessModes: [] } };
    const modes = 'spec.accessModes: Required value';
    expect(errorsOf('core.v1.PersistentVolume', body, body)).toEqual([modes, options, modes]);
  });

  it('have a flexible source beside another', () => {
    const both = { ...spec, hostPath, flexVolume: { driver: 'example.com/d' } };
    expect(errorsOf('core.v1.PersistentVolume', { spec: both })).toEqual([]);
    expect(
      errorsOf('core.v1.PersistentVolume', { spec: { ...spec, hostPath, nfs: { server: 's', path: '/p' } } }),
    ).toEqual(['spec.nfs: Forbidden: may not specify more than 1 volume type']);
  });

  it('print their capacity in the order of names', () => {
    const capacity = { storage: '1Gi', cpu: '1' };
    expect(errorsOf('core.v1.PersistentVolume', { spec: { ...spec, hostPath, capacity } })).toEqual([
      'spec.capacity: Unsupported value: {"cpu":"1","storage":"1Gi"}: supported values: "storage"',
    ]);
  });
});

describe('claims', () => {
  it('are told twice of what is wrong when they change', () => {
    const claim = { spec: { accessModes: ['Sometimes'], resources: { requests: { storage: '1Gi' } } } };
    const modes =
      'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"';
    expect(errorsOf('core.v1.PersistentVolumeClaim', claim)).toEqual([modes]);
    expect(errorsOf('core.v1.PersistentVolumeClaim', claim, claim)).toEqual([modes, modes]);
  });
});
