/** Gauges that count objects when metrics are read. */
import { expect, it } from 'vitest';
import type { EndpointSlice, PersistentVolume, PersistentVolumeClaim, ResourceClaim } from '../../src/api/index.ts';
import {
  collectCounts,
  countedAttachments,
  countedClaims,
  countedVolumes,
  sliceTotals,
} from '../../src/controller/index.ts';
import { ActorMetrics } from '../../src/runtime/metrics.ts';

const linesOf = (registry: ActorMetrics) =>
  registry
    .text()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();

it('counts volumes and claims by what they are, and what is gone as none', () => {
  const volume = (phase: string, source: object): PersistentVolume => ({
    spec: { storageClassName: 'fast', volumeMode: 'Filesystem', ...source },
    status: { phase },
  });
  const claim: PersistentVolumeClaim = {
    metadata: { namespace: 'a' },
    spec: { storageClassName: 'fast', volumeAttributesClassName: 'gold' },
    status: { phase: 'Bound' },
  };
  let volumes = [
    volume('Bound', { csi: { driver: 'd', volumeHandle: 'h' } }),
    volume('Available', { hostPath: { path: '/p' } }),
  ];
  const registry = new ActorMetrics();
  collectCounts(registry, 'pv_collector_', () => countedVolumes(volumes, [claim]));
  expect(linesOf(registry)).toEqual([
    'pv_collector_bound_pv_count{storage_class="fast"} 1',
    'pv_collector_bound_pvc_count{namespace="a",storage_class="fast",volume_attributes_class="gold"} 1',
    'pv_collector_total_pv_count{plugin_name="kubernetes.io/csi:d",volume_mode="Filesystem"} 1',
    'pv_collector_total_pv_count{plugin_name="kubernetes.io/host-path",volume_mode="Filesystem"} 1',
    'pv_collector_unbound_pv_count{storage_class="fast"} 1',
  ]);
  volumes = volumes.slice(1);
  expect(linesOf(registry)).toContain('pv_collector_bound_pv_count{storage_class="fast"} 0');
});

it('counts attachments as wanted and as there', () => {
  const attachment = (attached: boolean, more: object = {}) => ({
    metadata: more,
    spec: { attacher: 'd', nodeName: 'n1', source: {} },
    status: { attached },
  });
  const registry = new ActorMetrics();
  collectCounts(registry, 'attachdetach_controller_', () =>
    countedAttachments([
      attachment(true),
      attachment(false),
      attachment(true, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ]),
  );
  expect(linesOf(registry)).toEqual([
    'attachdetach_controller_total_volumes{plugin_name="kubernetes.io/csi:d",state="actual_state_of_world"} 2',
    'attachdetach_controller_total_volumes{plugin_name="kubernetes.io/csi:d",state="desired_state_of_world"} 2',
    'storage_count_attachable_volumes_in_use{node="n1",volume_plugin="kubernetes.io/csi:d"} 1',
  ]);
});

it('tells claims of devices apart by who made them', () => {
  const claim = (annotations: Record<string, string>, more: object = {}): ResourceClaim => ({
    metadata: { annotations },
    spec: {},
    ...more,
  });
  const registry = new ActorMetrics();
  const admin = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', adminAccess: true } }] } };
  collectCounts(registry, 'resourceclaim_controller_', () =>
    countedClaims([
      claim({ 'resource.kubernetes.io/pod-claim-name': 'd' }, { status: { allocation: {} } }),
      claim({ 'resource.kubernetes.io/extended-resource-claim': 'true' }),
      claim({}, { spec: admin }),
    ]),
  );
  expect(linesOf(registry)).toEqual([
    'resourceclaim_controller_resource_claims{allocated="false",admin_access="false",source="extended_resource"} 1',
    'resourceclaim_controller_resource_claims{allocated="false",admin_access="true",source=""} 1',
    'resourceclaim_controller_resource_claims{allocated="true",admin_access="false",source="resource_claim_template"} 1',
  ]);
});

it('says how many slices would do', () => {
  const slice = (service: string, count: number): EndpointSlice => ({
    metadata: { namespace: 'a', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: count }, () => ({ addresses: ['10.0.0.1'] })),
  });
  expect(sliceTotals([slice('s', 3), slice('s', 4), slice('t', 0)], 10)).toEqual({
    slices: 3,
    endpoints: 7,
    slicesNeeded: 2,
  });
});
