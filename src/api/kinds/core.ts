/** The kinds of the core group, `/api/v1`. Storage prefixes that differ from the plural are upstream's historical ones. */
import { nameAndAge } from '../tables/columns.ts';
import {
  componentStatusTable,
  configMapTable,
  eventTable,
  namespaceTable,
  nodeTable,
  resourceQuotaTable,
  secretTable,
} from '../tables/core.ts';
import { endpointsTable, serviceTable } from '../tables/network.ts';
import { podTable, podTemplateTable } from '../tables/pods.ts';
import { persistentVolumeClaimTable, persistentVolumeTable } from '../tables/storage.ts';
import { replicationControllerTable } from '../tables/workloads.ts';
import { CREATE_ONLY, rowsOf, SCALE, STATUS } from './row.ts';
import {
  endpointsStrategy,
  limitRangeStrategy,
  namespaceSelectableFields,
  namespaceStrategy,
  nodeSelectableFields,
  nodeStrategy,
  podTemplateStrategy,
  resourceQuotaStrategy,
  secretSelectableFields,
  secretStrategy,
  serviceAccountStrategy,
} from './strategies/core.ts';
import { eventSelectableFields, eventStrategy } from './strategies/events.ts';
import { podSelectableFields, podStrategy } from './strategies/pod.ts';
import { serviceSelectableFields, serviceStrategy } from './strategies/service.ts';
import { persistentVolumeClaimStrategy, persistentVolumeStrategy } from './strategies/volumes.ts';
import { replicationControllerSelectableFields, replicationControllerStrategy } from './strategies/workloads.ts';
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
    deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
    verbs: ['get', 'list'],
    table: componentStatusTable,
  }),
  core('ConfigMap', { plural: 'configmaps', shortNames: ['cm'], table: configMapTable }),
  core('Endpoints', {
    plural: 'endpoints',
    shortNames: ['ep'],
    storagePrefix: '/registry/services/endpoints',
    strategy: endpointsStrategy,
    deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    table: endpointsTable,
  }),
  core('Event', {
    plural: 'events',
    shortNames: ['ev'],
    strategy: eventStrategy,
    selectableFields: eventSelectableFields,
    table: eventTable,
  }),
  core('LimitRange', { plural: 'limitranges', shortNames: ['limits'], strategy: limitRangeStrategy }),
  core('Namespace', {
    plural: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: [{ name: 'finalize', verbs: ['update'] }, STATUS],
    strategy: namespaceStrategy,
    selectableFields: namespaceSelectableFields,
    table: namespaceTable,
  }),
  core('Node', {
    plural: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    storagePrefix: '/registry/minions',
    subresources: [{ name: 'proxy', verbs: PROXY, kind: 'NodeProxyOptions' }, STATUS],
    strategy: nodeStrategy,
    selectableFields: nodeSelectableFields,
    table: nodeTable,
  }),
  core('PersistentVolumeClaim', {
    plural: 'persistentvolumeclaims',
    shortNames: ['pvc'],
    subresources: [STATUS],
    strategy: persistentVolumeClaimStrategy,
    table: persistentVolumeClaimTable,
  }),
  core('PersistentVolume', {
    plural: 'persistentvolumes',
    namespaced: false,
    shortNames: ['pv'],
    subresources: [STATUS],
    strategy: persistentVolumeStrategy,
    table: persistentVolumeTable,
  }),
  core('Pod', {
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    subresources: podSubresources,
    strategy: podStrategy,
    selectableFields: podSelectableFields,
    table: podTable,
  }),
  core('PodTemplate', { plural: 'podtemplates', strategy: podTemplateStrategy, table: podTemplateTable }),
  core('ReplicationController', {
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    categories: ['all'],
    storagePrefix: '/registry/controllers',
    subresources: [SCALE, STATUS],
    strategy: replicationControllerStrategy,
    selectableFields: replicationControllerSelectableFields,
    table: replicationControllerTable,
  }),
  core('ResourceQuota', {
    plural: 'resourcequotas',
    shortNames: ['quota'],
    subresources: [STATUS],
    strategy: resourceQuotaStrategy,
    table: resourceQuotaTable,
  }),
  core('Secret', {
    plural: 'secrets',
    strategy: secretStrategy,
    selectableFields: secretSelectableFields,
    table: secretTable,
  }),
  core('ServiceAccount', {
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    subresources: [tokenSubresource],
    strategy: serviceAccountStrategy,
    table: nameAndAge,
  }),
  core('Service', {
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    storagePrefix: '/registry/services/specs',
    subresources: [{ name: 'proxy', verbs: PROXY, kind: 'ServiceProxyOptions' }, STATUS],
    strategy: serviceStrategy,
    selectableFields: serviceSelectableFields,
    table: serviceTable,
  }),
];
