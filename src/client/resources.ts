/**
 * The resources of Kubernetes 1.36 by name, for typed requests: `client.get(pods, key)` answers a Pod. Each constant is named
 * after its plural; where two groups share one, the group's name is added.
 */
import type {
  APIService,
  CertificateSigningRequest,
  CertificatesV1beta1ClusterTrustBundle,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  DeviceClass,
  EndpointSlice,
  Endpoints,
  Event,
  EventsV1Event,
  FlowSchema,
  HorizontalPodAutoscaler,
  Ingress,
  IngressClass,
  IPAddress,
  Job,
  Lease,
  LimitRange,
  MutatingWebhookConfiguration,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodCertificateRequest,
  PodDisruptionBudget,
  PodGroup,
  PodTemplate,
  PriorityClass,
  PriorityLevelConfiguration,
  ReplicaSet,
  ReplicationController,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourcePoolStatusRequest,
  ResourceQuota,
  ResourceSlice,
  ResourceV1beta2DeviceTaintRule,
  Role,
  RoleBinding,
  RuntimeClass,
  Secret,
  Service,
  ServiceAccount,
  ServiceCIDR,
  StatefulSet,
  StorageClass,
  StorageVersion,
  StorageVersionMigration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../api/index.ts';
import type { KubernetesObject, Resource } from './types.ts';

function define<Type extends KubernetesObject = KubernetesObject>(
  groupVersion: string,
  resource: string,
  kind: string,
  scope: 'namespaced' | 'cluster',
): Resource<Type> {
  const slash = groupVersion.indexOf('/');
  const group = slash < 0 ? '' : groupVersion.slice(0, slash);
  return { group, version: groupVersion.slice(slash + 1), resource, kind, namespaced: scope === 'namespaced' };
}

export const configMaps = define<ConfigMap>('v1', 'configmaps', 'ConfigMap', 'namespaced');
export const endpoints = define<Endpoints>('v1', 'endpoints', 'Endpoints', 'namespaced');
/** v1 Events; those of events.k8s.io are {@link events}. Both are the same objects. */
export const coreEvents = define<Event>('v1', 'events', 'Event', 'namespaced');
export const limitRanges = define<LimitRange>('v1', 'limitranges', 'LimitRange', 'namespaced');
export const namespaces = define<Namespace>('v1', 'namespaces', 'Namespace', 'cluster');
export const nodes = define<Node>('v1', 'nodes', 'Node', 'cluster');
export const persistentVolumeClaims = define<PersistentVolumeClaim>(
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
  'namespaced',
);
export const persistentVolumes = define<PersistentVolume>('v1', 'persistentvolumes', 'PersistentVolume', 'cluster');
export const pods = define<Pod>('v1', 'pods', 'Pod', 'namespaced');
/** What a pod uses, as metrics-server tells it. */
export interface PodMetrics extends KubernetesObject {
  timestamp?: string;
  window?: string;
  containers?: { name: string; usage: Record<string, string> }[];
}
export const podMetrics = define<PodMetrics>('metrics.k8s.io/v1beta1', 'pods', 'PodMetrics', 'namespaced');
export const podTemplates = define<PodTemplate>('v1', 'podtemplates', 'PodTemplate', 'namespaced');
export const replicationControllers = define<ReplicationController>(
  'v1',
  'replicationcontrollers',
  'ReplicationController',
  'namespaced',
);
export const resourceQuotas = define<ResourceQuota>('v1', 'resourcequotas', 'ResourceQuota', 'namespaced');
export const secrets = define<Secret>('v1', 'secrets', 'Secret', 'namespaced');
export const serviceAccounts = define<ServiceAccount>('v1', 'serviceaccounts', 'ServiceAccount', 'namespaced');
export const services = define<Service>('v1', 'services', 'Service', 'namespaced');

export const controllerRevisions = define<ControllerRevision>(
  'apps/v1',
  'controllerrevisions',
  'ControllerRevision',
  'namespaced',
);
export const daemonSets = define<DaemonSet>('apps/v1', 'daemonsets', 'DaemonSet', 'namespaced');
export const deployments = define<Deployment>('apps/v1', 'deployments', 'Deployment', 'namespaced');
export const replicaSets = define<ReplicaSet>('apps/v1', 'replicasets', 'ReplicaSet', 'namespaced');
export const statefulSets = define<StatefulSet>('apps/v1', 'statefulsets', 'StatefulSet', 'namespaced');

export const jobs = define<Job>('batch/v1', 'jobs', 'Job', 'namespaced');
export const cronJobs = define<CronJob>('batch/v1', 'cronjobs', 'CronJob', 'namespaced');
export const horizontalPodAutoscalers = define<HorizontalPodAutoscaler>(
  'autoscaling/v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
  'namespaced',
);
export const leases = define<Lease>('coordination.k8s.io/v1', 'leases', 'Lease', 'namespaced');
export const endpointSlices = define<EndpointSlice>(
  'discovery.k8s.io/v1',
  'endpointslices',
  'EndpointSlice',
  'namespaced',
);
export const events = define<EventsV1Event>('events.k8s.io/v1', 'events', 'Event', 'namespaced');
export const podDisruptionBudgets = define<PodDisruptionBudget>(
  'policy/v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
  'namespaced',
);
export const priorityClasses = define<PriorityClass>(
  'scheduling.k8s.io/v1',
  'priorityclasses',
  'PriorityClass',
  'cluster',
);
export const ingresses = define<Ingress>('networking.k8s.io/v1', 'ingresses', 'Ingress', 'namespaced');
export const ingressClasses = define<IngressClass>('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', 'cluster');
export const networkPolicies = define<NetworkPolicy>(
  'networking.k8s.io/v1',
  'networkpolicies',
  'NetworkPolicy',
  'namespaced',
);
export const ipAddresses = define<IPAddress>('networking.k8s.io/v1', 'ipaddresses', 'IPAddress', 'cluster');
export const serviceCidrs = define<ServiceCIDR>('networking.k8s.io/v1', 'servicecidrs', 'ServiceCIDR', 'cluster');

export const roles = define<Role>('rbac.authorization.k8s.io/v1', 'roles', 'Role', 'namespaced');
export const roleBindings = define<RoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'rolebindings',
  'RoleBinding',
  'namespaced',
);
export const clusterRoles = define<ClusterRole>(
  'rbac.authorization.k8s.io/v1',
  'clusterroles',
  'ClusterRole',
  'cluster',
);
export const clusterRoleBindings = define<ClusterRoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
  'cluster',
);

export const csiDrivers = define<CSIDriver>('storage.k8s.io/v1', 'csidrivers', 'CSIDriver', 'cluster');
export const csiNodes = define<CSINode>('storage.k8s.io/v1', 'csinodes', 'CSINode', 'cluster');
export const csiStorageCapacities = define<CSIStorageCapacity>(
  'storage.k8s.io/v1',
  'csistoragecapacities',
  'CSIStorageCapacity',
  'namespaced',
);
export const storageClasses = define<StorageClass>('storage.k8s.io/v1', 'storageclasses', 'StorageClass', 'cluster');
export const volumeAttachments = define<VolumeAttachment>(
  'storage.k8s.io/v1',
  'volumeattachments',
  'VolumeAttachment',
  'cluster',
);
export const volumeAttributesClasses = define<VolumeAttributesClass>(
  'storage.k8s.io/v1',
  'volumeattributesclasses',
  'VolumeAttributesClass',
  'cluster',
);

export const runtimeClasses = define<RuntimeClass>('node.k8s.io/v1', 'runtimeclasses', 'RuntimeClass', 'cluster');
export const certificateSigningRequests = define<CertificateSigningRequest>(
  'certificates.k8s.io/v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
  'cluster',
);
export const customResourceDefinitions = define<CustomResourceDefinition>(
  'apiextensions.k8s.io/v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  'cluster',
);
export const apiServices = define<APIService>('apiregistration.k8s.io/v1', 'apiservices', 'APIService', 'cluster');
export const flowSchemas = define<FlowSchema>(
  'flowcontrol.apiserver.k8s.io/v1',
  'flowschemas',
  'FlowSchema',
  'cluster',
);
export const priorityLevelConfigurations = define<PriorityLevelConfiguration>(
  'flowcontrol.apiserver.k8s.io/v1',
  'prioritylevelconfigurations',
  'PriorityLevelConfiguration',
  'cluster',
);
export const mutatingWebhookConfigurations = define<MutatingWebhookConfiguration>(
  'admissionregistration.k8s.io/v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
  'cluster',
);
export const validatingWebhookConfigurations = define<ValidatingWebhookConfiguration>(
  'admissionregistration.k8s.io/v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
  'cluster',
);
export const validatingAdmissionPolicies = define<ValidatingAdmissionPolicy>(
  'admissionregistration.k8s.io/v1',
  'validatingadmissionpolicies',
  'ValidatingAdmissionPolicy',
  'cluster',
);
export const validatingAdmissionPolicyBindings = define<ValidatingAdmissionPolicyBinding>(
  'admissionregistration.k8s.io/v1',
  'validatingadmissionpolicybindings',
  'ValidatingAdmissionPolicyBinding',
  'cluster',
);
export const resourceClaims = define<ResourceClaim>(
  'resource.k8s.io/v1',
  'resourceclaims',
  'ResourceClaim',
  'namespaced',
);
export const resourceClaimTemplates = define<ResourceClaimTemplate>(
  'resource.k8s.io/v1',
  'resourceclaimtemplates',
  'ResourceClaimTemplate',
  'namespaced',
);
export const resourceSlices = define<ResourceSlice>('resource.k8s.io/v1', 'resourceslices', 'ResourceSlice', 'cluster');
export const deviceClasses = define<DeviceClass>('resource.k8s.io/v1', 'deviceclasses', 'DeviceClass', 'cluster');

// Alpha and beta kinds, which are served only when they are switched on.
export const clusterTrustBundles = define<CertificatesV1beta1ClusterTrustBundle>(
  'certificates.k8s.io/v1beta1',
  'clustertrustbundles',
  'ClusterTrustBundle',
  'cluster',
);
export const podCertificateRequests = define<PodCertificateRequest>(
  'certificates.k8s.io/v1beta1',
  'podcertificaterequests',
  'PodCertificateRequest',
  'namespaced',
);
export const deviceTaintRules = define<ResourceV1beta2DeviceTaintRule>(
  'resource.k8s.io/v1beta2',
  'devicetaintrules',
  'DeviceTaintRule',
  'cluster',
);
export const resourcePoolStatusRequests = define<ResourcePoolStatusRequest>(
  'resource.k8s.io/v1alpha3',
  'resourcepoolstatusrequests',
  'ResourcePoolStatusRequest',
  'cluster',
);
export const podGroups = define<PodGroup>('scheduling.k8s.io/v1alpha2', 'podgroups', 'PodGroup', 'namespaced');
export const storageVersions = define<StorageVersion>(
  'internal.apiserver.k8s.io/v1alpha1',
  'storageversions',
  'StorageVersion',
  'cluster',
);
export const storageVersionMigrations = define<StorageVersionMigration>(
  'storagemigration.k8s.io/v1beta1',
  'storageversionmigrations',
  'StorageVersionMigration',
  'cluster',
);
