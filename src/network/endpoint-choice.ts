/**
 * Which of a port's endpoints a proxy on a given node uses: ready ones, by topology hints, with the fall-back to terminating
 * ones, and the local ones where a traffic policy asks for them. Pure. @see kubernetes/pkg/proxy/topology.go, KEP-1669, KEP-2433
 */
import type { EndpointTarget, ProxyPlace, ServicePortRule } from './types.ts';

export interface EndpointChoice {
  /** For traffic whose policy is Cluster. */
  readonly cluster: readonly EndpointTarget[];
  /** For traffic whose policy is Local: those on this node. */
  readonly local: readonly EndpointTarget[];
  /** Whether any endpoint anywhere could take a connection. */
  readonly anyUsable: boolean;
}

/** True when the port is reachable from outside the cluster. */
export function isExternal({ nodePort, externalIps, loadBalancerIps }: ServicePortRule): boolean {
  return nodePort !== undefined || externalIps.length > 0 || loadBalancerIps.length > 0;
}

export function chooseEndpoints(rule: ServicePortRule, place: ProxyPlace): EndpointChoice {
  const inReach = topologyFilter(rule.endpoints, place);
  let cluster = rule.endpoints.filter((endpoint) => endpoint.ready && inReach(endpoint));
  if (cluster.length === 0) cluster = rule.endpoints.filter(isLastResort);
  const here = rule.endpoints.filter((endpoint) => endpoint.nodeName === place.nodeName);
  let local = here.filter((endpoint) => endpoint.ready);
  if (local.length === 0) local = here.filter(isLastResort);
  return { cluster, local, anyUsable: rule.endpoints.some((endpoint) => endpoint.ready || isLastResort(endpoint)) };
}

/** Still serving although it terminates: used when nothing better is left. */
function isLastResort({ serving, terminating }: EndpointTarget): boolean {
  return serving && terminating;
}

/**
 * Hints count only when every ready endpoint carries them and at least one is for this node (or zone): otherwise a change
 * under way could leave a node without endpoints.
 */
function topologyFilter(
  endpoints: readonly EndpointTarget[],
  { nodeName, zone }: ProxyPlace,
): (endpoint: EndpointTarget) => boolean {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const decides = (hintsOf: (endpoint: EndpointTarget) => readonly string[] | undefined, here: string): boolean =>
    ready.every((endpoint) => (hintsOf(endpoint)?.length ?? 0) > 0) &&
    ready.some((endpoint) => hintsOf(endpoint)?.includes(here) === true);
  if (ready.length > 0 && decides((endpoint) => endpoint.nodeHints, nodeName)) {
    return (endpoint) => endpoint.nodeHints?.includes(nodeName) === true;
  }
  if (ready.length > 0 && zone !== undefined && decides((endpoint) => endpoint.zoneHints, zone)) {
    return (endpoint) => endpoint.zoneHints?.includes(zone) === true;
  }
  return () => true;
}
