/**
 * node-route-controller: has the cloud route the pod network of each Node to its instance, and says so in the condition
 * NetworkUnavailable. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/route/route_controller.go
 */
import { isNotFound, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  conditionOf,
  createSimulatedCloud,
  messageOf,
  simulatedCloudGrant,
  timeText,
} from '../../src/controller/index.ts';

export const nodeRouteController: ControllerDefinition = {
  name: 'node-route-controller',
  component: 'route_controller',
  serviceAccount: 'route-controller',
  grant: simulatedCloudGrant,
  byDefault: false,
  reconciles: nodes,
  create({ client, context, events, lister }) {
    const nodeLister = lister(nodes);
    const { routes } = createSimulatedCloud(client, context.clock);
    const { clock } = context;

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

    return {
      async reconcile(name) {
        if (routes === undefined) return undefined;
        const node = nodeLister.get(undefined, name);
        const existing = (await routes.list()).filter(({ nodeName }) => nodeName === name);
        const wanted = node?.spec?.podCIDRs ?? [];
        for (const route of existing) if (!wanted.includes(route.destinationCidr)) await routes.remove(route);
        if (node === undefined || wanted.length === 0) return undefined;
        const missing = wanted.filter((cidr) => !existing.some((route) => route.destinationCidr === cidr));
        const startMs = clock.monotonic();
        let current = missing[0] ?? '';
        try {
          for (current of missing) await routes.create({ nodeName: name, destinationCidr: current });
          await setUnavailable(node, 'False', 'RouteCreated', 'RouteController created a route');
        } catch (error) {
          if (isNotFound(error)) return undefined;
          const about = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata?.uid };
          const after = `after ${Math.round(clock.monotonic() - startMs)}ms`;
          const message = `Could not create route ${node.metadata?.uid} ${current} for node ${name} ${after}: ${messageOf(error)}`;
          events.event(about, 'Warning', 'FailedToCreateRoute', message);
          await setUnavailable(node, 'True', 'NoRouteCreated', 'RouteController failed to create a route');
          throw error;
        }
        return undefined;
      },
    };
  },
};
