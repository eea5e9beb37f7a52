/**
 * service-lb-controller: gives Services of type LoadBalancer a load balancer of the cloud, keeps its ports, source ranges and nodes
 * up to date, and takes it away before the Service goes. Runs only when asked for.
 *
 * @see k8s.io/cloud-provider/controllers/service/controller.go
 */
import { isNotFound, type LoadBalancerStatus, type Node, type Service } from '../../src/api/index.ts';
import { keyOf, nodes, services } from '../../src/client/index.ts';
import {
  type CloudLoadBalancers,
  type ControllerDefinition,
  type ControllerDependencies,
  controllerMetrics,
  createSimulatedCloud,
  keyFor,
  messageOf,
  type Reconciler,
  semanticallyEqual,
  simulatedCloudGrant,
  splitKey,
} from '../../src/controller/index.ts';

const finalizer = 'service.kubernetes.io/load-balancer-cleanup';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';
/** Keys of Services whose nodes alone have changed. */
const hostsPrefix = 'hosts:';

export const serviceLoadBalancerController: ControllerDefinition = {
  name: 'service-lb-controller',
  queue: 'service',
  queues: [{ name: 'node', takes: (key) => key.startsWith(hostsPrefix) }],
  retry: { firstMs: 5_000, mostMs: 300_000 },
  component: 'service-controller',
  serviceAccount: 'service-controller',
  grant: simulatedCloudGrant,
  runsAs: ['service', 'cloud-controller-manager'],
  byDefault: false,
  workers: 1,
  create: createReconciler,
};

const wantsBalancer = ({ spec }: Service): boolean =>
  spec?.type === 'LoadBalancer' && (spec.loadBalancerClass ?? '') === '';
const holdsBalancer = ({ metadata }: Service): boolean => metadata?.finalizers?.includes(finalizer) ?? false;
const needsCleanUp = (service: Service): boolean =>
  holdsBalancer(service) &&
  (service.metadata?.deletionTimestamp !== undefined || service.spec?.type !== 'LoadBalancer');

/** What Go reads as false; whatever is no boolean excludes. */
const notExcluded: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE']);

function isExcluded({ metadata }: Node): boolean {
  const value = metadata?.labels?.[excludeLabel];
  return value !== undefined && !notExcluded.has(value);
}

/** Readiness does not matter: the health checks of the load balancer see that sooner. @see KEP-3458 */
function isHost(node: Node): boolean {
  const { metadata, spec } = node;
  if (metadata?.deletionTimestamp !== undefined || isExcluded(node)) return false;
  return spec?.taints?.some(({ key }) => key === toBeDeletedTaint) !== true;
}

/** What of nodes a cloud is told anew when it changes. */
const hostsText = (hosts: readonly Node[]): string =>
  hosts
    .map(({ metadata, spec }) => `${metadata?.name}=${spec?.providerID ?? ''}`)
    .sort()
    .join();

/** What of a Service its load balancer is made from. */
const madeFrom = ({ spec, metadata }: Service) => ({
  type: spec?.type,
  ports: spec?.ports?.map(({ name, protocol, port, nodePort, targetPort, appProtocol }) => [
    name,
    protocol,
    port,
    nodePort,
    targetPort,
    appProtocol,
  ]),
  affinity: [spec?.sessionAffinity, spec?.sessionAffinityConfig],
  ranges: spec?.loadBalancerSourceRanges,
  ip: spec?.loadBalancerIP,
  external: spec?.externalIPs,
  policy: [spec?.externalTrafficPolicy, spec?.healthCheckNodePort],
  annotations: metadata?.annotations,
  uid: metadata?.uid,
  families: spec?.ipFamilies?.length,
});

const namesTold = 20;

/** Names of nodes in Go's way of writing a list; of many only the first. */
function listed(hosts: readonly Node[]): string {
  const names = hosts.slice(0, namesTold).map(({ metadata }) => metadata?.name ?? '');
  const more = hosts.length > namesTold ? [`<${hosts.length - namesTold} more>`] : [];
  return `[${[...names.sort(), ...more].join(' ')}]`;
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, events } = dependencies;
  const metrics = controllerMetrics(dependencies.context.metrics, 'service_controller_');
  const serviceLister = dependencies.lister(services);
  const nodeLister = dependencies.lister(nodes);
  const { loadBalancers } = createSimulatedCloud(client, dependencies.context.clock);

  const hosts = (): Node[] => nodeLister.list().filter(isHost);
  /** The nodes that each load balancer was given last, by the Service. */
  const given = new Map<string, string>();

  dependencies.observe(nodes, (change) => {
    const { object: node } = change;
    if (change.type === 'updated') {
      const { previous } = change;
      // A taint alone is no reason: connections are to drain while the node is on its way out.
      if (isExcluded(node) === isExcluded(previous) && node.spec?.providerID === previous.spec?.providerID) return;
    }
    for (const service of serviceLister.list()) if (wantsBalancer(service)) enqueue(hostsPrefix + keyFor(service));
  });
  dependencies.observe(services, (change) => {
    const { object: service } = change;
    const key = keyFor(service);
    if (change.type === 'deleted') {
      given.delete(key);
      return;
    }
    if (change.type === 'added' && !wantsBalancer(service) && !needsCleanUp(service)) return;
    if (change.type === 'updated') {
      const { previous } = change;
      if (!wantsBalancer(service) && !wantsBalancer(previous) && !needsCleanUp(service)) return;
      const same = semanticallyEqual(madeFrom(previous), madeFrom(service));
      if (same && !needsCleanUp(service)) return;
    }
    enqueue(key);
  });

  async function setFinalizer(service: Service, present: boolean): Promise<Service> {
    if (holdsBalancer(service) === present) return service;
    const others = (service.metadata?.finalizers ?? []).filter((other) => other !== finalizer);
    const finalizers = present ? [...others, finalizer] : others;
    const { resourceVersion } = service.metadata ?? {};
    const metadata = { resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers };
    // A Service of another type may not keep the address of a load balancer that is gone.
    const gone = present ? {} : { status: { loadBalancer: { ingress: null } } };
    // As upstream's: its role lets it write no more than the status.
    return client.patch(services, keyOf(service), 'merge', { metadata, ...gone }, { subresource: 'status' });
  }

  async function setStatus(service: Service, loadBalancer: LoadBalancerStatus): Promise<void> {
    if (semanticallyEqual(service.status?.loadBalancer, loadBalancer)) return;
    const { ingress = null } = loadBalancer;
    const patch = { status: { loadBalancer: { ingress } } };
    try {
      await client.patch(services, keyOf(service), 'merge', patch, { subresource: 'status' });
    } catch (error) {
      // Somebody took its finalizer away.
      if (!isNotFound(error)) throw error;
    }
  }

  /** Says in what it failed, as upstream's events do. */
  async function attempt<Result>(what: string, action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      throw new Error(`failed to ${what}: ${messageOf(error)}`, { cause: error });
    }
  }

  async function cleanUp(service: Service): Promise<void> {
    const found = await attempt('check if load balancer exists before cleanup', async () =>
      loadBalancers?.find(service),
    );
    if (found !== undefined) {
      events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
      await attempt('delete load balancer', async () => loadBalancers?.remove(service));
    }
    await attempt('remove load balancer cleanup finalizer', () => setFinalizer(service, false));
    events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
    given.delete(keyFor(service));
  }

  async function ensure(service: Service, provider: CloudLoadBalancers): Promise<void> {
    const current = hosts();
    events.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    const held = await attempt('add load balancer cleanup finalizer', () => setFinalizer(service, true));
    if (current.length === 0) {
      const message = 'There are no available nodes for LoadBalancer';
      events.event(service, 'Warning', 'UnAvailableLoadBalancer', message);
    }
    given.set(keyFor(service), hostsText(current));
    const status = await attempt('ensure load balancer', () => provider.ensure(held, current));
    events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
    await attempt('update load balancer status', () => setStatus(held, status));
  }

  /** Of a Service that was looked at before. What fails is left to the Service's own turn, which ensures all of it. */
  async function updateHosts(service: Service, provider: CloudLoadBalancers): Promise<void> {
    const key = keyFor(service);
    const current = hosts();
    if (!wantsBalancer(service) || !given.has(key) || given.get(key) === hostsText(current)) return;
    given.set(key, hostsText(current));
    metrics.count('service_controller_loadbalancer_sync_total');
    try {
      await provider.updateHosts(service, current);
    } catch (error) {
      if ((await provider.find(service)) === undefined) return;
      const limited = `[node names limited, total number of nodes: ${current.length}]`;
      const message = `Error updating load balancer with new hosts ${listed(current)} ${limited}, error: ${messageOf(error)}`;
      events.event(service, 'Warning', 'UpdateLoadBalancerFailed', message);
      enqueue(key);
      return;
    }
    if (current.length > 0) {
      events.event(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
    } else {
      const message = 'There are no available nodes for LoadBalancer';
      events.event(service, 'Warning', 'UnAvailableLoadBalancer', message);
    }
  }

  return {
    async reconcile(key) {
      const [name = '', onlyHosts] = key.startsWith(hostsPrefix) ? [key.slice(hostsPrefix.length), true] : [key, false];
      const service = serviceLister.get(splitKey(name).namespace, splitKey(name).name);
      if (service === undefined || loadBalancers === undefined) return undefined;
      if (onlyHosts) {
        await updateHosts(service, loadBalancers);
        return undefined;
      }
      try {
        if (!wantsBalancer(service) || needsCleanUp(service)) await cleanUp(service);
        else await ensure(service, loadBalancers);
      } catch (error) {
        const message = `Error syncing load balancer: ${messageOf(error)}`;
        events.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
        throw error;
      }
      return undefined;
    },
  };
}
