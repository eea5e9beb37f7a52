/**
 * From a Service and its EndpointSlices to rules, one for each port. Pure.
 * @see kubernetes/pkg/proxy/serviceport.go and pkg/proxy/endpointslicecache.go
 */
import type { Endpoint, EndpointSlice, Service } from '../api/index.ts';
import type { EndpointTarget, Protocol, ServicePortRule } from './types.ts';

const affinityDefaultSeconds = 10_800;
export const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
export const headlessLabel = 'service.kubernetes.io/headless';
export const serviceNameLabel = 'kubernetes.io/service-name';

/** True for Services that this proxy leaves alone: headless, external names, those of another proxy. */
export function isIgnored({ metadata, spec }: Service): boolean {
  if (metadata?.labels?.[proxyNameLabel] !== undefined) return true;
  const clusterIp = spec?.clusterIP;
  return spec?.type === 'ExternalName' || clusterIp === undefined || clusterIp === '' || clusterIp === 'None';
}

/** The rules of a Service: one for each of its ports; none for one that is ignored. */
export function serviceRules(service: Service, slices: readonly EndpointSlice[]): ServicePortRule[] {
  const { metadata, spec } = service;
  if (spec === undefined || isIgnored(service)) return [];
  const loadBalancerIps =
    spec.type === 'LoadBalancer'
      ? (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
          ip === undefined || ip === '' || ipMode === 'Proxy' ? [] : [ip],
        )
      : [];
  const affinitySeconds =
    spec.sessionAffinity === 'ClientIP'
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinityDefaultSeconds)
      : undefined;
  return (spec.ports ?? []).map((port) => ({
    namespace: metadata?.namespace ?? '',
    service: metadata?.name ?? '',
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP') as Protocol,
    port: port.port,
    clusterIps: spec.clusterIPs ?? [spec.clusterIP ?? ''],
    nodePort: port.nodePort === 0 ? undefined : port.nodePort,
    externalIps: spec.externalIPs ?? [],
    loadBalancerIps,
    sourceRanges: loadBalancerIps.length === 0 ? [] : (spec.loadBalancerSourceRanges ?? []),
    affinitySeconds,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    endpoints: portEndpoints(slices, port.name ?? '', (port.protocol ?? 'TCP') as Protocol),
  }));
}

/** The endpoints behind one port, sorted by address, each once even when two slices name it. */
function portEndpoints(slices: readonly EndpointSlice[], portName: string, protocol: Protocol): EndpointTarget[] {
  const targets = new Map<string, EndpointTarget>();
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType === 'FQDN') continue;
    // Both lists are null where a client has written none.
    const slicePort = ports?.find((port) => (port.name ?? '') === portName && (port.protocol ?? 'TCP') === protocol);
    if (slicePort?.port === undefined) continue;
    for (const endpoint of endpoints ?? []) {
      const target = targetOf(endpoint, slicePort.port);
      if (target === undefined) continue;
      const key = `${target.ip}:${target.port}`;
      const known = targets.get(key);
      // Two slices may tell of one address while it moves between them: the better news counts.
      if (known === undefined || (target.ready && !known.ready)) targets.set(key, target);
    }
  }
  return [...targets.values()].sort((left, right) =>
    left.ip < right.ip ? -1 : left.ip > right.ip ? 1 : left.port - right.port,
  );
}

function targetOf(
  { addresses, conditions, hints, nodeName, targetRef, zone }: Endpoint,
  port: number,
): EndpointTarget | undefined {
  const ip = addresses[0];
  if (ip === undefined) return undefined;
  const ready = conditions?.ready ?? true;
  return {
    ip,
    port,
    nodeName,
    zone,
    ready,
    serving: conditions?.serving ?? ready,
    terminating: conditions?.terminating ?? false,
    zoneHints: hints?.forZones?.map(({ name }) => name),
    nodeHints: hints?.forNodes?.map(({ name }) => name),
    pod: targetRef?.kind === 'Pod' ? `${targetRef.namespace}/${targetRef.name}` : undefined,
  };
}
