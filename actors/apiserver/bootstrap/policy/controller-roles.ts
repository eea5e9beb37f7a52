/**
 * ClusterRoles of the controllers, each bound to the service account of the same name in kube-system: data only.
 * @see plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go
 */
import { EVENTS, type PolicyRule, READ, READ_UPDATE, rule } from './rules.ts';

const BOTH = 'apps extensions';
const CERTIFICATES = 'certificates.k8s.io';
const RESOURCE = 'resource.k8s.io';
const STORAGE = 'storage.k8s.io';

/** Rules by service account. */
export const controllerRoles: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    rule('list watch', 'core', 'persistentvolumes persistentvolumeclaims'),
    rule(READ, 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('list watch', 'core', 'pods'),
    EVENTS,
    rule('get create delete list watch', STORAGE, 'volumeattachments'),
    rule(READ, STORAGE, 'csidrivers'),
    rule(READ, STORAGE, 'csinodes'),
  ],
  'clusterrole-aggregation-controller': [
    rule('escalate get list watch update patch', 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    rule('get list watch update', 'batch', 'cronjobs'),
    rule('get list watch create update delete patch', 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/status'),
    rule('update', 'batch', 'cronjobs/finalizers'),
    rule('list watch delete', 'core', 'pods'),
    EVENTS,
  ],
  'daemon-set-controller': [
    rule(READ, BOTH, 'daemonsets'),
    rule('update', BOTH, 'daemonsets/status'),
    rule('update', BOTH, 'daemonsets/finalizers'),
    rule('list watch', 'core', 'nodes'),
    rule('list watch create delete patch', 'core', 'pods'),
    rule('create', 'core', 'pods/binding'),
    rule('get list watch create delete update patch', 'apps', 'controllerrevisions'),
    EVENTS,
  ],
  'deployment-controller': [
    rule('get list watch update', BOTH, 'deployments'),
    rule('update', BOTH, 'deployments/status'),
    rule('update', BOTH, 'deployments/finalizers'),
    rule('get list watch create update patch delete', BOTH, 'replicasets'),
    rule('get list watch update', 'core', 'pods'),
    EVENTS,
  ],
  'disruption-controller': [
    rule(READ, BOTH, 'deployments'),
    rule(READ, BOTH, 'replicasets'),
    rule(READ, 'core', 'replicationcontrollers'),
    rule(READ, 'policy', 'poddisruptionbudgets'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    rule('patch update', 'core', 'pods/status'),
    rule('get', '*', '*/scale'),
    EVENTS,
  ],
  'endpoint-controller': [
    rule(READ, 'core', 'services pods'),
    rule('get list watch create update delete', 'core', 'endpoints'),
    rule('create', 'core', 'endpoints/restricted'),
    EVENTS,
  ],
  'endpointslice-controller': [
    rule(READ, 'core', 'services pods nodes'),
    rule('update', 'core', 'services/finalizers'),
    rule('get list watch create update delete', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    EVENTS,
  ],
  'endpointslicemirroring-controller': [
    rule(READ, 'core', 'services endpoints'),
    rule('update', 'core', 'services/finalizers'),
    rule('update', 'core', 'endpoints/finalizers'),
    rule('get list watch create update delete', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    EVENTS,
  ],
  'expand-controller': [
    rule(READ_UPDATE, 'core', 'persistentvolumes'),
    rule('update patch', 'core', 'persistentvolumeclaims/status'),
    rule(READ, 'core', 'persistentvolumeclaims'),
    EVENTS,
  ],
  'ephemeral-volume-controller': [
    rule(READ, 'core', 'pods'),
    rule('update', 'core', 'pods/finalizers'),
    rule('get list watch create', 'core', 'persistentvolumeclaims'),
    EVENTS,
  ],
  'resource-claim-controller': [
    rule(READ, 'core', 'pods'),
    rule('update', 'core', 'pods/finalizers'),
    rule('get list watch create delete', RESOURCE, 'resourceclaims'),
    rule('update patch', RESOURCE, 'resourceclaims resourceclaims/status'),
    rule('update patch', 'core', 'pods/status'),
    EVENTS,
    rule('update patch', RESOURCE, 'resourceclaims/binding'),
  ],
  'device-taint-eviction-controller': [
    rule('get list watch delete', 'core', 'pods'),
    rule('update patch', 'core', 'pods/status'),
    rule(READ, RESOURCE, 'resourceclaims'),
    rule(READ, RESOURCE, 'resourceslices'),
    rule(READ, RESOURCE, 'deviceclasses'),
    EVENTS,
  ],
  'generic-garbage-collector': [rule('get list watch patch update delete', '*', '*'), EVENTS],
  'horizontal-pod-autoscaler': [
    rule(READ, 'autoscaling', 'horizontalpodautoscalers'),
    rule('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    rule('get update', '*', '*/scale'),
    rule('list watch', 'core', 'pods'),
    rule('list watch', 'metrics.k8s.io', 'pods'),
    rule(READ, 'custom.metrics.k8s.io', '*'),
    rule(READ, 'external.metrics.k8s.io', '*'),
    EVENTS,
  ],
  'job-controller': [
    rule('get list watch update patch', 'batch', 'jobs'),
    rule('update', 'batch', 'jobs/status'),
    rule('update', 'batch', 'jobs/finalizers'),
    rule('list watch create delete patch', 'core', 'pods'),
    EVENTS,
  ],
  'namespace-controller': [
    rule('get list watch delete', 'core', 'namespaces'),
    rule('update', 'core', 'namespaces/finalize namespaces/status'),
    rule('get list watch delete deletecollection', '*', '*'),
  ],
  'node-controller': [
    rule('get list watch update delete patch', 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('patch update', 'core', 'pods/status'),
    rule('list watch get delete', 'core', 'pods'),
    EVENTS,
  ],
  'persistent-volume-binder': [
    rule('get list watch update create delete', 'core', 'persistentvolumes'),
    rule('update', 'core', 'persistentvolumes/status'),
    rule('get list watch update', 'core', 'persistentvolumeclaims'),
    rule('update', 'core', 'persistentvolumeclaims/status'),
    rule('list watch get create delete', 'core', 'pods'),
    rule(READ, STORAGE, 'storageclasses'),
    rule('list watch', 'core', 'nodes'),
    EVENTS,
    rule('watch', 'core', 'events'),
  ],
  'pod-garbage-collector': [
    rule('list watch delete', 'core', 'pods'),
    rule(READ, 'core', 'nodes'),
    rule('patch', 'core', 'pods/status'),
  ],
  'replicaset-controller': [
    rule('get list watch update', BOTH, 'replicasets'),
    rule('update', BOTH, 'replicasets/status'),
    rule('update', BOTH, 'replicasets/finalizers'),
    rule('list watch patch create delete', 'core', 'pods'),
    EVENTS,
  ],
  'replication-controller': [
    rule('get list watch update', 'core', 'replicationcontrollers'),
    rule('update', 'core', 'replicationcontrollers/status'),
    rule('update', 'core', 'replicationcontrollers/finalizers'),
    rule('list watch patch create delete', 'core', 'pods'),
    EVENTS,
  ],
  'resourcequota-controller': [rule('list watch', '*', '*'), rule('update', 'core', 'resourcequotas/status'), EVENTS],
  'route-controller': [rule('list watch', 'core', 'nodes'), rule('patch', 'core', 'nodes/status'), EVENTS],
  'service-account-controller': [rule('create', 'core', 'serviceaccounts'), EVENTS],
  'service-controller': [
    rule(READ, 'core', 'services'),
    rule('patch update', 'core', 'services/status'),
    rule('list watch', 'core', 'nodes'),
    EVENTS,
  ],
  'service-cidrs-controller': [
    rule(READ_UPDATE, 'networking.k8s.io', 'servicecidrs'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/finalizers'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/status'),
    rule(READ, 'networking.k8s.io', 'ipaddresses'),
    EVENTS,
  ],
  'statefulset-controller': [
    rule('list watch', 'core', 'pods'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/status'),
    rule('update', 'apps', 'statefulsets/finalizers'),
    rule('get create delete update patch', 'core', 'pods'),
    rule('get create delete update patch list watch', 'apps', 'controllerrevisions'),
    rule('get create list watch', 'core', 'persistentvolumeclaims'),
    rule('update delete', 'core', 'persistentvolumeclaims'),
    rule('update', 'core', 'pods/finalizers'),
    EVENTS,
  ],
  'ttl-controller': [rule('update patch list watch', 'core', 'nodes'), EVENTS],
  'certificate-controller': [
    rule('get list watch delete', CERTIFICATES, 'certificatesigningrequests'),
    rule('update', CERTIFICATES, 'certificatesigningrequests/status certificatesigningrequests/approval'),
    rule('approve', CERTIFICATES, 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    rule(
      'sign',
      CERTIFICATES,
      'signers',
      'kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving',
    ),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    EVENTS,
  ],
  'pvc-protection-controller': [
    rule('get list watch update', 'core', 'persistentvolumeclaims'),
    rule('update', 'core', 'persistentvolumeclaims/status'),
    rule('list watch get', 'core', 'pods'),
    EVENTS,
  ],
  'pv-protection-controller': [rule('get list watch update', 'core', 'persistentvolumes'), EVENTS],
  'volumeattributesclass-protection-controller': [
    rule('list watch get', 'core', 'persistentvolumeclaims'),
    rule('list watch get', 'core', 'persistentvolumes'),
    rule('get list watch update', STORAGE, 'volumeattributesclasses'),
    EVENTS,
  ],
  'ttl-after-finished-controller': [rule('get list watch delete', 'batch', 'jobs'), EVENTS],
  'root-ca-cert-publisher': [rule('create update', 'core', 'configmaps'), EVENTS],
  'validatingadmissionpolicy-status-controller': [
    rule(READ, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    rule('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    EVENTS,
  ],
  'legacy-service-account-token-cleaner': [
    rule('get', 'core', 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
    rule('patch delete', 'core', 'secrets'),
  ],
  'selinux-warning-controller': [
    EVENTS,
    rule(READ, 'core', 'persistentvolumes'),
    rule(READ, 'core', 'persistentvolumeclaims'),
    rule(READ, 'core', 'pods'),
    rule(READ, STORAGE, 'csidrivers'),
  ],
};

/** Roles, and rules more of roles above, that there are only where a kind (`group/plural`) is served that is off by default. */
export const controllerRolesOfPreviews: Readonly<Record<string, Readonly<Record<string, readonly PolicyRule[]>>>> = {
  'certificates.k8s.io/podcertificaterequests': {
    podcertificaterequestcleaner: [rule('get list watch delete', CERTIFICATES, 'podcertificaterequests')],
  },
  'certificates.k8s.io/clustertrustbundles': {
    'kube-apiserver-serving-clustertrustbundle-publisher': [
      rule('attest', CERTIFICATES, 'signers', 'kubernetes.io/kube-apiserver-serving'),
      rule('create update delete list watch', CERTIFICATES, 'clustertrustbundles'),
      EVENTS,
    ],
  },
  'internal.apiserver.k8s.io/storageversions': {
    'storage-version-garbage-collector': [
      rule(READ, 'coordination.k8s.io', 'leases'),
      rule('get list watch patch update delete', 'internal.apiserver.k8s.io', 'storageversions'),
      rule('get patch update', 'internal.apiserver.k8s.io', 'storageversions/status'),
    ],
  },
  'resource.k8s.io/devicetaintrules': {
    'device-taint-eviction-controller': [
      rule(READ, RESOURCE, 'devicetaintrules'),
      rule('update patch', RESOURCE, 'devicetaintrules/status'),
    ],
  },
  'resource.k8s.io/resourcepoolstatusrequests': {
    'resourcepoolstatusrequest-controller': [
      rule('get list watch delete', RESOURCE, 'resourcepoolstatusrequests'),
      rule('update patch', RESOURCE, 'resourcepoolstatusrequests/status'),
      rule(READ, RESOURCE, 'resourceslices resourceclaims'),
    ],
  },
  'scheduling.k8s.io/podgroups': {
    'podgroup-protection-controller': [
      rule('get list watch update', 'scheduling.k8s.io', 'podgroups'),
      rule(READ, 'core', 'pods'),
      EVENTS,
    ],
  },
  'storagemigration.k8s.io/storageversionmigrations': {
    'storage-version-migrator-controller': [
      rule('list watch create patch', '*', '*'),
      rule('update', 'storagemigration.k8s.io', 'storageversionmigrations/status'),
      rule('get', 'apiextensions.k8s.io', 'customresourcedefinitions'),
      rule('patch', 'apiextensions.k8s.io', 'customresourcedefinitions/status'),
    ],
  },
};
