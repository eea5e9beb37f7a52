import { describe, expect, it } from 'vitest';
import { created, kindOf, updated, warningsOf } from '../fixtures.ts';

describe('storage kinds', () => {
  it('default classes and drivers', () => {
    expect(created(kindOf('storage.k8s.io', 'storageclasses'), { provisioner: 'p' })).toMatchObject({
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
    expect(created(kindOf('storage.k8s.io', 'csidrivers'), {}).spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    });
    expect(created(kindOf('storage.k8s.io', 'volumeattachments'), { status: { attached: true } }).status).toEqual({
      attached: false,
    });
  });

  it('number drivers from their first change on', () => {
    const drivers = kindOf('storage.k8s.io', 'csidrivers');
    expect(created(drivers, {}).metadata['generation']).toBeUndefined();
    expect(updated(drivers, {}, {}).metadata['generation']).toBeUndefined();
    expect(updated(drivers, {}, { spec: { requiresRepublish: true } }).metadata['generation']).toBe(1);
  });

  it('warn of drivers that may log tokens', () => {
    const spec = { tokenRequests: [{ audience: 'a' }] };
    expect(warningsOf(kindOf('storage.k8s.io', 'csidrivers'), { spec })).toHaveLength(1);
    const safe = { ...spec, serviceAccountTokenInSecrets: true };
    expect(warningsOf(kindOf('storage.k8s.io', 'csidrivers'), { spec: safe })).toEqual([]);
  });
});
