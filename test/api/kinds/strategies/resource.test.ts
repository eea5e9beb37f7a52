import { describe, expect, it } from 'vitest';
import { context, created, kindOf } from '../fixtures.ts';

describe('dynamic resource allocation', () => {
  it('asks for one device unless told otherwise', () => {
    const requests = [
      { name: 'a', exactly: { deviceClassName: 'c', tolerations: [{ key: 'k' }] } },
      { name: 'b', firstAvailable: [{ name: 's', allocationMode: 'All' }] },
    ];
    const claims = kindOf('resource.k8s.io', 'resourceclaims');
    expect(created(claims, { spec: { devices: { requests } } }).spec).toMatchObject({
      devices: {
        requests: [
          { exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ operator: 'Equal' }] } },
          { firstAvailable: [{ allocationMode: 'All' }] },
        ],
      },
    });
  });

  it('stamps taints of devices once', () => {
    const slices = kindOf('resource.k8s.io', 'resourceslices');
    const taint = { key: 'k', effect: 'NoSchedule' };
    const devices = [{ name: 'd', taints: [taint] }];
    expect(created(slices, { spec: { devices } }).spec).toMatchObject({
      devices: [{ taints: [{ timeAdded: context.now }] }],
    });
    expect(slices.unsupportedField!('spec.x')).toBe(
      'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.x',
    );
  });
});
