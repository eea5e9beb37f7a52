/**
 * Answers the paths below `/kubehive/` of the API server: what actors do (`actors`), everybody's metrics (`metrics`), and which
 * pod a connection goes to (`route`), which a node's kube-proxy knows; and issues kubeconfigs (`kubeconfig`).
 */
import { type MainAnswer, type MainQuery, mainChannels } from '../client/index.ts';
import { kubeProxyAddress, proxyChannels } from '../network/index.ts';
import { type ActorSystem, isBusError } from '../runtime/index.ts';
import { explainChannel } from '../scheduling/index.ts';

type Answerer = (query: MainQuery['query']) => Promise<MainAnswer>;

/** Serves {@link mainChannels} on the system's own bus. `nodes` gives the names of the nodes that have a kube-proxy. */
export function serveQueries(
  system: ActorSystem,
  nodes: () => Iterable<string>,
  kubeconfigFor: (user: string, groups: readonly string[]) => Promise<string>,
): void {
  const answerers: Readonly<Record<string, Answerer>> = {
    async actors() {
      const actors = await system.inspect();
      return { code: 200, body: actors.map(({ metrics: _, ...rest }) => rest) };
    },
    async metrics() {
      return { code: 200, body: await system.metricsText() };
    },
    /** The API server lets only administrators ask for it. `groups` is a JSON list. */
    async kubeconfig({ user = '', groups = '[]' }) {
      if (user === '') return { code: 400, body: { message: 'a kubeconfig needs a user' } };
      return { code: 200, body: { kubeconfig: await kubeconfigFor(user, JSON.parse(groups) as string[]) } };
    },
    route: (query) => route(system, nodes, query),
    'explain-scheduling': (query) => explainScheduling(system, query),
  };
  system.bus.serve(mainChannels.query, async ({ path, query }) => {
    const answerer = Object.hasOwn(answerers, path) ? answerers[path] : undefined;
    return answerer === undefined ? { code: 404, body: { message: `there is no /kubehive/${path}` } } : answerer(query);
  });
}

/** Why a pod went where it went, or not; `record` (`on` or `off`) turns the recording on and off. */
async function explainScheduling(system: ActorSystem, query: MainQuery['query']): Promise<MainAnswer> {
  const { namespace = 'default', name, record, scheduler = 'scheduler' } = query;
  if (record !== undefined && record !== 'on' && record !== 'off') {
    return { code: 400, body: { message: `record takes on or off, not ${JSON.stringify(record)}` } };
  }
  try {
    const answer = await system.bus.call(scheduler, explainChannel, {
      namespace,
      ...(name === undefined ? {} : { name }),
      ...(record === undefined ? {} : { record: record === 'on' }),
    });
    return { code: 200, body: answer };
  } catch (error) {
    if (!isBusError(error)) throw error;
    return { code: 503, body: { message: `no scheduler answers under ${JSON.stringify(scheduler)}` } };
  }
}

async function route(
  system: ActorSystem,
  nodes: () => Iterable<string>,
  query: MainQuery['query'],
): Promise<MainAnswer> {
  const { namespace = 'default', service = '', port, source } = query;
  const [anyNode] = nodes();
  const node = query['node'] ?? anyNode;
  if (node === undefined) return { code: 503, body: { message: 'no node runs a kube-proxy; start some with --nodes' } };
  try {
    const answer = await system.bus.call(kubeProxyAddress(node), proxyChannels.route, {
      service: `${namespace}/${service}`,
      ...(port === undefined ? {} : { port: /^\d+$/.test(port) ? Number(port) : port }),
      ...(source === undefined ? {} : { source }),
    });
    return { code: 200, body: { service: `${namespace}/${service}`, node, ...answer } };
  } catch (error) {
    if (!isBusError(error)) throw error;
    const isAway = error.code === 'ServiceUnavailable';
    return {
      code: isAway ? 503 : 404,
      body: { message: isAway ? `no kube-proxy answers on node "${node}"` : error.message },
    };
  }
}
