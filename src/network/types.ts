/** The model of service routing: what Services and EndpointSlices come to, before any proxy mode writes it in its own form. */

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** One address of an EndpointSlice that a service port may send connections to. */
export interface EndpointTarget {
  readonly ip: string;
  readonly port: number;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Undefined: the endpoint carries no such hints. */
  readonly zoneHints: readonly string[] | undefined;
  readonly nodeHints: readonly string[] | undefined;
  /** `namespace/name` of the pod behind it, when the slice tells. */
  readonly pod: string | undefined;
}

/** One port of a Service with all its endpoints, wherever they are. */
export interface ServicePortRule {
  readonly namespace: string;
  readonly service: string;
  /** Empty for a port without a name. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIps: readonly string[];
  readonly nodePort: number | undefined;
  readonly externalIps: readonly string[];
  readonly loadBalancerIps: readonly string[];
  /** Who may come through the load balancer; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** Seconds that a client stays with its endpoint; undefined: no affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly endpoints: readonly EndpointTarget[];
}

/** The node that a proxy runs on. */
export interface ProxyPlace {
  readonly nodeName: string;
  readonly zone?: string | undefined;
  /** Addresses that node ports listen on. */
  readonly nodeIps: readonly string[];
}

/** How a connection came in. */
export type Entry = 'cluster IP' | 'external IP' | 'load balancer IP' | 'node port';

/** Where a connection goes. */
export type RouteAnswer =
  | {
      readonly outcome: 'endpoint';
      readonly service: string;
      readonly portName: string;
      readonly entry: Entry;
      readonly endpoint: {
        readonly ip: string;
        readonly port: number;
        readonly nodeName?: string;
        readonly pod?: string;
      };
      /** How many endpoints it could have gone to. */
      readonly candidates: number;
      /** True when session affinity, not chance, chose the endpoint. */
      readonly sticky: boolean;
    }
  | {
      /** `reject`: refused with an error; `drop`: left without an answer; `none`: no Service has this address and port. */
      readonly outcome: 'reject' | 'drop' | 'none';
      readonly service?: string;
      readonly portName?: string;
      readonly reason: string;
    };

/** `10.0.0.1:80`, or `[fd00::1]:80`. */
export const addressAndPort = ({ ip, port }: { readonly ip: string; readonly port: number }): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

/** `namespace/name:port`, as all proxy modes name a service port in comments. */
export function portText({ namespace, service, portName }: ServicePortRule): string {
  return portName === '' ? `${namespace}/${service}` : `${namespace}/${service}:${portName}`;
}
