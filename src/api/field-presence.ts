/**
 * How the built-in types write their fields: facts of the API that its schemas say nothing of. A stored object is what upstream's
 * encoder writes, so these decide which empty values are dropped, which are kept, and which are written although nobody set them.
 * The generator writes them into the schema tables.
 *
 * By default a required field is always written (with its empty value if need be); an optional scalar, list or map is dropped
 * when empty; an optional object is written when it was given. The lines name the exceptions, `definition field:code …`:
 * - `p`: an optional scalar that keeps an empty value it was given (a pointer upstream);
 * - `s`: an optional object that is always written, as `{}` when nobody set it;
 * - `a`: optional, but always written; - `d`: required, but dropped when empty;
 * - `n`: written as null when nobody set it; - `x`: a required object that is left out when nobody set it;
 * - `z`: a time, quantity or number that is always written: null, `"0"` or 0 when nobody set it;
 * - `-`: by the default, in an alpha or beta version that is otherwise as the stable one.
 *
 * @see k8s.io/api, the `json` tags of release 1.36
 */
export const fieldPresence = `
io.k8s.api.admissionregistration.v1.MatchResources matchPolicy:p
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy metadata:s spec:s
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding metadata:s spec:s
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingList metadata:s
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyList metadata:s
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec failurePolicy:p
io.k8s.api.admissionregistration.v1.MutatingWebhook failurePolicy:p matchPolicy:p reinvocationPolicy:p sideEffects:n timeoutSeconds:p
io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration metadata:s
io.k8s.api.admissionregistration.v1.MutatingWebhookConfigurationList metadata:s
io.k8s.api.admissionregistration.v1.NamedRuleWithOperations scope:p
io.k8s.api.admissionregistration.v1.ParamRef parameterNotFoundAction:p
io.k8s.api.admissionregistration.v1.RuleWithOperations scope:p
io.k8s.api.admissionregistration.v1.ServiceReference path:p port:p
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy metadata:s spec:s status:s
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding metadata:s
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingList metadata:s
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec policyName:d validationActions:d
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyList metadata:s
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec failurePolicy:p
io.k8s.api.admissionregistration.v1.ValidatingWebhook failurePolicy:p matchPolicy:p sideEffects:n timeoutSeconds:p
io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration metadata:s
io.k8s.api.admissionregistration.v1.ValidatingWebhookConfigurationList metadata:s
io.k8s.api.admissionregistration.v1.Validation reason:p
io.k8s.api.admissionregistration.v1.WebhookClientConfig url:p
io.k8s.api.apps.v1.ControllerRevision data:d metadata:s
io.k8s.api.apps.v1.ControllerRevisionList metadata:s
io.k8s.api.apps.v1.DaemonSet metadata:s spec:s status:s
io.k8s.api.apps.v1.DaemonSetCondition lastTransitionTime:z
io.k8s.api.apps.v1.DaemonSetList metadata:s
io.k8s.api.apps.v1.DaemonSetSpec revisionHistoryLimit:p selector:n updateStrategy:s
io.k8s.api.apps.v1.DaemonSetStatus collisionCount:p
io.k8s.api.apps.v1.Deployment metadata:s spec:s status:s
io.k8s.api.apps.v1.DeploymentCondition lastTransitionTime:z lastUpdateTime:z
io.k8s.api.apps.v1.DeploymentList metadata:s
io.k8s.api.apps.v1.DeploymentSpec progressDeadlineSeconds:p replicas:p revisionHistoryLimit:p selector:n strategy:s
io.k8s.api.apps.v1.DeploymentStatus collisionCount:p terminatingReplicas:p
io.k8s.api.apps.v1.ReplicaSet metadata:s spec:s status:s
io.k8s.api.apps.v1.ReplicaSetCondition lastTransitionTime:z
io.k8s.api.apps.v1.ReplicaSetList metadata:s
io.k8s.api.apps.v1.ReplicaSetSpec replicas:p selector:n template:s
io.k8s.api.apps.v1.ReplicaSetStatus terminatingReplicas:p
io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy partition:p
io.k8s.api.apps.v1.StatefulSet metadata:s spec:s status:s
io.k8s.api.apps.v1.StatefulSetCondition lastTransitionTime:z
io.k8s.api.apps.v1.StatefulSetList metadata:s
io.k8s.api.apps.v1.StatefulSetOrdinals start:a
io.k8s.api.apps.v1.StatefulSetSpec replicas:p revisionHistoryLimit:p selector:n serviceName:a updateStrategy:s
io.k8s.api.apps.v1.StatefulSetStatus availableReplicas:a collisionCount:p
io.k8s.api.authentication.v1.SelfSubjectReview metadata:s status:s
io.k8s.api.authentication.v1.SelfSubjectReviewStatus userInfo:s
io.k8s.api.authentication.v1.TokenRequest metadata:s spec:s status:s
io.k8s.api.authentication.v1.TokenRequestSpec audiences:a boundObjectRef:n expirationSeconds:n
io.k8s.api.authentication.v1.TokenRequestStatus expirationTimestamp:z token:a
io.k8s.api.authentication.v1.TokenReview metadata:s status:s
io.k8s.api.authentication.v1.TokenReviewSpec token:d
io.k8s.api.authentication.v1.TokenReviewStatus user:s
io.k8s.api.authorization.v1.LocalSubjectAccessReview metadata:s status:s
io.k8s.api.authorization.v1.SelfSubjectAccessReview metadata:s status:s
io.k8s.api.authorization.v1.SelfSubjectRulesReview metadata:s status:s
io.k8s.api.authorization.v1.SubjectAccessReview metadata:s status:s
io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler metadata:s status:s
io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerList metadata:s
io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec minReplicas:p targetCPUUtilizationPercentage:p
io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus currentCPUUtilizationPercentage:p observedGeneration:p
io.k8s.api.autoscaling.v1.Scale metadata:s spec:s status:s
io.k8s.api.autoscaling.v2.HPAScalingRules policies:p selectPolicy:p stabilizationWindowSeconds:p
io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler metadata:s status:s
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition lastTransitionTime:z
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerList metadata:s
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec minReplicas:p
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus currentMetrics:a observedGeneration:p
io.k8s.api.autoscaling.v2.MetricTarget averageUtilization:p
io.k8s.api.autoscaling.v2.MetricValueStatus averageUtilization:p
io.k8s.api.batch.v1.CronJob metadata:s status:s
io.k8s.api.batch.v1.CronJobList metadata:s
io.k8s.api.batch.v1.CronJobSpec failedJobsHistoryLimit:p startingDeadlineSeconds:p successfulJobsHistoryLimit:p suspend:p timeZone:p
io.k8s.api.batch.v1.Job metadata:s spec:s status:s
io.k8s.api.batch.v1.JobCondition lastProbeTime:z lastTransitionTime:z
io.k8s.api.batch.v1.JobList metadata:s
io.k8s.api.batch.v1.JobSpec activeDeadlineSeconds:p backoffLimit:p backoffLimitPerIndex:p completionMode:p completions:p managedBy:p manualSelector:p maxFailedIndexes:p parallelism:p podReplacementPolicy:p suspend:p ttlSecondsAfterFinished:p
io.k8s.api.batch.v1.JobStatus failedIndexes:p ready:p terminating:p
io.k8s.api.batch.v1.JobTemplateSpec metadata:s spec:s
io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement containerName:p
io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern status:a
io.k8s.api.batch.v1.SuccessPolicyRule succeededCount:p succeededIndexes:p
io.k8s.api.certificates.v1.CertificateSigningRequest metadata:s status:s
io.k8s.api.certificates.v1.CertificateSigningRequestCondition lastTransitionTime:z lastUpdateTime:z
io.k8s.api.certificates.v1.CertificateSigningRequestList metadata:s
io.k8s.api.certificates.v1.CertificateSigningRequestSpec expirationSeconds:p
io.k8s.api.coordination.v1.Lease metadata:s spec:s
io.k8s.api.coordination.v1.LeaseList metadata:s
io.k8s.api.coordination.v1.LeaseSpec holderIdentity:p leaseDurationSeconds:p leaseTransitions:p preferredHolder:p strategy:p
io.k8s.api.core.v1.AppArmorProfile localhostProfile:p
io.k8s.api.core.v1.AzureDiskVolumeSource cachingMode:p fsType:p kind:p readOnly:p
io.k8s.api.core.v1.AzureFilePersistentVolumeSource secretNamespace:n
io.k8s.api.core.v1.Binding metadata:s
io.k8s.api.core.v1.CSIVolumeSource fsType:p readOnly:p
io.k8s.api.core.v1.ClientIPConfig timeoutSeconds:p
io.k8s.api.core.v1.ClusterTrustBundleProjection name:p optional:p signerName:p
io.k8s.api.core.v1.ComponentStatus metadata:s
io.k8s.api.core.v1.ComponentStatusList metadata:s
io.k8s.api.core.v1.ConfigMap immutable:p metadata:s
io.k8s.api.core.v1.ConfigMapEnvSource optional:p
io.k8s.api.core.v1.ConfigMapKeySelector optional:p
io.k8s.api.core.v1.ConfigMapList metadata:s
io.k8s.api.core.v1.ConfigMapProjection optional:p
io.k8s.api.core.v1.ConfigMapVolumeSource defaultMode:p optional:p
io.k8s.api.core.v1.Container resources:s restartPolicy:p
io.k8s.api.core.v1.ContainerImage names:a
io.k8s.api.core.v1.ContainerStateRunning startedAt:z
io.k8s.api.core.v1.ContainerStateTerminated finishedAt:z startedAt:z
io.k8s.api.core.v1.ContainerStatus lastState:s started:p state:s stopSignal:p
io.k8s.api.core.v1.DownwardAPIVolumeFile mode:p
io.k8s.api.core.v1.DownwardAPIVolumeSource defaultMode:p
io.k8s.api.core.v1.EndpointAddress nodeName:p
io.k8s.api.core.v1.EndpointPort appProtocol:p
io.k8s.api.core.v1.Endpoints metadata:s
io.k8s.api.core.v1.EndpointsList metadata:s
io.k8s.api.core.v1.EphemeralContainer resources:s restartPolicy:p
io.k8s.api.core.v1.Event eventTime:z firstTimestamp:z lastTimestamp:z reportingComponent:a reportingInstance:a source:s
io.k8s.api.core.v1.EventList metadata:s
io.k8s.api.core.v1.EventSeries lastObservedTime:z
io.k8s.api.core.v1.FCVolumeSource lun:p
io.k8s.api.core.v1.GRPCAction service:n
io.k8s.api.core.v1.GlusterfsPersistentVolumeSource endpointsNamespace:p
io.k8s.api.core.v1.HostPathVolumeSource type:p
io.k8s.api.core.v1.ISCSIPersistentVolumeSource initiatorName:p
io.k8s.api.core.v1.ISCSIVolumeSource initiatorName:p
io.k8s.api.core.v1.KeyToPath mode:p
io.k8s.api.core.v1.Lifecycle stopSignal:p
io.k8s.api.core.v1.LimitRange metadata:s spec:s
io.k8s.api.core.v1.LimitRangeList metadata:s
io.k8s.api.core.v1.LoadBalancerIngress ipMode:p
io.k8s.api.core.v1.LocalVolumeSource fsType:p
io.k8s.api.core.v1.Namespace metadata:s spec:s status:s
io.k8s.api.core.v1.NamespaceCondition lastTransitionTime:z
io.k8s.api.core.v1.NamespaceList metadata:s
io.k8s.api.core.v1.Node metadata:s spec:s status:s
io.k8s.api.core.v1.NodeCondition lastHeartbeatTime:z lastTransitionTime:z
io.k8s.api.core.v1.NodeDaemonEndpoints kubeletEndpoint:s
io.k8s.api.core.v1.NodeFeatures supplementalGroupsPolicy:p
io.k8s.api.core.v1.NodeList metadata:s
io.k8s.api.core.v1.NodeRuntimeHandler name:a
io.k8s.api.core.v1.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts:p userNamespaces:p
io.k8s.api.core.v1.NodeStatus daemonEndpoints:s nodeInfo:s
io.k8s.api.core.v1.NodeSwapStatus capacity:p
io.k8s.api.core.v1.PersistentVolume metadata:s spec:s status:s
io.k8s.api.core.v1.PersistentVolumeClaim metadata:s spec:s status:s
io.k8s.api.core.v1.PersistentVolumeClaimCondition lastProbeTime:z lastTransitionTime:z
io.k8s.api.core.v1.PersistentVolumeClaimList metadata:s
io.k8s.api.core.v1.PersistentVolumeClaimSpec resources:s storageClassName:p volumeAttributesClassName:p volumeMode:p
io.k8s.api.core.v1.PersistentVolumeClaimStatus currentVolumeAttributesClassName:p
io.k8s.api.core.v1.PersistentVolumeClaimTemplate metadata:s
io.k8s.api.core.v1.PersistentVolumeList metadata:s
io.k8s.api.core.v1.PersistentVolumeSpec volumeAttributesClassName:p volumeMode:p
io.k8s.api.core.v1.Pod metadata:s spec:s status:s
io.k8s.api.core.v1.PodCondition lastProbeTime:z lastTransitionTime:z
io.k8s.api.core.v1.PodDNSConfigOption value:p
io.k8s.api.core.v1.PodList metadata:s
io.k8s.api.core.v1.PodResourceClaim resourceClaimName:p resourceClaimTemplateName:p
io.k8s.api.core.v1.PodResourceClaimStatus resourceClaimName:p
io.k8s.api.core.v1.PodSecurityContext fsGroup:p fsGroupChangePolicy:p runAsGroup:p runAsNonRoot:p runAsUser:p seLinuxChangePolicy:p supplementalGroupsPolicy:p
io.k8s.api.core.v1.PodSpec activeDeadlineSeconds:p automountServiceAccountToken:p enableServiceLinks:p hostUsers:p preemptionPolicy:p priority:p runtimeClassName:p setHostnameAsFQDN:p shareProcessNamespace:p terminationGracePeriodSeconds:p hostnameOverride:p
io.k8s.api.core.v1.PodTemplate metadata:s template:s
io.k8s.api.core.v1.PodTemplateList metadata:s
io.k8s.api.core.v1.PodTemplateSpec metadata:s spec:s
io.k8s.api.core.v1.PortStatus error:p
io.k8s.api.core.v1.Probe terminationGracePeriodSeconds:p
io.k8s.api.core.v1.ProjectedVolumeSource defaultMode:p sources:a
io.k8s.api.core.v1.ReplicationController metadata:s spec:s status:s
io.k8s.api.core.v1.ReplicationControllerCondition lastTransitionTime:z
io.k8s.api.core.v1.ReplicationControllerList metadata:s
io.k8s.api.core.v1.ReplicationControllerSpec replicas:p
io.k8s.api.core.v1.ResourceFieldSelector divisor:z
io.k8s.api.core.v1.ResourceQuota metadata:s spec:s status:s
io.k8s.api.core.v1.ResourceQuotaList metadata:s
io.k8s.api.core.v1.ScaleIOPersistentVolumeSource secretRef:n
io.k8s.api.core.v1.ScaleIOVolumeSource secretRef:n
io.k8s.api.core.v1.SeccompProfile localhostProfile:p
io.k8s.api.core.v1.Secret immutable:p metadata:s
io.k8s.api.core.v1.SecretEnvSource optional:p
io.k8s.api.core.v1.SecretKeySelector optional:p
io.k8s.api.core.v1.SecretList metadata:s
io.k8s.api.core.v1.SecretProjection optional:p
io.k8s.api.core.v1.SecretVolumeSource defaultMode:p optional:p
io.k8s.api.core.v1.SecurityContext allowPrivilegeEscalation:p privileged:p procMount:p readOnlyRootFilesystem:p runAsGroup:p runAsNonRoot:p runAsUser:p
io.k8s.api.core.v1.Service metadata:s spec:s status:s
io.k8s.api.core.v1.ServiceAccount automountServiceAccountToken:p metadata:s
io.k8s.api.core.v1.ServiceAccountList metadata:s
io.k8s.api.core.v1.ServiceAccountTokenProjection expirationSeconds:p
io.k8s.api.core.v1.ServiceList metadata:s
io.k8s.api.core.v1.ServicePort appProtocol:p targetPort:z
io.k8s.api.core.v1.ServiceSpec allocateLoadBalancerNodePorts:p internalTrafficPolicy:p ipFamilyPolicy:p loadBalancerClass:p trafficDistribution:p
io.k8s.api.core.v1.ServiceStatus loadBalancer:s
io.k8s.api.core.v1.Toleration tolerationSeconds:p
io.k8s.api.core.v1.TopologySpreadConstraint minDomains:p nodeAffinityPolicy:p nodeTaintsPolicy:p
io.k8s.api.core.v1.TypedLocalObjectReference apiGroup:n
io.k8s.api.core.v1.TypedObjectReference apiGroup:n namespace:p
io.k8s.api.core.v1.VolumeMount mountPropagation:p recursiveReadOnly:p
io.k8s.api.core.v1.VolumeMountStatus recursiveReadOnly:p
io.k8s.api.core.v1.WindowsSecurityContextOptions gmsaCredentialSpec:p gmsaCredentialSpecName:p hostProcess:p runAsUserName:p
io.k8s.api.discovery.v1.Endpoint conditions:s hostname:p nodeName:p zone:p
io.k8s.api.discovery.v1.EndpointConditions ready:p serving:p terminating:p
io.k8s.api.discovery.v1.EndpointPort appProtocol:p name:p port:p protocol:p
io.k8s.api.discovery.v1.EndpointSlice endpoints:a metadata:s ports:a
io.k8s.api.discovery.v1.EndpointSliceList metadata:s
io.k8s.api.events.v1.Event deprecatedFirstTimestamp:z deprecatedLastTimestamp:z deprecatedSource:s metadata:s regarding:s
io.k8s.api.events.v1.EventList metadata:s
io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration lendablePercent:p nominalConcurrencyShares:p
io.k8s.api.flowcontrol.v1.FlowSchema metadata:s spec:s status:s
io.k8s.api.flowcontrol.v1.FlowSchemaCondition lastTransitionTime:z
io.k8s.api.flowcontrol.v1.FlowSchemaList metadata:s
io.k8s.api.flowcontrol.v1.FlowSchemaSpec matchingPrecedence:a
io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration borrowingLimitPercent:p lendablePercent:p limitResponse:s nominalConcurrencyShares:n
io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration metadata:s spec:s status:s
io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition lastTransitionTime:z
io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationList metadata:s
io.k8s.api.flowcontrol.v1.QueuingConfiguration handSize:a queueLengthLimit:a queues:a
io.k8s.api.flowcontrol.v1.ResourcePolicyRule namespaces:a
io.k8s.api.networking.v1.HTTPIngressPath pathType:n
io.k8s.api.networking.v1.IPAddress metadata:s
io.k8s.api.networking.v1.IPAddressList metadata:s
io.k8s.api.networking.v1.IPAddressSpec parentRef:x
io.k8s.api.networking.v1.Ingress metadata:s spec:s status:s
io.k8s.api.networking.v1.IngressClass metadata:s spec:s
io.k8s.api.networking.v1.IngressClassList metadata:s
io.k8s.api.networking.v1.IngressClassParametersReference apiGroup:p namespace:p scope:n
io.k8s.api.networking.v1.IngressList metadata:s
io.k8s.api.networking.v1.IngressPortStatus error:p
io.k8s.api.networking.v1.IngressServiceBackend port:s
io.k8s.api.networking.v1.IngressSpec ingressClassName:p
io.k8s.api.networking.v1.IngressStatus loadBalancer:s
io.k8s.api.networking.v1.NetworkPolicy metadata:s spec:s
io.k8s.api.networking.v1.NetworkPolicyList metadata:s
io.k8s.api.networking.v1.NetworkPolicyPort endPort:p protocol:p
io.k8s.api.networking.v1.NetworkPolicySpec podSelector:s
io.k8s.api.networking.v1.ParentReference name:d resource:d
io.k8s.api.networking.v1.ServiceCIDR metadata:s spec:s status:s
io.k8s.api.networking.v1.ServiceCIDRList metadata:s
io.k8s.api.node.v1.RuntimeClass metadata:s
io.k8s.api.node.v1.RuntimeClassList metadata:s
io.k8s.api.policy.v1.Eviction metadata:s
io.k8s.api.policy.v1.PodDisruptionBudget metadata:s spec:s status:s
io.k8s.api.policy.v1.PodDisruptionBudgetList metadata:s
io.k8s.api.policy.v1.PodDisruptionBudgetSpec unhealthyPodEvictionPolicy:p
io.k8s.api.policy.v1.PodDisruptionBudgetStatus currentHealthy:a desiredHealthy:a disruptionsAllowed:a expectedPods:a
io.k8s.api.rbac.v1.ClusterRole metadata:s rules:a
io.k8s.api.rbac.v1.ClusterRoleBinding metadata:s
io.k8s.api.rbac.v1.ClusterRoleBindingList metadata:s
io.k8s.api.rbac.v1.ClusterRoleList metadata:s
io.k8s.api.rbac.v1.Role metadata:s rules:a
io.k8s.api.rbac.v1.RoleBinding metadata:s
io.k8s.api.rbac.v1.RoleBindingList metadata:s
io.k8s.api.rbac.v1.RoleList metadata:s
io.k8s.api.rbac.v1.RoleRef apiGroup:a
io.k8s.api.resource.v1.AllocatedDeviceStatus conditions:a shareID:p
io.k8s.api.resource.v1.AllocationResult devices:s
io.k8s.api.resource.v1.CounterSet counters:d
io.k8s.api.resource.v1.Device allNodes:p nodeName:p bindsToNode:p allowMultipleAllocations:p
io.k8s.api.resource.v1.DeviceAttribute bool:p int:p string:p version:p
io.k8s.api.resource.v1.DeviceClaim requests:a
io.k8s.api.resource.v1.DeviceClass metadata:s
io.k8s.api.resource.v1.DeviceClassList metadata:s
io.k8s.api.resource.v1.DeviceConstraint matchAttribute:p distinctAttribute:p
io.k8s.api.resource.v1.DeviceCounterConsumption counters:d
io.k8s.api.resource.v1.DeviceRequestAllocationResult adminAccess:p shareID:p
io.k8s.api.resource.v1.DeviceToleration tolerationSeconds:p
io.k8s.api.resource.v1.ExactDeviceRequest adminAccess:p
io.k8s.api.resource.v1.OpaqueDeviceConfiguration parameters:n
io.k8s.api.resource.v1.ResourceClaim metadata:s status:s
io.k8s.api.resource.v1.ResourceClaimList metadata:s
io.k8s.api.resource.v1.ResourceClaimSpec devices:s
io.k8s.api.resource.v1.ResourceClaimTemplate metadata:s
io.k8s.api.resource.v1.ResourceClaimTemplateList metadata:s
io.k8s.api.resource.v1.ResourceClaimTemplateSpec metadata:s
io.k8s.api.resource.v1.ResourceSlice metadata:s
io.k8s.api.resource.v1.ResourceSliceList metadata:s
io.k8s.api.resource.v1.ResourceSliceSpec allNodes:p devices:a nodeName:p perDeviceNodeSelection:p
io.k8s.api.scheduling.v1.PriorityClass metadata:s preemptionPolicy:p value:a
io.k8s.api.scheduling.v1.PriorityClassList metadata:s
io.k8s.api.storage.v1.CSIDriver metadata:s
io.k8s.api.storage.v1.CSIDriverList metadata:s
io.k8s.api.storage.v1.CSIDriverSpec attachRequired:p fsGroupPolicy:p nodeAllocatableUpdatePeriodSeconds:p podInfoOnMount:p requiresRepublish:p seLinuxMount:p storageCapacity:p preventPodSchedulingIfMissing:p serviceAccountTokenInSecrets:p
io.k8s.api.storage.v1.CSINode metadata:s
io.k8s.api.storage.v1.CSINodeDriver topologyKeys:a
io.k8s.api.storage.v1.CSINodeList metadata:s
io.k8s.api.storage.v1.CSIStorageCapacity metadata:s
io.k8s.api.storage.v1.CSIStorageCapacityList metadata:s
io.k8s.api.storage.v1.StorageClass allowVolumeExpansion:p metadata:s reclaimPolicy:p volumeBindingMode:p
io.k8s.api.storage.v1.StorageClassList metadata:s
io.k8s.api.storage.v1.TokenRequest expirationSeconds:p
io.k8s.api.storage.v1.VolumeAttachment metadata:s status:s
io.k8s.api.storage.v1.VolumeAttachmentList metadata:s
io.k8s.api.storage.v1.VolumeAttachmentSource persistentVolumeName:p
io.k8s.api.storage.v1.VolumeAttributesClass metadata:s
io.k8s.api.storage.v1.VolumeAttributesClassList metadata:s
io.k8s.api.storage.v1.VolumeError errorCode:p time:z
io.k8s.api.storage.v1.VolumeNodeResources count:p
io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup preferredVersion:s
io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions gracePeriodSeconds:p ignoreStoreReadErrorWithClusterBreakingPotential:p orphanDependents:p propagationPolicy:p
io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta remainingItemCount:p
io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta deletionGracePeriodSeconds:p
io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference blockOwnerDeletion:p controller:p
io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions resourceVersion:p uid:p
io.k8s.apimachinery.pkg.apis.meta.v1.Status metadata:s
io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent object:n
io.k8s.api.core.v1.FileKeySelector optional:p
io.k8s.api.core.v1.PodCertificateProjection maxExpirationSeconds:p keyType:d signerName:d
io.k8s.api.core.v1.ResourceHealth message:p
io.k8s.api.resource.v1.DeviceClassSpec extendedResourceName:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition metadata:s status:s
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionList metadata:s
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus conditions:a acceptedNames:s storedVersions:a
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition lastTransitionTime:z
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion deprecationWarning:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale labelSelectorPath:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps maximum:p minimum:p maxLength:p minLength:p maxItems:p minItems:p multipleOf:p maxProperties:p minProperties:p $ref:p x-kubernetes-preserve-unknown-fields:p x-kubernetes-list-type:p x-kubernetes-map-type:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule reason:p optionalOldSelf:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig url:p
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference path:p port:p
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService metadata:s spec:s status:s
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceList metadata:s
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference port:p
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition lastTransitionTime:z
io.k8s.api.apiserverinternal.v1alpha1.ServerStorageVersion apiServerID:d decodableVersions:d encodingVersion:d
io.k8s.api.apiserverinternal.v1alpha1.StorageVersion metadata:s spec:s status:s
io.k8s.api.apiserverinternal.v1alpha1.StorageVersionCondition lastTransitionTime:z message:d
io.k8s.api.apiserverinternal.v1alpha1.StorageVersionList metadata:s
io.k8s.api.apiserverinternal.v1alpha1.StorageVersionStatus commonEncodingVersion:p
io.k8s.api.certificates.v1beta1.ClusterTrustBundle metadata:s
io.k8s.api.certificates.v1beta1.ClusterTrustBundleList metadata:s
io.k8s.api.certificates.v1beta1.PodCertificateRequest metadata:s status:s
io.k8s.api.certificates.v1beta1.PodCertificateRequestList metadata:s
io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec maxExpirationSeconds:p stubPKCS10Request:d
io.k8s.api.coordination.v1beta1.LeaseCandidate metadata:s spec:s
io.k8s.api.coordination.v1beta1.LeaseCandidateList metadata:s
io.k8s.api.coordination.v1beta1.LeaseCandidateSpec strategy:d
io.k8s.api.resource.v1alpha3.PoolStatus driver:d poolName:d resourceSliceCount:p totalDevices:p allocatedDevices:p availableDevices:p unavailableDevices:p nodeName:p validationError:p
io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest metadata:s
io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestList metadata:s
io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestSpec poolName:p limit:p
io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestStatus poolCount:p
io.k8s.api.resource.v1beta1.BasicDevice nodeName:p allNodes:p bindsToNode:p allowMultipleAllocations:p
io.k8s.api.resource.v1beta1.DeviceRequest adminAccess:p
io.k8s.api.resource.v1beta1.ResourceSliceSpec allNodes:- nodeName:-
io.k8s.api.resource.v1beta2.DeviceTaintRule metadata:s status:s
io.k8s.api.resource.v1beta2.DeviceTaintRuleList metadata:s
io.k8s.api.resource.v1beta2.DeviceTaintSelector driver:p pool:p device:p
io.k8s.api.scheduling.v1alpha2.PodGroup metadata:s status:s
io.k8s.api.scheduling.v1alpha2.PodGroupList metadata:s
io.k8s.api.scheduling.v1alpha2.PodGroupResourceClaim resourceClaimName:p resourceClaimTemplateName:p
io.k8s.api.scheduling.v1alpha2.PodGroupResourceClaimStatus resourceClaimName:p
io.k8s.api.scheduling.v1alpha2.PodGroupSpec podGroupTemplateRef:n disruptionMode:p priority:p
io.k8s.api.scheduling.v1alpha2.PodGroupTemplate disruptionMode:p priority:p
io.k8s.api.scheduling.v1alpha2.PodGroupTemplateReference workload:n
io.k8s.api.scheduling.v1alpha2.Workload metadata:s
io.k8s.api.scheduling.v1alpha2.WorkloadList metadata:s
io.k8s.api.storagemigration.v1beta1.StorageVersionMigration metadata:s spec:s status:s
io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationList metadata:s
`;

/** Names that upstream's decoding errors give to types which are neither plain nor definitions: `definition field:name …`. */
export const typeNames = `
io.k8s.api.admissionregistration.v1.MatchResources matchPolicy:v1.MatchPolicyType
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec failurePolicy:v1.FailurePolicyType reinvocationPolicy:v1.ReinvocationPolicyType
io.k8s.api.admissionregistration.v1.MutatingWebhook failurePolicy:v1.FailurePolicyType matchPolicy:v1.MatchPolicyType reinvocationPolicy:v1.ReinvocationPolicyType sideEffects:v1.SideEffectClass
io.k8s.api.admissionregistration.v1.Mutation patchType:v1.PatchType
io.k8s.api.admissionregistration.v1.NamedRuleWithOperations operations:[]v1.OperationType scope:v1.ScopeType
io.k8s.api.admissionregistration.v1.ParamRef parameterNotFoundAction:v1.ParameterNotFoundActionType
io.k8s.api.admissionregistration.v1.RuleWithOperations operations:[]v1.OperationType scope:v1.ScopeType
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec validationActions:[]v1.ValidationAction
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec failurePolicy:v1.FailurePolicyType
io.k8s.api.admissionregistration.v1.ValidatingWebhook failurePolicy:v1.FailurePolicyType matchPolicy:v1.MatchPolicyType sideEffects:v1.SideEffectClass
io.k8s.api.admissionregistration.v1.Validation reason:v1.StatusReason
io.k8s.api.apps.v1.DaemonSetCondition status:v1.ConditionStatus type:v1.DaemonSetConditionType
io.k8s.api.apps.v1.DaemonSetUpdateStrategy type:v1.DaemonSetUpdateStrategyType
io.k8s.api.apps.v1.DeploymentCondition status:v1.ConditionStatus type:v1.DeploymentConditionType
io.k8s.api.apps.v1.DeploymentStrategy type:v1.DeploymentStrategyType
io.k8s.api.apps.v1.ReplicaSetCondition status:v1.ConditionStatus type:v1.ReplicaSetConditionType
io.k8s.api.apps.v1.StatefulSetCondition status:v1.ConditionStatus type:v1.StatefulSetConditionType
io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:v1.PersistentVolumeClaimRetentionPolicyType whenScaled:v1.PersistentVolumeClaimRetentionPolicyType
io.k8s.api.apps.v1.StatefulSetSpec podManagementPolicy:v1.PodManagementPolicyType
io.k8s.api.apps.v1.StatefulSetUpdateStrategy type:v1.StatefulSetUpdateStrategyType
io.k8s.api.authentication.v1.BoundObjectReference uid:types.UID
io.k8s.api.authentication.v1.UserInfo extra:map[string]v1.ExtraValue
io.k8s.api.authorization.v1.SubjectAccessReviewSpec extra:map[string]v1.ExtraValue
io.k8s.api.autoscaling.v2.ContainerResourceMetricSource name:v1.ResourceName
io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus name:v1.ResourceName
io.k8s.api.autoscaling.v2.HPAScalingPolicy type:v2.HPAScalingPolicyType
io.k8s.api.autoscaling.v2.HPAScalingRules selectPolicy:v2.ScalingPolicySelect
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition status:v1.ConditionStatus type:v2.HorizontalPodAutoscalerConditionType
io.k8s.api.autoscaling.v2.MetricSpec type:v2.MetricSourceType
io.k8s.api.autoscaling.v2.MetricStatus type:v2.MetricSourceType
io.k8s.api.autoscaling.v2.MetricTarget type:v2.MetricTargetType
io.k8s.api.autoscaling.v2.ResourceMetricSource name:v1.ResourceName
io.k8s.api.autoscaling.v2.ResourceMetricStatus name:v1.ResourceName
io.k8s.api.batch.v1.CronJobSpec concurrencyPolicy:v1.ConcurrencyPolicy
io.k8s.api.batch.v1.JobCondition status:v1.ConditionStatus type:v1.JobConditionType
io.k8s.api.batch.v1.JobSpec completionMode:v1.CompletionMode podReplacementPolicy:v1.PodReplacementPolicy
io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement operator:v1.PodFailurePolicyOnExitCodesOperator
io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern status:v1.ConditionStatus type:v1.PodConditionType
io.k8s.api.batch.v1.PodFailurePolicyRule action:v1.PodFailurePolicyAction
io.k8s.api.batch.v1.UncountedTerminatedPods failed:[]types.UID succeeded:[]types.UID
io.k8s.api.certificates.v1.CertificateSigningRequestCondition status:v1.ConditionStatus type:v1.RequestConditionType
io.k8s.api.certificates.v1.CertificateSigningRequestSpec extra:map[string]v1.ExtraValue usages:[]v1.KeyUsage
io.k8s.api.coordination.v1.LeaseSpec strategy:v1.CoordinatedLeaseStrategy
io.k8s.api.core.v1.AppArmorProfile type:v1.AppArmorProfileType
io.k8s.api.core.v1.AttachedVolume name:v1.UniqueVolumeName
io.k8s.api.core.v1.AzureDiskVolumeSource cachingMode:v1.AzureDataDiskCachingMode kind:v1.AzureDataDiskKind
io.k8s.api.core.v1.Capabilities add:[]v1.Capability drop:[]v1.Capability
io.k8s.api.core.v1.ComponentCondition status:v1.ConditionStatus type:v1.ComponentConditionType
io.k8s.api.core.v1.ConfigMapNodeConfigSource uid:types.UID
io.k8s.api.core.v1.Container imagePullPolicy:v1.PullPolicy restartPolicy:v1.ContainerRestartPolicy terminationMessagePolicy:v1.TerminationMessagePolicy
io.k8s.api.core.v1.ContainerPort protocol:v1.Protocol
io.k8s.api.core.v1.ContainerResizePolicy resourceName:v1.ResourceName restartPolicy:v1.ResourceResizeRestartPolicy
io.k8s.api.core.v1.ContainerStatus allocatedResources:v1.ResourceList stopSignal:v1.Signal
io.k8s.api.core.v1.EmptyDirVolumeSource medium:v1.StorageMedium
io.k8s.api.core.v1.EndpointPort protocol:v1.Protocol
io.k8s.api.core.v1.EphemeralContainer imagePullPolicy:v1.PullPolicy restartPolicy:v1.ContainerRestartPolicy terminationMessagePolicy:v1.TerminationMessagePolicy
io.k8s.api.core.v1.HTTPGetAction scheme:v1.URIScheme
io.k8s.api.core.v1.HostPathVolumeSource type:v1.HostPathType
io.k8s.api.core.v1.ImageVolumeSource pullPolicy:v1.PullPolicy
io.k8s.api.core.v1.Lifecycle stopSignal:v1.Signal
io.k8s.api.core.v1.LimitRangeItem default:v1.ResourceList defaultRequest:v1.ResourceList max:v1.ResourceList maxLimitRequestRatio:v1.ResourceList min:v1.ResourceList type:v1.LimitType
io.k8s.api.core.v1.LoadBalancerIngress ipMode:v1.LoadBalancerIPMode
io.k8s.api.core.v1.ModifyVolumeStatus status:v1.PersistentVolumeClaimModifyVolumeStatus
io.k8s.api.core.v1.NamespaceCondition status:v1.ConditionStatus type:v1.NamespaceConditionType
io.k8s.api.core.v1.NamespaceSpec finalizers:[]v1.FinalizerName
io.k8s.api.core.v1.NamespaceStatus phase:v1.NamespacePhase
io.k8s.api.core.v1.NodeAddress type:v1.NodeAddressType
io.k8s.api.core.v1.NodeCondition status:v1.ConditionStatus type:v1.NodeConditionType
io.k8s.api.core.v1.NodeSelectorRequirement operator:v1.NodeSelectorOperator
io.k8s.api.core.v1.NodeStatus allocatable:v1.ResourceList capacity:v1.ResourceList phase:v1.NodePhase volumesInUse:[]v1.UniqueVolumeName
io.k8s.api.core.v1.ObjectReference uid:types.UID
io.k8s.api.core.v1.PersistentVolumeClaimCondition status:v1.ConditionStatus type:v1.PersistentVolumeClaimConditionType
io.k8s.api.core.v1.PersistentVolumeClaimSpec accessModes:[]v1.PersistentVolumeAccessMode volumeMode:v1.PersistentVolumeMode
io.k8s.api.core.v1.PersistentVolumeClaimStatus accessModes:[]v1.PersistentVolumeAccessMode allocatedResourceStatuses:map[string]v1.ClaimResourceStatus allocatedResources:v1.ResourceList capacity:v1.ResourceList phase:v1.PersistentVolumeClaimPhase
io.k8s.api.core.v1.PersistentVolumeSpec accessModes:[]v1.PersistentVolumeAccessMode capacity:v1.ResourceList persistentVolumeReclaimPolicy:v1.PersistentVolumeReclaimPolicy volumeMode:v1.PersistentVolumeMode
io.k8s.api.core.v1.PersistentVolumeStatus phase:v1.PersistentVolumePhase
io.k8s.api.core.v1.PodCondition status:v1.ConditionStatus type:v1.PodConditionType
io.k8s.api.core.v1.PodOS name:v1.OSName
io.k8s.api.core.v1.PodReadinessGate conditionType:v1.PodConditionType
io.k8s.api.core.v1.PodSecurityContext fsGroupChangePolicy:v1.PodFSGroupChangePolicy seLinuxChangePolicy:v1.PodSELinuxChangePolicy supplementalGroupsPolicy:v1.SupplementalGroupsPolicy
io.k8s.api.core.v1.PodSpec dnsPolicy:v1.DNSPolicy overhead:v1.ResourceList preemptionPolicy:v1.PreemptionPolicy restartPolicy:v1.RestartPolicy
io.k8s.api.core.v1.PodStatus phase:v1.PodPhase qosClass:v1.PodQOSClass resize:v1.PodResizeStatus
io.k8s.api.core.v1.PortStatus protocol:v1.Protocol
io.k8s.api.core.v1.ReplicationControllerCondition status:v1.ConditionStatus type:v1.ReplicationControllerConditionType
io.k8s.api.core.v1.ResourceHealth health:v1.ResourceHealthStatus resourceID:v1.ResourceID
io.k8s.api.core.v1.ResourceQuotaSpec hard:v1.ResourceList scopes:[]v1.ResourceQuotaScope
io.k8s.api.core.v1.ResourceQuotaStatus hard:v1.ResourceList used:v1.ResourceList
io.k8s.api.core.v1.ResourceRequirements limits:v1.ResourceList requests:v1.ResourceList
io.k8s.api.core.v1.ResourceStatus name:v1.ResourceName
io.k8s.api.core.v1.ScopedResourceSelectorRequirement operator:v1.ScopeSelectorOperator scopeName:v1.ResourceQuotaScope
io.k8s.api.core.v1.SeccompProfile type:v1.SeccompProfileType
io.k8s.api.core.v1.Secret type:v1.SecretType
io.k8s.api.core.v1.SecurityContext procMount:v1.ProcMountType
io.k8s.api.core.v1.ServicePort protocol:v1.Protocol
io.k8s.api.core.v1.ServiceSpec externalTrafficPolicy:v1.ServiceExternalTrafficPolicy internalTrafficPolicy:v1.ServiceInternalTrafficPolicy ipFamilies:[]v1.IPFamily ipFamilyPolicy:v1.IPFamilyPolicy sessionAffinity:v1.ServiceAffinity type:v1.ServiceType
io.k8s.api.core.v1.Taint effect:v1.TaintEffect
io.k8s.api.core.v1.Toleration effect:v1.TaintEffect operator:v1.TolerationOperator
io.k8s.api.core.v1.TopologySpreadConstraint nodeAffinityPolicy:v1.NodeInclusionPolicy nodeTaintsPolicy:v1.NodeInclusionPolicy whenUnsatisfiable:v1.UnsatisfiableConstraintAction
io.k8s.api.core.v1.VolumeMount mountPropagation:v1.MountPropagationMode recursiveReadOnly:v1.RecursiveReadOnlyMode
io.k8s.api.core.v1.VolumeMountStatus recursiveReadOnly:v1.RecursiveReadOnlyMode
io.k8s.api.core.v1.VolumeResourceRequirements limits:v1.ResourceList requests:v1.ResourceList
io.k8s.api.discovery.v1.EndpointPort protocol:v1.Protocol
io.k8s.api.discovery.v1.EndpointSlice addressType:v1.AddressType
io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod type:v1.FlowDistinguisherMethodType
io.k8s.api.flowcontrol.v1.FlowSchemaCondition status:v1.ConditionStatus type:v1.FlowSchemaConditionType
io.k8s.api.flowcontrol.v1.LimitResponse type:v1.LimitResponseType
io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition status:v1.ConditionStatus type:v1.PriorityLevelConfigurationConditionType
io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec type:v1.PriorityLevelEnablement
io.k8s.api.flowcontrol.v1.Subject kind:v1.SubjectKind
io.k8s.api.networking.v1.HTTPIngressPath pathType:v1.PathType
io.k8s.api.networking.v1.IngressPortStatus protocol:v1.Protocol
io.k8s.api.networking.v1.NetworkPolicyPort protocol:v1.Protocol
io.k8s.api.networking.v1.NetworkPolicySpec policyTypes:[]v1.PolicyType
io.k8s.api.node.v1.Overhead podFixed:v1.ResourceList
io.k8s.api.policy.v1.PodDisruptionBudgetSpec unhealthyPodEvictionPolicy:v1.UnhealthyPodEvictionPolicyType
io.k8s.api.resource.v1.DeviceAllocationConfiguration source:v1.AllocationConfigSource
io.k8s.api.resource.v1.DeviceConstraint matchAttribute:v1.FullyQualifiedName
io.k8s.api.resource.v1.DeviceSubRequest allocationMode:v1.DeviceAllocationMode
io.k8s.api.resource.v1.DeviceTaint effect:v1.DeviceTaintEffect
io.k8s.api.resource.v1.DeviceToleration effect:v1.DeviceTaintEffect operator:v1.DeviceTolerationOperator
io.k8s.api.resource.v1.ExactDeviceRequest allocationMode:v1.DeviceAllocationMode
io.k8s.api.resource.v1.ResourceClaimConsumerReference uid:types.UID
io.k8s.api.scheduling.v1.PriorityClass preemptionPolicy:v1.PreemptionPolicy
io.k8s.api.storage.v1.CSIDriverSpec fsGroupPolicy:v1.FSGroupPolicy volumeLifecycleModes:[]v1.VolumeLifecycleMode
io.k8s.api.storage.v1.StorageClass reclaimPolicy:v1.PersistentVolumeReclaimPolicy volumeBindingMode:v1.VolumeBindingMode
io.k8s.apimachinery.pkg.apis.meta.v1.APIResource verbs:v1.Verbs
io.k8s.apimachinery.pkg.apis.meta.v1.Condition status:v1.ConditionStatus
io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions propagationPolicy:v1.DeletionPropagation
io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement operator:v1.FieldSelectorOperator
io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement operator:v1.LabelSelectorOperator
io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry fieldsV1:v1.FieldsV1 operation:v1.ManagedFieldsOperationType
io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta uid:types.UID
io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference uid:types.UID
io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions uid:types.UID
io.k8s.apimachinery.pkg.apis.meta.v1.Status reason:v1.StatusReason
io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause reason:v1.CauseType
io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails uid:types.UID
io.k8s.api.apiserverinternal.v1alpha1.StorageVersionCondition status:v1alpha1.ConditionStatus type:v1alpha1.StorageVersionConditionType
io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec nodeName:types.NodeName nodeUID:types.UID podUID:types.UID serviceAccountUID:types.UID
io.k8s.api.coordination.v1alpha2.LeaseCandidateSpec strategy:v1.CoordinatedLeaseStrategy
io.k8s.api.coordination.v1beta1.LeaseCandidateSpec strategy:v1.CoordinatedLeaseStrategy
io.k8s.api.resource.v1alpha3.DeviceTaint effect:v1alpha3.DeviceTaintEffect
io.k8s.api.resource.v1beta1.DeviceRequest allocationMode:v1beta1.DeviceAllocationMode
io.k8s.api.scheduling.v1alpha2.PodGroupSpec disruptionMode:v1alpha2.DisruptionMode
io.k8s.api.scheduling.v1alpha2.PodGroupTemplate disruptionMode:v1alpha2.DisruptionMode
`;

/** Fields that upstream's types inherit from a part; decoding errors name the part in the path: `definition part:fields …`. */
export const inheritedFields = `
io.k8s.api.admissionregistration.v1.NamedRuleWithOperations RuleWithOperations:operations RuleWithOperations.Rule:apiGroups,apiVersions,resources,scope
io.k8s.api.admissionregistration.v1.RuleWithOperations Rule:apiGroups,apiVersions,resources,scope
io.k8s.api.core.v1.ConfigMapEnvSource LocalObjectReference:name
io.k8s.api.core.v1.ConfigMapKeySelector LocalObjectReference:name
io.k8s.api.core.v1.ConfigMapProjection LocalObjectReference:name
io.k8s.api.core.v1.ConfigMapVolumeSource LocalObjectReference:name
io.k8s.api.core.v1.EphemeralContainer EphemeralContainerCommon:name,image,command,args,workingDir,ports,envFrom,env,resources,resizePolicy,restartPolicy,volumeMounts,volumeDevices,livenessProbe,readinessProbe,startupProbe,lifecycle,terminationMessagePath,terminationMessagePolicy,imagePullPolicy,securityContext,stdin,stdinOnce,tty
io.k8s.api.core.v1.PersistentVolumeSpec PersistentVolumeSource:gcePersistentDisk,awsElasticBlockStore,hostPath,glusterfs,nfs,rbd,iscsi,cinder,cephfs,fc,flocker,flexVolume,azureFile,vsphereVolume,quobyte,azureDisk,photonPersistentDisk,portworxVolume,scaleIO,local,storageos,csi
io.k8s.api.core.v1.Probe ProbeHandler:exec,httpGet,tcpSocket,grpc
io.k8s.api.core.v1.SecretEnvSource LocalObjectReference:name
io.k8s.api.core.v1.SecretKeySelector LocalObjectReference:name
io.k8s.api.core.v1.SecretProjection LocalObjectReference:name
io.k8s.api.core.v1.Volume VolumeSource:hostPath,emptyDir,gcePersistentDisk,awsElasticBlockStore,gitRepo,secret,nfs,iscsi,glusterfs,persistentVolumeClaim,rbd,flexVolume,cinder,cephfs,flocker,downwardAPI,fc,azureFile,configMap,vsphereVolume,quobyte,azureDisk,photonPersistentDisk,projected,portworxVolume,scaleIO,storageos,csi,ephemeral,image
io.k8s.api.networking.v1.IngressRule IngressRuleValue:http
io.k8s.api.resource.v1.DeviceAllocationConfiguration DeviceConfiguration:opaque
io.k8s.api.resource.v1.DeviceClaimConfiguration DeviceConfiguration:opaque
io.k8s.api.resource.v1.DeviceClassConfiguration DeviceConfiguration:opaque
`;
