/**
 * endpointslice-mirroring-controller: copies Endpoints that somebody made by hand for a Service without selector into
 * EndpointSlices, so that consumers need to read only those.
 *
 * @see kubernetes/pkg/controller/endpointslicemirroring
 */
import type { Endpoint, EndpointAddress, EndpointSlice, EndpointSubset, Endpoints } from '../../src/api/index.ts';
import { isNotFound } from '../../src/api/index.ts';
import { endpointSlices, endpoints, keyOf, type Resource, services } from '../../src/client/index.ts';
import {
  addressTypeOf,
  type ControllerDefinition,
  type ControllerDependencies,
  controllerMetrics,
  controllerReferenceTo,
  type EndpointEntry,
  endpointKey,
  hasSelector,
  isNamespaceTerminating,
  type Key,
  keyFor,
  type PortGroup,
  packSubsets,
  planSlices,
  portsKey,
  type ReconcileResult,
  type Reconciler,
  SliceVersions,
  semanticallyEqual,
  sliceTotals,
  splitKey,
  triggerTimeAnnotation,
} from '../../src/controller/index.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const managedBy = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const addressesMax = 1_000;
const mirrorIndex = 'mirrored-service';

export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpointslice-mirroring-controller',
  component: 'endpoint-slice-mirroring-controller',
  queue: 'endpoint_slice_mirroring',
  serviceAccount: 'endpointslicemirroring-controller',
  reconciles: endpoints,
  create: createReconciler,
};

function mirroredService(slice: EndpointSlice): readonly string[] {
  const { labels, namespace } = slice.metadata ?? {};
  const name = labels?.[serviceNameLabel];
  return name === undefined || labels?.[managedByLabel] !== managedBy ? [] : [`${namespace}/${name}`];
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context } = dependencies;
  const metrics = controllerMetrics(context.metrics, 'endpoint_slice_mirroring_controller_');
  const measure = (operation: string) => metrics.count('endpoint_slice_mirroring_controller_changes', [operation]);
  const endpointsLister = dependencies.lister(endpoints);
  const serviceLister = dependencies.lister(services);
  const sliceLister = dependencies.lister(endpointSlices);
  context.metrics.beforeRead(() => {
    const totals = sliceTotals(
      sliceLister.list().filter((slice) => mirroredService(slice).length > 0),
      addressesMax,
    );
    metrics.set('endpoint_slice_mirroring_controller_num_endpoint_slices', [], totals.slices);
    metrics.set('endpoint_slice_mirroring_controller_endpoints_desired', [], totals.endpoints);
    metrics.set('endpoint_slice_mirroring_controller_desired_endpoint_slices', [], totals.slicesNeeded);
  });
  const versions = new SliceVersions(context.clock);
  dependencies.index(endpointSlices, mirrorIndex, mirroredService);
  dependencies.observe(services, ({ object }) => {
    if (endpointsLister.get(object.metadata?.namespace, object.metadata?.name ?? ''))
      dependencies.enqueue(keyFor(object));
  });
  dependencies.observe(endpointSlices, ({ type, object }) => {
    if (type === 'deleted') versions.deleted(object);
    const ours = type !== 'deleted' && versions.isOwnWrite(object);
    for (const key of mirroredService(object)) if (!ours || versions.takeWaiting(key)) dependencies.enqueue(key);
  });

  async function removeAll(slices: readonly EndpointSlice[]): Promise<void> {
    for (const slice of slices) {
      try {
        await client.delete(endpointSlices, keyOf(slice));
        measure('delete');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** What becomes of endpoints, by sets of ports: slices of ports that are no longer wanted do not count. */
  function measureChanges(wanted: readonly { readonly typed: EndpointSlice[]; readonly groups: PortGroup[] }[]): void {
    const counts = { added: 0, updated: 0, removed: 0 };
    for (const { typed, groups } of wanted) {
      for (const group of groups) {
        const key = portsKey(group.ports);
        const left = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
        for (const before of typed.find((slice) => portsKey(slice.ports) === key)?.endpoints ?? []) {
          const now = left.get(endpointKey(before));
          if (now === undefined) counts.removed += 1;
          else if (!semanticallyEqual(now, before)) counts.updated += 1;
          left.delete(endpointKey(before));
        }
        counts.added += left.size;
      }
    }
    metrics.observe('endpoint_slice_mirroring_controller_endpoints_added_per_sync', [], counts.added);
    metrics.observe('endpoint_slice_mirroring_controller_endpoints_updated_per_sync', [], counts.updated);
    metrics.observe('endpoint_slice_mirroring_controller_endpoints_removed_per_sync', [], counts.removed);
  }

  async function mirror(source: Endpoints, existing: readonly EndpointSlice[]): Promise<void> {
    const key = keyFor(source);
    const subsets = packSubsets((source.subsets ?? []).flatMap(entriesOf));
    const skipped = subsets.reduce((sum, subset) => sum + skippedOf(subset), 0);
    metrics.observe('endpoint_slice_mirroring_controller_addresses_skipped_per_sync', [], skipped);
    if (skipped > 0) {
      const message = `A max of ${addressesMax} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
      dependencies.events.event(source, 'Warning', 'TooManyAddressesToMirror', message);
    }
    const metadata = metadataOf(source);
    const outdated = (slice: EndpointSlice) =>
      !semanticallyEqual(slice.metadata?.labels, metadata.labels) ||
      !semanticallyEqual(slice.metadata?.annotations, metadata.annotations);
    const wanted = (['IPv4', 'IPv6'] as const).map((type) => ({
      type,
      typed: existing.filter((slice) => slice.addressType === type),
      groups: groupsOf(subsets, type),
    }));
    measureChanges(wanted);
    for (const { type, typed, groups } of wanted) {
      const plan = planSlices(typed, groups, addressesMax, outdated);
      const isLeaving = source.metadata?.deletionTimestamp !== undefined;
      for (const { ports, endpoints: mirrored } of isLeaving ? [] : plan.create) {
        const slice: EndpointSlice = {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            ...metadata,
            generateName: `${source.metadata?.name}-`,
            namespace: source.metadata?.namespace,
            ownerReferences: [controllerReferenceTo(source, endpoints as Resource)],
          },
          addressType: type,
          endpoints: [...mirrored],
          ports: [...ports],
        };
        versions.created(key, await client.create(endpointSlices, slice));
        measure('create');
      }
      for (const slice of plan.update) {
        const updated = { ...slice, metadata: { ...slice.metadata, ...metadata } };
        versions.updated(await client.update(endpointSlices, updated));
        measure('update');
      }
      await removeAll(plan.remove);
    }
  }

  return {
    async reconcile(key) {
      const startedMs = context.clock.monotonic();
      try {
        return await sync(key);
      } finally {
        const tookSeconds = (context.clock.monotonic() - startedMs) / 1000;
        metrics.observe('endpoint_slice_mirroring_controller_endpoints_sync_duration', [], tookSeconds);
      }
    },
  };

  async function sync(key: Key): Promise<ReconcileResult | undefined> {
    const { namespace, name } = splitKey(key);
    const source = endpointsLister.get(namespace, name);
    const service = serviceLister.get(namespace, name);
    const existing = sliceLister.byIndex(mirrorIndex, key);
    const mirrored =
      source !== undefined && isMirrored(source) && service !== undefined && !hasSelector(service) ? source : undefined;
    if (mirrored === undefined) {
      await removeAll(existing);
      return undefined;
    }
    if (versions.isStale(key, existing)) return { requeueAfterMs: 1_000, background: true };
    try {
      await mirror(mirrored, existing);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
    return undefined;
  }
}

function isMirrored(source: Endpoints): boolean {
  const { labels, annotations } = source.metadata ?? {};
  return labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined;
}

function metadataOf(source: Endpoints): { labels: Record<string, string>; annotations: Record<string, string> } {
  const {
    [lastAppliedAnnotation]: _applied,
    [triggerTimeAnnotation]: _time,
    ...annotations
  } = source.metadata?.annotations ?? {};
  const labels = {
    ...source.metadata?.labels,
    [serviceNameLabel]: source.metadata?.name ?? '',
    [managedByLabel]: managedBy,
  };
  return { labels, annotations };
}

/** What a subset lists, one by one: whoever wrote it may have said the same in several subsets. */
function entriesOf({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): EndpointEntry[] {
  const each = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ];
  return (ports.length === 0 ? [undefined] : ports).flatMap((port) => each.map((entry) => ({ ...entry, port })));
}

/** A group for each subset, as far as it has addresses of the type. */
function groupsOf(subsets: readonly EndpointSubset[], type: 'IPv4' | 'IPv6'): PortGroup[] {
  return subsets.flatMap((subset) => {
    const mirrored = endpointsOf(subset, type);
    if (mirrored.length === 0) return [];
    const ports = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    return [{ ports, endpoints: mirrored }];
  });
}

function endpointsOf(subset: EndpointSubset, type: 'IPv4' | 'IPv6'): Endpoint[] {
  const mirror = (ready: boolean) => (address: EndpointAddress) => {
    const { ip, hostname, nodeName, targetRef } = address;
    if (addressTypeOf(ip) !== type) return [];
    const endpoint: Endpoint = { addresses: [ip], conditions: { ready } };
    if (hostname !== undefined && hostname !== '') endpoint.hostname = hostname;
    if (nodeName !== undefined) endpoint.nodeName = nodeName;
    if (targetRef !== undefined) endpoint.targetRef = targetRef;
    return endpoint;
  };
  const ready = (subset.addresses ?? []).slice(0, addressesMax);
  const notReady = (subset.notReadyAddresses ?? []).slice(0, addressesMax - ready.length);
  return [...ready.flatMap(mirror(true)), ...notReady.flatMap(mirror(false))];
}

/** How many of the addresses have no place in a slice. */
function skippedOf({ addresses, notReadyAddresses }: EndpointSubset): number {
  return Math.max(0, (addresses?.length ?? 0) + (notReadyAddresses?.length ?? 0) - addressesMax);
}
