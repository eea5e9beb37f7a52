/**
 * cloud-node-lifecycle-controller: a Node that is not ready is deleted when the cloud has no instance for it any more, and tainted
 * while its instance is shut down. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/nodelifecycle/node_lifecycle_controller.go
 */
import { isNotFound, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  conditionOf,
  createSimulatedCloud,
  messageOf,
  shutdownTaint,
  simulatedCloudGrant,
  timeMs,
  uninitializedTaint,
} from '../../src/controller/index.ts';

const monitorPeriodMs = 5_000;
/** A node that the cloud has yet to be told of may be unknown to it for so long. */
const uninitializedMs = 60_000;
const again = { requeueAfterMs: monitorPeriodMs, background: true } as const;

const isUninitialized = ({ spec }: Node) =>
  (spec?.providerID ?? '') === '' &&
  (spec?.taints?.some(({ key, effect }) => key === uninitializedTaint && effect === 'NoSchedule') ?? false);

const isReady = (node: Node) => conditionOf(node.status?.conditions, 'Ready')?.status === 'True';

export const cloudNodeLifecycleController: ControllerDefinition = {
  name: 'cloud-node-lifecycle-controller',
  serviceAccount: 'node-controller',
  grant: simulatedCloudGrant,
  runsAs: ['cloud-node-lifecycle', 'cloud-controller-manager'],
  byDefault: false,
  reconciles: nodes,
  create({ client, context, events, lister }) {
    const nodeLister = lister(nodes);
    const { instances } = createSimulatedCloud(client, context.clock);

    async function setShutdown(node: Node, shutdown: boolean): Promise<void> {
      const { name = '', resourceVersion } = node.metadata ?? {};
      const current = node.spec?.taints ?? [];
      if (current.some(({ key }) => key === shutdownTaint) === shutdown) return;
      const others = current.filter(({ key }) => key !== shutdownTaint);
      const taints = shutdown ? [...others, { key: shutdownTaint, effect: 'NoSchedule' }] : others;
      const patch = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
      await client.patch(nodes, { name }, 'merge', patch);
    }

    return {
      async reconcile(name) {
        const node = nodeLister.get(undefined, name);
        if (node === undefined || instances === undefined) return undefined;
        try {
          if (isReady(node)) {
            await setShutdown(node, false);
            return undefined;
          }
          const ageMs = context.clock.now() - timeMs(node.metadata?.creationTimestamp);
          if (isUninitialized(node) && ageMs < uninitializedMs) return again;
          if (await instances.exists(node)) {
            // Only a node that is ready again loses the taint.
            if (await instances.isShutdown(node)) await setShutdown(node, true);
            return again;
          }
          const about = { kind: 'Node', name, uid: node.metadata?.uid };
          const message = `Deleting node ${name} because it does not exist in the cloud provider`;
          events.event(about, 'Normal', 'DeletingNode', message);
          try {
            await client.delete(nodes, { name });
          } catch (error) {
            if (isNotFound(error)) return undefined;
            events.event(about, 'Warning', 'DeletingNodeFailed', `Failed deleting node ${name}: ${messageOf(error)}`);
            return again;
          }
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
