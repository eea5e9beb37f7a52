/**
 * The controllers of kube-controller-manager and of cloud-controller-manager, one actor each, all of one definition: the name in
 * the options says which one of the list it runs. Adding a controller is one file and one line here; composition reads names and service accounts.
 */
import {
  type ControllerDefinition,
  competeForLeadership,
  controllerActorOf,
  type LeadershipOptions,
} from '../../src/controller/index.ts';
import { defineActor } from '../../src/runtime/index.ts';
import { bootstrapSignerController } from './bootstrap-signer.ts';
import { certificateApprovingController } from './certificate-approving.ts';
import { certificateCleanerController } from './certificate-cleaner.ts';
import { certificateSigningController } from './certificate-signing.ts';
import { cloudNodeController } from './cloud-node.ts';
import { cloudNodeLifecycleController } from './cloud-node-lifecycle.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation.ts';
import { cronJobController } from './cronjob.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';
import { disruptionController } from './disruption.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceController } from './endpointslice.ts';
import { endpointSliceMirroringController } from './endpointslicemirroring.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { garbageCollectorController } from './garbage-collector.ts';
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler.ts';
import { jobController } from './job.ts';
import { clusterTrustBundlePublisherController } from './kube-apiserver-serving-clustertrustbundle-publisher.ts';
import { legacyServiceAccountTokenCleanerController } from './legacy-serviceaccount-token-cleaner.ts';
import { namespaceController } from './namespace.ts';
import { nodeIpamController } from './node-ipam.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { nodeRouteController } from './node-route.ts';
import { persistentVolumeAttachDetachController } from './persistentvolume-attach-detach.ts';
import { persistentVolumeBinderController } from './persistentvolume-binder.ts';
import { persistentVolumeExpanderController } from './persistentvolume-expander.ts';
import { persistentVolumeProtectionController } from './persistentvolume-protection.ts';
import { persistentVolumeClaimProtectionController } from './persistentvolumeclaim-protection.ts';
import { podGarbageCollectorController } from './pod-garbage-collector.ts';
import { podCertificateRequestCleanerController } from './podcertificaterequest-cleaner.ts';
import { podGroupProtectionController } from './podgroup-protection.ts';
import { replicaSetController } from './replicaset.ts';
import { replicationControllerController } from './replicationcontroller.ts';
import { resourceClaimController } from './resourceclaim.ts';
import { resourcePoolStatusRequestController } from './resourcepoolstatusrequest.ts';
import { resourceQuotaController } from './resourcequota.ts';
import { rootCaCertificatePublisherController } from './root-ca-certificate-publisher.ts';
import { selinuxWarningController } from './selinux-warning.ts';
import { serviceCidrController } from './service-cidr.ts';
import { serviceLoadBalancerController } from './service-lb.ts';
import { serviceAccountController } from './serviceaccount.ts';
import { serviceAccountTokenController } from './serviceaccount-token.ts';
import { simulatedCsiController } from './simulated-csi.ts';
import { statefulSetController } from './statefulset.ts';
import { storageVersionMigratorController } from './storage-version-migrator.ts';
import { storageVersionGarbageCollectorController } from './storageversion-garbage-collector.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { tokenCleanerController } from './token-cleaner.ts';
import { ttlController } from './ttl.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import { validatingAdmissionPolicyStatusController } from './validatingadmissionpolicy-status.ts';
import { volumeAttributesClassProtectionController } from './volumeattributesclass-protection.ts';

/** All controllers, in the order in which they start. */
export const controllers: readonly ControllerDefinition[] = [
  namespaceController,
  garbageCollectorController,
  serviceAccountController,
  serviceAccountTokenController,
  rootCaCertificatePublisherController,
  clusterRoleAggregationController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  disruptionController,
  horizontalPodAutoscalerController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  nodeLifecycleController,
  taintEvictionController,
  podGarbageCollectorController,
  persistentVolumeBinderController,
  persistentVolumeAttachDetachController,
  persistentVolumeExpanderController,
  simulatedCsiController,
  persistentVolumeClaimProtectionController,
  persistentVolumeProtectionController,
  volumeAttributesClassProtectionController,
  ephemeralVolumeController,
  selinuxWarningController,
  resourceClaimController,
  deviceTaintEvictionController,
  resourceQuotaController,
  certificateApprovingController,
  certificateSigningController,
  certificateCleanerController,
  bootstrapSignerController,
  tokenCleanerController,
  legacyServiceAccountTokenCleanerController,
  serviceCidrController,
  validatingAdmissionPolicyStatusController,
  ttlController,
  nodeIpamController,
  podCertificateRequestCleanerController,
  clusterTrustBundlePublisherController,
  podGroupProtectionController,
  resourcePoolStatusRequestController,
  storageVersionGarbageCollectorController,
  storageVersionMigratorController,
  cloudNodeController,
  cloudNodeLifecycleController,
  nodeRouteController,
  serviceLoadBalancerController,
];

/** Names of the controllers that run only when they are asked for. */
export const optionalControllers: readonly string[] = controllers
  .filter(({ byDefault }) => byDefault === false)
  .map(({ name }) => name);

export const controllerActor = controllerActorOf({ definitions: controllers, module: import.meta.url });

/** The actor of one controller: its thread loads a bundle of that controller alone. In one thread with others it is the same. */
export function controllerActorFor(controller: string): typeof controllerActor {
  const { module } = controllerActor;
  const source = module.endsWith('.ts');
  return { ...controllerActor, module: new URL(source ? `../${controller}.ts` : `./${controller}.js`, module).href };
}

/** Competes for the Lease `kube-controller-manager`; the controllers that name it as their leader run while it is held. */
export const controllerManagerActor = defineActor<LeadershipOptions>({
  name: 'kube-controller-manager',
  module: import.meta.url,
  start: competeForLeadership,
});
