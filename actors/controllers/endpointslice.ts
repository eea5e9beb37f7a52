/**
 * endpointslice-controller: keeps the EndpointSlices of every Service with a selector: ready, serving and terminating pods
 * with node and zone, by address family, at most 100 a slice.
 *
 * @see kubernetes/pkg/controller/endpointslice
 */
import {
  type DiscoveryV1EndpointPort,
  type Endpoint,
  type EndpointSlice,
  isNotFound,
  type Node,
  type Pod,
  type Service,
} from '../../src/api/index.ts';
import { endpointSlices, keyOf, nodes, pods, type Resource, services } from '../../src/client/index.ts';
import {
  addressTypeOf,
  belongsToEndpoints,
  type ControllerDefinition,
  type ControllerDependencies,
  collectCounts,
  conditionOf,
  controllerMetrics,
  controllerOf,
  controllerReferenceTo,
  countedDistributions,
  endpointKey,
  type HintedEndpoints,
  hasSelector,
  headlessLabel,
  hintsFor,
  hostnameOf,
  isHeadless,
  isNamespaceTerminating,
  isPodReady,
  type Key,
  keyFor,
  microTimeText,
  type PortGroup,
  planSlices,
  podAddresses,
  portsKey,
  type Reconciler,
  ServiceSelectors,
  SliceVersions,
  semanticallyEqual,
  setTopologyHints,
  sliceTotals,
  splitKey,
  TriggerTimes,
  targetPortOf,
  timeText,
  triggerTimeAnnotation,
  wantsTopologyHints,
  zoneShares,
} from '../../src/controller/index.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const managedBy = 'endpointslice-controller.k8s.io';
const endpointsMax = 100;
const serviceIndex = 'managed-by-service';
/** How soon to look again at pods whose node is not known; twice as late each further time. */
const unknownNodeRetryMs = 1_000;
const unknownNodeRetryMaxMs = 1_000_000;

export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice-controller',
  queue: 'endpoint_slice',
  component: 'endpoint-slice-controller',
  reconciles: services,
  reads: [nodes],
  create: createReconciler,
};

type AddressType = 'IPv4' | 'IPv6';

/** The Service that a slice of this controller belongs to. */
function serviceOf(slice: EndpointSlice): readonly string[] {
  const { labels, namespace } = slice.metadata ?? {};
  const name = labels?.[serviceNameLabel];
  return name === undefined || labels?.[managedByLabel] !== managedBy ? [] : [`${namespace}/${name}`];
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, events } = dependencies;
  const metrics = controllerMetrics(dependencies.context.metrics, 'endpoint_slice_controller_');
  const serviceLister = dependencies.lister(services);
  const nodeLister = dependencies.lister(nodes);
  const sliceLister = dependencies.lister(endpointSlices);
  dependencies.context.metrics.beforeRead(() => {
    const managed = sliceLister.list().filter(({ metadata }) => metadata?.labels?.[managedByLabel] === managedBy);
    const totals = sliceTotals(managed, endpointsMax);
    metrics.set('endpoint_slice_controller_num_endpoint_slices', [], totals.slices);
    metrics.set('endpoint_slice_controller_endpoints_desired', [], totals.endpoints);
    metrics.set('endpoint_slice_controller_desired_endpoint_slices', [], totals.slicesNeeded);
  });
  collectCounts(dependencies.context.metrics, 'endpoint_slice_controller_', () =>
    countedDistributions(serviceLister.list()),
  );
  const selectors = new ServiceSelectors(serviceLister);
  const triggerTimes = new TriggerTimes();
  const versions = new SliceVersions(dependencies.context.clock);
  dependencies.index(endpointSlices, serviceIndex, serviceOf);
  const backends = dependencies.parts(pods, 'namespace', (change) => {
    for (const key of selectors.concernedBy(change)) dependencies.enqueue(key);
  });
  const podLister = backends.lister;
  dependencies.observe(services, ({ type, object }) => {
    const { namespace = '' } = object.metadata ?? {};
    if ((type === 'deleted' || !hasSelector(object)) && !selectors.areIn(namespace)) backends.drop(namespace);
  });
  dependencies.observe(endpointSlices, (change) => {
    if (change.type === 'deleted') versions.deleted(change.object);
    const ours = change.type !== 'deleted' && versions.isOwnWrite(change.object);
    for (const key of serviceOf(change.object)) if (!ours || versions.takeWaiting(key)) dependencies.enqueue(key);
    if (ours) return;
    if (change.type === 'updated') for (const key of serviceOf(change.previous)) dependencies.enqueue(key);
  });

  /** How often in a row a Service had pods whose node is not known. */
  const unplacedTimes = new Map<Key, number>();
  /** Services that have topology hints now. */
  const hinted = new Set<Key>();
  /** As the nodes are now; undefined when they must be counted anew. */
  let shares: { readonly of: ReadonlyMap<string, number> | undefined } | undefined;
  dependencies.observe(nodes, (change) => {
    if (change.type === 'updated' && semanticallyEqual(weightOf(change.previous), weightOf(change.object))) return;
    shares = undefined;
    for (const key of hinted) dependencies.enqueue(key);
  });

  function toEndpoint(pod: Pod, service: Service, type: AddressType): Endpoint | undefined {
    const addresses = podAddresses(pod).filter((address) => addressTypeOf(address) === type);
    if (addresses.length === 0) return undefined;
    const serving = isPodReady(pod);
    const terminating = pod.metadata?.deletionTimestamp !== undefined;
    const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
    const { namespace, name, uid } = pod.metadata ?? {};
    const endpoint: Endpoint = {
      addresses,
      conditions: { ready, serving, terminating },
      targetRef: { kind: 'Pod', namespace, name, uid },
    };
    const { nodeName } = pod.spec ?? {};
    if (nodeName !== undefined) {
      endpoint.nodeName = nodeName;
      const zone = nodeLister.get(undefined, nodeName)?.metadata?.labels?.['topology.kubernetes.io/zone'];
      if (zone !== undefined) endpoint.zone = zone;
    }
    const hostname = hostnameOf(pod, service);
    if (hostname !== undefined) endpoint.hostname = hostname;
    const hints = wantsTopologyHints(service) ? undefined : hintsFor(endpoint, service.spec?.trafficDistribution);
    if (hints !== undefined) endpoint.hints = hints;
    return endpoint;
  }

  /** Endpoints by their ports. `placed` are the pods whose node is known. */
  function groupsOf(service: Service, placed: readonly Pod[], type: AddressType): PortGroup[] {
    const groups = new Map<string, { ports: DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of placed) {
      const endpoint = toEndpoint(pod, service, type);
      if (endpoint === undefined) continue;
      const ports = portsOf(service, pod);
      const key = portsKey(ports);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { ports, endpoints: [endpoint] });
      else group.endpoints.push(endpoint);
    }
    return [...groups.values()];
  }

  /** Hints by the annotation of old, with the events that tell when they come and go. */
  function hintZones(
    service: Service,
    existing: readonly EndpointSlice[],
    groups: readonly PortGroup[],
    type: AddressType,
    refresh: (slice: EndpointSlice) => boolean,
  ): void {
    const key = keyFor(service);
    const tell = (eventType: 'Normal' | 'Warning', reason: string, what: string) =>
      events.event(service, eventType, reason, `${what}, addressType: ${type}`);
    if (!wantsTopologyHints(service)) {
      if (hinted.delete(key)) tell('Warning', 'TopologyAwareHintsDisabled', 'Topology Aware Hints has been disabled');
      return;
    }
    shares ??= { of: zoneShares(nodeLister.list()) };
    const why = setTopologyHints(hintedEndpoints(existing, groups, refresh), shares.of);
    if (why !== undefined) {
      hinted.delete(key);
      tell('Warning', 'TopologyAwareHintsDisabled', why);
    } else if (!hinted.has(key)) {
      hinted.add(key);
      tell('Normal', 'TopologyAwareHintsEnabled', 'Topology Aware Hints has been enabled');
    }
  }

  async function syncType(
    service: Service,
    existing: readonly EndpointSlice[],
    placed: readonly Pod[],
    type: AddressType,
    triggerMs: number | undefined,
  ) {
    const labels = labelsOf(service);
    const groups = groupsOf(service, placed, type);
    const refresh = (slice: EndpointSlice) => !semanticallyEqual(slice.metadata?.labels, labels);
    hintZones(service, existing, groups, type, refresh);
    // A Service without endpoints keeps one empty slice, so that its consumers know that there are none.
    if (groups.length === 0) groups.push({ ports: [], endpoints: [] });
    const empty = groups.length === 1 && groups[0]?.endpoints.length === 0;
    const plan = planSlices(existing, groups, endpointsMax, refresh);
    const create =
      empty && existing.every((slice) => portsKey(slice.ports) !== '' || (slice.endpoints?.length ?? 0) > 0)
        ? [{ ports: [], endpoints: [] }]
        : plan.create;
    for (const group of create) {
      versions.created(keyFor(service), await client.create(endpointSlices, newSlice(service, type, group, triggerMs)));
    }
    for (const slice of plan.update) {
      const { [triggerTimeAnnotation]: _before, ...annotations } = slice.metadata?.annotations ?? {};
      const metadata = { ...slice.metadata, labels, annotations: { ...annotations, ...triggerAnnotation(triggerMs) } };
      versions.updated(await client.update(endpointSlices, { ...slice, metadata }));
    }
    for (const slice of plan.remove) await removeSlice(slice);
    measure(existing, groups, { create, update: plan.update, remove: plan.remove });
  }

  function measure(
    existing: readonly EndpointSlice[],
    wanted: readonly { readonly endpoints: readonly unknown[] }[],
    changes: Readonly<Record<string, readonly unknown[]>>,
  ): void {
    const before = existing.reduce((sum, slice) => sum + (slice.endpoints?.length ?? 0), 0);
    const after = wanted.reduce((sum, group) => sum + group.endpoints.length, 0);
    metrics.observe('endpoint_slice_controller_endpoints_added_per_sync', [], Math.max(0, after - before));
    metrics.observe('endpoint_slice_controller_endpoints_removed_per_sync', [], Math.max(0, before - after));
    for (const [operation, slices] of Object.entries(changes)) {
      if (slices.length === 0) continue;
      const name = operation === 'remove' ? 'delete' : operation;
      metrics.count('endpoint_slice_controller_changes', [name], slices.length);
    }
  }

  async function removeSlice(slice: EndpointSlice): Promise<void> {
    try {
      await client.delete(endpointSlices, keyOf(slice));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Answers what was left out, and why; `stale` when nothing could be done yet. */
  async function sync(service: Service): Promise<readonly string[] | 'stale'> {
    const { namespace, uid } = service.metadata ?? {};
    const labelled = sliceLister
      .byIndex(serviceIndex, keyFor(service))
      .filter((slice) => slice.metadata?.deletionTimestamp === undefined);
    if (versions.isStale(keyFor(service), labelled)) return 'stale';
    // Those of a Service of this name before, or made by somebody else, are not brought up to date.
    const isOwned = (slice: EndpointSlice) => controllerOf(slice)?.uid === uid;
    const own = labelled.filter(isOwned);
    const matching = podLister
      .list(namespace)
      .filter((pod) => selectors.matches(service, pod.metadata?.labels) && belongsToEndpoints(pod, true));
    const tolerant = service.spec?.publishNotReadyAddresses === true;
    const isPlaced = ({ spec }: Pod) => nodeLister.get(undefined, spec?.nodeName ?? '') !== undefined;
    const placed = tolerant ? matching : matching.filter(isPlaced);
    const triggerMs = triggerTimes.next(service, matching);
    const types = addressTypesOf(service);
    for (const type of types) {
      const existing = own.filter((slice) => slice.addressType === type);
      await syncType(service, existing, placed, type, triggerMs);
    }
    for (const slice of labelled) {
      if (!isOwned(slice) || !types.includes(slice.addressType as AddressType)) await removeSlice(slice);
    }
    if (tolerant) return [];
    return matching.flatMap((pod) => (isPlaced(pod) ? [] : [unplacedText(pod, service)]));
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
        hinted.delete(key);
        unplacedTimes.delete(key);
        triggerTimes.forget(key);
        return undefined;
      }
      if (service.spec?.type === 'ExternalName' || !hasSelector(service)) return undefined;
      if (service.metadata?.deletionTimestamp !== undefined) return undefined;
      const track = (result: 'success' | 'stale' | 'error') =>
        metrics.count('endpoint_slice_controller_syncs', [result]);
      const failed = (why: string) => {
        track('error');
        const message = `Error updating Endpoint Slices for Service ${key}: ${why}`;
        events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
      };
      try {
        const left = await sync(service);
        if (left === 'stale') {
          track('stale');
          return { requeueAfterMs: unknownNodeRetryMs, background: true };
        }
        if (left.length === 0) {
          track('success');
          unplacedTimes.delete(key);
          return undefined;
        }
        failed(left.length === 1 ? (left[0] ?? '') : `[${left.join(', ')}]`);
        const times = unplacedTimes.get(key) ?? 0;
        unplacedTimes.set(key, times + 1);
        return { requeueAfterMs: Math.min(unknownNodeRetryMaxMs, unknownNodeRetryMs * 2 ** times), background: true };
      } catch (error) {
        if (isNamespaceTerminating(error)) return undefined;
        failed(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}

function unplacedText({ metadata, spec }: Pod, service: Service): string {
  return `skipping Pod ${metadata?.name} for Service ${keyFor(service)}: Node ${spec?.nodeName ?? ''} Not Found`;
}

/** What of a node decides about the share of its zone. */
function weightOf({ metadata, status }: Node): unknown {
  const ready = conditionOf(status?.conditions, 'Ready')?.status;
  return [metadata?.labels, status?.allocatable?.['cpu'], ready];
}

function portsOf(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  const ports: DiscoveryV1EndpointPort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) continue;
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

function addressTypesOf(service: Service): AddressType[] {
  const families = service.spec?.ipFamilies ?? [];
  return families.length === 0 ? ['IPv4'] : families.map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4'));
}

function labelsOf(service: Service): Record<string, string> {
  const { [headlessLabel]: _headless, ...labels } = service.metadata?.labels ?? {};
  return {
    ...labels,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    [serviceNameLabel]: service.metadata?.name ?? '',
    [managedByLabel]: managedBy,
  };
}

function triggerAnnotation(triggerMs: number | undefined): Record<string, string> {
  if (triggerMs === undefined) return {};
  const text = triggerMs % 1000 === 0 ? timeText(triggerMs) : microTimeText(triggerMs);
  return { [triggerTimeAnnotation]: text };
}

function newSlice(service: Service, type: AddressType, group: PortGroup, triggerMs: number | undefined): EndpointSlice {
  const { name, namespace } = service.metadata ?? {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      annotations: triggerAnnotation(triggerMs),
      ownerReferences: [controllerReferenceTo(service, services as Resource)],
    },
    addressType: type,
    endpoints: [...group.endpoints],
    ports: [...group.ports],
  };
}

/** The endpoints by whether their slices are written whatever their hints are; those of the others get the hints that they have. */
function hintedEndpoints(
  existing: readonly EndpointSlice[],
  groups: readonly PortGroup[],
  refresh: (slice: EndpointSlice) => boolean,
): HintedEndpoints {
  const wanted = new Map(
    groups.flatMap(({ endpoints }) => endpoints.map((endpoint) => [endpointKey(endpoint), endpoint])),
  );
  const wantedOf = (endpoints: readonly Endpoint[] = []) =>
    endpoints.flatMap((endpoint) => wanted.get(endpointKey(endpoint)) ?? []);
  const bare = existing.map((slice) => ({
    ...slice,
    endpoints: (slice.endpoints ?? []).map(({ hints: _hints, ...endpoint }) => endpoint),
  }));
  const plan = planSlices(bare, groups, endpointsMax, refresh);
  const written = new Set([...plan.update, ...plan.remove].map(({ metadata }) => metadata?.name));
  const settled = existing.filter(({ metadata }) => !written.has(metadata?.name));
  for (const endpoint of settled.flatMap(({ endpoints }) => endpoints ?? [])) {
    const next = wanted.get(endpointKey(endpoint));
    if (next !== undefined && endpoint.hints !== undefined) next.hints = endpoint.hints;
  }
  return {
    changing: [...plan.create, ...plan.update].flatMap(({ endpoints }) => wantedOf(endpoints)),
    settled: settled.map(({ endpoints }) => wantedOf(endpoints)),
  };
}
