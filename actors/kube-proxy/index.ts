/**
 * kube-proxy as an actor: one a node, under the address `kube-proxy/<node>`. It keeps nothing of its own but the affinity of
 * clients: the service table and its informers are shared by the proxies of a thread, and rules are made when asked for.
 */
import { sharedInformers } from '../../src/client/index.ts';
import {
  followServices,
  iptablesRules,
  ipvsRules,
  nftablesRules,
  type ProxyPlace,
  proxyChannels,
  type RouteAnswer,
  type RouteRequest,
  Router,
  type ServiceTable,
} from '../../src/network/index.ts';
import { nodeAddresses } from '../../src/node/index.ts';
import { type ActorContext, defineActor } from '../../src/runtime/index.ts';

export interface KubeProxyOptions {
  readonly nodeName: string;
  /** The node's number in its cluster, as the kubelet has it. */
  readonly ordinal?: number | undefined;
  readonly zone?: string | undefined;
  /** The node's own addresses, on which node ports listen. Default: the one that a simulated kubelet of this name has. */
  readonly nodeIps?: readonly string[] | undefined;
  /** Address of the API server's actor. Default `apiserver`. */
  readonly apiserver?: string | undefined;
}

const modes = { iptables: iptablesRules, ipvs: ipvsRules, nftables: nftablesRules } as const;

export const kubeProxyActor = defineActor<KubeProxyOptions>({
  name: 'kube-proxy',
  module: import.meta.url,
  start: startKubeProxy,
});

async function startKubeProxy(context: ActorContext, options: KubeProxyOptions): Promise<void> {
  const { bus, clock, host, random } = context;
  const { nodeName, zone, nodeIps = nodeAddresses(options) } = options;
  const place: ProxyPlace = { nodeName, zone, nodeIps };
  const informers = sharedInformers(context, options.apiserver);
  const table = host.share(`network.services/${options.apiserver ?? ''}`, () => followServices(informers));
  const router = new Router(
    place,
    () => random.next(),
    () => clock.now(),
  );
  bus.serve(proxyChannels.route, async (request) => {
    await informers.synced();
    return answer(table, router, place, request);
  });
  bus.serve(proxyChannels.rules, async ({ mode }) => {
    await informers.synced();
    return { text: modes[mode](table.rules(), place) };
  });
}

/** Fills in what a request leaves out, and routes it. */
function answer(table: ServiceTable, router: Router, place: ProxyPlace, request: RouteRequest): RouteAnswer {
  const source = request.source ?? place.nodeIps[0] ?? '127.0.0.1';
  if (request.service === undefined) {
    const address = request.address ?? '';
    return router.route(table, {
      source,
      address,
      port: Number(request.port ?? 0),
      protocol: request.protocol ?? 'TCP',
    });
  }
  const [namespace = '', name = ''] = request.service.split('/');
  const rules = table.rulesOf(namespace, name);
  const { port } = request;
  const rule = rules.find((one) => port === undefined || one.portName === String(port) || one.port === Number(port));
  if (rule === undefined) {
    const reason =
      rules.length === 0
        ? `Service ${request.service} has no cluster IP or does not exist`
        : `Service ${request.service} has no port ${port}`;
    return { outcome: 'none', reason };
  }
  return router.route(table, {
    source,
    address: request.address ?? rule.clusterIps[0] ?? '',
    port: rule.port,
    protocol: rule.protocol,
  });
}
