/** The kinds of the core group, `/api/v1`. Storage prefixes that differ from the plural are upstream's historical ones. */
import { CREATE_ONLY, rowsOf, SCALE, STATUS } from './row.ts';
import type { KindDefinition, SubresourceDefinition } from './types.ts';

const core = rowsOf('', 'v1', 'io.k8s.api.core.v1');

const CONNECT: readonly string[] = ['create', 'get'];
const PROXY: readonly string[] = ['create', 'delete', 'get', 'patch', 'update'];
const READ_AND_WRITE: readonly string[] = ['get', 'patch', 'update'];

const podSubresources: readonly SubresourceDefinition[] = [
  { name: 'attach', verbs: CONNECT, kind: 'PodAttachOptions' },
  { name: 'binding', verbs: CREATE_ONLY, kind: 'Binding', definition: 'io.k8s.api.core.v1.Binding' },
  { name: 'ephemeralcontainers', verbs: READ_AND_WRITE },
  {
    name: 'eviction',
    verbs: CREATE_ONLY,
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    definition: 'io.k8s.api.policy.v1.Eviction',
  },
  { name: 'exec', verbs: CONNECT, kind: 'PodExecOptions' },
  { name: 'log', verbs: ['get'] },
  { name: 'portforward', verbs: CONNECT, kind: 'PodPortForwardOptions' },
  { name: 'proxy', verbs: PROXY, kind: 'PodProxyOptions' },
  { name: 'resize', verbs: READ_AND_WRITE },
  STATUS,
];

const tokenSubresource: SubresourceDefinition = {
  name: 'token',
  verbs: CREATE_ONLY,
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  definition: 'io.k8s.api.authentication.v1.TokenRequest',
};

/** All resources of core/v1, in alphabetical order. */
export const coreKinds: readonly KindDefinition[] = [
  core('Binding', { plural: 'bindings', verbs: CREATE_ONLY }),
  core('ComponentStatus', {
    plural: 'componentstatuses',
    namespaced: false,
    shortNames: ['cs'],
    verbs: ['get', 'list'],
  }),
  core('ConfigMap', { plural: 'configmaps', shortNames: ['cm'] }),
  core('Endpoints', { plural: 'endpoints', shortNames: ['ep'], storagePrefix: '/registry/services/endpoints' }),
  core('Event', { plural: 'events', shortNames: ['ev'] }),
  core('LimitRange', { plural: 'limitranges', shortNames: ['limits'] }),
  core('Namespace', {
    plural: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: [{ name: 'finalize', verbs: ['update'] }, STATUS],
  }),
  core('Node', {
    plural: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    storagePrefix: '/registry/minions',
    subresources: [{ name: 'proxy', verbs: PROXY, kind: 'NodeProxyOptions' }, STATUS],
  }),
  core('PersistentVolumeClaim', { plural: 'persistentvolumeclaims', shortNames: ['pvc'], subresources: [STATUS] }),
  core('PersistentVolume', {
    plural: 'persistentvolumes',
    namespaced: false,
    shortNames: ['pv'],
    subresources: [STATUS],
  }),
  core('Pod', { plural: 'pods', shortNames: ['po'], categories: ['all'], subresources: podSubresources }),
  core('PodTemplate', { plural: 'podtemplates' }),
  core('ReplicationController', {
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    categories: ['all'],
    storagePrefix: '/registry/controllers',
    subresources: [SCALE, STATUS],
  }),
  core('ResourceQuota', { plural: 'resourcequotas', shortNames: ['quota'], subresources: [STATUS] }),
  core('Secret', { plural: 'secrets' }),
  core('ServiceAccount', { plural: 'serviceaccounts', shortNames: ['sa'], subresources: [tokenSubresource] }),
  core('Service', {
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    storagePrefix: '/registry/services/specs',
    subresources: [{ name: 'proxy', verbs: PROXY, kind: 'ServiceProxyOptions' }, STATUS],
  }),
];
