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
    const minimum = Math.ceil(exact * (1 / (1 + overloadThreshold)));
    return { zone, minimum, desired: Math.max(exact, minimum) };
  });
  const least = zones.reduce((sum, { minimum }) => sum + minimum, 0);
  if (least > count) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  }
  return new Map(zones.map(({ zone, minimum, desired }) => [zone, { maximum: minimum + count - least, desired }]));
}

const isReady = (endpoint: Endpoint): boolean => endpoint.conditions?.ready === true;

/** What hints are set on: the endpoints of slices that are written anyhow, and those of each slice that need not be written. */
export interface HintedEndpoints {
  readonly changing: readonly Endpoint[];
  /** With the hints that they have. A slice keeps them all, or its endpoints are hinted anew after the changing ones. */
  readonly settled: readonly (readonly Endpoint[])[];
}

/** Sets the hints of all endpoints of a Service and address type. Answers why there are none, if there are none. */
export function setTopologyHints(
  { changing, settled }: HintedEndpoints,
  shares: ReadonlyMap<string, number> | undefined,
): string | undefined {
  const all = [...changing, ...settled.flat()];
  const removeHints = (why: string): string => {
    for (const endpoint of all) delete endpoint.hints;
    return why;
  };
  const allocations = allocationsOf(shares, all.filter(isReady).length);
  if (typeof allocations === 'string') return removeHints(allocations);
  const counts = new Map<string, number>();
  const free = [...changing];
  for (const endpoints of settled) {
    const kept = keptHints(endpoints, allocations, counts);
    if (kept === undefined) free.push(...endpoints);
    else for (const [zone, count] of kept) counts.set(zone, (counts.get(zone) ?? 0) + count);
  }
  for (const endpoint of free) {
    delete endpoint.hints;
    if (!isReady(endpoint)) continue;
    if (!endpoint.zone) return removeHints('One or more endpoints do not have a zone specified');
    endpoint.hints = { forZones: [{ name: endpoint.zone }] };
    counts.set(endpoint.zone, (counts.get(endpoint.zone) ?? 0) + 1);
  }
  redistribute(free, exchanges(allocations, counts));
  return undefined;
}

/** How many endpoints of a slice are hinted for which zone; undefined when that does not fit what zones may have any more. */
function keptHints(
  endpoints: readonly Endpoint[],
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | undefined {
  const found = new Map<string, number>();
  for (const { hints } of endpoints.filter(isReady)) {
    const zones = hints?.forZones ?? [];
    if (zones.length === 0) return undefined;
    for (const { name } of zones) found.set(name, (found.get(name) ?? 0) + 1);
  }
  for (const [zone, count] of found) {
    if (count + (counts.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? 0)) return undefined;
  }
  return found;
}

/** Endpoints of zones that give go, in their order, to zones that receive. */
function redistribute(free: readonly Endpoint[], pairs: readonly (readonly [string, string])[]): void {
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (const [from, to] of pairs) {
    giving.set(from, (giving.get(from) ?? 0) + 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
  }
  for (const endpoint of free.filter(isReady)) {
    const left = giving.get(endpoint.zone ?? '') ?? 0;
    const to = [...receiving].find(([, count]) => count > 0);
    if (left === 0 || to === undefined) continue;
    endpoint.hints = { forZones: [{ name: to[0] }] };
    giving.set(endpoint.zone ?? '', left - 1);
    receiving.set(to[0], to[1] - 1);
  }
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
