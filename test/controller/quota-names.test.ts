/** What quotas are about: which objects use a resource that a quota names, and which are in its scopes. */
import { describe, expect, it } from 'vitest';
import type {
  DeviceClass,
  PersistentVolumeClaim,
  Pod,
  ResourceClaim,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../../src/api/index.ts';
import {
  countedResourcesOf,
  type DeviceSurroundings,
  missingAmounts,
  quotaSelects,
  quotaUsageOf,
} from '../../src/controller/index.ts';

const claims = 'resourceclaims.resource.k8s.io';
const gpu: DeviceClass = { metadata: { name: 'gpu' }, spec: { extendedResourceName: 'example.com/gpu' } };

const surroundingsOf = (pod?: Pod, others: readonly ResourceClaim[] = []): DeviceSurroundings => ({
  classes: () => [gpu],
  podOf: (_namespace, name) => (name === pod?.metadata?.name ? pod : undefined),
  claimsIn: () => others,
});

describe('what uses a resource of a quota', () => {
  it.each<[string, string[]]>([
    ['cpu', ['pods']],
    ['limits.ephemeral-storage', ['pods']],
    ['hugepages-2Mi', ['pods']],
    ['requests.hugepages-2Mi', ['pods']],
    ['limits.hugepages-2Mi', []],
    ['requests.example.com/fpga', ['pods']],
    ['requests.example.com/gpu', ['pods', claims]],
    ['requests.deviceclass.resource.kubernetes.io/gpu', ['pods', claims]],
    ['requests.deviceclass.resource.kubernetes.io/none', ['pods']],
    ['requests.kubernetes.io/x', []],
    ['requests.sub.kubernetes.io/x', []],
    ['requests.plain', []],
    ['example.com/gpu', []],
    ['requests.storage', ['persistentvolumeclaims']],
    ['gold.storageclass.storage.k8s.io/persistentvolumeclaims', ['persistentvolumeclaims']],
    ['gold.storageclass.storage.k8s.io/requests.storage', ['persistentvolumeclaims']],
    ['gold.storageclass.storage.k8s.io/limits.storage', []],
    ['gpu.deviceclass.resource.k8s.io/devices', [claims]],
    ['services.nodeports', ['services']],
    ['services.anything', []],
    ['count/widgets.example.com', ['widgets.example.com']],
  ])('%s: %j', (name, expected) => {
    expect(countedResourcesOf(name, surroundingsOf())).toEqual(expected);
  });
});

describe('what a claim of devices uses', () => {
  const request = (deviceClassName: string, more: object = {}) => ({
    name: 'r',
    exactly: { deviceClassName, allocationMode: 'ExactCount', count: 2, ...more },
  });
  const claim = (requests: object[], metadata: object = {}): ResourceClaim =>
    ({ metadata: { name: 'claim', namespace: 'ns', ...metadata }, spec: { devices: { requests } } }) as ResourceClaim;
  const usageOf = (object: ResourceClaim, surroundings = surroundingsOf()) =>
    quotaUsageOf(claims, object, 0, surroundings);

  it('is counted by class, and by the resources that the class stands for', () => {
    expect(usageOf(claim([request('gpu'), request('fpga')]))).toEqual({
      [`count/${claims}`]: '1',
      'gpu.deviceclass.resource.k8s.io/devices': '2',
      'requests.example.com/gpu': '2',
      'requests.deviceclass.resource.kubernetes.io/gpu': '2',
      'fpga.deviceclass.resource.k8s.io/devices': '2',
      'requests.deviceclass.resource.kubernetes.io/fpga': '2',
    });
  });

  it('is the worst that can come of alternatives and of modes', () => {
    const firstAvailable = [
      { name: 'few', deviceClassName: 'fpga', allocationMode: 'ExactCount', count: 1 },
      { name: 'all', deviceClassName: 'fpga', allocationMode: 'All' },
    ];
    expect(usageOf(claim([{ name: 'r', firstAvailable }]))).toMatchObject({
      'fpga.deviceclass.resource.k8s.io/devices': '32',
    });
    const future = usageOf(claim([request('fpga', { allocationMode: 'Some' })]));
    expect(future).toEqual({ [`count/${claims}`]: '1', 'fpga.deviceclass.resource.k8s.io/devices': '0' });
  });

  const requests = { 'example.com/gpu': '2' };
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }] },
  };
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
  const made = (metadata: object = {}) =>
    claim([request('gpu')], {
      annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
      ownerReferences: [owner],
      creationTimestamp: '2026-01-01T00:00:02Z',
      ...metadata,
    });
  const paid = { 'requests.deviceclass.resource.kubernetes.io/gpu': '2' };
  const unpaid = { ...paid, 'requests.example.com/gpu': '2' };
  it.each<[string, ResourceClaim, DeviceSurroundings, object, boolean]>([
    ['what its pod has paid is not charged again', made(), surroundingsOf(pod, [made()]), paid, false],
    ['a claim that nobody made for a pod pays in full', claim([request('gpu')]), surroundingsOf(pod), unpaid, true],
    [
      'a pod of the same name is another pod',
      made({ ownerReferences: [{ ...owner, uid: 'v' }] }),
      surroundingsOf(pod),
      unpaid,
      true,
    ],
    [
      'the pod knows another claim as its own',
      made(),
      surroundingsOf({
        ...pod,
        status: { extendedResourceClaimStatus: { requestMappings: [], resourceClaimName: 'other' } },
      }),
      unpaid,
      true,
    ],
    [
      'the pod pays for the eldest claim alone',
      made(),
      surroundingsOf(pod, [made(), made({ name: 'elder', creationTimestamp: '2026-01-01T00:00:01Z' })]),
      unpaid,
      true,
    ],
  ])('%s', (_name, object, surroundings, expected, full) => {
    const usage = usageOf(object, surroundings);
    expect(usage).toMatchObject(expected);
    expect('requests.example.com/gpu' in usage).toBe(full);
  });
});

describe('what a claim of storage uses', () => {
  const claim = (storage: string, allocated?: string): PersistentVolumeClaim => ({
    spec: { storageClassName: 'gold', resources: { requests: { storage } } },
    ...(allocated === undefined ? {} : { status: { allocatedResources: { storage: allocated } } }),
  });
  it.each<[string, string | undefined, string]>([
    ['1Gi', undefined, '1Gi'],
    ['1Gi', '2Gi', '2Gi'],
    ['2Gi', '1Gi', '2Gi'],
    ['100500m', undefined, '101'],
    ['1', '1500m', '2'],
  ])('%s asked for, %s allocated: %s', (asked, allocated, expected) => {
    expect(quotaUsageOf('persistentvolumeclaims', claim(asked, allocated), 0)).toEqual({
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'requests.storage': expected,
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'gold.storageclass.storage.k8s.io/requests.storage': expected,
    });
  });
});

describe('what a pod uses', () => {
  const pod = (requests: Record<string, string>, status: Pod['status'] = {}): Pod => ({
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }] },
    status,
  });
  it('is what it requests of its own and of extended resources, not of what else is native', () => {
    const requests = {
      'example.com/gpu': '1',
      'deviceclass.resource.kubernetes.io/gpu': '2',
      'sub.kubernetes.io/x': '3',
      'hugepages-2Mi': '4Mi',
    };
    expect(quotaUsageOf('pods', pod(requests), 0)).toEqual({
      'count/pods': '1',
      pods: '1',
      'requests.example.com/gpu': '1',
      'requests.deviceclass.resource.kubernetes.io/gpu': '2',
      'hugepages-2Mi': '4Mi',
      'requests.hugepages-2Mi': '4Mi',
    });
  });

  it('is the most of what it asks for and has as a whole', () => {
    const status = { allocatedResources: { cpu: '3' }, resources: { requests: { cpu: '2' } } };
    const resized = pod({}, status);
    const spec = { ...resized.spec, resources: { requests: { cpu: '1' } } };
    expect(quotaUsageOf('pods', { ...resized, spec } as object, 0)).toMatchObject({ 'requests.cpu': '3' });
  });

  it('is more by what it costs to run it, but for limits that allow nothing', () => {
    const overhead = { cpu: '100m', memory: '1Mi' };
    const limits = { cpu: '1', memory: '0' };
    const spec = { overhead, containers: [{ name: 'c', image: 'i', resources: { limits } }] };
    expect(quotaUsageOf('pods', { spec } as object, 0)).toMatchObject({
      'requests.memory': '1Mi',
      'limits.cpu': '1100m',
      'limits.memory': '0',
    });
  });

  it('need not be named by containers where the pod asks for anything as a whole', () => {
    const bare = pod({});
    const hard = { 'requests.cpu': '1', 'limits.memory': '1Gi' };
    expect(missingAmounts(bare, hard)).toBe('must specify limits.memory for: c; requests.cpu for: c');
    const whole = { ...bare, spec: { ...bare.spec, resources: { requests: { cpu: '1' } } } } as Pod;
    expect(missingAmounts(whole, hard)).toBeUndefined();
  });
});

describe('scopes', () => {
  const selects = (requirement: Partial<ScopedResourceSelectorRequirement>, claim: PersistentVolumeClaim) => {
    const scope = { scopeName: 'VolumeAttributesClass', operator: 'Exists', ...requirement };
    const quota: ResourceQuota = { spec: { scopeSelector: { matchExpressions: [scope] } } };
    return quotaSelects(quota, 'persistentvolumeclaims', claim);
  };
  const none: PersistentVolumeClaim = { spec: {} };
  const gold: PersistentVolumeClaim = { spec: { volumeAttributesClassName: 'gold' } };
  const becoming: PersistentVolumeClaim = {
    ...gold,
    status: { currentVolumeAttributesClassName: 'silver' },
  };
  it.each<[Partial<ScopedResourceSelectorRequirement>, boolean, boolean, boolean]>([
    [{ operator: 'Exists' }, false, true, true],
    [{ operator: 'DoesNotExist' }, true, false, false],
    [{ operator: 'In', values: ['gold'] }, false, true, true],
    [{ operator: 'NotIn', values: ['gold'] }, true, false, true],
    [{ operator: 'NotIn', values: ['gold', 'silver'] }, true, false, false],
  ])('%j: no class %s, one class %s, on the way to another %s', (requirement, ofNone, ofGold, ofBecoming) => {
    expect([none, gold, becoming].map((claim) => selects(requirement, claim))).toEqual([ofNone, ofGold, ofBecoming]);
  });
});
