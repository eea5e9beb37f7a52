/**
 * node-ipam-controller: gives each Node a part of the cluster's pod network as its `podCIDR`. Runs only when asked for, as
 * with upstream's `--allocate-node-cidrs`: kubelets of a simulated cluster are told their networks at start.
 *
 * @see kubernetes/pkg/controller/nodeipam/ipam/range_allocator.go
 */
import { isNotFound } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import { type ControllerDefinition, SubnetAllocator } from '../../src/controller/index.ts';

const clusterCidr = '10.244.0.0/16';
const nodeMaskSize = 24;

export const nodeIpamController: ControllerDefinition = {
  name: 'node-ipam-controller',
  component: 'cidrAllocator',
  serviceAccount: 'node-controller',
  byDefault: false,
  reconciles: nodes,
  workers: 8,
  create({ client, events, lister, observe, settings }) {
    const nodeLister = lister(nodes);
    const subnets = new SubnetAllocator(settings.clusterCidr ?? clusterCidr, settings.nodeCidrMaskSize ?? nodeMaskSize);
    /** Given to a node, but perhaps not yet seen in the cache. */
    const given = new Map<string, string>();
    observe(nodes, ({ type, object }) => {
      const name = object.metadata?.name ?? '';
      const cidr = object.spec?.podCIDR ?? given.get(name);
      if (type === 'deleted') {
        if (cidr !== undefined) subnets.release(cidr);
        given.delete(name);
      } else if (object.spec?.podCIDR !== undefined) {
        subnets.occupy(object.spec.podCIDR);
        given.delete(name);
      }
    });
    return {
      async reconcile(name) {
        const node = nodeLister.get(undefined, name);
        if (node === undefined || node.spec?.podCIDR !== undefined) return undefined;
        const cidr = given.get(name) ?? subnets.allocate();
        if (cidr === undefined) {
          const reference = { apiVersion: 'v1', kind: 'Node', name, uid: name };
          events.event(reference, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
          throw new Error(`no pod network is left for node ${name}: the cluster CIDR is too small for its nodes`);
        }
        given.set(name, cidr);
        try {
          await client.patch(nodes, { name }, 'merge', { spec: { podCIDR: cidr, podCIDRs: [cidr] } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
