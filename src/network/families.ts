/**
 * Address families of service routing. A proxy is two proxies, one a family: each sees the Services that have a cluster IP of
 * its family, with their addresses and endpoints of that family alone. Pure. @see kubernetes/pkg/proxy/metaproxier
 */
import { isIPv6 } from 'node:net';
import type { ProxyPlace, ServicePortRule } from './types.ts';

export type IpFamily = 4 | 6;

export const familyOf = (address: string): IpFamily => (isIPv6(address) ? 6 : 4);

/** What a proxy of the family sees of the port; undefined when it sees nothing. */
export function ruleOfFamily(rule: ServicePortRule, family: IpFamily): ServicePortRule | undefined {
  const isOf = (address: string) => familyOf(address) === family;
  const clusterIps = rule.clusterIps.filter(isOf);
  if (clusterIps.length === 0) return undefined;
  return {
    ...rule,
    clusterIps,
    externalIps: rule.externalIps.filter(isOf),
    loadBalancerIps: rule.loadBalancerIps.filter(isOf),
    endpoints: rule.endpoints.filter(({ ip }) => isOf(ip)),
  };
}

export interface FamilyRules {
  readonly family: IpFamily;
  readonly rules: readonly ServicePortRule[];
  readonly place: ProxyPlace;
}

/** The rules by family: IPv4 always, IPv6 where the node has such an address. */
export function rulesByFamily(rules: readonly ServicePortRule[], place: ProxyPlace): readonly FamilyRules[] {
  const families: readonly IpFamily[] = place.nodeIps.some((ip) => familyOf(ip) === 6) ? [4, 6] : [4];
  return families.map((family) => ({
    family,
    rules: rules.flatMap((rule) => ruleOfFamily(rule, family) ?? []),
    place: { ...place, nodeIps: place.nodeIps.filter((ip) => familyOf(ip) === family) },
  }));
}
