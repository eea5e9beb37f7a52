/**
 * The bus channels of a kube-proxy. The actor serves them under {@link kubeProxyAddress}; `kubehive route` and tests call them
 * to learn which pod a connection would go to, and to read the rules in the form of a proxy mode.
 */
import { callChannel } from '../runtime/index.ts';
import type { Protocol, RouteAnswer } from './types.ts';

/** Address of the kube-proxy actor of a node. */
export function kubeProxyAddress(nodeName: string): string {
  return `kube-proxy/${nodeName}`;
}

/** A connection as a client on (or outside) the node opens it. */
export interface RouteRequest {
  /** Address that the client connects to: a cluster IP, an external IP, a load balancer's IP, or a node's IP. Or else `service`. */
  readonly address?: string | undefined;
  /** Instead of `address`: `namespace/name` of a Service, whose cluster IP is taken. */
  readonly service?: string | undefined;
  /** Port number, or with `service` a port's name; omitted: the Service's first port. */
  readonly port?: number | string | undefined;
  /** Default TCP. */
  readonly protocol?: Protocol | undefined;
  /** IP of the client, which session affinity remembers. Default: the node's own. */
  readonly source?: string | undefined;
}

export interface RulesRequest {
  readonly mode: 'iptables' | 'ipvs' | 'nftables';
}

export const proxyChannels = {
  route: callChannel<RouteRequest, RouteAnswer>('proxy.route'),
  /** The whole rule table as text that the mode's own tool prints. */
  rules: callChannel<RulesRequest, { readonly text: string }>('proxy.rules'),
} as const;
