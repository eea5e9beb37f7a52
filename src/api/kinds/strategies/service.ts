/**
 * Services: defaults, and what a write may leave out because it was allocated before. Addresses and ports are allocated by the API
 * server, after this and before the object is stored.
 * @see pkg/apis/core/v1/defaults.go SetDefaults_Service, pkg/registry/core/service
 */
import type { Service, ServicePort, ServiceSpec } from '../../generated/types.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import { addressWarnings, cidrWarnings } from './address-warnings.ts';

/** Three hours, in seconds. */
const CLIENT_IP_TIMEOUT = 10_800;

export const serviceStrategy = strategyOf<Service>({
  defaults: defaultService,
  generation: false,
  initialStatus: () => ({ loadBalancer: {} }),
  prepareForCreate(service: Service) {
    const spec = service.spec!;
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  },
  prepareForUpdate(service: Service, previous: Service) {
    const after = service.spec!;
    const before = previous.spec ?? {};
    syncClusterIps(after, before);
    keepAllocated(after, before);
    dropWhatTypeForbids(after, before);
  },
  status: { keptMetadata: [] },
  allowCreateOnUpdate: true,
  warnings: serviceWarnings,
});

function defaultService(service: Service): void {
  service.spec ??= {};
  const spec = service.spec;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: CLIENT_IP_TIMEOUT } };
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (needsExternalTrafficPolicy(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (needsClusterIp(spec)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

function needsNodePort(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

function needsHealthCheckNodePort(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function needsExternalTrafficPolicy(spec: ServiceSpec): boolean {
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') return true;
  return spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0;
}

/** A client that knows only the singular field changes the list with it. */
function syncClusterIps(after: ServiceSpec, before: ServiceSpec): void {
  if (after.clusterIP === before.clusterIP) return;
  if (!semanticEqual(after.clusterIPs, before.clusterIPs)) return;
  if (after.clusterIP) after.clusterIPs = [after.clusterIP];
  else delete after.clusterIPs;
}

/** Fields that a client left out keep what was allocated, so that a manifest can be sent again. */
function keepAllocated(after: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(after)) {
    if (!after.clusterIP && before.clusterIP) after.clusterIP = before.clusterIP;
    if (!after.clusterIPs?.length && after.clusterIP === before.clusterIP && before.clusterIPs !== undefined) {
      after.clusterIPs = [...before.clusterIPs];
    }
  }
  if (needsNodePort(before) && needsNodePort(after)) keepNodePorts(after.ports ?? [], before.ports ?? []);
  if (needsHealthCheckNodePort(before) && needsHealthCheckNodePort(after) && !after.healthCheckNodePort) {
    if (before.healthCheckNodePort !== undefined) after.healthCheckNodePort = before.healthCheckNodePort;
  }
}

function keepNodePorts(after: readonly ServicePort[], before: readonly ServicePort[]): void {
  const used = new Set(after.map((port) => port.nodePort));
  for (const port of after) {
    if (port.nodePort) continue;
    const match = before.find((other) => other.port === port.port && other.protocol === port.protocol);
    if (!match?.nodePort || used.has(match.nodePort)) continue;
    port.nodePort = match.nodePort;
    used.add(match.nodePort);
  }
}

/** When the type changes, fields that the new type has no use for are dropped unless the client changed them too. */
function dropWhatTypeForbids(after: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && !needsClusterIp(after)) {
    if (after.clusterIP === before.clusterIP && semanticEqual(after.clusterIPs, before.clusterIPs)) {
      delete after.clusterIP;
      delete after.clusterIPs;
    }
    if (semanticEqual(after.ipFamilies, before.ipFamilies)) delete after.ipFamilies;
    if (after.ipFamilyPolicy === before.ipFamilyPolicy) delete after.ipFamilyPolicy;
    if (after.internalTrafficPolicy === before.internalTrafficPolicy) delete after.internalTrafficPolicy;
  }
  if (needsNodePort(before) && !needsNodePort(after) && sameNodePorts(after, before)) {
    for (const port of after.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheckNodePort(before) && !needsHealthCheckNodePort(after)) {
    if (after.healthCheckNodePort === before.healthCheckNodePort) delete after.healthCheckNodePort;
  }
  if (before.type === 'LoadBalancer' && after.type !== 'LoadBalancer') {
    if (after.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
      delete after.allocateLoadBalancerNodePorts;
    }
    if (after.loadBalancerClass === before.loadBalancerClass) delete after.loadBalancerClass;
  }
  if (needsExternalTrafficPolicy(before) && !needsExternalTrafficPolicy(after)) {
    if (after.externalTrafficPolicy === before.externalTrafficPolicy) delete after.externalTrafficPolicy;
  }
}

function sameNodePorts(after: ServiceSpec, before: ServiceSpec): boolean {
  const numbers = (spec: ServiceSpec) => new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0));
  const known = numbers(before);
  for (const port of numbers(after)) if (port !== 0 && !known.has(port)) return false;
  return true;
}

/** @see pkg/api/service/warnings.go */
function serviceWarnings(service: Service): string[] {
  const warnings: string[] = [];
  const spec = service.spec ?? {};
  if (service.metadata?.annotations?.['service.kubernetes.io/topology-aware-hints'] !== undefined) {
    warnings.push(
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    );
  }
  const headless = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  if (spec.type !== 'ExternalName' && spec.clusterIP && !headless) {
    spec.clusterIPs?.forEach((address, index) => {
      warnings.push(...addressWarnings(`spec.clusterIPs[${index}]`, address));
    });
  }
  const externalIps = spec.externalIPs ?? [];
  if (headless) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIps.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  externalIps.forEach((address, index) => {
    warnings.push(...addressWarnings(`spec.externalIPs[${index}]`, address));
  });
  if (externalIps.length > 0 && !headless && spec.type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (spec.loadBalancerIP) warnings.push(...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  spec.loadBalancerSourceRanges?.forEach((range, index) => {
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range));
  });
  if (spec.type === 'ExternalName' && externalIps.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

/** Field labels of services. */
export const serviceSelectableFields = selectableFieldsOf<Service>({
  'spec.clusterIP': (service: Service) => service.spec?.clusterIP ?? '',
  'spec.type': (service: Service) => service.spec?.type ?? '',
});
