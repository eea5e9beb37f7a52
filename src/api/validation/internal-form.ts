/**
 * Objects as upstream's server holds them inside: some messages print a value, or the difference of two, in that form, with Go's field
 * names in Go's order and every empty field. Called where such a message is built, never on the way of sound objects.
 * @see kubernetes/pkg/apis/core/types.go
 */

/**
 * Fields in order, as `GoName:type`, or `GoName=json:type` where lowering the first letter does not give the JSON name. Types: `s` text, `i` number,
 * `b` flag; `v` anything that is null when absent; `q` a quantity; `[T` a list and `?T` a pointer to a described type; `T` such a type itself.
 */
const descriptions: Readonly<Record<string, string>> = {
  PodSpec:
    'Volumes:[Volume InitContainers:[Container Containers:[Container EphemeralContainers:[EphemeralContainer RestartPolicy:s TerminationGracePeriodSeconds:v ActiveDeadlineSeconds:v DNSPolicy=dnsPolicy:s NodeSelector:v ServiceAccountName:s AutomountServiceAccountToken:v NodeName:s SecurityContext:?PodSecurityContext ImagePullSecrets:[Name Hostname:s Subdomain:s SetHostnameAsFQDN:v Affinity:?Affinity SchedulerName:s Tolerations:[Toleration HostAliases:[HostAlias PriorityClassName:s Priority:v PreemptionPolicy:v DNSConfig=dnsConfig:?DNSConfig ReadinessGates:[ReadinessGate RuntimeClassName:v Overhead:v EnableServiceLinks:v TopologySpreadConstraints:[SpreadConstraint OS=os:?Name SchedulingGates:[Name ResourceClaims:[PodResourceClaim Resources:?Resources HostnameOverride:v SchedulingGroup:?SchedulingGroup',
  SchedulingGroup: 'PodGroupName:v',
  Name: 'Name:s',
  DNSConfig: 'Nameservers:v Searches:v Options:[DNSOption',
  DNSOption: 'Name:s Value:v',
  ReadinessGate: 'ConditionType:s',
  HostAlias: 'IP=ip:s Hostnames:v',
  PodResourceClaim: 'Name:s ResourceClaimName:v ResourceClaimTemplateName:v',
  Resources: 'Limits:v Requests:v Claims:[ResourceClaim',
  VolumeResources: 'Limits:v Requests:v',
  ResourceClaim: 'Name:s Request:s',
  Toleration: 'Key:s Operator:s Value:s Effect:s TolerationSeconds:v',
  Taint: 'Key:s Value:s Effect:s TimeAdded:v',
  SpreadConstraint:
    'MaxSkew:i TopologyKey:s WhenUnsatisfiable:s LabelSelector:v MinDomains:v NodeAffinityPolicy:v NodeTaintsPolicy:v MatchLabelKeys:v',
  Affinity: 'NodeAffinity:?NodeAffinity PodAffinity:?PodAffinity PodAntiAffinity:?PodAffinity',
  NodeAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution:?NodeSelector PreferredDuringSchedulingIgnoredDuringExecution:[PreferredTerm',
  VolumeNodeAffinity: 'Required:?NodeSelector',
  NodeSelector: 'NodeSelectorTerms:[NodeSelectorTerm',
  NodeSelectorTerm: 'MatchExpressions:[NodeRequirement MatchFields:[NodeRequirement',
  NodeRequirement: 'Key:s Operator:s Values:v',
  PreferredTerm: 'Weight:i Preference:NodeSelectorTerm',
  PodAffinity:
    'RequiredDuringSchedulingIgnoredDuringExecution:[AffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[WeightedTerm',
  AffinityTerm: 'LabelSelector:v Namespaces:v TopologyKey:s NamespaceSelector:v MatchLabelKeys:v MismatchLabelKeys:v',
  WeightedTerm: 'Weight:i PodAffinityTerm:AffinityTerm',
  PodSecurityContext:
    'HostNetwork:b HostPID:b HostIPC:b ShareProcessNamespace:v HostUsers:v SELinuxOptions=seLinuxOptions:?SELinuxOptions WindowsOptions:?WindowsOptions RunAsUser:v RunAsGroup:v RunAsNonRoot:v SupplementalGroups:v SupplementalGroupsPolicy:v FSGroup=fsGroup:v FSGroupChangePolicy=fsGroupChangePolicy:v Sysctls:[NameValue SeccompProfile:?SeccompProfile AppArmorProfile:?Profile SELinuxChangePolicy=seLinuxChangePolicy:v',
  SecurityContext:
    'Capabilities:?Capabilities Privileged:v SELinuxOptions=seLinuxOptions:?SELinuxOptions WindowsOptions:?WindowsOptions RunAsUser:v RunAsGroup:v RunAsNonRoot:v ReadOnlyRootFilesystem:v AllowPrivilegeEscalation:v ProcMount:v SeccompProfile:?SeccompProfile AppArmorProfile:?Profile',
  Capabilities: 'Add:v Drop:v',
  SELinuxOptions: 'User:s Role:s Type:s Level:s',
  WindowsOptions:
    'GMSACredentialSpecName=gmsaCredentialSpecName:v GMSACredentialSpec=gmsaCredentialSpec:v RunAsUserName:v HostProcess:v',
  SeccompProfile: 'Type:s LocalhostProfile:v',
  Profile: 'Type:s LocalhostProfile:v',
  NameValue: 'Name:s Value:s',
  Container:
    'Name:s Image:s Command:v Args:v WorkingDir:s Ports:[Port EnvFrom:[EnvFrom Env:[Env Resources:Resources ResizePolicy:[ResizePolicy RestartPolicy:v RestartPolicyRules:[RestartRule VolumeMounts:[VolumeMount VolumeDevices:[VolumeDevice LivenessProbe:?Probe ReadinessProbe:?Probe StartupProbe:?Probe Lifecycle:?Lifecycle TerminationMessagePath:s TerminationMessagePolicy:s ImagePullPolicy:s SecurityContext:?SecurityContext Stdin:b StdinOnce:b TTY=tty:b',
  EphemeralContainer:
    'Name:s Image:s Command:v Args:v WorkingDir:s Ports:[Port EnvFrom:[EnvFrom Env:[Env Resources:Resources ResizePolicy:[ResizePolicy RestartPolicy:v RestartPolicyRules:[RestartRule VolumeMounts:[VolumeMount VolumeDevices:[VolumeDevice LivenessProbe:?Probe ReadinessProbe:?Probe StartupProbe:?Probe Lifecycle:?Lifecycle TerminationMessagePath:s TerminationMessagePolicy:s ImagePullPolicy:s SecurityContext:?SecurityContext Stdin:b StdinOnce:b TTY=tty:b TargetContainerName:s',
  Port: 'Name:s HostPort:i ContainerPort:i Protocol:s HostIP:s',
  EnvFrom: 'Prefix:s ConfigMapRef:?OptionalName SecretRef:?OptionalName',
  OptionalName: 'Name:s Optional:v',
  Env: 'Name:s Value:s ValueFrom:?EnvSource',
  EnvSource:
    'FieldRef:?FieldRef ResourceFieldRef:?ResourceRef ConfigMapKeyRef:?KeyRef SecretKeyRef:?KeyRef FileKeyRef:?FileKeyRef',
  FieldRef: 'APIVersion=apiVersion:s FieldPath:s',
  ResourceRef: 'ContainerName:s Resource:s Divisor:q',
  KeyRef: 'Name:s Key:s Optional:v',
  FileKeyRef: 'VolumeName:s Path:s Key:s Optional:v',
  ResizePolicy: 'ResourceName:s RestartPolicy:s',
  RestartRule: 'Action:s ExitCodes:?RestartExitCodes',
  RestartExitCodes: 'Operator:s Values:v',
  VolumeMount: 'Name:s ReadOnly:b RecursiveReadOnly:v MountPath:s SubPath:s MountPropagation:v SubPathExpr:s',
  VolumeDevice: 'Name:s DevicePath:s',
  Probe:
    'Exec:?Exec HTTPGet=httpGet:?HTTPGet TCPSocket=tcpSocket:?TCPSocket GRPC=grpc:?GRPC InitialDelaySeconds:i TimeoutSeconds:i PeriodSeconds:i SuccessThreshold:i FailureThreshold:i TerminationGracePeriodSeconds:v',
  Lifecycle: 'PostStart:?Handler PreStop:?Handler StopSignal:v',
  Handler: 'Exec:?Exec HTTPGet=httpGet:?HTTPGet TCPSocket=tcpSocket:?TCPSocket Sleep:?Sleep',
  Exec: 'Command:v',
  HTTPGet: 'Path:s Port:v Host:s Scheme:s HTTPHeaders=httpHeaders:[NameValue',
  TCPSocket: 'Port:v Host:s',
  GRPC: 'Port:i Service:v',
  Sleep: 'Seconds:i',
  Volume:
    'Name:s HostPath:?HostPath EmptyDir:?EmptyDir GCEPersistentDisk=gcePersistentDisk:?GCE AWSElasticBlockStore=awsElasticBlockStore:?AWS GitRepo:?GitRepo Secret:?SecretVolume NFS=nfs:?NFS ISCSI=iscsi:v Glusterfs:?Glusterfs PersistentVolumeClaim:?ClaimVolume RBD=rbd:v Quobyte:v FlexVolume:v Cinder:v CephFS=cephfs:v Flocker:v DownwardAPI=downwardAPI:?DownwardVolume FC=fc:v AzureFile:v ConfigMap:?ConfigMapVolume VsphereVolume:v AzureDisk:v PhotonPersistentDisk:v Projected:?Projected PortworxVolume:v ScaleIO=scaleIO:v StorageOS=storageos:v CSI=csi:?CSI Ephemeral:?Ephemeral Image:?ImageVolume',
  HostPath: 'Path:s Type:v',
  EmptyDir: 'Medium:s SizeLimit:v',
  GCE: 'PDName=pdName:s FSType=fsType:s Partition:i ReadOnly:b',
  AWS: 'VolumeID=volumeID:s FSType=fsType:s Partition:i ReadOnly:b',
  GitRepo: 'Repository:s Revision:s Directory:s',
  SecretVolume: 'SecretName:s Items:[KeyToPath DefaultMode:v Optional:v',
  ConfigMapVolume: 'Name:s Items:[KeyToPath DefaultMode:v Optional:v',
  KeyToPath: 'Key:s Path:s Mode:v',
  NFS: 'Server:s Path:s ReadOnly:b',
  Glusterfs: 'EndpointsName=endpoints:s Path:s ReadOnly:b',
  ClaimVolume: 'ClaimName:s ReadOnly:b',
  DownwardVolume: 'Items:[DownwardFile DefaultMode:v',
  DownwardFile: 'Path:s FieldRef:?FieldRef ResourceFieldRef:?ResourceRef Mode:v',
  Projected: 'Sources:[Projection DefaultMode:v',
  Projection:
    'Secret:?ProjectedItems DownwardAPI=downwardAPI:?DownwardItems ConfigMap:?ProjectedItems ServiceAccountToken:?TokenProjection ClusterTrustBundle:?TrustBundle PodCertificate:?PodCertificate',
  ProjectedItems: 'Name:s Items:[KeyToPath Optional:v',
  DownwardItems: 'Items:[DownwardFile',
  TokenProjection: 'Audience:s ExpirationSeconds:i Path:s',
  TrustBundle: 'Name:v SignerName:v LabelSelector:v Optional:v Path:s',
  PodCertificate:
    'SignerName:s KeyType:s MaxExpirationSeconds:v CredentialBundlePath:s KeyPath:s CertificateChainPath:s UserAnnotations:v',
  CSI: 'Driver:s ReadOnly:v FSType=fsType:v VolumeAttributes:v NodePublishSecretRef:?Name',
  Ephemeral: 'VolumeClaimTemplate:?ClaimTemplate',
  ClaimTemplate: 'ObjectMeta=metadata:v Spec:ClaimSpec',
  ImageVolume: 'Reference:s PullPolicy:s',
  ClaimSpec:
    'AccessModes:v Selector:v Resources:VolumeResources VolumeName:s StorageClassName:v VolumeMode:v DataSource:?DataSource DataSourceRef:?DataSourceRef VolumeAttributesClassName:v',
  DataSource: 'APIGroup=apiGroup:v Kind:s Name:s',
  DataSourceRef: 'APIGroup=apiGroup:v Kind:s Name:s Namespace:v',
  PersistentVolumeSource:
    'GCEPersistentDisk=gcePersistentDisk:?GCE AWSElasticBlockStore=awsElasticBlockStore:?AWS HostPath:?HostPath Glusterfs:?PersistentGlusterfs NFS=nfs:?NFS RBD=rbd:v Quobyte:v ISCSI=iscsi:v FlexVolume:v Cinder:v CephFS=cephfs:v FC=fc:v Flocker:v AzureFile:v VsphereVolume:v AzureDisk:v PhotonPersistentDisk:v PortworxVolume:v ScaleIO=scaleIO:v Local:?Local StorageOS=storageos:v CSI=csi:?PersistentCSI',
  PersistentGlusterfs: 'EndpointsName=endpoints:s Path:s ReadOnly:b EndpointsNamespace:v',
  Local: 'Path:s FSType=fsType:v',
  PersistentCSI:
    'Driver:s VolumeHandle:s ReadOnly:b FSType=fsType:s VolumeAttributes:v ControllerPublishSecretRef:?SecretRef NodeStageSecretRef:?SecretRef NodePublishSecretRef:?SecretRef ControllerExpandSecretRef:?SecretRef NodeExpandSecretRef:?SecretRef',
  SecretRef: 'Name:s Namespace:s',
  DeploymentStrategy: 'Type:s RollingUpdate:?DeploymentRollingUpdate',
  DeploymentRollingUpdate: 'MaxUnavailable:v MaxSurge:v',
  DaemonSetUpdateStrategy: 'Type:s RollingUpdate:?DeploymentRollingUpdate',
  StatefulSetUpdateStrategy: 'Type:s RollingUpdate:?StatefulSetRollingUpdate',
  StatefulSetRollingUpdate: 'Partition:i MaxUnavailable:v',
  PodDisruptionBudgetSpec: 'MinAvailable:v Selector:v MaxUnavailable:v UnhealthyPodEvictionPolicy:v',
  SuccessPolicy: 'Rules:[SuccessRule',
  SuccessRule: 'SucceededIndexes:v SucceededCount:v',
  PodFailureExitCodes: 'ContainerName:v Operator:s Values:v',
  PodFailureCondition: 'Type:s Status:v',
  PodFailureRule: 'Action:s OnExitCodes:?PodFailureExitCodes OnPodConditions:[PodFailureCondition',
  PodTemplateSpec: 'ObjectMeta=metadata:v Spec:PodSpec',
  ServicePort: 'Name:s Protocol:s AppProtocol:v Port:i TargetPort:v NodePort:i',
  CSINodeDriver: 'Name:s NodeID=nodeID:s TopologyKeys:v Allocatable:?VolumeNodeResources',
  VolumeNodeResources: 'Count:v',
  CertificateCondition: 'Type:s Status:s Reason:s Message:s LastUpdateTime:v LastTransitionTime:v',
  ObjectReference: 'Kind:s Namespace:s Name:s UID=uid:s APIVersion=apiVersion:s ResourceVersion:s FieldPath:s',
  EventSource: 'Component:s Host:s',
  ParentReference: 'Group:s Resource:s Namespace:s Name:s',
  NodeAddress: 'Type:s Address:s',
  TopologySelectorTerm: 'MatchLabelExpressions:[TopologySelectorRequirement',
  TopologySelectorRequirement: 'Key:s Values:v',
  RoleRef: 'APIGroup=apiGroup:s Kind:s Name:s',
  IngressBackend: 'Service:?IngressServiceBackend Resource:?DataSource',
  IngressServiceBackend: 'Name:s Port:ServiceBackendPort',
  ServiceBackendPort: 'Name:s Number:i',
  VolumeAttachmentSpec: 'Attacher:s Source:VolumeAttachmentSource NodeName:s',
  VolumeAttachmentSource: 'PersistentVolumeName:v InlineVolumeSpec:v',
  AuditAnnotation: 'Key:s ValueExpression:s',
  FlowDistinguisherMethod: 'Type:s',
  FlowSchemaSpec:
    'PriorityLevelConfiguration:Name MatchingPrecedence:i DistinguisherMethod:?FlowDistinguisherMethod Rules:[FlowRules',
  FlowRules: 'Subjects:[FlowSubject ResourceRules:[FlowResourceRule NonResourceRules:[FlowUrlRule',
  FlowSubject: 'Kind:s User:?Name Group:?Name ServiceAccount:?FlowServiceAccount',
  FlowServiceAccount: 'Namespace:s Name:s',
  FlowResourceRule: 'Verbs:v APIGroups=apiGroups:v Resources:v ClusterScope:b Namespaces:v',
  FlowUrlRule: 'Verbs:v NonResourceURLs=nonResourceURLs:v',
  PriorityLevelSpec: 'Type:s Limited:?LimitedLevel Exempt:?ExemptLevel',
  LimitedLevel: 'NominalConcurrencyShares:i LimitResponse:LimitResponse LendablePercent:v BorrowingLimitPercent:v',
  ExemptLevel: 'NominalConcurrencyShares:v LendablePercent:v',
  LimitResponse: 'Type:s Queuing:?Queuing',
  Queuing: 'Queues:i HandSize:i QueueLengthLimit:i',
  ClaimTemplateSpec: 'ObjectMeta=metadata:v Spec:DeviceClaimSpec',
  DeviceClaimSpec: 'Devices:DeviceClaim',
  DeviceClaim: 'Requests:[DeviceRequest Constraints:[DeviceConstraint Config:[DeviceClaimConfig',
  DeviceRequest: 'Name:s Exactly:?ExactDeviceRequest FirstAvailable:[DeviceSubRequest',
  ExactDeviceRequest:
    'DeviceClassName:s Selectors:[DeviceSelector AllocationMode:s Count:i AdminAccess:v Tolerations:[DeviceToleration Capacity:?DeviceAmounts',
  DeviceSubRequest:
    'Name:s DeviceClassName:s Selectors:[DeviceSelector AllocationMode:s Count:i Tolerations:[DeviceToleration Capacity:?DeviceAmounts',
  DeviceSelector: 'CEL=cel:?DeviceExpression',
  DeviceExpression: 'Expression:s',
  DeviceToleration: 'Key:s Operator:s Value:s Effect:s TolerationSeconds:v',
  DeviceAmounts: 'Requests:v',
  DeviceConstraint: 'Requests:v MatchAttribute:v DistinctAttribute:v',
  DeviceClaimConfig: 'Requests:v Opaque:?OpaqueConfig',
  OpaqueConfig: 'Driver:s Parameters:v',
  AllocationResult: 'Devices:DeviceResults NodeSelector:?NodeSelector AllocationTimestamp:v',
  DeviceResults: 'Results:[DeviceResult Config:[DeviceResultConfig',
  DeviceResult:
    'Request:s Driver:s Pool:s Device:s AdminAccess:v Tolerations:[DeviceToleration BindingConditions:v BindingFailureConditions:v ShareID=shareID:v ConsumedCapacity:v',
  DeviceResultConfig: 'Source:s Requests:v Opaque:?OpaqueConfig',
  NodeConfigSource: 'ConfigMap:?ConfigMapNodeConfigSource',
  ConfigMapNodeConfigSource: 'Namespace:s Name:s UID=uid:s ResourceVersion:s KubeletConfigKey:s',
};

interface InternalField {
  readonly name: string;
  readonly member: string;
  readonly type: string;
}

const parsed = new Map<string, readonly InternalField[]>();

function fieldsOf(type: string): readonly InternalField[] {
  let fields = parsed.get(type);
  if (fields === undefined) {
    const description = descriptions[type];
    if (description === undefined) throw new Error(`no internal form is described for ${type}`);
    fields = description.split(' ').map((text) => {
      const colon = text.indexOf(':');
      const [name = '', member] = text.slice(0, colon).split('=');
      return { name, member: member ?? name.charAt(0).toLowerCase() + name.slice(1), type: text.slice(colon + 1) };
    });
    parsed.set(type, fields);
  }
  return fields;
}

/** A value of a described type as the server holds it: Go's names, Go's order, nothing left out. */
export function internalForm(type: string, value: unknown): Record<string, unknown> {
  const source = (type === 'PodSpec' ? withHostFields(value) : value) as Record<string, unknown> | undefined;
  const result: Record<string, unknown> = {};
  for (const field of fieldsOf(type)) result[field.name] = internalValue(field.type, source?.[field.member]);
  return result;
}

function internalValue(type: string, value: unknown): unknown {
  switch (type) {
    case 's':
      return value ?? '';
    case 'i':
      return value ?? 0;
    case 'b':
      return value ?? false;
    case 'q':
      return value ?? '0';
    case 'v':
      return sorted(value ?? null);
  }
  if (type.startsWith('[')) return Array.isArray(value) ? value.map((item) => internalForm(type.slice(1), item)) : null;
  if (type.startsWith('?')) return value === undefined || value === null ? null : internalForm(type.slice(1), value);
  return internalForm(type, value);
}

/** Maps print in the order of their keys; objects among these are of upstream's own types, whose order is kept. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (entries.some(([, item]) => typeof item !== 'string')) return value;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Inside, what a pod shares with its host stands in the security context. */
function withHostFields(value: unknown): Record<string, unknown> {
  const spec = (value ?? {}) as Record<string, unknown>;
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const shared = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  const context = spec['securityContext'] as object | undefined;
  if (context === undefined && Object.values(shared).every((flag) => flag === undefined)) return spec;
  return { ...spec, securityContext: { ...context, ...shared } };
}
