/**
 * node-ipam-controller: gives each Node a part of the cluster's pod network as its `podCIDR`, one of each family in a cluster
 * with two. Runs only when asked for, as with upstream's `--allocate-node-cidrs`: kubelets of a simulated cluster are told
 * their networks at start.
 *
 * @see kubernetes/pkg/controller/nodeipam/ipam/range_allocator.go
 */
import { isNotFound, isServerTimeout, type Node } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerMetrics,
  controllerMetrics,
  defaultClusterCidr,
} from '../../src/controller/index.ts';
import { SubnetAllocator } from '../../src/network/index.ts';

const nodeMaskSize = { ipv4: 24, ipv6: 64 };
/** How often a network is written to its node, at once one after the other. */
const writesMax = 3;

export const nodeIpamController: ControllerDefinition = {
  name: 'node-ipam-controller',
  queue: 'cidrallocator_node',
  component: 'cidrAllocator',
  serviceAccount: 'node-controller',
  runsAs: ['nodeipam', 'kube-controller-manager'],
  byDefault: false,
  emits: ['CIDRAssignmentFailed', 'CIDRNotAvailable'],
  reconciles: nodes,
  workers: 8,
  create({ client, context, events, lister, observe, settings }) {
    const nodeLister = lister(nodes);
    const metrics = controllerMetrics(context.metrics, 'node_ipam_controller_');
    const subnets = (settings.clusterCidr ?? defaultClusterCidr).split(',').map((cidr) => {
      const own = cidr.includes(':') ? settings.nodeCidrMaskSizeIpv6 : settings.nodeCidrMaskSize;
      const mask = own ?? (cidr.includes(':') ? nodeMaskSize.ipv6 : nodeMaskSize.ipv4);
      return measured(new SubnetAllocator(cidr.trim(), mask), metrics);
    });
    for (const cidr of settings.serviceCidrs ?? []) for (const subnet of subnets) subnet.occupy(cidr);
    const each = (cidrs: readonly string[], what: 'occupy' | 'release') =>
      cidrs.forEach((cidr, at) => void subnets[at]?.[what](cidr));
    /** Given to a node, but perhaps not yet seen in the cache. */
    const given = new Map<string, readonly string[]>();
    observe(nodes, ({ type, object }) => {
      const name = object.metadata?.name ?? '';
      const own = cidrsOf(object);
      if (type === 'deleted') {
        each(own.length > 0 ? own : (given.get(name) ?? []), 'release');
        given.delete(name);
      } else if (own.length > 0) {
        each(own, 'occupy');
        given.delete(name);
      }
    });

    /** One of each network, or none. */
    function allocate(): readonly string[] | undefined {
      const cidrs: string[] = [];
      for (const subnet of subnets) {
        const cidr = subnet.allocate();
        if (cidr === undefined) {
          each(cidrs, 'release');
          return undefined;
        }
        cidrs.push(cidr);
      }
      return cidrs;
    }

    async function write(name: string, podCIDRs: readonly string[]): Promise<void> {
      for (let left = writesMax; ; left--) {
        try {
          await client.patch(nodes, { name }, 'merge', { spec: { podCIDR: podCIDRs[0], podCIDRs } });
          return;
        } catch (error) {
          if (left <= 1) throw error;
        }
      }
    }

    function tell({ metadata }: Node, status: string): void {
      const { name, uid } = metadata ?? {};
      const reference = { apiVersion: 'v1', kind: 'Node', name, uid };
      events.event(reference, 'Normal', status, `Node ${name} status is now: ${status}`);
    }

    return {
      async reconcile(name) {
        const node = nodeLister.get(undefined, name);
        if (node === undefined || node.metadata?.deletionTimestamp !== undefined || cidrsOf(node).length > 0) {
          return undefined;
        }
        const podCIDRs = given.get(name) ?? allocate();
        if (podCIDRs === undefined) {
          tell(node, 'CIDRNotAvailable');
          throw new Error(`no pod network is left for node ${name}: the cluster CIDR is too small for its nodes`);
        }
        given.set(name, podCIDRs);
        try {
          await write(name, podCIDRs);
        } catch (error) {
          tell(node, 'CIDRAssignmentFailed');
          // After a time-out it may have been written all the same.
          if (!isServerTimeout(error) && given.delete(name)) each(podCIDRs, 'release');
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};

/** The allocator's face that the controller uses, counting what it does. */
function measured(
  subnets: SubnetAllocator,
  metrics: ControllerMetrics,
): Pick<SubnetAllocator, 'allocate' | 'occupy' | 'release'> {
  const label = [subnets.cidr];
  metrics.set('node_ipam_controller_cirdset_max_cidrs', label, subnets.size);
  const counted = <Result>(change: () => Result): Result => {
    const before = subnets.used;
    const result = change();
    const more = subnets.used - before;
    if (more > 0) metrics.count('node_ipam_controller_cidrset_cidrs_allocations_total', label, more);
    if (more < 0) metrics.count('node_ipam_controller_cidrset_cidrs_releases_total', label, -more);
    metrics.set('node_ipam_controller_cidrset_usage_cidrs', label, subnets.used / subnets.size);
    return result;
  };
  return {
    occupy: (cidr) => counted(() => subnets.occupy(cidr)),
    release: (cidr) => counted(() => subnets.release(cidr)),
    allocate() {
      const cidr = counted(() => subnets.allocate());
      if (cidr === undefined) return undefined;
      metrics.observe('node_ipam_controller_cidrset_allocation_tries_per_request', label, subnets.passed);
      return cidr;
    },
  };
}

const cidrsOf = ({ spec }: Node): readonly string[] =>
  spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
