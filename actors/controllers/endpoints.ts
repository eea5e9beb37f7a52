/**
 * endpoints-controller: keeps the v1 Endpoints of every Service with a selector, for clients that do not read
 * EndpointSlices. At most 1000 addresses.
 *
 * @see kubernetes/pkg/controller/endpoint
 */
import { type Endpoints, isNotFound, type Pod, type Service } from '../../src/api/index.ts';
import { endpoints, pods, services } from '../../src/client/index.ts';
import {
  addressTypeOf,
  belongsToEndpoints,
  type ControllerDefinition,
  type ControllerDependencies,
  type EndpointEntry,
  hasSelector,
  headlessLabel,
  hostnameOf,
  isHeadless,
  isNamespaceTerminating,
  isPodReady,
  type Key,
  keyFor,
  messageOf,
  microTimeText,
  packSubsets,
  podAddresses,
  type Reconciler,
  ServiceSelectors,
  semanticallyEqual,
  splitKey,
  TriggerTimes,
  targetPortOf,
  timeText,
  triggerTimeAnnotation,
  truncateSubsets,
} from '../../src/controller/index.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const capacityAnnotation = 'endpoints.kubernetes.io/over-capacity';
const addressesMax = 1_000;

export const endpointsController: ControllerDefinition = {
  name: 'endpoints-controller',
  queue: 'endpoint',
  component: 'endpoint-controller',
  emits: ['FailedToCreateEndpoint', 'FailedToUpdateEndpoint'],
  serviceAccount: 'endpoint-controller',
  reconciles: services,
  create: createReconciler,
};

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, events } = dependencies;
  const serviceLister = dependencies.lister(services);
  const endpointsLister = dependencies.lister(endpoints);
  const selectors = new ServiceSelectors(serviceLister);
  const triggerTimes = new TriggerTimes();
  /** Services that this controller knew: only their Endpoints go with them, not those that somebody made without one. */
  const serviceSeen = new Set<Key>();
  const backends = dependencies.parts(pods, 'namespace', (change) => {
    for (const key of selectors.concernedBy(change)) dependencies.enqueue(key);
  });
  const podLister = backends.lister;
  dependencies.observe(services, ({ type, object }) => {
    const { namespace = '' } = object.metadata ?? {};
    if ((type === 'deleted' || !hasSelector(object)) && !selectors.areIn(namespace)) backends.drop(namespace);
  });
  // Endpoints that are deleted or were there before their Service must be looked at; own writes need not.
  dependencies.observe(endpoints, ({ type, object }) => {
    if (type === 'deleted') dependencies.enqueue(keyFor(object));
  });

  function wantedEndpoints(service: Service, current: Endpoints | undefined): Endpoints {
    const { name, namespace, labels: serviceLabels } = service.metadata ?? {};
    const tolerant = service.spec?.publishNotReadyAddresses === true;
    const matching = podLister
      .list(namespace)
      .filter((pod) => selectors.matches(service, pod.metadata?.labels) && belongsToEndpoints(pod, tolerant));
    const subsets = packSubsets(matching.flatMap((pod) => entriesOf(service, pod)));
    const truncated = truncateSubsets(subsets, addressesMax);
    const { [headlessLabel]: _headless, ...labels }: Record<string, string> = serviceLabels ?? {};
    labels[managedByLabel] = 'endpoint-controller';
    const {
      [triggerTimeAnnotation]: _time,
      [capacityAnnotation]: _capacity,
      ...annotations
    } = current?.metadata?.annotations ?? {};
    const triggerMs = triggerTimes.next(service, matching);
    if (triggerMs !== undefined) {
      annotations[triggerTimeAnnotation] = triggerMs % 1000 === 0 ? timeText(triggerMs) : microTimeText(triggerMs);
    }
    if (truncated) annotations[capacityAnnotation] = 'truncated';
    return {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        ...(current?.metadata ?? { name, namespace }),
        labels: isHeadless(service) ? { ...labels, [headlessLabel]: '' } : labels,
        annotations,
      },
      ...(subsets.length === 0 ? {} : { subsets }),
    };
  }

  async function write(current: Endpoints | undefined, wanted: Endpoints): Promise<void> {
    try {
      if (current === undefined) await client.create(endpoints, wanted);
      else await client.update(endpoints, wanted);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      const [reason, what] =
        current === undefined
          ? ['FailedToCreateEndpoint', 'create endpoint for service']
          : ['FailedToUpdateEndpoint', 'update endpoint'];
      events.event(wanted, 'Warning', reason, `Failed to ${what} ${keyFor(wanted)}: ${messageOf(error)}`);
      throw error;
    }
  }

  async function remove(key: Key): Promise<void> {
    triggerTimes.forget(key);
    const { namespace, name } = splitKey(key);
    if (endpointsLister.get(namespace, name) === undefined) return;
    try {
      await client.delete(endpoints, { namespace, name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      let service = serviceLister.get(namespace, name);
      if (service !== undefined && hasSelector(service)) {
        await backends.want(namespace);
        service = serviceLister.get(namespace, name);
      }
      if (service === undefined) {
        if (serviceSeen.delete(key)) await remove(key);
        return undefined;
      }
      serviceSeen.add(key);
      if (service.spec?.type === 'ExternalName' || !hasSelector(service)) return undefined;
      const current = endpointsLister.get(namespace, name);
      const wanted = wantedEndpoints(service, current);
      if (current !== undefined && sameEndpoints(current, wanted)) return undefined;
      await write(current, wanted);
      return undefined;
    },
  };
}

/** The time of the last change alone is no reason to write. */
function sameEndpoints(current: Endpoints, wanted: Endpoints): boolean {
  const capacityOf = (object: Endpoints) => object.metadata?.annotations?.[capacityAnnotation];
  return (
    semanticallyEqual(current.subsets, wanted.subsets) &&
    semanticallyEqual(current.metadata?.labels, wanted.metadata?.labels) &&
    capacityOf(current) === capacityOf(wanted)
  );
}

function entriesOf(service: Service, pod: Pod): EndpointEntry[] {
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4';
  const ip = podAddresses(pod).find((address) => addressTypeOf(address) === family);
  if (ip === undefined) return [];
  const { namespace, name, uid } = pod.metadata ?? {};
  const hostname = hostnameOf(pod, service);
  const { nodeName } = pod.spec ?? {};
  const address = {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  const ready = service.spec?.publishNotReadyAddresses === true || isPodReady(pod);
  const servicePorts = service.spec?.ports ?? [];
  if (servicePorts.length === 0) return isHeadless(service) ? [{ address, port: undefined, ready }] : [];
  return servicePorts.flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name: portName, protocol = 'TCP', appProtocol } = servicePort;
    const named = portName === undefined || portName === '' ? {} : { name: portName };
    return {
      address,
      ready,
      port: { ...named, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) },
    };
  });
}
