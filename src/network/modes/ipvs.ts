/** The rules as `ipvsadm --save -n` prints them: kube-proxy's IPVS mode. Pure. @see kubernetes/pkg/proxy/ipvs/proxier.go */
import { isIPv6 } from 'node:net';
import { chooseEndpoints } from '../endpoint-choice.ts';
import type { EndpointTarget, ProxyPlace, ServicePortRule } from '../types.ts';

/** Virtual servers with their real servers, all of weight 1, scheduled round robin. */
export function ipvsRules(rules: readonly ServicePortRule[], place: ProxyPlace): string {
  const lines: string[] = [];
  for (const rule of rules) {
    const { cluster, local } = chooseEndpoints(rule, place);
    const external = rule.externalLocal ? local : cluster;
    for (const ip of rule.clusterIps) writeServer(lines, rule, ip, rule.port, rule.internalLocal ? local : cluster);
    for (const ip of [...rule.externalIps, ...rule.loadBalancerIps]) writeServer(lines, rule, ip, rule.port, external);
    if (rule.nodePort !== undefined)
      for (const ip of place.nodeIps) writeServer(lines, rule, ip, rule.nodePort, external);
  }
  return lines.map((line) => `${line}\n`).join('');
}

const flags = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' } as const;

function writeServer(
  lines: string[],
  rule: ServicePortRule,
  ip: string,
  port: number,
  endpoints: readonly EndpointTarget[],
): void {
  const server = `${flags[rule.protocol]} ${joined(ip, port)}`;
  lines.push(`-A ${server} -s rr${rule.affinitySeconds === undefined ? '' : ` -p ${rule.affinitySeconds}`}`);
  for (const endpoint of endpoints) {
    if (isIPv6(endpoint.ip) === isIPv6(ip)) lines.push(`-a ${server} -r ${joined(endpoint.ip, endpoint.port)} -m -w 1`);
  }
}

function joined(ip: string, port: number): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}
