/**
 * Members in the order in which upstream's types declare them: what its encoder writes of a stored object. Only messages that quote an
 * object need it, so it is worked out when one is built. Called by patch.ts.
 *
 * Most types declare their fields in the order of their protobuf numbers; the table names those that do not.
 * @see k8s.io/api/core/v1/types.go and its neighbours
 */
import { setMember } from './conform.ts';
import { type Message, messageOf, rowNameOf } from './protobuf/messages.ts';
import { metadataOrder, type ObjectSchema, type Schema } from './schema.ts';

const container =
  'name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty';
const webhook =
  'name clientConfig rules failurePolicy matchPolicy namespaceSelector objectSelector sideEffects timeoutSeconds admissionReviewVersions reinvocationPolicy matchConditions';

const declared: Readonly<Record<string, string>> = {
  'admissionregistration.v1.MatchResources':
    'namespaceSelector objectSelector resourceRules excludeResourceRules matchPolicy',
  'admissionregistration.v1.MutatingWebhook': webhook,
  'admissionregistration.v1.ValidatingWebhook': webhook,
  'admissionregistration.v1.WebhookClientConfig': 'url service caBundle',
  'apps.v1.DeploymentCondition': 'type status lastUpdateTime lastTransitionTime reason message',
  'apps.v1.DeploymentStatus':
    'observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas terminatingReplicas conditions collisionCount',
  'apps.v1.ReplicaSetSpec': 'replicas minReadySeconds selector template',
  'apps.v1.ReplicaSetStatus':
    'replicas fullyLabeledReplicas readyReplicas availableReplicas terminatingReplicas observedGeneration conditions',
  'batch.v1.CronJobSpec':
    'schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend jobTemplate successfulJobsHistoryLimit failedJobsHistoryLimit',
  'batch.v1.JobSpec':
    'parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy',
  'core.v1.ConfigMap': 'metadata immutable data binaryData',
  'core.v1.Container': container,
  'core.v1.EphemeralContainer': `${container} targetContainerName`,
  'core.v1.NodeSpec': 'podCIDR podCIDRs providerID unschedulable taints configSource externalID',
  'core.v1.PersistentVolumeClaimSpec':
    'accessModes selector resources volumeName storageClassName volumeMode dataSource dataSourceRef volumeAttributesClassName',
  'core.v1.PodCondition': 'type observedGeneration status lastProbeTime lastTransitionTime reason message',
  'core.v1.PodSecurityContext':
    'seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup sysctls fsGroupChangePolicy seccompProfile appArmorProfile seLinuxChangePolicy',
  'core.v1.PodSpec':
    'volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources hostnameOverride',
  'core.v1.PodStatus':
    'observedGeneration phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime initContainerStatuses containerStatuses qosClass ephemeralContainerStatuses resize resourceClaimStatuses',
  'core.v1.ReplicationControllerSpec': 'replicas minReadySeconds selector template',
  'core.v1.ReplicationControllerStatus':
    'replicas fullyLabeledReplicas readyReplicas availableReplicas observedGeneration conditions',
  'core.v1.Secret': 'metadata immutable data stringData type',
  'core.v1.SecurityContext':
    'capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile',
  'core.v1.ServicePort': 'name protocol appProtocol port targetPort nodePort',
  'core.v1.ServiceSpec':
    'ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution',
  'discovery.v1.EndpointSlice': 'metadata addressType endpoints ports',
  'meta.ObjectMeta': metadataOrder.join(' '),
  'networking.v1.HTTPIngressPath': 'path pathType backend',
  'networking.v1.IngressBackend': 'service resource',
  'networking.v1.IngressSpec': 'ingressClassName defaultBackend tls rules',
};

const leading = ['kind', 'apiVersion'];
const orders = new Map<ObjectSchema, readonly string[]>();

function orderOf(object: ObjectSchema): readonly string[] {
  let order = orders.get(object);
  if (order === undefined) {
    const own = declared[rowNameOf(object.name)]?.split(' ') ?? namesOf(messageOf(object));
    order = [...leading.filter((name) => !own.includes(name)), ...own];
    orders.set(object, order);
  }
  return order;
}

/** By number; embedded messages' fields stand where the message does. */
const namesOf = (message: Message | undefined): string[] =>
  message?.byNumber.flatMap((field) =>
    field === undefined ? [] : field.embedded === undefined ? [field.name] : namesOf(field.embedded),
  ) ?? [];

/** The value with the members of all typed objects in declared order and the keys of maps sorted; what is not known stands last. */
export function inStructOrder(value: unknown, schema: Schema | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => inStructOrder(item, schema?.element));
  if (typeof value !== 'object' || value === null || schema === undefined) return value;
  const members = value as Record<string, unknown>;
  const fields = schema.kind === 'object' ? schema.object?.fields : undefined;
  if (fields === undefined && schema.kind !== 'map') return value;
  const order = schema.kind === 'object' && schema.object !== undefined ? orderOf(schema.object) : [];
  const rest = Object.keys(members).filter((name) => !order.includes(name));
  const ordered: Record<string, unknown> = {};
  for (const name of [...order, ...rest.sort()]) {
    if (!Object.hasOwn(members, name)) continue;
    setMember(ordered, name, inStructOrder(members[name], fields?.get(name)?.schema ?? schema.element));
  }
  return ordered;
}
