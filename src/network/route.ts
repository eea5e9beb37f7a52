/**
 * Answers where a connection goes: finds the service port that its destination belongs to, then chooses an endpoint as the
 * rules of a real proxy would, by chance or by session affinity. One router a kube-proxy; the rules may be shared by many.
 */
import { BlockList, isIP } from 'node:net';
import { chooseEndpoints, type EndpointChoice } from './endpoint-choice.ts';
import { familyOf, ruleOfFamily } from './families.ts';
import {
  type EndpointTarget,
  type Entry,
  type Protocol,
  type ProxyPlace,
  portText,
  type RouteAnswer,
  type ServicePortRule,
} from './types.ts';

export interface Connection {
  /** IP address of the client. */
  readonly source: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** Finds rules by what a connection is addressed to. */
export interface RuleIndex {
  /** The rule that owns this address and port, and by which of its addresses. */
  find(
    address: string,
    port: number,
    protocol: Protocol,
  ): { readonly rule: ServicePortRule; readonly entry: Entry } | undefined;
  findNodePort(port: number, protocol: Protocol): ServicePortRule | undefined;
}

interface Affinity {
  readonly endpoint: string;
  lastMs: number;
}

const affinitiesMax = 65_536;

export class Router {
  readonly #place: ProxyPlace;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #affinities = new Map<string, Affinity>();

  /** `random` gives floats in [0, 1), `now` milliseconds. */
  constructor(place: ProxyPlace, random: () => number, now: () => number) {
    this.#place = place;
    this.#random = random;
    this.#now = now;
  }

  route(index: RuleIndex, connection: Connection): RouteAnswer {
    const { address, port, protocol } = connection;
    const found = index.find(address, port, protocol) ?? this.#nodePort(index, connection);
    if (found === undefined) return { outcome: 'none', reason: `no Service has ${address}:${port}/${protocol}` };
    const { entry } = found;
    const rule = ruleOfFamily(found.rule, familyOf(address));
    if (rule === undefined) return { outcome: 'none', reason: `no Service has ${address}:${port}/${protocol}` };
    const names = { service: `${rule.namespace}/${rule.service}`, portName: rule.portName };
    if (entry === 'load balancer IP' && !isAllowed(rule.sourceRanges, connection.source)) {
      return { outcome: 'drop', ...names, reason: `${connection.source} is not in the load balancer's source ranges` };
    }
    const choice = chooseEndpoints(rule, this.#place);
    const candidates = this.#candidates(rule, entry, choice, connection);
    if (candidates.length === 0) {
      return choice.anyUsable
        ? { outcome: 'drop', ...names, reason: `${portText(rule)} has no local endpoints` }
        : { outcome: 'reject', ...names, reason: `${portText(rule)} has no endpoints` };
    }
    const remembered =
      rule.affinitySeconds === undefined ? undefined : this.#remembered(rule, connection.source, candidates);
    const endpoint = remembered ?? candidates[Math.floor(this.#random() * candidates.length)]!;
    if (rule.affinitySeconds !== undefined) this.#remember(rule, connection.source, endpoint);
    const { ip, port: targetPort, nodeName, pod } = endpoint;
    return {
      outcome: 'endpoint',
      ...names,
      entry,
      endpoint: {
        ip,
        port: targetPort,
        ...(nodeName === undefined ? undefined : { nodeName }),
        ...(pod === undefined ? undefined : { pod }),
      },
      candidates: candidates.length,
      sticky: remembered !== undefined,
    };
  }

  #nodePort(
    index: RuleIndex,
    { address, port, protocol }: Connection,
  ): { rule: ServicePortRule; entry: Entry } | undefined {
    if (!this.#place.nodeIps.includes(address)) return undefined;
    const rule = index.findNodePort(port, protocol);
    return rule === undefined ? undefined : { rule, entry: 'node port' };
  }

  #candidates(
    rule: ServicePortRule,
    entry: Entry,
    choice: EndpointChoice,
    { source }: Connection,
  ): readonly EndpointTarget[] {
    if (entry === 'cluster IP') return rule.internalLocal ? choice.local : choice.cluster;
    // From inside the node an external address is a short cut: the policy Local is for clients from outside.
    const isInside = this.#place.nodeIps.includes(source);
    return rule.externalLocal && !isInside ? choice.local : choice.cluster;
  }

  #remembered(
    rule: ServicePortRule,
    source: string,
    candidates: readonly EndpointTarget[],
  ): EndpointTarget | undefined {
    const affinity = this.#affinities.get(affinityKey(rule, source));
    if (affinity === undefined || this.#now() - affinity.lastMs > (rule.affinitySeconds ?? 0) * 1000) return undefined;
    return candidates.find((endpoint) => endpointText(endpoint) === affinity.endpoint);
  }

  #remember(rule: ServicePortRule, source: string, endpoint: EndpointTarget): void {
    const key = affinityKey(rule, source);
    // The oldest goes first: a Map keeps the order of insertion.
    this.#affinities.delete(key);
    if (this.#affinities.size >= affinitiesMax) {
      const oldest = this.#affinities.keys().next();
      if (oldest.done !== true) this.#affinities.delete(oldest.value);
    }
    this.#affinities.set(key, { endpoint: endpointText(endpoint), lastMs: this.#now() });
  }
}

function affinityKey(rule: ServicePortRule, source: string): string {
  return `${portText(rule)}|${rule.protocol}|${source}`;
}

function endpointText({ ip, port }: EndpointTarget): string {
  return `${ip}:${port}`;
}

function isAllowed(ranges: readonly string[], source: string): boolean {
  if (ranges.length === 0) return true;
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.trim().split('/');
    const family = isIP(network);
    if (family !== 0) list.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list.check(source, isIP(source) === 6 ? 'ipv6' : 'ipv4');
}
