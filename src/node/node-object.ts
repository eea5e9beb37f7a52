/**
 * The Node object that a kubelet registers and reports: labels, addresses, capacity, conditions, node info, by upstream's
 * names, reasons and messages. Pure: time and identity come from the caller.
 * @see kubernetes/pkg/kubelet/kubelet_node_status.go and pkg/kubelet/nodestatus/setters.go
 */
import { createHash } from 'node:crypto';
import { formatTime, type Node, type NodeCondition, type NodeStatus, type Quantity } from '../api/index.ts';
import { formatAddress, formatCidr, parseAddress, parseCidr, subnet } from '../network/index.ts';
import type { AddressFamily, KubeletOptions } from './options.ts';
import type { ImageRecord } from './runtime.ts';

export const kubeletVersion = 'v1.36.2';

const defaultCapacity: Readonly<Record<string, Quantity>> = {
  cpu: '32',
  'ephemeral-storage': '1Ti',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '256Gi',
  pods: '110',
};

/** What a node's default addresses are made of. */
type Numbered = Pick<KubeletOptions, 'nodeName' | 'ordinal' | 'families'>;

/** The node's ordinal, or the number at the end of its name, or else one made of its hash; below `bound`. */
export function nodeNumber({ nodeName, ordinal }: Numbered, bound: number): number {
  const digits = ordinal ?? /(\d+)$/.exec(nodeName)?.[1];
  if (digits !== undefined && Number(digits) < bound) return Number(digits);
  return createHash('sha256').update(nodeName).digest().readUInt32BE(0) % bound;
}

/** Where simulated nodes and their pods have their addresses. */
const simulated = {
  IPv4: { firstNode: parseAddress('172.16.0.1'), pods: parseCidr('10.128.0.0/9'), prefix: 24, family: 4 },
  IPv6: { firstNode: parseAddress('fd00:172:16::1'), pods: parseCidr('fd00:10:128::/48'), prefix: 64, family: 6 },
} as const;

const familiesOf = ({ families }: Numbered): readonly AddressFamily[] => families ?? ['IPv4'];

/** The node's own addresses: the one it was given, or one of 172.16.0.0/12 and of fd00:172:16::/48, by its families. */
export function nodeAddresses(options: Numbered & Pick<KubeletOptions, 'address'>): readonly string[] {
  if (options.address !== undefined) return [options.address];
  const number = BigInt(nodeNumber(options, 2 ** 20 - 2));
  return familiesOf(options).map((name) => formatAddress(simulated[name].firstNode + number, simulated[name].family));
}

/** The ranges of the node's pods, one of each family, or none when a controller is to choose them. */
export function nodePodCidrs(options: KubeletOptions): readonly string[] {
  const { podCidr } = options;
  if (podCidr === 'from-node') return [];
  if (podCidr !== undefined) return podCidr.split(',').map((cidr) => cidr.trim());
  const number = nodeNumber(options, 2 ** 15);
  return familiesOf(options).flatMap((name) => {
    const block = subnet(simulated[name].pods, simulated[name].prefix, number);
    return block === undefined ? [] : [formatCidr(block)];
  });
}

export function nodeCapacity({ capacity }: KubeletOptions): Record<string, Quantity> {
  return { ...defaultCapacity, ...capacity };
}

export function nodeAllocatable(options: KubeletOptions): Record<string, Quantity> {
  return { ...nodeCapacity(options), ...options.allocatable };
}

/** Labels that every kubelet sets and keeps up to date. */
export function kubeletLabels({ nodeName, zone, region }: KubeletOptions): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    ...(region === undefined
      ? undefined
      : { 'failure-domain.beta.kubernetes.io/region': region, 'topology.kubernetes.io/region': region }),
    ...(zone === undefined
      ? undefined
      : { 'failure-domain.beta.kubernetes.io/zone': zone, 'topology.kubernetes.io/zone': zone }),
  };
}

/** Keeps pods away until the cloud controller manager has told what it knows of the instance. */
const uninitializedTaint = {
  key: 'node.cloudprovider.kubernetes.io/uninitialized',
  value: 'true',
  effect: 'NoSchedule',
};

/** The Node that is registered, its status included. */
export function nodeObject(options: KubeletOptions, runtimeVersion: string, nowMs: number): Node {
  const podCIDRs = nodePodCidrs(options);
  const taints = [...(options.taints ?? []), ...(options.externalCloud === true ? [uninitializedTaint] : [])];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: options.nodeName,
      labels: { ...kubeletLabels(options), ...options.labels },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true', ...options.annotations },
    },
    spec: {
      ...(podCIDRs.length === 0 ? undefined : { podCIDR: podCIDRs[0], podCIDRs: [...podCIDRs] }),
      ...(options.providerId === undefined ? undefined : { providerID: options.providerId }),
      ...(taints.length === 0 ? undefined : { taints }),
    },
    status: nodeStatus(options, runtimeVersion, nowMs, undefined, []),
  };
}

/** The status that the kubelet reports; `before` is what the API has, from which times of unchanged conditions are kept. */
export function nodeStatus(
  options: KubeletOptions,
  runtimeVersion: string,
  nowMs: number,
  before: NodeStatus | undefined,
  images: readonly ImageRecord[],
): NodeStatus {
  const { nodeName } = options;
  const identity = createHash('sha256').update(nodeName).digest('hex');
  const uuid = `${identity.slice(0, 8)}-${identity.slice(8, 12)}-4${identity.slice(13, 16)}-8${identity.slice(17, 20)}-${identity.slice(20, 32)}`;
  return {
    addresses: [
      ...nodeAddresses(options).map((address) => ({ address, type: 'InternalIP' })),
      { address: nodeName, type: 'Hostname' },
    ],
    allocatable: nodeAllocatable(options),
    capacity: nodeCapacity(options),
    conditions: nodeConditions(formatTime(nowMs), before),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    ...(images.length === 0
      ? undefined
      : { images: images.slice(0, 50).map(({ id, name, sizeBytes }) => ({ names: [id, name], sizeBytes })) }),
    nodeInfo: {
      architecture: 'amd64',
      bootID: uuid,
      containerRuntimeVersion: runtimeVersion,
      kernelVersion: '6.12.0',
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: identity.slice(0, 32),
      operatingSystem: 'linux',
      osImage: 'Kubehive simulated node',
      systemUUID: uuid,
    },
  };
}

const conditionFacts = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

function nodeConditions(now: string, before: NodeStatus | undefined): NodeCondition[] {
  return conditionFacts.map(([type, status, reason, message]) => {
    const known = before?.conditions?.find((condition) => condition.type === type);
    const unchanged = known?.status === status && known.lastTransitionTime !== undefined;
    return {
      lastHeartbeatTime: now,
      lastTransitionTime: unchanged ? known.lastTransitionTime : now,
      message,
      reason,
      status,
      type,
    };
  });
}
