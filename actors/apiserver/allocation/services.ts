/**
 * Addresses and node ports of Services. An address is taken by an IPAddress object that is written in the same transaction as
 * the Service, so that no two Services ever share one; the pools here only know which to try. Node ports are kept free of
 * collisions by this server alone.
 * @see pkg/registry/core/service/storage/alloc.go, KEP-1880
 */
import { type ApiObject, fieldErrors, type KindDefinition, StatusError } from '../../../src/api/index.ts';
import { pack, type Random } from '../../../src/runtime/index.ts';
import type { Compare, Operation } from '../../../src/store/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Companion } from '../verbs/commit.ts';
import { ipv4Range, ipv4ToNumber, numberToIpv4 } from './ipv4.ts';
import { NumberPool } from './pool.ts';

export interface ServiceAllocator {
  /** Rebuilds the pools from the Services that are there, and follows them from then on. */
  start(): void;
  /** Fills in what a Service that is about to be written needs; the companion goes into its transaction. */
  prepare(kind: KindDefinition, object: ApiObject, previous: ApiObject | undefined): Companion | undefined;
  /** Ends the reservation that `prepare` made: from here on the stored Service counts. */
  settle(kind: KindDefinition, object: ApiObject): void;
  /** What goes with a Service that is deleted. */
  release(kind: KindDefinition, object: ApiObject): Companion | undefined;
}

const SERVICES = '/registry/services/specs';
const ADDRESSES = '/registry/ipaddresses/';

interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  selector?: Record<string, string>;
  externalTrafficPolicy?: string;
  allocateLoadBalancerNodePorts?: boolean;
  healthCheckNodePort?: number;
  ports?: { nodePort?: number; protocol?: string; port: number }[];
}

interface Holdings {
  readonly addresses: readonly number[];
  readonly ports: readonly number[];
}

const NONE: Holdings = { addresses: [], ports: [] };

export function createServiceAllocator(
  options: ResolvedOptions,
  caches: Caches,
  random: Random,
  system: { now(): string; uuid(): string },
): ServiceAllocator {
  const range = ipv4Range(options.serviceCidr);
  const addresses = new NumberPool(
    { first: range.first, size: range.size, reserved: Math.min(Math.max(16, Math.floor(range.size / 16)), 256) },
    random,
  );
  const [low = 30000, high = 32767] = options.nodePortRange.split('-').map(Number);
  const portCount = high - low + 1;
  const ports = new NumberPool(
    { first: low, size: portCount, reserved: Math.min(Math.max(16, Math.floor(portCount / 32)), 128) },
    random,
  );
  const reservations = new WeakMap<ApiObject, Holdings>();

  const take = ({ addresses: ips, ports: nodePorts }: Holdings) => {
    for (const ip of ips) addresses.take(ip);
    for (const port of nodePorts) ports.take(port);
  };
  const drop = ({ addresses: ips, ports: nodePorts }: Holdings) => {
    for (const ip of ips) addresses.release(ip);
    for (const port of nodePorts) ports.release(port);
  };

  function assignAddress(object: ApiObject, spec: ServiceSpec, before: Holdings, taken: number[]): void {
    if (spec.type === 'ExternalName') return;
    setFamilies(spec);
    const wanted = spec.clusterIPs?.[0] ?? spec.clusterIP ?? '';
    if (wanted === 'None') {
      spec.clusterIP = 'None';
      spec.clusterIPs = ['None'];
      return;
    }
    let ip: number | undefined;
    if (wanted === '') {
      ip = addresses.pick();
      if (ip === undefined) throw StatusError.internalError(`failed to allocate a serviceIP: range is full`);
    } else {
      ip = ipv4ToNumber(wanted);
      if (ip !== undefined && before.addresses.includes(ip)) return;
      const reason =
        ip === undefined || !addresses.includes(ip)
          ? `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range.cidr}`
          : addresses.isTaken(ip)
            ? 'provided IP is already allocated'
            : undefined;
      if (reason !== undefined) {
        throw invalid(
          object,
          fieldErrors.invalid('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${reason}`),
        );
      }
    }
    const address = ip as number;
    addresses.take(address);
    taken.push(address);
    spec.clusterIP = numberToIpv4(address);
    spec.clusterIPs = [spec.clusterIP];
  }

  function assignPorts(object: ApiObject, spec: ServiceSpec, before: Holdings, taken: number[]): void {
    const own = new Set<number>(before.ports);
    const claim = (field: string, wanted: number | undefined): number => {
      if (wanted !== undefined && wanted !== 0) {
        if (own.has(wanted)) return wanted;
        const reason = !ports.includes(wanted)
          ? `provided port is not in the valid range. The range of valid ports is ${options.nodePortRange}`
          : ports.isTaken(wanted)
            ? 'provided port is already allocated'
            : undefined;
        if (reason !== undefined) throw invalid(object, fieldErrors.invalid(field, wanted, reason));
      }
      const port = wanted || ports.pick();
      if (port === undefined) {
        throw StatusError.internalError(`failed to allocate requested nodePort: range is full`);
      }
      ports.take(port);
      taken.push(port);
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

  function addressPut(object: ApiObject, ip: number): { compare: Compare; operation: Operation } {
    const name = numberToIpv4(ip);
    const key = ADDRESSES + name;
    const value = pack({
      kind: 'IPAddress',
      apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name,
        uid: system.uuid(),
        creationTimestamp: system.now(),
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
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
    },
    prepare(kind, object, previous) {
      if (kind.storagePrefix !== SERVICES) return undefined;
      const spec = object['spec'] as ServiceSpec;
      const before = previous === undefined ? NONE : holdingsOf(previous);
      const taken = { addresses: [] as number[], ports: [] as number[] };
      reservations.set(object, taken);
      try {
        assignAddress(object, spec, before, taken.addresses);
        assignPorts(object, spec, before, taken.ports);
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

function addressDelete(ip: number): Operation {
  return { type: 'delete', key: ADDRESSES + numberToIpv4(ip) };
}

/**
 * The address families of a Service in a cluster of IPv4 alone. A headless one without a selector has endpoints that somebody else
 * writes, of any family: it is dual-stack whatever the cluster is.
 */
function setFamilies(spec: ServiceSpec): void {
  const isFree = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  if (isFree && (spec.ipFamilyPolicy === undefined || spec.ipFamilyPolicy === 'RequireDualStack')) {
    const [first = 'IPv4'] = spec.ipFamilies ?? [];
    if (spec.ipFamilyPolicy === undefined && spec.ipFamilies === undefined) spec.ipFamilyPolicy = 'RequireDualStack';
    if (spec.ipFamilyPolicy === 'RequireDualStack') spec.ipFamilies = [first, first === 'IPv4' ? 'IPv6' : 'IPv4'];
  }
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
}

/** The addresses and node ports that a stored Service holds. */
function holdingsOf(object: ApiObject): Holdings {
  const spec = (object['spec'] ?? {}) as ServiceSpec;
  const addresses = (spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]))
    .map(ipv4ToNumber)
    .filter((ip) => ip !== undefined);
  const ports = new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0).filter((port) => port > 0));
  if (spec.healthCheckNodePort) ports.add(spec.healthCheckNodePort);
  return { addresses, ports: [...ports] };
}

function invalid(object: ApiObject, error: ReturnType<typeof fieldErrors.invalid>): StatusError {
  return StatusError.invalid({ group: '', name: 'Service' }, object.metadata.name ?? '', [error]);
}
