/**
 * All Services and EndpointSlices as rules, kept up to date change by change: a change only marks its Service, and rules are
 * made when somebody asks for them. The proxies of one thread share one table.
 */
import type { EndpointSlice, Service } from '../api/index.ts';
import { endpointSlices, type Informers, services } from '../client/index.ts';
import type { RuleIndex } from './route.ts';
import { serviceNameLabel, serviceRules } from './rules.ts';
import type { Entry, Protocol, ServicePortRule } from './types.ts';

interface Row {
  service: Service | undefined;
  readonly slices: Map<string, EndpointSlice>;
  rules: readonly ServicePortRule[];
}

export class ServiceTable implements RuleIndex {
  readonly #rows = new Map<string, Row>();
  readonly #stale = new Set<string>();
  readonly #byAddress = new Map<string, { rule: ServicePortRule; entry: Entry }>();
  readonly #byNodePort = new Map<string, ServicePortRule>();

  putService(service: Service): void {
    const key = `${service.metadata?.namespace}/${service.metadata?.name}`;
    this.#row(key).service = service;
    this.#stale.add(key);
  }

  removeService(service: Service): void {
    const key = `${service.metadata?.namespace}/${service.metadata?.name}`;
    const row = this.#rows.get(key);
    if (row === undefined) return;
    row.service = undefined;
    this.#stale.add(key);
  }

  putSlice(slice: EndpointSlice): void {
    const key = sliceServiceKey(slice);
    if (key === undefined) return;
    this.#row(key).slices.set(slice.metadata?.name ?? '', slice);
    this.#stale.add(key);
  }

  removeSlice(slice: EndpointSlice): void {
    const key = sliceServiceKey(slice);
    const row = key === undefined ? undefined : this.#rows.get(key);
    if (key === undefined || row === undefined) return;
    row.slices.delete(slice.metadata?.name ?? '');
    this.#stale.add(key);
  }

  find(address: string, port: number, protocol: Protocol): { rule: ServicePortRule; entry: Entry } | undefined {
    this.#refresh();
    return this.#byAddress.get(`${address}|${port}|${protocol}`);
  }

  findNodePort(port: number, protocol: Protocol): ServicePortRule | undefined {
    this.#refresh();
    return this.#byNodePort.get(`${port}|${protocol}`);
  }

  /** The rules of one Service, in the order of its ports. */
  rulesOf(namespace: string, name: string): readonly ServicePortRule[] {
    this.#refresh();
    return this.#rows.get(`${namespace}/${name}`)?.rules ?? [];
  }

  /** All rules, sorted by service and port. */
  rules(): ServicePortRule[] {
    this.#refresh();
    return [...this.#rows.keys()].sort().flatMap((key) => [...(this.#rows.get(key)?.rules ?? [])]);
  }

  #row(key: string): Row {
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { service: undefined, slices: new Map(), rules: [] };
      this.#rows.set(key, row);
    }
    return row;
  }

  #refresh(): void {
    for (const key of this.#stale) {
      const row = this.#rows.get(key)!;
      for (const rule of row.rules) this.#unfile(rule);
      row.rules = row.service === undefined ? [] : serviceRules(row.service, [...row.slices.values()]);
      for (const rule of row.rules) this.#file(rule);
      if (row.service === undefined && row.slices.size === 0) this.#rows.delete(key);
    }
    this.#stale.clear();
  }

  #file(rule: ServicePortRule): void {
    for (const [address, entry] of addressesOf(rule)) this.#byAddress.set(addressKey(rule, address), { rule, entry });
    if (rule.nodePort !== undefined) this.#byNodePort.set(`${rule.nodePort}|${rule.protocol}`, rule);
  }

  /** Takes a rule out, unless another Service has taken its place by now. */
  #unfile(rule: ServicePortRule): void {
    for (const [address] of addressesOf(rule)) {
      const key = addressKey(rule, address);
      if (this.#byAddress.get(key)?.rule === rule) this.#byAddress.delete(key);
    }
    const key = `${rule.nodePort}|${rule.protocol}`;
    if (this.#byNodePort.get(key) === rule) this.#byNodePort.delete(key);
  }
}

function addressKey({ port, protocol }: ServicePortRule, address: string): string {
  return `${address}|${port}|${protocol}`;
}

function addressesOf(rule: ServicePortRule): ReadonlyArray<readonly [address: string, entry: Entry]> {
  return [
    ...rule.clusterIps.map((ip) => [ip, 'cluster IP'] as const),
    ...rule.externalIps.map((ip) => [ip, 'external IP'] as const),
    ...rule.loadBalancerIps.map((ip) => [ip, 'load balancer IP'] as const),
  ];
}

function sliceServiceKey({ metadata }: EndpointSlice): string | undefined {
  const name = metadata?.labels?.[serviceNameLabel];
  return name === undefined || name === '' ? undefined : `${metadata?.namespace}/${name}`;
}

/** A table that follows the informers of Services and EndpointSlices. */
export function followServices(informers: Informers): ServiceTable {
  const table = new ServiceTable();
  informers.informer(services).changes$.subscribe(({ type, object }) => {
    if (type === 'deleted') table.removeService(object);
    else table.putService(object);
  });
  informers.informer(endpointSlices).changes$.subscribe(({ type, object }) => {
    if (type === 'deleted') table.removeSlice(object);
    else table.putSlice(object);
  });
  return table;
}
