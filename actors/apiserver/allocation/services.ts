/**
 * Addresses and node ports of Services. An address is taken by an IPAddress object that is written in the same transaction as
 * the Service, so that no two Services ever share one; the pools here only know which to try. Node ports are kept free of
 * collisions by this server alone.
 * @see pkg/registry/core/service/storage/alloc.go, KEP-1880
 */
import {
  type ApiObject,
  type FieldError,
  fieldErrors,
  type KindDefinition,
  StatusError,
} from '../../../src/api/index.ts';
import { pack, type Random } from '../../../src/runtime/index.ts';
import type { Compare, Operation } from '../../../src/store/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Companion } from '../verbs/commit.ts';
import { canonical, ServiceAddresses } from './addresses.ts';
import { type AddressSpec, type Family, familyOf, keepsFamilies, settleFamilies } from './families.ts';
import { Holders, pickFree } from './pool.ts';

export interface ServiceAllocator {
  /** Rebuilds the pools from the Services that are there, and follows them from then on. */
  start(): void;
  /** Fills in what a Service that is about to be written needs; the companion goes into its transaction. */
  prepare(
    kind: KindDefinition,
    object: ApiObject,
    previous: ApiObject | undefined,
    dryRun: boolean,
  ): Companion | undefined;
  /** Ends the reservation that `prepare` made: from here on the stored Service counts. */
  settle(kind: KindDefinition, object: ApiObject): void;
  /** What goes with a Service that is deleted. */
  release(kind: KindDefinition, object: ApiObject): Companion | undefined;
}

const SERVICES = '/registry/services/specs';
const ADDRESSES = '/registry/ipaddresses/';
const RANGES = '/registry/servicecidrs';
/** Ports that a dry run shows come after this one. */
const DRY_RUN_PORT = 32768;

interface ServiceSpec extends AddressSpec {
  externalTrafficPolicy?: string;
  allocateLoadBalancerNodePorts?: boolean;
  healthCheckNodePort?: number;
  ports?: { nodePort?: number; protocol?: string; port: number }[];
}

interface Holdings {
  /** As `canonical` writes them. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

/** What one write takes. */
interface Taking {
  readonly addresses: string[];
  readonly ports: number[];
  readonly dryRun: boolean;
}

const NONE: Holdings = { addresses: [], ports: [] };

export function createServiceAllocator(
  options: ResolvedOptions,
  caches: Caches,
  random: Random,
  system: { now(): string; uuid(): string },
): ServiceAllocator {
  const ownRanges = options.serviceCidr.split(',').map((cidr) => cidr.trim());
  const configured: readonly Family[] = ownRanges.map(familyOf);
  const addresses = new ServiceAddresses(
    random,
    (address) => caches.cacheOf(ADDRESSES.slice(0, -1), false).get(ADDRESSES + address) !== undefined,
  );
  addresses.setRanges(ownRanges);
  const [low = 30000, high = 32767] = options.nodePortRange.split('-').map(Number);
  const portCount = high - low + 1;
  const portBand = { size: portCount, reserved: Math.min(Math.max(16, Math.floor(portCount / 32)), 128) };
  const ports = new Holders<number>();
  const reservations = new WeakMap<ApiObject, Taking>();

  const take = ({ addresses: ips, ports: nodePorts }: Holdings) => {
    for (const ip of ips) addresses.take(ip);
    for (const port of nodePorts) ports.take(port);
  };
  const drop = ({ addresses: ips, ports: nodePorts }: Holdings) => {
    for (const ip of ips) addresses.release(ip);
    for (const port of nodePorts) ports.release(port);
  };

  /** Every range that is ready; the server's own until the first is written. */
  function followRanges(): void {
    const ranges = [...caches.cacheOf(RANGES, false).values()].map((entry) => entry.object);
    const ready = ranges.filter((range) => isReady(range)).flatMap((range) => cidrsOf(range));
    addresses.setRanges(ranges.length === 0 ? ownRanges : ready);
  }

  function assignAddresses(
    object: ApiObject,
    spec: ServiceSpec,
    before: ServiceSpec | undefined,
    taking: Taking,
  ): void {
    const errors = settleFamilies(spec, before, configured);
    if (errors.length > 0) throw invalid(object, errors);
    if (spec.type === 'ExternalName' || keepsFamilies(spec, before)) return;
    const wanted = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
    if (wanted[0] === 'None') {
      spec.clusterIP = 'None';
      spec.clusterIPs = ['None'];
      return;
    }
    const held = new Set(before === undefined ? [] : addressesOf(before));
    spec.clusterIPs = (spec.ipFamilies ?? []).map((family, index) => {
      const address = wanted[index] ?? '';
      if (address === '') return pickAddress(family as Family, taking);
      const own = canonical(address);
      const reason = held.has(own) ? undefined : addresses.refusal(own);
      if (reason !== undefined) {
        const text = `failed to allocate IP ${address}: ${reason}`;
        throw invalid(object, [fieldErrors.invalid('spec.clusterIPs', wanted, text)]);
      }
      if (!held.has(own)) claimAddress(own, taking);
      return address;
    });
    const [first] = spec.clusterIPs;
    if (first !== undefined) spec.clusterIP = first;
  }

  function pickAddress(family: Family, taking: Taking): string {
    const address = taking.dryRun ? addresses.shownInDryRun(family) : addresses.pick(family);
    if (address === undefined) throw StatusError.internalError('failed to allocate a serviceIP: range is full');
    if (!taking.dryRun) claimAddress(address, taking);
    return address;
  }

  function claimAddress(address: string, taking: Taking): void {
    addresses.take(address);
    taking.addresses.push(address);
  }

  function assignPorts(object: ApiObject, spec: ServiceSpec, before: Holdings, taking: Taking): void {
    const own = new Set<number>(before.ports);
    const claim = (field: string, wanted: number | undefined): number => {
      if (wanted !== undefined && wanted !== 0) {
        if (own.has(wanted)) return wanted;
        const reason = !(taking.dryRun || (wanted >= low && wanted <= high))
          ? `provided port is not in the valid range. The range of valid ports is ${options.nodePortRange}`
          : ports.has(wanted)
            ? 'provided port is already allocated'
            : undefined;
        if (reason !== undefined) throw invalid(object, [fieldErrors.invalid(field, wanted, reason)]);
      }
      const port = wanted || pickPort(taking);
      if (port === undefined) {
        throw StatusError.internalError(`failed to allocate requested nodePort: range is full`);
      }
      ports.take(port);
      taking.ports.push(port);
      own.add(port);
      return port;
    };
    const wantsPorts =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    const list = spec.ports ?? [];
    // Ports that are asked for by number go first, so that none of them is picked for another.
    list.forEach((port, index) => {
      if (port.nodePort) port.nodePort = claim(`spec.ports[${index}].nodePort`, port.nodePort);
    });
    if (!wantsPorts) return;
    for (const [index, port] of list.entries()) {
      if (!port.nodePort) {
        // One number serves the same port of two protocols.
        const twin = list.find(
          (other) => other !== port && other.nodePort && other.port === port.port && other.protocol !== port.protocol,
        );
        port.nodePort = twin?.nodePort ?? claim(`spec.ports[${index}].nodePort`, undefined);
      }
    }
    if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') {
      spec.healthCheckNodePort = claim('spec.healthCheckNodePort', spec.healthCheckNodePort);
    }
  }

  /** Upstream does not look for a free one in a dry run either. */
  function pickPort({ dryRun, ports: taken }: Taking): number | undefined {
    if (dryRun) return Math.max(DRY_RUN_PORT, ...taken) + 1;
    const offset = pickFree(portBand, random, (free) => ports.has(low + free));
    return offset === undefined ? undefined : low + offset;
  }

  function addressPut(object: ApiObject, name: string): { compare: Compare; operation: Operation } {
    const key = ADDRESSES + name;
    const value = pack({
      kind: 'IPAddress',
      apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name,
        uid: system.uuid(),
        creationTimestamp: system.now(),
        labels: {
          'ipaddress.kubernetes.io/ip-family': familyOf(name),
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: object.metadata.namespace, name: object.metadata.name } },
    });
    return { compare: { key, target: 'mod', operator: '=', operand: 0 }, operation: { type: 'put', key, value } };
  }

  return {
    start() {
      for (const entry of caches.cacheOf(SERVICES, true).values()) take(holdingsOf(entry.object));
      caches.onChange(SERVICES, ({ entry, previous }) => {
        if (entry !== undefined) take(holdingsOf(entry.object));
        if (previous !== undefined) drop(holdingsOf(previous.object));
      });
      followRanges();
      caches.onChange(RANGES, followRanges);
    },
    prepare(kind, object, previous, dryRun) {
      if (kind.storagePrefix !== SERVICES) return undefined;
      const spec = object['spec'] as ServiceSpec;
      const before = previous === undefined ? NONE : holdingsOf(previous);
      const taken: Taking = { addresses: [], ports: [], dryRun };
      reservations.set(object, taken);
      try {
        assignAddresses(object, spec, previous?.['spec'] as ServiceSpec | undefined, taken);
        assignPorts(object, spec, before, taken);
      } catch (error) {
        drop(taken);
        reservations.delete(object);
        throw error;
      }
      const puts = taken.addresses.map((ip) => addressPut(object, ip));
      const kept = holdingsOf(object).addresses;
      const gone = before.addresses.filter((ip) => !kept.includes(ip));
      if (puts.length === 0 && gone.length === 0) return undefined;
      return {
        compare: puts.map((put) => put.compare),
        operations: [...puts.map((put) => put.operation), ...gone.map(addressDelete)],
      };
    },
    settle(_kind, object) {
      const taken = reservations.get(object);
      if (taken === undefined) return;
      reservations.delete(object);
      drop(taken);
    },
    release(kind, object) {
      if (kind.storagePrefix !== SERVICES) return undefined;
      const { addresses: ips } = holdingsOf(object);
      return ips.length === 0 ? undefined : { compare: [], operations: ips.map(addressDelete) };
    },
  };
}

function addressDelete(address: string): Operation {
  return { type: 'delete', key: ADDRESSES + address };
}

const addressesOf = ({ clusterIPs, clusterIP }: AddressSpec): string[] =>
  (clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]))
    .filter((address) => address !== '' && address !== 'None')
    .map(canonical);

const cidrsOf = (range: ApiObject): readonly string[] =>
  (range['spec'] as { cidrs?: string[] } | undefined)?.cidrs ?? [];

/** A range is ready until the controller says otherwise, so that a server without controllers has addresses too. */
function isReady(range: ApiObject): boolean {
  if (range.metadata['deletionTimestamp'] !== undefined) return false;
  const status = range['status'] as { conditions?: { type?: string; status?: string }[] } | undefined;
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  return condition === undefined || condition.status === 'True';
}

/** The addresses and node ports that a stored Service holds. */
function holdingsOf(object: ApiObject): Holdings {
  const spec = (object['spec'] ?? {}) as ServiceSpec;
  const ports = new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0).filter((port) => port > 0));
  if (spec.healthCheckNodePort) ports.add(spec.healthCheckNodePort);
  return { addresses: addressesOf(spec), ports: [...ports] };
}

function invalid(object: ApiObject, errors: readonly FieldError[]): StatusError {
  return StatusError.invalid({ group: '', name: 'Service' }, object.metadata.name ?? '', errors);
}
