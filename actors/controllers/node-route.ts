/**
 * node-route-controller: has the cloud route the pod network of each Node to its instance, and says so in the condition
 * NetworkUnavailable; every ten seconds it finds routes that are missing or left over. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/route/route_controller.go
 */
import { isNotFound, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type CloudRoute,
  type CloudRoutes,
  type ControllerDefinition,
  conditionOf,
  createSimulatedCloud,
  defaultClusterCidr,
  messageOf,
  simulatedCloudGrant,
  timeText,
} from '../../src/controller/index.ts';
import { type Cidr, contains, formatAddress, parseCidr } from '../../src/network/index.ts';

const reconcilePeriodMs = 10_000;
/** Key of a look at all nodes and routes; no node can be called so. */
const everyNode = '*';

/** Whether a network begins or ends in one of the ranges; routes to others are somebody else's. What is no network is none of ours. */
function isWithin(cidr: string, ranges: readonly Cidr[]): boolean {
  let network: Cidr;
  try {
    network = parseCidr(cidr);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
  const { base, prefix, family } = network;
  const last = base + (1n << BigInt((family === 4 ? 32 : 128) - prefix)) - 1n;
  return ranges.some((range) =>
    [base, last].some((address) => range.family === family && contains(range, formatAddress(address, family))),
  );
}

export const nodeRouteController: ControllerDefinition = {
  name: 'node-route-controller',
  component: 'route_controller',
  serviceAccount: 'route-controller',
  grant: simulatedCloudGrant,
  runsAs: ['route', 'cloud-controller-manager'],
  byDefault: false,
  reconciles: nodes,
  create({ client, context, enqueue, events, lister, settings }) {
    const clusterCidrs = (settings.clusterCidr ?? defaultClusterCidr).split(',').map((cidr) => parseCidr(cidr.trim()));
    const nodeLister = lister(nodes);
    const { routes } = createSimulatedCloud(client, context.clock);
    const { clock } = context;
    /** Networks that were routed when they were looked at last, by node: a heartbeat is no reason to ask the cloud. */
    const routed = new Map<string, string>();

    async function setUnavailable(node: Node, status: 'True' | 'False', reason: string, message: string) {
      const current = conditionOf(node.status?.conditions, 'NetworkUnavailable');
      if (current?.status === status) return;
      const now = timeText(clock.now());
      const condition = {
        type: 'NetworkUnavailable',
        status,
        reason,
        message,
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      };
      const patch = { status: { conditions: [condition] } };
      await client.patch(nodes, { name: node.metadata?.name ?? '' }, 'strategic', patch, { subresource: 'status' });
    }

    /** What somebody has taken away, and what is left of nodes that are gone. */
    async function findStrays(provider: CloudRoutes): Promise<void> {
      const existing = new Map<string, CloudRoute[]>();
      for (const found of await provider.list()) {
        existing.set(found.nodeName, [...(existing.get(found.nodeName) ?? []), found]);
      }
      for (const name of new Set([
        ...existing.keys(),
        ...nodeLister.list().map(({ metadata }) => metadata?.name ?? ''),
      ])) {
        const wanted = nodeLister.get(undefined, name)?.spec?.podCIDRs ?? [];
        const own = existing.get(name) ?? [];
        if (missingOf(own, wanted).length === 0 && !own.some((each) => isStray(each, wanted))) continue;
        routed.delete(name);
        enqueue(name);
      }
    }

    const isStray = (found: CloudRoute, wanted: readonly string[]): boolean =>
      !wanted.includes(found.destinationCidr) && isWithin(found.destinationCidr, clusterCidrs);
    const missingOf = (existing: readonly CloudRoute[], wanted: readonly string[]): string[] =>
      wanted.filter((cidr) => !existing.some(({ destinationCidr }) => destinationCidr === cidr));

    /** Whether the node has all of its routes. One without a network has none, when it had one until now. */
    async function route(node: Node, provider: CloudRoutes, wanted: readonly string[]): Promise<boolean> {
      const { name = '' } = node.metadata ?? {};
      const existing = (await provider.list()).filter(({ nodeName }) => nodeName === name);
      for (const found of existing) if (isStray(found, wanted)) await provider.remove(found);
      if (wanted.length === 0) return existing.length === 0;
      let all = true;
      for (const cidr of missingOf(existing, wanted)) all = (await create(node, provider, cidr)) && all;
      return all;
    }

    async function create({ metadata }: Node, provider: CloudRoutes, destinationCidr: string): Promise<boolean> {
      const { name = '', uid } = metadata ?? {};
      const startMs = clock.monotonic();
      try {
        await provider.create({ nodeName: name, destinationCidr });
        return true;
      } catch (error) {
        const after = `after ${Math.round(clock.monotonic() - startMs)}ms`;
        const message = `Could not create route ${uid} ${destinationCidr} for node ${name} ${after}: ${messageOf(error)}`;
        // Upstream's names the node in place of its uid.
        events.event({ kind: 'Node', name, uid: name }, 'Warning', 'FailedToCreateRoute', message);
        return false;
      }
    }

    return {
      start: () => enqueue(everyNode),
      async reconcile(name) {
        if (routes === undefined) return undefined;
        if (name === everyNode) {
          await findStrays(routes);
          return { requeueAfterMs: reconcilePeriodMs, background: true };
        }
        const node = nodeLister.get(undefined, name);
        const wanted = node?.spec?.podCIDRs ?? [];
        try {
          if (routed.get(name) !== wanted.join()) {
            const done = await route(node ?? { metadata: { name } }, routes, wanted);
            if (node !== undefined && !done) {
              await setUnavailable(node, 'True', 'NoRouteCreated', 'RouteController failed to create a route');
              routed.delete(name);
              return { requeueAfterMs: reconcilePeriodMs, background: true };
            }
            if (node === undefined) routed.delete(name);
            else routed.set(name, wanted.join());
          }
          if (node !== undefined && wanted.length > 0) {
            await setUnavailable(node, 'False', 'RouteCreated', 'RouteController created a route');
          }
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
