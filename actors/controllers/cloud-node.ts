/**
 * cloud-node-controller: a Node that its kubelet registered as not yet known to the cloud gets what the cloud knows of its instance
 * (provider id, addresses, type, zone and region), and then loses the taint that kept pods away. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/node/node_controller.go
 */
import { isNotFound, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  createSimulatedCloud,
  type InstanceMetadata,
  semanticallyEqual,
  simulatedCloudGrant,
  uninitializedTaint,
} from '../../src/controller/index.ts';

const updatePeriodMs = 300_000;

const isUninitialized = (node: Node) => node.spec?.taints?.some(({ key }) => key === uninitializedTaint) ?? false;

/** The labels that say the same thing under their present name and the one before. */
function labelsOf({ instanceType, zone, region }: InstanceMetadata): Record<string, string> {
  const named = {
    'node.kubernetes.io/instance-type': instanceType,
    'beta.kubernetes.io/instance-type': instanceType,
    'topology.kubernetes.io/zone': zone,
    'failure-domain.beta.kubernetes.io/zone': zone,
    'topology.kubernetes.io/region': region,
    'failure-domain.beta.kubernetes.io/region': region,
  };
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export const cloudNodeController: ControllerDefinition = {
  name: 'cloud-node-controller',
  serviceAccount: 'node-controller',
  grant: simulatedCloudGrant,
  byDefault: false,
  reconciles: nodes,
  create({ client, context, events, lister }) {
    const nodeLister = lister(nodes);
    const { instances } = createSimulatedCloud(client, context.clock);

    async function initialize(node: Node, metadata: InstanceMetadata): Promise<void> {
      const { name = '', uid, resourceVersion } = node.metadata ?? {};
      const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== uninitializedTaint);
      await client.patch(nodes, { name }, 'merge', {
        metadata: { resourceVersion, labels: labelsOf(metadata) },
        spec: { providerID: node.spec?.providerID ?? metadata.providerId, taints: taints.length === 0 ? null : taints },
      });
      const about = { apiVersion: 'v1', kind: 'Node', name, uid };
      events.event(about, 'Normal', 'Synced', 'Node synced successfully');
    }

    return {
      async reconcile(name) {
        const node = nodeLister.get(undefined, name);
        if (node === undefined || instances === undefined) return undefined;
        const metadata = await instances.metadata(node);
        try {
          if (!semanticallyEqual(node.status?.addresses, metadata.addresses)) {
            const patch = { status: { addresses: metadata.addresses } };
            await client.patch(nodes, { name }, 'merge', patch, { subresource: 'status' });
          } else if (isUninitialized(node)) await initialize(node, metadata);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return { requeueAfterMs: updatePeriodMs, background: true };
      },
    };
  },
};
