/** The rules as `ipvsadm --save -n` prints them: kube-proxy's IPVS mode. Pure. @see kubernetes/pkg/proxy/ipvs/proxier.go */
import { chooseEndpoints } from '../endpoint-choice.ts';
import { rulesByFamily } from '../families.ts';
import { addressAndPort, type EndpointTarget, type ProxyPlace, type ServicePortRule } from '../types.ts';

/** Virtual servers with their real servers, all of weight 1, scheduled round robin. */
export function ipvsRules(rules: readonly ServicePortRule[], place: ProxyPlace): string {
  return rulesByFamily(rules, place)
    .map((each) => serversOf(each.rules, each.place))
    .join('');
}

function serversOf(rules: readonly ServicePortRule[], place: ProxyPlace): string {
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
  const server = `${flags[rule.protocol]} ${addressAndPort({ ip, port })}`;
  lines.push(`-A ${server} -s rr${rule.affinitySeconds === undefined ? '' : ` -p ${rule.affinitySeconds}`}`);
  for (const endpoint of endpoints) lines.push(`-a ${server} -r ${addressAndPort(endpoint)} -m -w 1`);
}
