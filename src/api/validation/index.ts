/** Validation of the built-in kinds, by the name of their definition. The list of kinds attaches it to their strategies. */

import { definitionValidation } from '../crd/definition-validation.ts';
import type { Strategy } from '../kinds/types.ts';
import {
  clusterRoleBindingValidation,
  clusterRoleValidation,
  podDisruptionBudgetValidation,
  priorityClassValidation,
  roleBindingValidation,
  roleValidationNamespaced,
} from './access.ts';
import {
  mutatingPolicyBindingValidation,
  mutatingPolicyValidation,
  validatingPolicyBindingValidation,
  validatingPolicyValidation,
} from './admission-policies.ts';
import { apiServiceValidation } from './api-services.ts';
import { horizontalPodAutoscalerValidation } from './autoscaling.ts';
import { certificateSigningRequestValidation } from './certificates.ts';
import { configMapValidation, secretValidation } from './config-data.ts';
import { leaseValidation, runtimeClassValidation } from './coordination.ts';
import {
  endpointsValidation,
  namespaceValidation,
  podTemplateValidation,
  replicationControllerValidation,
  serviceAccountValidation,
} from './core-kinds.ts';
import { cronJobValidation } from './cron-jobs.ts';
import { endpointSliceValidation } from './endpoint-slices.ts';
import { eventValidation } from './events.ts';
import { flowSchemaValidation, priorityLevelValidation } from './flow-control.ts';
import { jobValidation } from './jobs.ts';
import { limitRangeValidation, resourceQuotaValidation } from './limits.ts';
import {
  ingressClassValidation,
  ingressValidation,
  ipAddressValidation,
  networkPolicyValidation,
} from './networking.ts';
import { nodeValidation } from './nodes.ts';
import { persistentVolumeClaimValidation, persistentVolumeValidation } from './persistent-volumes.ts';
import { podValidation } from './pods.ts';
import {
  deviceTaintRuleValidation,
  leaseCandidateValidation,
  podCertificateRequestValidation,
  podGroupValidation,
  poolStatusRequestValidation,
  storageVersionMigrationValidation,
  trustBundleValidation,
  workloadValidation,
} from './previews.ts';
import { deviceClassValidation, resourceClaimTemplateValidation, resourceClaimValidation } from './resource-claims.ts';
import { resourceSliceValidation } from './resource-slices.ts';
import { serviceCidrValidation } from './service-cidrs.ts';
import { serviceValidation } from './services.ts';
import {
  csiDriverValidation,
  csiNodeValidation,
  csiStorageCapacityValidation,
  storageClassValidation,
  volumeAttachmentValidation,
  volumeAttributesClassValidation,
} from './storage.ts';
import { webhookConfigurationValidation } from './webhooks.ts';
import {
  controllerRevisionValidation,
  daemonSetValidation,
  deploymentValidation,
  replicaSetValidation,
  statefulSetValidation,
} from './workloads.ts';

/** The parts of a strategy that refuse what makes no sense. */
export type Validation = Pick<
  Strategy,
  'validate' | 'validateUpdate' | 'metadataOnUpdate' | 'validateName' | 'warnings' | 'status' | 'subresources'
>;

const validations: Readonly<Record<string, Validation>> = {
  'io.k8s.api.core.v1.Pod': podValidation,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition': definitionValidation,
  'io.k8s.api.core.v1.Service': serviceValidation,
  'io.k8s.api.core.v1.Node': nodeValidation,
  'io.k8s.api.core.v1.Namespace': namespaceValidation,
  'io.k8s.api.core.v1.ConfigMap': configMapValidation,
  'io.k8s.api.core.v1.Secret': secretValidation,
  'io.k8s.api.core.v1.ServiceAccount': serviceAccountValidation,
  'io.k8s.api.core.v1.Endpoints': endpointsValidation,
  'io.k8s.api.core.v1.Event': eventValidation,
  'io.k8s.api.core.v1.LimitRange': limitRangeValidation,
  'io.k8s.api.core.v1.ResourceQuota': resourceQuotaValidation,
  'io.k8s.api.core.v1.PersistentVolume': persistentVolumeValidation,
  'io.k8s.api.core.v1.PersistentVolumeClaim': persistentVolumeClaimValidation,
  'io.k8s.api.core.v1.PodTemplate': podTemplateValidation,
  'io.k8s.api.core.v1.ReplicationController': replicationControllerValidation,
  'io.k8s.api.apps.v1.Deployment': deploymentValidation,
  'io.k8s.api.apps.v1.ReplicaSet': replicaSetValidation,
  'io.k8s.api.apps.v1.StatefulSet': statefulSetValidation,
  'io.k8s.api.apps.v1.DaemonSet': daemonSetValidation,
  'io.k8s.api.apps.v1.ControllerRevision': controllerRevisionValidation,
  'io.k8s.api.batch.v1.Job': jobValidation,
  'io.k8s.api.batch.v1.CronJob': cronJobValidation,
  'io.k8s.api.networking.v1.Ingress': ingressValidation,
  'io.k8s.api.networking.v1.IngressClass': ingressClassValidation,
  'io.k8s.api.networking.v1.IPAddress': ipAddressValidation,
  'io.k8s.api.networking.v1.NetworkPolicy': networkPolicyValidation,
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler': horizontalPodAutoscalerValidation,
  'io.k8s.api.rbac.v1.Role': roleValidationNamespaced,
  'io.k8s.api.rbac.v1.ClusterRole': clusterRoleValidation,
  'io.k8s.api.rbac.v1.RoleBinding': roleBindingValidation,
  'io.k8s.api.rbac.v1.ClusterRoleBinding': clusterRoleBindingValidation,
  'io.k8s.api.policy.v1.PodDisruptionBudget': podDisruptionBudgetValidation,
  'io.k8s.api.scheduling.v1.PriorityClass': priorityClassValidation,
  'io.k8s.api.coordination.v1.Lease': leaseValidation,
  'io.k8s.api.node.v1.RuntimeClass': runtimeClassValidation,
  'io.k8s.api.storage.v1.StorageClass': storageClassValidation,
  'io.k8s.api.storage.v1.CSIDriver': csiDriverValidation,
  'io.k8s.api.discovery.v1.EndpointSlice': endpointSliceValidation,
  'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration': webhookConfigurationValidation,
  'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration': webhookConfigurationValidation,
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy': validatingPolicyValidation,
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding': validatingPolicyBindingValidation,
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy': mutatingPolicyValidation,
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding': mutatingPolicyBindingValidation,
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService': apiServiceValidation,
  'io.k8s.api.resource.v1.DeviceClass': deviceClassValidation,
  'io.k8s.api.resource.v1.ResourceClaim': resourceClaimValidation,
  'io.k8s.api.resource.v1.ResourceClaimTemplate': resourceClaimTemplateValidation,
  'io.k8s.api.resource.v1.ResourceSlice': resourceSliceValidation,
  'io.k8s.api.storage.v1.CSINode': csiNodeValidation,
  'io.k8s.api.storage.v1.VolumeAttributesClass': volumeAttributesClassValidation,
  'io.k8s.api.certificates.v1.CertificateSigningRequest': certificateSigningRequestValidation,
  'io.k8s.api.networking.v1.ServiceCIDR': serviceCidrValidation,
  'io.k8s.api.storage.v1.VolumeAttachment': volumeAttachmentValidation,
  'io.k8s.api.storage.v1.CSIStorageCapacity': csiStorageCapacityValidation,
  'io.k8s.api.flowcontrol.v1.FlowSchema': flowSchemaValidation,
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration': priorityLevelValidation,
  'io.k8s.api.certificates.v1beta1.ClusterTrustBundle': trustBundleValidation,
  'io.k8s.api.certificates.v1beta1.PodCertificateRequest': podCertificateRequestValidation,
  'io.k8s.api.coordination.v1beta1.LeaseCandidate': leaseCandidateValidation,
  'io.k8s.api.resource.v1beta2.DeviceTaintRule': deviceTaintRuleValidation,
  'io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest': poolStatusRequestValidation,
  'io.k8s.api.scheduling.v1alpha2.PodGroup': podGroupValidation,
  'io.k8s.api.scheduling.v1alpha2.Workload': workloadValidation,
  'io.k8s.api.storagemigration.v1beta1.StorageVersionMigration': storageVersionMigrationValidation,
};

/** The validation of the kind with that definition, such as `io.k8s.api.core.v1.Pod`; undefined when it needs none of its own. */
export function validationOf(definition: string): Validation | undefined {
  return validations[definition];
}
