/**
 * What a cloud is to the controllers of the cloud controller manager: instances behind Nodes, load balancers behind Services,
 * routes to the pod networks of Nodes. Whoever has a cloud of another kind implements {@link CloudProvider}; a part that it does not
 * have is left out, and the controllers of that part do nothing. All calls may be repeated: each must come to the same end.
 *
 * @see k8s.io/cloud-provider/cloud.go
 */
import type { LoadBalancerStatus, Node, NodeAddress, Service } from '../api/index.ts';

/** What a cloud knows of the instance behind a Node. */
export interface InstanceMetadata {
  /** `<provider>://<id>`; becomes spec.providerID. */
  readonly providerId: string;
  /** Becomes the label node.kubernetes.io/instance-type. */
  readonly instanceType?: string;
  /** Become the labels topology.kubernetes.io/zone and /region. */
  readonly zone?: string;
  readonly region?: string;
  readonly addresses: readonly NodeAddress[];
}

export interface CloudInstances {
  /** False only when the instance is certainly gone: its Node is deleted then. */
  exists(node: Node): Promise<boolean>;
  /** A Node whose instance is shut down is tainted, not deleted. */
  isShutdown(node: Node): Promise<boolean>;
  /** @throws Error when the instance is gone */
  metadata(node: Node): Promise<InstanceMetadata>;
}

export interface CloudLoadBalancers {
  /** Its status when there is one for the Service. */
  find(service: Service): Promise<LoadBalancerStatus | undefined>;
  /** Makes it, or brings it in line with ports, source ranges, health check and nodes. */
  ensure(service: Service, nodes: readonly Node[]): Promise<LoadBalancerStatus>;
  /** The nodes behind it have changed, and nothing else. */
  updateHosts(service: Service, nodes: readonly Node[]): Promise<void>;
  remove(service: Service): Promise<void>;
}

/** A route to the pods of a Node. */
export interface CloudRoute {
  readonly nodeName: string;
  /** Such as 10.244.3.0/24. */
  readonly destinationCidr: string;
}

export interface CloudRoutes {
  list(): Promise<readonly CloudRoute[]>;
  create(route: CloudRoute): Promise<void>;
  remove(route: CloudRoute): Promise<void>;
}

export interface CloudProvider {
  /** Such as `aws`; the scheme of its provider ids. */
  readonly name: string;
  readonly instances?: CloudInstances;
  readonly loadBalancers?: CloudLoadBalancers;
  readonly routes?: CloudRoutes;
}

/** The network of pods, of which each node has a part, unless the settings say otherwise. */
export const defaultClusterCidr = '10.244.0.0/16';

/** The taint of a Node that the kubelet of a cluster with a cloud registers with. */
export const uninitializedTaint = 'node.cloudprovider.kubernetes.io/uninitialized';
export const shutdownTaint = 'node.cloudprovider.kubernetes.io/shutdown';
