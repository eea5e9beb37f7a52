import { describe, expect, it } from 'vitest';
import { prepareForStatusUpdate } from '../../../../src/api/kinds/index.ts';
import { context, created, kindOf, objectOf } from '../fixtures.ts';

const volumes = kindOf('', 'persistentvolumes');
const claims = kindOf('', 'persistentvolumeclaims');

describe('persistent volumes', () => {
  it('are kept after use, as file systems, and pending at first', () => {
    expect(
      created(volumes, { spec: { iscsi: { iqn: 'i' }, hostPath: { path: '/' } }, status: { phase: 'Bound' } }),
    ).toMatchObject({
      spec: {
        persistentVolumeReclaimPolicy: 'Retain',
        volumeMode: 'Filesystem',
        iscsi: { iscsiInterface: 'default' },
        hostPath: { type: '' },
      },
      status: { phase: 'Pending', lastPhaseTransitionTime: context.now },
    });
  });

  it('say when their phase changed', () => {
    const previous = objectOf(volumes, {
      status: { phase: 'Pending', lastPhaseTransitionTime: '2025-01-01T00:00:00Z' },
    });
    const bound = objectOf(volumes, { status: { phase: 'Bound', lastPhaseTransitionTime: '2025-01-01T00:00:00Z' } });
    prepareForStatusUpdate(volumes, bound, previous, context);
    expect(bound.status).toEqual({ phase: 'Bound', lastPhaseTransitionTime: context.now });
    const same = objectOf(volumes, { status: { phase: 'Pending', message: 'm' } });
    prepareForStatusUpdate(volumes, same, previous, context);
    expect(same.status).toMatchObject({ lastPhaseTransitionTime: '2025-01-01T00:00:00Z' });
  });
});

describe('claims', () => {
  it('name their data source in both fields', () => {
    const source = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' };
    expect(created(claims, { spec: { dataSource: source } }).spec).toMatchObject({ dataSourceRef: source });
    expect(created(claims, { spec: { dataSourceRef: source } }).spec).toMatchObject({ dataSource: source });
    const elsewhere = { ...source, namespace: 'n' };
    expect(created(claims, { spec: { dataSourceRef: elsewhere } }).spec).not.toHaveProperty('dataSource');
  });
});
