/**
 * Hints for Services with the annotation service.kubernetes.io/topology-mode: Auto. Each zone gets a share of the ready endpoints that
 * fits its share of the cluster's processors; endpoints of zones that have too many are given to zones that have too few. The
 * endpointslice-controller asks at each sync.
 *
 * Worked example: two zones of equal size and four endpoints, three of them in z1: two keep z1, one is lent to z2.
 *
 * @see kubernetes/staging/src/k8s.io/endpointslice/topologycache
 */
import { type Endpoint, type Node, quantityMilliValue, type Service } from '../api/index.ts';
import { conditionOf } from './conditions.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const modeAnnotation = 'service.kubernetes.io/topology-mode';
const oldModeAnnotation = 'service.kubernetes.io/topology-aware-hints';
const excludedLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much more than its share of the load an endpoint may have to take. */
const overloadThreshold = 0.2;

export function wantsTopologyHints({ metadata }: Service): boolean {
  const mode = metadata?.annotations?.[oldModeAnnotation] ?? metadata?.annotations?.[modeAnnotation];
  return mode === 'Auto' || mode === 'auto';
}

/** Each zone's share of the processors of all ready nodes; undefined when that cannot be told, or there is one zone only. */
export function zoneShares(nodes: readonly Node[]): ReadonlyMap<string, number> | undefined {
  const milliByZone = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of nodes) {
    if (excludedLabels.some((label) => metadata?.labels?.[label] !== undefined)) continue;
    if (conditionOf(status?.conditions, 'Ready')?.status !== 'True') continue;
    const zone = metadata?.labels?.[zoneLabel] ?? '';
    const milli = quantityMilliValue(status?.allocatable?.['cpu'] ?? '0');
    if (zone === '' || milli === 0) return undefined;
    milliByZone.set(zone, (milliByZone.get(zone) ?? 0) + milli);
    total += milli;
  }
  if (milliByZone.size < 2) return undefined;
  return new Map([...milliByZone].map(([zone, milli]) => [zone, milli / total]));
}

interface Allocation {
  readonly maximum: number;
  readonly desired: number;
}

/** How many endpoints each zone may and should have; a text says why that is not possible. */
function allocationsOf(
  shares: ReadonlyMap<string, number> | undefined,
  count: number,
): ReadonlyMap<string, Allocation> | string {
  if (shares === undefined) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const numbers = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`;
  const zones = [...shares].map(([zone, share]) => {
    const exact = share * count;
    const minimum = Math.ceil(exact / (1 + overloadThreshold));
    return { zone, minimum, desired: Math.max(exact, minimum) };
  });
  const least = zones.reduce((sum, { minimum }) => sum + minimum, 0);
  if (least > count) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  }
  return new Map(zones.map(({ zone, minimum, desired }) => [zone, { maximum: minimum + count - least, desired }]));
}

const isReady = (endpoint: Endpoint): boolean => endpoint.conditions?.ready === true;

/**
 * Sets the hints of all endpoints of a Service and address type. `hintBefore` answers the zone that an endpoint was hinted for: it
 * keeps it where it can, so that few slices change. Answers why there are none, if there are none.
 */
export function setTopologyHints(
  endpoints: readonly Endpoint[],
  shares: ReadonlyMap<string, number> | undefined,
  hintBefore: (endpoint: Endpoint) => string | undefined,
): string | undefined {
  const ready = endpoints.filter(isReady);
  for (const endpoint of endpoints) delete endpoint.hints;
  const allocations = allocationsOf(shares, ready.length);
  if (typeof allocations === 'string') return allocations;
  if (ready.some(({ zone }) => !zone)) return 'One or more endpoints do not have a zone specified';
  const counts = new Map<string, number>();
  const hints = new Map<Endpoint, string>();
  const give = (endpoint: Endpoint, zone: string) => {
    const before = hints.get(endpoint);
    if (before !== undefined) counts.set(before, (counts.get(before) ?? 0) - 1);
    hints.set(endpoint, zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  };
  for (const endpoint of ready) {
    const before = hintBefore(endpoint) ?? '';
    const keeps = (counts.get(before) ?? 0) < (allocations.get(before)?.maximum ?? 0);
    give(endpoint, keeps ? before : (endpoint.zone ?? ''));
  }
  for (const [giving, receiving] of exchanges(allocations, counts)) {
    const lent = ready.find((endpoint) => hints.get(endpoint) === giving);
    if (lent !== undefined) give(lent, receiving);
  }
  for (const [endpoint, zone] of hints) endpoint.hints = { forZones: [{ name: zone }] };
  return undefined;
}

/** One pair of zones for each endpoint that changes hands. */
function exchanges(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): (readonly [giving: string, receiving: string])[] {
  const surplus = new Map([...allocations].map(([zone, { desired }]) => [zone, (counts.get(zone) ?? 0) - desired]));
  const pairs: (readonly [string, string])[] = [];
  for (;;) {
    const ordered = [...surplus].sort(([, left], [, right]) => right - left);
    const [[giving, most] = ['', 0], [receiving, least] = ['', 0]] = [ordered[0], ordered.at(-1)];
    const missing = -least;
    if ((most < 1 && missing < 1) || most < 0.5 || missing < 0.5) return pairs;
    pairs.push([giving, receiving]);
    surplus.set(giving, most - 1);
    surplus.set(receiving, least + 1);
  }
}
