/** The scenarios of controllers whose kinds are served only when they are switched on: one row a controller, under its name. */
import * as kinds from '../../../src/client/resources.ts';
import { testAuthority } from './certificates.ts';
import type { Scenario } from './contract.ts';
import { advance, create, patch, pod, remove } from './scenarios.ts';

const namespace = 'default';
const trustBundle = testAuthority.certificate;

const certificateRequest = (name: string) => ({
  metadata: { name, namespace },
  spec: {
    signerName: 'example.com/signer',
    podName: 'p',
    podUID: 'u1',
    serviceAccountName: 'default',
    serviceAccountUID: 'u2',
    nodeName: 'n1',
    nodeUID: 'u3',
    pkixPublicKey: 'AA==',
    proofOfPossession: 'AA==',
  },
});
const identityLease = (name: string) => ({
  metadata: { name, namespace: 'kube-system', labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } },
  spec: { holderIdentity: name },
});
const reported = [
  { apiServerID: 'apiserver-1', encodingVersion: 'apps/v1', decodableVersions: ['apps/v1'] },
  { apiServerID: 'apiserver-2', encodingVersion: 'apps/v2', decodableVersions: ['apps/v1', 'apps/v2'] },
];

export const previewScenarios: Readonly<Record<string, Scenario>> = {
  'podcertificaterequest-cleaner-controller': {
    settings: { runtimeConfig: { 'certificates.k8s.io/v1beta1': 'true' } },
    steps: [
      create(kinds.podCertificateRequests, certificateRequest('old')),
      advance(14 * 60_000),
      create(kinds.podCertificateRequests, certificateRequest('new')),
      advance(90_000),
    ],
    shows: /PodCertificateRequest .*"name":"new"/,
    takes: /PodCertificateRequest .*"name":"old"/,
  },
  'kube-apiserver-serving-clustertrustbundle-publisher-controller': {
    settings: { rootCa: trustBundle, runtimeConfig: { 'certificates.k8s.io/v1beta1': 'true' } },
    steps: [
      create(kinds.clusterTrustBundles, {
        metadata: { name: 'kubernetes.io:kube-apiserver-serving:old' },
        spec: { signerName: 'kubernetes.io/kube-apiserver-serving', trustBundle },
      }),
      create(kinds.clusterTrustBundles, { metadata: { name: 'mine' }, spec: { trustBundle } }),
    ],
    shows: /ClusterTrustBundle .*"name":"kubernetes.io:kube-apiserver-serving:[0-9a-f]{24}"/,
    takes: /ClusterTrustBundle .*"name":"kubernetes.io:kube-apiserver-serving:old"/,
  },
  'podgroup-protection-controller': {
    settings: { runtimeConfig: { 'scheduling.k8s.io/v1alpha2': 'true' } },
    steps: [
      ...['free', 'used', 'ended'].map((name) =>
        create(kinds.podGroups, { metadata: { name, namespace }, spec: { schedulingPolicy: { basic: {} } } }),
      ),
      create(kinds.pods, pod('a', { schedulingGroup: { podGroupName: 'used' } })),
      create(kinds.pods, pod('b', { schedulingGroup: { podGroupName: 'ended' } })),
      ...['free', 'used', 'ended'].map((name) => remove(kinds.podGroups, { namespace, name })),
      patch(kinds.pods, { namespace, name: 'b' }, { status: { phase: 'Succeeded' } }, 'status'),
    ],
    shows: /PodGroup .*"name":"used"/,
    takes: /PodGroup .*"name":"(free|ended)"/,
  },
  'resourcepoolstatusrequest-controller': {
    settings: { runtimeConfig: { 'resource.k8s.io/v1alpha3': 'true' } },
    steps: [
      ...['n1', 'n2'].map((nodeName) =>
        create(kinds.resourceSlices, {
          metadata: { name: nodeName },
          spec: {
            driver: 'gpu.example.com',
            nodeName,
            pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
            devices: [{ name: 'gpu-0' }, { name: 'gpu-1' }],
          },
        }),
      ),
      create(kinds.resourcePoolStatusRequests, { metadata: { name: 'all' }, spec: { driver: 'gpu.example.com' } }),
      create(kinds.resourcePoolStatusRequests, {
        metadata: { name: 'one' },
        spec: { driver: 'gpu.example.com', limit: 1 },
      }),
      create(kinds.resourcePoolStatusRequests, { metadata: { name: 'none' }, spec: { driver: 'other.example.com' } }),
    ],
    shows: /"poolCount":2,"pools":\[\{"allocatedDevices":0,"availableDevices":2,[^\]]*"poolName":"n2"/,
  },
  'storageversion-garbage-collector-controller': {
    settings: { runtimeConfig: { 'internal.apiserver.k8s.io/v1alpha1': 'true' } },
    steps: [
      ...['apiserver-1', 'apiserver-2'].map((name) => create(kinds.leases, identityLease(name))),
      ...['both', 'left'].map((name) =>
        create(kinds.storageVersions, { metadata: { name: `apps.${name}` }, spec: {} }),
      ),
      patch(kinds.storageVersions, { name: 'apps.both' }, { status: { storageVersions: reported } }, 'status'),
      patch(kinds.storageVersions, { name: 'apps.left' }, { status: { storageVersions: [reported[1]] } }, 'status'),
      remove(kinds.leases, { namespace: 'kube-system', name: 'apiserver-2' }),
    ],
    shows: /StorageVersion .*"name":"apps.both".*"commonEncodingVersion":"apps\/v1"/,
    takes: /StorageVersion .*"name":"apps.left"/,
  },
  'storage-version-migrator-controller': {
    settings: { runtimeConfig: { 'storagemigration.k8s.io/v1beta1': 'true' } },
    steps: [
      create(kinds.configMaps, { metadata: { name: 'a', namespace } }),
      ...['configmaps', 'events', 'nothings'].map((resource) =>
        create(kinds.storageVersionMigrations, { metadata: { name: resource }, spec: { resource: { resource } } }),
      ),
      create(kinds.storageVersionMigrations, {
        metadata: { name: 'again' },
        spec: { resource: { resource: 'configmaps' } },
      }),
    ],
    restMs: 70_000,
    shows:
      /StorageVersionMigration .*"name":"configmaps".*"MigrationCompleted".*"StorageVersionMigrationSucceeded".*resource does not exist in discovery/s,
  },
};
