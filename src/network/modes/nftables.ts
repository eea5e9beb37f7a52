/**
 * The rules as `nft list table ip kube-proxy` prints them, and after them those of the table `ip6 kube-proxy` where the node has
 * IPv6: maps from addresses to service chains, and chains that number their endpoints at random. Pure. @see kubernetes/pkg/proxy/nftables/proxier.go, KEP-3866
 */
import { chooseEndpoints, isExternal } from '../endpoint-choice.ts';
import { type FamilyRules, familyOf, rulesByFamily } from '../families.ts';
import { addressAndPort, type EndpointTarget, type ProxyPlace, portText, type ServicePortRule } from '../types.ts';
import { chainSuffix } from './iptables.ts';

interface Table {
  readonly serviceIps: string[];
  readonly nodePorts: string[];
  readonly noEndpointIps: string[];
  readonly chains: Map<string, readonly string[]>;
}

export function nftablesRules(rules: readonly ServicePortRule[], place: ProxyPlace): string {
  return rulesByFamily(rules, place).map(tableOf).join('');
}

function tableOf({ family, rules, place }: FamilyRules): string {
  const table: Table = { serviceIps: [], nodePorts: [], noEndpointIps: [], chains: new Map() };
  for (const rule of rules) writeRule(table, rule, place);
  const map = (name: string, comment: string, type: string, elements: readonly string[]): string[] => [
    `\tmap ${name} {`,
    `\t\ttype ${type} : verdict`,
    `\t\tcomment "${comment}"`,
    ...(elements.length === 0 ? [] : [`\t\telements = { ${elements.join(',\n\t\t\t     ')} }`]),
    '\t}',
    '',
  ];
  const address = `ipv${family}_addr . inet_proto . inet_service`;
  return [
    `table ${family === 4 ? 'ip' : 'ip6'} kube-proxy {`,
    '\tcomment "rules for kube-proxy"',
    '',
    ...map(
      'no-endpoint-services',
      'vmap to drop or reject packets to services with no endpoints',
      address,
      table.noEndpointIps,
    ),
    ...map('service-ips', 'ClusterIP, ExternalIP and LoadBalancer IP traffic', address, table.serviceIps),
    ...map('service-nodeports', 'NodePort traffic', 'inet_proto . inet_service', table.nodePorts),
    ...[...table.chains].flatMap(([name, lines]) => [
      `\tchain ${name} {`,
      ...lines.map((line) => `\t\t${line}`),
      '\t}',
      '',
    ]),
    '}',
    '',
  ].join('\n');
}

function writeRule(table: Table, rule: ServicePortRule, place: ProxyPlace): void {
  const protocol = rule.protocol.toLowerCase();
  const name = `${chainSuffix(`${portText(rule)}${protocol}`).slice(0, 8)}-${rule.namespace}/${rule.service}/${protocol}/${rule.portName}`;
  const { anyUsable, cluster, local } = chooseEndpoints(rule, place);
  const add = (elements: string[], key: string, endpoints: readonly EndpointTarget[], chain: string): void => {
    if (endpoints.length > 0) elements.push(`${key} : goto ${chain}`);
    else table.noEndpointIps.push(`${key} comment "${portText(rule)}" : ${anyUsable ? 'drop' : 'goto reject-chain'}`);
  };
  const internal = rule.internalLocal ? local : cluster;
  const external = rule.externalLocal ? local : cluster;
  for (const ip of rule.clusterIps) {
    add(
      table.serviceIps,
      `${ip} . ${protocol} . ${rule.port}`,
      internal,
      `${rule.internalLocal ? 'local' : 'service'}-${name}`,
    );
  }
  for (const ip of [...rule.externalIps, ...rule.loadBalancerIps]) {
    add(table.serviceIps, `${ip} . ${protocol} . ${rule.port}`, external, `external-${name}`);
  }
  if (rule.nodePort !== undefined && external.length > 0) {
    table.nodePorts.push(`${protocol} . ${rule.nodePort} : goto external-${name}`);
  }
  if (!rule.internalLocal || isExternal(rule)) spread(table, rule, `service-${name}`, cluster);
  if (rule.internalLocal || (rule.externalLocal && isExternal(rule))) spread(table, rule, `local-${name}`, local);
  if (isExternal(rule) && external.length > 0) {
    const target = rule.externalLocal ? `local-${name}` : `service-${name}`;
    table.chains.set(
      `external-${name}`,
      rule.externalLocal ? [`goto ${target}`] : ['jump mark-for-masquerade', `goto ${target}`],
    );
  }
}

function spread(table: Table, rule: ServicePortRule, chain: string, endpoints: readonly EndpointTarget[]): void {
  if (endpoints.length === 0) return;
  const protocol = rule.protocol.toLowerCase();
  const targets = endpoints.map((endpoint) => {
    const id = chainSuffix(`${portText(rule)}${protocol}${endpoint.ip}:${endpoint.port}`).slice(0, 8);
    return {
      name: `endpoint-${id}-${rule.namespace}/${rule.service}/${protocol}/${rule.portName}__${endpoint.ip}/${endpoint.port}`,
      endpoint,
    };
  });
  const numbered = targets.map(({ name }, at) => `${at} : goto ${name}`).join(', ');
  table.chains.set(chain, [`numgen random mod ${targets.length} vmap { ${numbered} }`]);
  for (const { name, endpoint } of targets) {
    table.chains.set(name, [
      `${familyOf(endpoint.ip) === 4 ? 'ip' : 'ip6'} saddr ${endpoint.ip} jump mark-for-masquerade`,
      `meta l4proto ${protocol} dnat to ${addressAndPort(endpoint)}`,
    ]);
  }
}
