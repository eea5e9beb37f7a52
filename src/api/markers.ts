/**
 * How the lists and maps of the built-in types merge: facts of the API that its schemas say nothing of. The generator writes
 * them into the schema tables, where server-side apply, strategic merge patch and OpenAPI read them.
 *
 * One line a definition: its name, then `field:marks`; the field `*` stands for the type itself. Marks are separated by `/`:
 * `atomic`, `set` or `map(keys)` is the list type (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`); `map-atomic` and
 * `map-granular` the map type; `merge(key)`, `retainKeys`, `replace` or `merge+retainKeys(key)` the strategic merge patch
 * strategy with its merge key. A list without marks is replaced as a whole. Alpha and beta versions have a line only for what is said
 * of no stable version.
 *
 * @see kubernetes/api/openapi-spec/swagger.json, the `x-kubernetes-*` extensions of release 1.36
 */
export const fieldMarkers = `
io.k8s.api.admissionregistration.v1.MatchResources *:atomic excludeResourceRules:atomic resourceRules:atomic
io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec matchConditions:map(name)/merge(name) mutations:atomic variables:atomic
io.k8s.api.admissionregistration.v1.MutatingWebhook admissionReviewVersions:atomic matchConditions:map(name)/merge(name) rules:atomic
io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration webhooks:map(name)/merge(name)
io.k8s.api.admissionregistration.v1.NamedRuleWithOperations *:atomic apiGroups:atomic apiVersions:atomic operations:atomic resourceNames:atomic resources:atomic
io.k8s.api.admissionregistration.v1.ParamKind *:atomic
io.k8s.api.admissionregistration.v1.ParamRef *:atomic
io.k8s.api.admissionregistration.v1.RuleWithOperations apiGroups:atomic apiVersions:atomic operations:atomic resources:atomic
io.k8s.api.admissionregistration.v1.TypeChecking expressionWarnings:atomic
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec validationActions:set
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec auditAnnotations:atomic matchConditions:map(name)/merge(name) validations:atomic variables:map(name)/merge(name)
io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus conditions:map(type)
io.k8s.api.admissionregistration.v1.ValidatingWebhook admissionReviewVersions:atomic matchConditions:map(name)/merge(name) rules:atomic
io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration webhooks:map(name)/merge(name)
io.k8s.api.admissionregistration.v1.Variable *:atomic
io.k8s.api.apps.v1.DaemonSetStatus conditions:map(type)/merge(type)
io.k8s.api.apps.v1.DeploymentSpec strategy:retainKeys
io.k8s.api.apps.v1.DeploymentStatus conditions:map(type)/merge(type)
io.k8s.api.apps.v1.ReplicaSetStatus conditions:map(type)/merge(type)
io.k8s.api.apps.v1.StatefulSetSpec volumeClaimTemplates:atomic
io.k8s.api.apps.v1.StatefulSetStatus conditions:map(type)/merge(type)
io.k8s.api.authentication.v1.TokenRequestSpec audiences:atomic
io.k8s.api.authentication.v1.TokenReviewSpec audiences:atomic
io.k8s.api.authentication.v1.TokenReviewStatus audiences:atomic
io.k8s.api.authentication.v1.UserInfo groups:atomic
io.k8s.api.authorization.v1.FieldSelectorAttributes requirements:atomic
io.k8s.api.authorization.v1.LabelSelectorAttributes requirements:atomic
io.k8s.api.authorization.v1.NonResourceRule nonResourceURLs:atomic verbs:atomic
io.k8s.api.authorization.v1.ResourceRule apiGroups:atomic resourceNames:atomic resources:atomic verbs:atomic
io.k8s.api.authorization.v1.SubjectAccessReviewSpec groups:atomic
io.k8s.api.authorization.v1.SubjectRulesReviewStatus nonResourceRules:atomic resourceRules:atomic
io.k8s.api.autoscaling.v1.CrossVersionObjectReference *:atomic
io.k8s.api.autoscaling.v2.HPAScalingRules policies:atomic
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec metrics:atomic
io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus conditions:map(type)/merge(type) currentMetrics:atomic
io.k8s.api.batch.v1.CronJobStatus active:atomic
io.k8s.api.batch.v1.JobStatus conditions:atomic/merge(type)
io.k8s.api.batch.v1.PodFailurePolicy rules:atomic
io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement values:set
io.k8s.api.batch.v1.PodFailurePolicyRule onPodConditions:atomic
io.k8s.api.batch.v1.SuccessPolicy rules:atomic
io.k8s.api.batch.v1.UncountedTerminatedPods failed:set succeeded:set
io.k8s.api.certificates.v1.CertificateSigningRequestSpec groups:atomic usages:atomic
io.k8s.api.certificates.v1.CertificateSigningRequestStatus conditions:map(type)
io.k8s.api.core.v1.Capabilities add:atomic drop:atomic
io.k8s.api.core.v1.CephFSPersistentVolumeSource monitors:atomic
io.k8s.api.core.v1.CephFSVolumeSource monitors:atomic
io.k8s.api.core.v1.ComponentStatus conditions:map(type)/merge(type)
io.k8s.api.core.v1.ConfigMapKeySelector *:atomic
io.k8s.api.core.v1.ConfigMapProjection items:atomic
io.k8s.api.core.v1.ConfigMapVolumeSource items:atomic
io.k8s.api.core.v1.Container args:atomic command:atomic env:map(name)/merge(name) envFrom:atomic ports:map(containerPort,protocol)/merge(containerPort) resizePolicy:atomic restartPolicyRules:atomic volumeDevices:map(devicePath)/merge(devicePath) volumeMounts:map(mountPath)/merge(mountPath)
io.k8s.api.core.v1.ContainerImage names:atomic
io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes values:set
io.k8s.api.core.v1.ContainerStatus allocatedResourcesStatus:map(name)/merge(name) volumeMounts:map(mountPath)/merge(mountPath)
io.k8s.api.core.v1.DownwardAPIProjection items:atomic
io.k8s.api.core.v1.DownwardAPIVolumeSource items:atomic
io.k8s.api.core.v1.EndpointAddress *:atomic
io.k8s.api.core.v1.EndpointPort *:atomic
io.k8s.api.core.v1.EndpointSubset addresses:atomic notReadyAddresses:atomic ports:atomic
io.k8s.api.core.v1.Endpoints subsets:atomic
io.k8s.api.core.v1.EphemeralContainer args:atomic command:atomic env:map(name)/merge(name) envFrom:atomic ports:map(containerPort,protocol)/merge(containerPort) resizePolicy:atomic restartPolicyRules:atomic volumeDevices:map(devicePath)/merge(devicePath) volumeMounts:map(mountPath)/merge(mountPath)
io.k8s.api.core.v1.ExecAction command:atomic
io.k8s.api.core.v1.FCVolumeSource targetWWNs:atomic wwids:atomic
io.k8s.api.core.v1.FileKeySelector *:atomic
io.k8s.api.core.v1.HTTPGetAction httpHeaders:atomic
io.k8s.api.core.v1.HostAlias hostnames:atomic
io.k8s.api.core.v1.ISCSIPersistentVolumeSource portals:atomic
io.k8s.api.core.v1.ISCSIVolumeSource portals:atomic
io.k8s.api.core.v1.LimitRangeSpec limits:atomic
io.k8s.api.core.v1.LinuxContainerUser supplementalGroups:atomic
io.k8s.api.core.v1.LoadBalancerIngress ports:atomic
io.k8s.api.core.v1.LoadBalancerStatus ingress:atomic
io.k8s.api.core.v1.LocalObjectReference *:atomic
io.k8s.api.core.v1.NamespaceSpec finalizers:atomic
io.k8s.api.core.v1.NamespaceStatus conditions:map(type)/merge(type)
io.k8s.api.core.v1.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:atomic
io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus containers:set
io.k8s.api.core.v1.NodeSelector *:atomic nodeSelectorTerms:atomic
io.k8s.api.core.v1.NodeSelectorRequirement values:atomic
io.k8s.api.core.v1.NodeSelectorTerm *:atomic matchExpressions:atomic matchFields:atomic
io.k8s.api.core.v1.NodeSpec podCIDRs:set/merge taints:atomic
io.k8s.api.core.v1.NodeStatus addresses:map(type)/merge(type) conditions:map(type)/merge(type) declaredFeatures:atomic images:atomic runtimeHandlers:atomic volumesAttached:atomic volumesInUse:atomic
io.k8s.api.core.v1.ObjectFieldSelector *:atomic
io.k8s.api.core.v1.ObjectReference *:atomic
io.k8s.api.core.v1.PersistentVolumeClaimSpec accessModes:atomic
io.k8s.api.core.v1.PersistentVolumeClaimStatus accessModes:atomic allocatedResourceStatuses:map-granular conditions:map(type)/merge(type)
io.k8s.api.core.v1.PersistentVolumeSpec accessModes:atomic claimRef:map-granular mountOptions:atomic
io.k8s.api.core.v1.PodAffinity preferredDuringSchedulingIgnoredDuringExecution:atomic requiredDuringSchedulingIgnoredDuringExecution:atomic
io.k8s.api.core.v1.PodAffinityTerm matchLabelKeys:atomic mismatchLabelKeys:atomic namespaces:atomic
io.k8s.api.core.v1.PodAntiAffinity preferredDuringSchedulingIgnoredDuringExecution:atomic requiredDuringSchedulingIgnoredDuringExecution:atomic
io.k8s.api.core.v1.PodDNSConfig nameservers:atomic options:atomic searches:atomic
io.k8s.api.core.v1.PodExtendedResourceClaimStatus requestMappings:atomic
io.k8s.api.core.v1.PodSecurityContext supplementalGroups:atomic sysctls:atomic
io.k8s.api.core.v1.PodSpec containers:map(name)/merge(name) ephemeralContainers:map(name)/merge(name) hostAliases:map(ip)/merge(ip) imagePullSecrets:map(name)/merge(name) initContainers:map(name)/merge(name) nodeSelector:map-atomic readinessGates:atomic resourceClaims:map(name)/merge+retainKeys(name) schedulingGates:map(name)/merge(name) tolerations:atomic topologySpreadConstraints:map(topologyKey,whenUnsatisfiable)/merge(topologyKey) volumes:map(name)/merge+retainKeys(name)
io.k8s.api.core.v1.PodStatus conditions:map(type)/merge(type) containerStatuses:atomic ephemeralContainerStatuses:atomic hostIPs:atomic/merge(ip) initContainerStatuses:atomic nodeAllocatableResourceClaimStatuses:atomic podIPs:map(ip)/merge(ip) resourceClaimStatuses:map(name)/merge+retainKeys(name)
io.k8s.api.core.v1.ProjectedVolumeSource sources:atomic
io.k8s.api.core.v1.RBDPersistentVolumeSource monitors:atomic
io.k8s.api.core.v1.RBDVolumeSource monitors:atomic
io.k8s.api.core.v1.ReplicationControllerSpec selector:map-atomic
io.k8s.api.core.v1.ReplicationControllerStatus conditions:map(type)/merge(type)
io.k8s.api.core.v1.ResourceFieldSelector *:atomic
io.k8s.api.core.v1.ResourceQuotaSpec scopes:atomic
io.k8s.api.core.v1.ResourceRequirements claims:map(name)
io.k8s.api.core.v1.ResourceStatus resources:map(resourceID)
io.k8s.api.core.v1.ScopeSelector *:atomic matchExpressions:atomic
io.k8s.api.core.v1.ScopedResourceSelectorRequirement values:atomic
io.k8s.api.core.v1.SecretKeySelector *:atomic
io.k8s.api.core.v1.SecretProjection items:atomic
io.k8s.api.core.v1.SecretReference *:atomic
io.k8s.api.core.v1.SecretVolumeSource items:atomic
io.k8s.api.core.v1.ServiceAccount imagePullSecrets:atomic secrets:map(name)/merge(name)
io.k8s.api.core.v1.ServiceSpec clusterIPs:atomic externalIPs:atomic ipFamilies:atomic loadBalancerSourceRanges:atomic ports:map(port,protocol)/merge(port) selector:map-atomic
io.k8s.api.core.v1.ServiceStatus conditions:map(type)/merge(type)
io.k8s.api.core.v1.TopologySelectorLabelRequirement values:atomic
io.k8s.api.core.v1.TopologySelectorTerm *:atomic matchLabelExpressions:atomic
io.k8s.api.core.v1.TopologySpreadConstraint matchLabelKeys:atomic
io.k8s.api.core.v1.TypedLocalObjectReference *:atomic
io.k8s.api.discovery.v1.Endpoint addresses:set
io.k8s.api.discovery.v1.EndpointHints forNodes:atomic forZones:atomic
io.k8s.api.discovery.v1.EndpointPort *:atomic
io.k8s.api.discovery.v1.EndpointSlice endpoints:atomic ports:atomic
io.k8s.api.flowcontrol.v1.FlowSchemaSpec rules:atomic
io.k8s.api.flowcontrol.v1.FlowSchemaStatus conditions:map(type)/merge(type)
io.k8s.api.flowcontrol.v1.NonResourcePolicyRule nonResourceURLs:set verbs:set
io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects nonResourceRules:atomic resourceRules:atomic subjects:atomic
io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus conditions:map(type)/merge(type)
io.k8s.api.flowcontrol.v1.ResourcePolicyRule apiGroups:set namespaces:set resources:set verbs:set
io.k8s.api.networking.v1.HTTPIngressRuleValue paths:atomic
io.k8s.api.networking.v1.IPBlock except:atomic
io.k8s.api.networking.v1.IngressLoadBalancerIngress ports:atomic
io.k8s.api.networking.v1.IngressLoadBalancerStatus ingress:atomic
io.k8s.api.networking.v1.IngressSpec rules:atomic tls:atomic
io.k8s.api.networking.v1.IngressTLS hosts:atomic
io.k8s.api.networking.v1.NetworkPolicyEgressRule ports:atomic to:atomic
io.k8s.api.networking.v1.NetworkPolicyIngressRule from:atomic ports:atomic
io.k8s.api.networking.v1.NetworkPolicySpec egress:atomic ingress:atomic policyTypes:atomic
io.k8s.api.networking.v1.ServiceBackendPort *:atomic
io.k8s.api.networking.v1.ServiceCIDRSpec cidrs:atomic
io.k8s.api.networking.v1.ServiceCIDRStatus conditions:map(type)/merge(type)
io.k8s.api.node.v1.Scheduling nodeSelector:map-atomic tolerations:atomic
io.k8s.api.policy.v1.PodDisruptionBudgetSpec selector:replace
io.k8s.api.policy.v1.PodDisruptionBudgetStatus conditions:map(type)/merge(type)
io.k8s.api.rbac.v1.AggregationRule clusterRoleSelectors:atomic
io.k8s.api.rbac.v1.ClusterRole rules:atomic
io.k8s.api.rbac.v1.ClusterRoleBinding subjects:atomic
io.k8s.api.rbac.v1.PolicyRule apiGroups:atomic nonResourceURLs:atomic resourceNames:atomic resources:atomic verbs:atomic
io.k8s.api.rbac.v1.Role rules:atomic
io.k8s.api.rbac.v1.RoleBinding subjects:atomic
io.k8s.api.rbac.v1.RoleRef *:atomic
io.k8s.api.rbac.v1.Subject *:atomic
io.k8s.api.resource.v1.AllocatedDeviceStatus conditions:map(type)
io.k8s.api.resource.v1.CapacityRequestPolicy validValues:atomic
io.k8s.api.resource.v1.Device bindingConditions:atomic bindingFailureConditions:atomic consumesCounters:atomic taints:atomic
io.k8s.api.resource.v1.DeviceAllocationConfiguration requests:atomic
io.k8s.api.resource.v1.DeviceAllocationResult config:atomic results:atomic
io.k8s.api.resource.v1.DeviceAttribute bools:atomic ints:atomic strings:atomic versions:atomic
io.k8s.api.resource.v1.DeviceClaim config:atomic constraints:atomic requests:atomic
io.k8s.api.resource.v1.DeviceClaimConfiguration requests:atomic
io.k8s.api.resource.v1.DeviceClassSpec config:atomic selectors:atomic
io.k8s.api.resource.v1.DeviceConstraint requests:atomic
io.k8s.api.resource.v1.DeviceRequest firstAvailable:atomic
io.k8s.api.resource.v1.DeviceRequestAllocationResult bindingConditions:atomic bindingFailureConditions:atomic tolerations:atomic
io.k8s.api.resource.v1.DeviceSubRequest selectors:atomic tolerations:atomic
io.k8s.api.resource.v1.ExactDeviceRequest selectors:atomic tolerations:atomic
io.k8s.api.resource.v1.NetworkDeviceData ips:atomic
io.k8s.api.resource.v1.ResourceClaimStatus devices:map(driver,device,pool,shareID) reservedFor:map(uid)/merge(uid)
io.k8s.api.resource.v1.ResourceSliceSpec devices:atomic sharedCounters:atomic
io.k8s.api.storage.v1.CSIDriverSpec tokenRequests:atomic volumeLifecycleModes:set
io.k8s.api.storage.v1.CSINodeDriver topologyKeys:atomic
io.k8s.api.storage.v1.CSINodeSpec drivers:map(name)/merge(name)
io.k8s.api.storage.v1.StorageClass allowedTopologies:atomic mountOptions:atomic
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames categories:atomic shortNames:atomic
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec versions:atomic
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus conditions:map(type) storedVersions:atomic
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion additionalPrinterColumns:atomic selectableFields:atomic
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps allOf:atomic anyOf:atomic enum:atomic oneOf:atomic required:atomic x-kubernetes-list-map-keys:atomic x-kubernetes-validations:map(rule)/merge(rule)
io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion conversionReviewVersions:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup serverAddressByClientCIDRs:atomic versions:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList groups:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.APIResource categories:atomic shortNames:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList resources:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions serverAddressByClientCIDRs:atomic versions:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions dryRun:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement values:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector *:atomic matchExpressions:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement values:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta finalizers:set/merge managedFields:atomic ownerReferences:map(uid)/merge(uid)
io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference *:atomic
io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails causes:atomic
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec caBundle:atomic
io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus conditions:map(type)/merge(type)
io.k8s.api.apiserverinternal.v1alpha1.ServerStorageVersion decodableVersions:set servedVersions:set
io.k8s.api.apiserverinternal.v1alpha1.StorageVersionStatus conditions:map(type) storageVersions:map(apiServerID)
io.k8s.api.certificates.v1beta1.PodCertificateRequestStatus conditions:map(type)/merge(type)
io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestStatus conditions:map(type)/merge(type) pools:atomic
io.k8s.api.resource.v1beta1.BasicDevice bindingConditions:atomic bindingFailureConditions:atomic consumesCounters:atomic taints:atomic
io.k8s.api.resource.v1beta1.DeviceRequest selectors:atomic tolerations:atomic
io.k8s.api.resource.v1beta2.DeviceTaintRuleStatus conditions:map(type)/merge(type)
io.k8s.api.scheduling.v1alpha2.PodGroupSchedulingConstraints topology:atomic
io.k8s.api.scheduling.v1alpha2.PodGroupSpec resourceClaims:map(name)/merge+retainKeys(name)
io.k8s.api.scheduling.v1alpha2.PodGroupStatus conditions:map(type)/merge(type) resourceClaimStatuses:map(name)/merge+retainKeys(name)
io.k8s.api.scheduling.v1alpha2.PodGroupTemplate resourceClaims:map(name)/merge+retainKeys(name)
io.k8s.api.scheduling.v1alpha2.WorkloadSpec podGroupTemplates:map(name)
io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationStatus conditions:map(type)/merge(type)
`;
