/**
 * The kubelet's own look at a pod before it runs it: room for its requests, its node affinity, its host ports. Keeps the sums
 * of what admitted pods hold. One instance a kubelet.
 * @see kubernetes/pkg/kubelet/lifecycle/predicate.go
 */
import { type Node, type Quantity, quantityMilliValue, quantityValue } from '../api/index.ts';
import { hasUntoleratedTaint, matchesNode } from './node-selector.ts';
import { type BoundPod, isSidecar, isStaticPod } from './pod.ts';

export interface Rejection {
  /** Such as `OutOfcpu` or `NodeAffinity`. */
  readonly reason: string;
  readonly message: string;
}

/** Amounts by resource name: milli-units for `cpu`, units for the others. */
type Amounts = Map<string, number>;

interface Holding {
  readonly requests: Amounts;
  readonly ports: readonly string[];
}

export class PodAdmission {
  readonly #used: Amounts = new Map();
  readonly #ports = new Set<string>();
  readonly #holdings = new Map<string, Holding>();
  #allocatable: Amounts = new Map();
  #pods = 0;

  setAllocatable(allocatable: Readonly<Record<string, Quantity>>): void {
    this.#allocatable = new Map(Object.entries(allocatable).map(([name, amount]) => [name, amountOf(name, amount)]));
  }

  /** Admits the pod and counts it, or says why not. Affinity is checked against `node` as last seen. */
  admit(pod: BoundPod, node: Node): Rejection | undefined {
    const holding = holdingOf(pod);
    const rejection = this.#check(pod, node, holding);
    if (rejection === undefined) this.#hold(pod, holding);
    return rejection;
  }

  /** Counts a pod that runs here already. */
  hold(pod: BoundPod): void {
    this.#hold(pod, holdingOf(pod));
  }

  #hold(pod: BoundPod, holding: Holding): void {
    if (this.#holdings.has(pod.metadata.uid)) return;
    const { requests, ports } = holding;
    for (const [name, amount] of requests) this.#used.set(name, (this.#used.get(name) ?? 0) + amount);
    for (const port of ports) this.#ports.add(port);
    this.#holdings.set(pod.metadata.uid, holding);
    this.#pods++;
  }

  /** The pod has ended: what it held is free. */
  release(uid: string): void {
    const holding = this.#holdings.get(uid);
    if (holding === undefined) return;
    this.#holdings.delete(uid);
    for (const [name, amount] of holding.requests) this.#used.set(name, (this.#used.get(name) ?? 0) - amount);
    for (const port of holding.ports) this.#ports.delete(port);
    this.#pods--;
  }

  #check(pod: BoundPod, node: Node, { requests, ports }: Holding): Rejection | undefined {
    if (pod.spec.os !== undefined && pod.spec.os.name !== 'linux') {
      return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
    }
    const podsMax = this.#allocatable.get('pods') ?? 0;
    if (this.#pods + 1 > podsMax) return outOf('pods', 1, this.#pods, podsMax);
    for (const [name, requested] of requests) {
      const capacity = this.#allocatable.get(name);
      const used = this.#used.get(name) ?? 0;
      // Extended resources that the node does not know are the cluster's, not the node's.
      if (capacity === undefined && isExtended(name)) continue;
      if (requested > 0 && used + requested > (capacity ?? 0)) return outOf(name, requested, used, capacity ?? 0);
    }
    if (!isStaticPod(pod) && hasUntoleratedTaint(node.spec?.taints, pod.spec.tolerations, 'NoExecute')) {
      return predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate");
    }
    if (!matchesNode(pod.spec, node))
      return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
    if (ports.some((port) => this.#ports.has(port))) {
      return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports");
    }
    return undefined;
  }
}

function holdingOf(pod: BoundPod): Holding {
  return { requests: podRequests(pod), ports: hostPorts(pod) };
}

function outOf(name: string, requested: number, used: number, capacity: number): Rejection {
  return {
    reason: `OutOf${name}`,
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}

function predicate(name: string, text: string): Rejection {
  return { reason: name, message: `Predicate ${name} failed: ${text}` };
}

function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/');
}

function amountOf(name: string, amount: Quantity): number {
  return name === 'cpu' ? quantityMilliValue(amount) : quantityValue(amount);
}

function add(into: Amounts, requests: Readonly<Record<string, Quantity>> | undefined): void {
  for (const name in requests) into.set(name, (into.get(name) ?? 0) + amountOf(name, requests[name]!));
}

/** What a pod asks for: its containers and sidecars together, or its greediest init container if that is more, plus overhead. */
export function podRequests(pod: BoundPod): Amounts {
  const { containers, initContainers, overhead, resources } = pod.spec;
  const sum: Amounts = new Map();
  for (const container of containers) add(sum, container.resources?.requests);
  if (initContainers !== undefined) {
    const sidecars: Amounts = new Map();
    const peak: Amounts = new Map();
    for (const container of initContainers) {
      const stage: Amounts = new Map(sidecars);
      add(isSidecar(container) ? sidecars : stage, container.resources?.requests);
      for (const [name, amount] of isSidecar(container) ? sidecars : stage)
        peak.set(name, Math.max(peak.get(name) ?? 0, amount));
    }
    for (const [name, amount] of sidecars) sum.set(name, (sum.get(name) ?? 0) + amount);
    for (const [name, amount] of peak) sum.set(name, Math.max(sum.get(name) ?? 0, amount));
  }
  for (const name in resources?.requests) sum.set(name, amountOf(name, resources.requests[name]!));
  add(sum, overhead);
  return sum;
}

function hostPorts(pod: BoundPod): readonly string[] {
  let ports = noPorts;
  for (const container of pod.spec.containers) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort !== undefined && hostPort > 0)
        ports = [...ports, `${hostIP ?? '0.0.0.0'}|${protocol ?? 'TCP'}|${hostPort}`];
    }
  }
  return ports;
}

const noPorts: readonly string[] = [];
