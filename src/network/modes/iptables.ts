/**
 * The rules as `iptables-save` prints them, and after them those of `ip6tables-save` where the node has IPv6: the nat and filter
 * tables of kube-proxy's iptables mode. Pure.
 * @see kubernetes/pkg/proxy/iptables/proxier.go
 */
import { createHash } from 'node:crypto';
import { chooseEndpoints, isExternal } from '../endpoint-choice.ts';
import { rulesByFamily } from '../families.ts';
import { addressAndPort, type EndpointTarget, type ProxyPlace, portText, type ServicePortRule } from '../types.ts';

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** 16 letters made of a text's hash, as upstream names its chains. */
export function chainSuffix(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let suffix = '';
  for (let bit = 0; suffix.length < 16; bit += 5) {
    const pair = (digest[bit >> 3]! << 8) | digest[(bit >> 3) + 1]!;
    suffix += base32[(pair >> (11 - (bit & 7))) & 31];
  }
  return suffix;
}

interface Lines {
  readonly chains: Set<string>;
  readonly nat: string[];
  readonly filter: string[];
}

export function iptablesRules(rules: readonly ServicePortRule[], place: ProxyPlace): string {
  return rulesByFamily(rules, place)
    .map((each) => (each.family === 4 ? '' : '# ip6tables\n') + tablesOf(each.rules, each.place))
    .join('');
}

/** The tables of one family. */
function tablesOf(rules: readonly ServicePortRule[], place: ProxyPlace): string {
  const lines: Lines = {
    chains: new Set(['KUBE-MARK-MASQ', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-SERVICES']),
    nat: [],
    filter: [],
  };
  lines.nat.push('-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000');
  lines.nat.push('-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN');
  lines.nat.push('-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000');
  lines.nat.push(
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  );
  for (const rule of rules) writeRule(lines, rule, place);
  const jump =
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"';
  lines.nat.push(`${jump} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`);
  return [
    '*filter',
    ...['KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-SERVICES'].map((chain) => `:${chain} - [0:0]`),
    ...lines.filter,
    'COMMIT',
    '*nat',
    ...[...lines.chains].sort().map((chain) => `:${chain} - [0:0]`),
    ...lines.nat,
    'COMMIT',
    '',
  ].join('\n');
}

function writeRule(lines: Lines, rule: ServicePortRule, place: ProxyPlace): void {
  const name = portText(rule);
  const protocol = rule.protocol.toLowerCase();
  const match = `-m ${protocol} -p ${protocol}`;
  const suffix = chainSuffix(`${name}${protocol}`);
  const choice = chooseEndpoints(rule, place);
  const clusterChain = `KUBE-SVC-${suffix}`;
  const localChain = `KUBE-SVL-${suffix}`;
  const externalChain = `KUBE-EXT-${suffix}`;
  const internal = rule.internalLocal
    ? { chain: localChain, endpoints: choice.local }
    : { chain: clusterChain, endpoints: choice.cluster };
  const external = rule.externalLocal ? choice.local : choice.cluster;
  for (const ip of rule.clusterIps) {
    const to = `${match} -d ${ip} --dport ${rule.port}`;
    if (internal.endpoints.length > 0) {
      lines.nat.push(`-A KUBE-SERVICES -m comment --comment "${name} cluster IP" ${to} -j ${internal.chain}`);
    } else refuse(lines, 'KUBE-SERVICES', rule, to, choice.anyUsable);
  }
  if (isExternal(rule)) {
    const writeEntry = (ip: string, what: string): void => {
      const to = `${match} -d ${ip} --dport ${rule.port}`;
      if (external.length > 0 || choice.cluster.length > 0) {
        lines.nat.push(`-A KUBE-SERVICES -m comment --comment "${name} ${what}" ${to} -j ${externalChain}`);
      }
      if (external.length === 0) refuse(lines, 'KUBE-EXTERNAL-SERVICES', rule, to, choice.anyUsable);
    };
    for (const ip of rule.externalIps) writeEntry(ip, 'external IP');
    for (const ip of rule.loadBalancerIps) writeEntry(ip, 'loadbalancer IP');
    if (rule.nodePort !== undefined) {
      const to = `${match} --dport ${rule.nodePort}`;
      if (external.length > 0)
        lines.nat.push(`-A KUBE-NODEPORTS -m comment --comment "${name}" ${to} -j ${externalChain}`);
      else
        refuse(
          lines,
          'KUBE-EXTERNAL-SERVICES',
          rule,
          `${match} -m addrtype --dst-type LOCAL --dport ${rule.nodePort}`,
          choice.anyUsable,
        );
    }
    if (external.length > 0 || choice.cluster.length > 0) {
      lines.chains.add(externalChain);
      if (rule.externalLocal) {
        const from = `-A ${externalChain} -m comment --comment`;
        lines.nat.push(
          `${from} "masquerade LOCAL traffic for ${name} external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
        );
        lines.nat.push(
          `${from} "route LOCAL traffic for ${name} external destinations" -m addrtype --src-type LOCAL -j ${clusterChain}`,
        );
      } else {
        lines.nat.push(
          `-A ${externalChain} -m comment --comment "masquerade traffic for ${name} external destinations" -j KUBE-MARK-MASQ`,
        );
      }
      if (external.length > 0)
        lines.nat.push(`-A ${externalChain} -j ${rule.externalLocal ? localChain : clusterChain}`);
    }
  }
  const usesCluster = !rule.internalLocal || isExternal(rule);
  const usesLocal = rule.internalLocal || (rule.externalLocal && isExternal(rule));
  if (usesCluster) spread(lines, rule, clusterChain, choice.cluster);
  if (usesLocal) spread(lines, rule, localChain, choice.local);
  const used = new Set([...(usesCluster ? choice.cluster : []), ...(usesLocal ? choice.local : [])]);
  for (const endpoint of used) writeEndpoint(lines, rule, endpoint);
}

function refuse(lines: Lines, chain: string, rule: ServicePortRule, to: string, anyUsable: boolean): void {
  const why = anyUsable ? 'has no local endpoints' : 'has no endpoints';
  lines.filter.push(
    `-A ${chain} -m comment --comment "${portText(rule)} ${why}" ${to} -j ${anyUsable ? 'DROP' : 'REJECT'}`,
  );
}

function endpointChain(rule: ServicePortRule, endpoint: EndpointTarget): string {
  return `KUBE-SEP-${chainSuffix(`${portText(rule)}${rule.protocol.toLowerCase()}${addressAndPort(endpoint)}`)}`;
}

/** One rule an endpoint: the first takes 1/n, the next 1/(n-1) of what is left, the last the rest, so that all are even. */
function spread(lines: Lines, rule: ServicePortRule, chain: string, endpoints: readonly EndpointTarget[]): void {
  const name = portText(rule);
  if (endpoints.length === 0) return;
  lines.chains.add(chain);
  if (rule.affinitySeconds !== undefined) {
    for (const endpoint of endpoints) {
      const target = endpointChain(rule, endpoint);
      const recent = `-m recent --name ${target} --rcheck --seconds ${rule.affinitySeconds} --reap`;
      lines.nat.push(
        `-A ${chain} -m comment --comment "${name} -> ${addressAndPort(endpoint)}" ${recent} -j ${target}`,
      );
    }
  }
  endpoints.forEach((endpoint, at) => {
    const left = endpoints.length - at;
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    const comment = `-m comment --comment "${name} -> ${addressAndPort(endpoint)}"`;
    lines.nat.push(`-A ${chain} ${comment}${chance} -j ${endpointChain(rule, endpoint)}`);
  });
}

function writeEndpoint(lines: Lines, rule: ServicePortRule, endpoint: EndpointTarget): void {
  const chain = endpointChain(rule, endpoint);
  const name = portText(rule);
  const protocol = rule.protocol.toLowerCase();
  lines.chains.add(chain);
  lines.nat.push(`-A ${chain} -m comment --comment "${name}" -s ${endpoint.ip} -j KUBE-MARK-MASQ`);
  const recent = rule.affinitySeconds === undefined ? '' : ` -m recent --name ${chain} --set`;
  lines.nat.push(
    `-A ${chain} -m comment --comment "${name}"${recent} -m ${protocol} -p ${protocol} -j DNAT --to-destination ${addressAndPort(endpoint)}`,
  );
}
