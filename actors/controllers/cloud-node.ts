/**
 * cloud-node-controller: a Node that its kubelet registered as not yet known to the cloud gets what the cloud knows of its instance
 * (provider id, addresses, type, zone and region), and loses the taint that kept pods away. Addresses are then looked at every five
 * minutes. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/node/node_controller.go
 */
import { isNotFound, type Node, type NodeAddress } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type CloudInstances,
  type ControllerDefinition,
  createSimulatedCloud,
  type InstanceMetadata,
  messageOf,
  simulatedCloudGrant,
  uninitializedTaint,
} from '../../src/controller/index.ts';

const updatePeriodMs = 300_000;
/** Key of a look at all addresses; no node can be called so. */
const everyNode = '*';
/** Key of a node whose addresses are to be looked at; others are nodes that may have to be initialized. */
const addressesPrefix = 'addresses/';

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

/** Labels under the name of old, which counts as upstream has it, and the one of now, which is to say the same. */
const betaLabels = [
  ['beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type'],
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
] as const;

/** As upstream sees it: another number of addresses, or another last one of a type. */
function haveChanged(current: readonly NodeAddress[], wanted: readonly NodeAddress[]): boolean {
  const lastOfType = new Map(current.map(({ type, address }) => [type, address]));
  return current.length !== wanted.length || wanted.some(({ type, address }) => lastOfType.get(type) !== address);
}

export const cloudNodeController: ControllerDefinition = {
  name: 'cloud-node-controller',
  queue: 'Nodes',
  serviceAccount: 'node-controller',
  grant: simulatedCloudGrant,
  runsAs: ['cloud-node', 'cloud-controller-manager'],
  byDefault: false,
  reconciles: nodes,
  create({ client, context, enqueue, events, lister }) {
    const nodeLister = lister(nodes);
    const { clock, log } = context;
    const { instances } = createSimulatedCloud(client, clock);

    async function setAddresses(node: Node, { addresses }: InstanceMetadata): Promise<void> {
      if (addresses.length === 0) return;
      const current = node.status?.addresses ?? [];
      const named = addresses.some(({ type }) => type === 'Hostname');
      const wanted = [...addresses, ...(named ? [] : current.filter(({ type }) => type === 'Hostname'))];
      if (!haveChanged(current, wanted)) return;
      const patch = { status: { addresses: wanted } };
      await client.patch(nodes, { name: node.metadata?.name ?? '' }, 'merge', patch, { subresource: 'status' });
    }

    async function initialize(node: Node, provider: CloudInstances): Promise<void> {
      const metadata = await provider.metadata(node);
      const { name = '', resourceVersion } = node.metadata ?? {};
      const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== uninitializedTaint);
      const { providerID = '' } = node.spec ?? {};
      const patch = {
        metadata: { resourceVersion, labels: labelsOf(metadata) },
        spec: {
          providerID: providerID === '' ? metadata.providerId : providerID,
          taints: taints.length === 0 ? null : taints,
        },
      };
      await setAddresses(await client.patch(nodes, { name }, 'merge', patch), metadata);
      events.event(node, 'Normal', 'Synced', 'Node synced successfully');
    }

    async function syncLabels(node: Node): Promise<void> {
      const { name = '', labels = {} } = node.metadata ?? {};
      const wanted: Record<string, string> = {};
      for (const [before, present] of betaLabels) {
        const value = labels[before];
        if (value !== undefined && labels[present] !== value) wanted[present] = value;
      }
      if (Object.keys(wanted).length === 0) return;
      await client.patch(nodes, { name }, 'merge', { metadata: { labels: wanted } });
    }

    async function lookAtAddresses(node: Node, provider: CloudInstances): Promise<void> {
      let metadata: InstanceMetadata;
      try {
        metadata = await provider.metadata(node);
      } catch (error) {
        // Its turn comes again; whether the instance is gone is another controller's to find out.
        log.warn('addresses of a node not known', { node: node.metadata?.name, error: messageOf(error) });
        return;
      }
      await setAddresses(node, metadata);
    }

    return {
      start: () => enqueue(everyNode),
      async reconcile(key) {
        if (key === everyNode) {
          for (const node of nodeLister.list()) enqueue(addressesPrefix + (node.metadata?.name ?? ''));
          return { requeueAfterMs: updatePeriodMs, background: true };
        }
        const onlyAddresses = key.startsWith(addressesPrefix);
        const node = nodeLister.get(undefined, onlyAddresses ? key.slice(addressesPrefix.length) : key);
        if (node === undefined || instances === undefined) return undefined;
        try {
          if (isUninitialized(node)) {
            if (!onlyAddresses) await initialize(node, instances);
          } else if (onlyAddresses) await lookAtAddresses(node, instances);
          else await syncLabels(node);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
