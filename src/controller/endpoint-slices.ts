/**
 * Divides endpoints into EndpointSlices with as few writes as possible: what is there already is kept and brought up to
 * date, room in slices that change anyway is filled, and only then a slice is touched or made. Pure functions.
 *
 * @see kubernetes/staging/src/k8s.io/endpointslice/reconciler.go
 */
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice } from '../api/index.ts';
import type { Clock } from '../runtime/index.ts';
import { semanticallyEqual } from './equality.ts';
import type { Key } from './types.ts';

/** Endpoints that share their ports. */
export interface PortGroup {
  readonly ports: readonly DiscoveryV1EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** What must be written. `update` holds whole slices with their new endpoints. */
export interface SliceChanges {
  readonly create: readonly PortGroup[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Identifies a set of ports whatever their order. */
export function portsKey(ports: readonly DiscoveryV1EndpointPort[] | undefined | null): string {
  return (ports ?? [])
    .map(({ name = '', port = '', protocol = 'TCP', appProtocol = '' }) => `${name}/${port}/${protocol}/${appProtocol}`)
    .sort()
    .join();
}

/** Identifies an endpoint across changes of its conditions. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''}|${endpoint.addresses.join()}|${endpoint.hostname ?? ''}`;
}

/**
 * Compares the existing slices of one Service and address type with what is wanted.
 * `refresh` tells whether a slice must be written for other reasons (labels).
 */
export function planSlices(
  existing: readonly EndpointSlice[],
  wanted: readonly PortGroup[],
  endpointsMax: number,
  refresh: (slice: EndpointSlice) => boolean,
): SliceChanges {
  const create: PortGroup[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = portsKey(slice.ports);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  for (const group of wanted) {
    const key = portsKey(group.ports);
    planGroup(byPorts.get(key) ?? [], group, endpointsMax, refresh, { create, update, remove });
    byPorts.delete(key);
  }
  for (const slices of byPorts.values()) remove.push(...slices);
  // A slice that would go takes what would be made: fewer writes, and names that stay.
  while (remove.length > 0 && create.length > 0) {
    const group = create.shift()!;
    update.push({ ...remove.shift()!, ports: [...group.ports], endpoints: [...group.endpoints] });
  }
  return { create, update, remove };
}

interface Plan {
  readonly create: PortGroup[];
  readonly update: EndpointSlice[];
  readonly remove: EndpointSlice[];
}

function planGroup(
  slices: readonly EndpointSlice[],
  group: PortGroup,
  endpointsMax: number,
  refresh: (slice: EndpointSlice) => boolean,
  plan: Plan,
): void {
  const left = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const touched: (EndpointSlice & { endpoints: Endpoint[] })[] = [];
  const untouched: EndpointSlice[] = [];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const kept = before.flatMap((endpoint) => {
      const key = endpointKey(endpoint);
      const next = left.get(key);
      left.delete(key);
      return next ?? [];
    });
    const same = kept.length === before.length && kept.every((endpoint, at) => semanticallyEqual(endpoint, before[at]));
    if (kept.length === 0 && before.length > 0) plan.remove.push(slice);
    else if (same && !refresh(slice)) untouched.push(slice);
    else touched.push({ ...slice, endpoints: kept });
  }
  const remaining = [...left.values()];
  for (const slice of touched) slice.endpoints.push(...remaining.splice(0, endpointsMax - slice.endpoints.length));
  while (remaining.length >= endpointsMax) {
    plan.create.push({ ports: group.ports, endpoints: remaining.splice(0, endpointsMax) });
  }
  if (remaining.length > 0) {
    const roomy = fullestWithRoom(untouched, remaining.length, endpointsMax);
    if (roomy === undefined) plan.create.push({ ports: group.ports, endpoints: remaining });
    else touched.push({ ...roomy, endpoints: [...(roomy.endpoints ?? []), ...remaining] });
  }
  plan.update.push(...touched);
}

function fullestWithRoom(
  slices: readonly EndpointSlice[],
  count: number,
  endpointsMax: number,
): EndpointSlice | undefined {
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const size = slice.endpoints?.length ?? 0;
    if (size + count <= endpointsMax && size > (best?.endpoints?.length ?? -1)) best = slice;
  }
  return best;
}

/** Zone and node hints for Services with a trafficDistribution; undefined when the endpoint gets none. */
export function hintsFor(endpoint: Endpoint, distribution: string | undefined): Endpoint['hints'] {
  const { conditions, zone, nodeName } = endpoint;
  if (conditions?.ready !== true) return undefined;
  const toNode = distribution === 'PreferSameNode';
  if (!toNode && distribution !== 'PreferClose' && distribution !== 'PreferSameZone') return undefined;
  const hints = {
    ...(zone === undefined ? {} : { forZones: [{ name: zone }] }),
    ...(nodeName === undefined || !toNode ? {} : { forNodes: [{ name: nodeName }] }),
  };
  return Object.keys(hints).length === 0 ? undefined : hints;
}

/** How long a created slice may be missing from the cache before it counts as deleted by someone else. */
const unseenMaxMs = 5_000;

/**
 * Which slices of which Service a controller wrote, to tell a stale cache from a current one and to ignore its own writes
 * when they come back.
 */
export class SliceVersions {
  readonly #clock: Clock;
  readonly #written = new Map<string, number>();
  /** By Service: uid of each created slice that the cache has not shown, and when it was created. */
  readonly #unseen = new Map<Key, Map<string, number>>();
  readonly #waiting = new Set<Key>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  created(service: Key, slice: EndpointSlice): void {
    const unseen = this.#unseen.get(service) ?? new Map<string, number>();
    unseen.set(slice.metadata?.uid ?? '', this.#clock.monotonic());
    this.#unseen.set(service, unseen);
    this.updated(slice);
  }

  updated(slice: EndpointSlice): void {
    this.#written.set(slice.metadata?.uid ?? '', Number(slice.metadata?.resourceVersion ?? 0));
  }

  deleted(slice: EndpointSlice): void {
    this.#written.delete(slice.metadata?.uid ?? '');
  }

  /** Whether the slice is as this controller wrote it. */
  isOwnWrite(slice: EndpointSlice): boolean {
    return this.#written.get(slice.metadata?.uid ?? '') === Number(slice.metadata?.resourceVersion ?? 0);
  }

  /** Whether someone found the cache stale for this Service and must look again; asking resets it. */
  takeWaiting(service: Key): boolean {
    return this.#waiting.delete(service);
  }

  /** Whether the cache lags behind what was written for this Service. */
  isStale(service: Key, cached: readonly EndpointSlice[]): boolean {
    const unseen = this.#unseen.get(service);
    for (const slice of cached) unseen?.delete(slice.metadata?.uid ?? '');
    for (const [uid, sinceMs] of unseen ?? []) {
      if (this.#clock.monotonic() - sinceMs > unseenMaxMs) unseen?.delete(uid);
    }
    if (unseen?.size === 0) this.#unseen.delete(service);
    const behind = (slice: EndpointSlice) =>
      Number(slice.metadata?.resourceVersion ?? 0) < (this.#written.get(slice.metadata?.uid ?? '') ?? 0);
    const stale = (unseen?.size ?? 0) > 0 || cached.some(behind);
    if (stale) this.#waiting.add(service);
    return stale;
  }
}
