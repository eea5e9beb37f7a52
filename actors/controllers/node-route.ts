/**
 * node-route-controller: has the cloud route the pod network of each Node to its instance, and says so in the condition
 * NetworkUnavailable; every ten seconds it finds routes that are missing or left over. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/route/route_controller.go
 */
import { isNotFound, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type CloudRoutes,
  type ControllerDefinition,
  conditionOf,
  createSimulatedCloud,
  messageOf,
  simulatedCloudGrant,
  timeText,
} from '../../src/controller/index.ts';

const reconcilePeriodMs = 10_000;
/** Key of a look at all nodes and routes; no node can be called so. */
const everyNode = '*';

const sameMembers = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((each) => right.includes(each));

export const nodeRouteController: ControllerDefinition = {
  name: 'node-route-controller',
  component: 'route_controller',
  serviceAccount: 'route-controller',
  grant: simulatedCloudGrant,
  runsAs: ['route', 'cloud-controller-manager'],
  byDefault: false,
  reconciles: nodes,
  create({ client, context, enqueue, events, lister }) {
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
      const existing = new Map<string, string[]>();
      for (const { nodeName, destinationCidr } of await provider.list()) {
        existing.set(nodeName, [...(existing.get(nodeName) ?? []), destinationCidr]);
      }
      for (const name of new Set([
        ...existing.keys(),
        ...nodeLister.list().map(({ metadata }) => metadata?.name ?? ''),
      ])) {
        const wanted = nodeLister.get(undefined, name)?.spec?.podCIDRs ?? [];
        if (sameMembers(existing.get(name) ?? [], wanted)) continue;
        routed.delete(name);
        enqueue(name);
      }
    }

    async function route(node: Node, provider: CloudRoutes, wanted: readonly string[]): Promise<void> {
      const { name = '', uid } = node.metadata ?? {};
      const existing = (await provider.list()).filter(({ nodeName }) => nodeName === name);
      for (const stray of existing) if (!wanted.includes(stray.destinationCidr)) await provider.remove(stray);
      const missing = wanted.filter((cidr) => !existing.some(({ destinationCidr }) => destinationCidr === cidr));
      const startMs = clock.monotonic();
      let current = '';
      try {
        for (current of missing) await provider.create({ nodeName: name, destinationCidr: current });
      } catch (error) {
        const after = `after ${Math.round(clock.monotonic() - startMs)}ms`;
        const message = `Could not create route ${uid} ${current} for node ${name} ${after}: ${messageOf(error)}`;
        // Upstream's names the node in place of its uid.
        events.event({ kind: 'Node', name, uid: name }, 'Warning', 'FailedToCreateRoute', message);
        await setUnavailable(node, 'True', 'NoRouteCreated', 'RouteController failed to create a route');
        throw error;
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
            await route(node ?? { metadata: { name } }, routes, wanted);
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
