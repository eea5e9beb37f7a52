import { describe, expect, it } from 'vitest';
import { prepareForStatusUpdate } from '../../../../src/api/kinds/index.ts';
import { context, created, kindOf, objectOf, warningsOf } from '../fixtures.ts';

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
  const source = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' };

  it('name their data source in both fields', () => {
    expect(created(claims, { spec: { dataSource: source } }).spec).toMatchObject({ dataSourceRef: source });
    expect(created(claims, { spec: { dataSourceRef: source } }).spec).toMatchObject({ dataSource: source });
  });

  it('drop sources that the old field cannot name, and those in other namespaces', () => {
    expect(created(claims, { spec: { dataSource: { kind: 'Other', name: 'o' } } }).spec).not.toHaveProperty(
      'dataSource',
    );
    const elsewhere = { ...source, namespace: 'n' };
    expect(created(claims, { spec: { dataSourceRef: elsewhere } }).spec).not.toHaveProperty('dataSourceRef');
  });
});

describe('warnings for volumes', () => {
  it('name what is deprecated', () => {
    const annotations = {
      'volume.beta.kubernetes.io/storage-class': 'a',
      'volume.beta.kubernetes.io/mount-options': 'ro',
    };
    const term = { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'Exists' }] };
    const spec = {
      nodeAffinity: { required: { nodeSelectorTerms: [term] } },
      persistentVolumeReclaimPolicy: 'Recycle',
      cephfs: {},
      capacity: { storage: '1500m' },
    };
    expect(warningsOf(volumes, { metadata: { annotations }, spec })).toEqual([
      'spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead',
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.cephfs: deprecated in v1.28, non-functional in v1.31+',
      'spec.capacity[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]);
    expect(warningsOf(claims, { spec: { resources: { requests: { storage: '1500m' } } } })).toEqual([
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]);
  });
});
