/**
 * A cloud that is simulated. All that it knows stands in one ConfigMap, kube-system/simulated-cloud, so that the controllers of a
 * cloud agree on it and people can look at it and change it:
 *
 *   instance.<node>      {"state":"running"|"shutdown"|"gone","instanceType":"m1","zone":"z1","region":"r1","externalIP":"198.19.0.7"}
 *   loadbalancer.<uid>   {"service":"default/web","ip":"198.18.0.1","ports":["80/TCP"],"sourceRanges":["0.0.0.0/0"],"nodes":["n1"]}
 *   route.<node>         {"destinationCidr":"10.244.0.0/24"}, with "others":["fd00::/64"] where there are two families
 *
 * An instance without an entry runs. Addresses of load balancers come from 198.18.0.0/16, the range for benchmarks.
 */
import { isAlreadyExists, isNotFound, type Node, type Service } from '../api/index.ts';
import { type Client, configMaps, type ObjectKey, retryOnConflict } from '../client/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { CloudProvider } from './cloud.ts';
import { keyFor } from './keys.ts';
import type { Grant } from './types.ts';

/** The controllers of the cloud keep its records. */
export const simulatedCloudGrant: Grant = {
  name: 'simulated-cloud',
  namespace: 'kube-system',
  rules: [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['simulated-cloud'], verbs: ['get', 'update'] },
  ],
};

const key: ObjectKey = { namespace: 'kube-system', name: 'simulated-cloud' };
const lastAddress = 65_534;

interface Instance {
  readonly state?: 'running' | 'shutdown' | 'gone';
  readonly instanceType?: string;
  readonly zone?: string;
  readonly region?: string;
  readonly externalIP?: string;
}

interface LoadBalancer {
  readonly service: string;
  readonly ip: string;
  readonly ports: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly nodes: readonly string[];
  readonly healthCheckNodePort?: number;
}

type Records = Record<string, string>;

const addressOf = (index: number) => `198.18.${index >> 8}.${index & 255}`;

/** The records of the cloud, read and changed in the ConfigMap. */
class Ledger {
  readonly #client: Client;
  readonly #clock: Clock;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async read(): Promise<Records> {
    try {
      return (await this.#client.get(configMaps, key)).data ?? {};
    } catch (error) {
      if (isNotFound(error)) return {};
      throw error;
    }
  }

  async find<Value>(name: string): Promise<Value | undefined> {
    const text = (await this.read())[name];
    return text === undefined ? undefined : (JSON.parse(text) as Value);
  }

  /** Writes what `change` makes of the records; writes nothing when that is the same. */
  change<Result>(change: (records: Records) => Result): Promise<Result> {
    return retryOnConflict(this.#clock, async () => {
      const { map, created } = await this.#open();
      const data = { ...map.data };
      const result = change(data);
      const same =
        JSON.stringify(Object.entries(data).sort()) === JSON.stringify(Object.entries(map.data ?? {}).sort());
      if (!same || created) await this.#client.update(configMaps, { ...map, data });
      return result;
    });
  }

  async #open() {
    try {
      return { map: await this.#client.get(configMaps, key), created: false };
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      const empty = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key } };
      return { map: await this.#client.create(configMaps, empty), created: true };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return { map: await this.#client.get(configMaps, key), created: false };
    }
  }
}

const routePrefix = 'route.';

function networksOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const { destinationCidr, others = [] } = JSON.parse(text) as { destinationCidr: string; others?: string[] };
  return [destinationCidr, ...others];
}

const routeText = ([destinationCidr, ...others]: readonly string[]): string =>
  JSON.stringify({ destinationCidr, ...(others.length === 0 ? {} : { others }) });

export function createSimulatedCloud(client: Client, clock: Clock): CloudProvider {
  const ledger = new Ledger(client, clock);
  const instanceOf = (node: Node) => ledger.find<Instance>(`instance.${node.metadata?.name}`);
  const nameOf = (service: Service) => `loadbalancer.${service.metadata?.uid}`;
  const statusOf = ({ ip }: LoadBalancer, service: Service) => ({
    ingress: [
      {
        ip,
        ipMode: 'VIP' as const,
        ...(service.spec?.ports === undefined
          ? {}
          : { ports: service.spec.ports.map(({ port, protocol = 'TCP' }) => ({ port, protocol })) }),
      },
    ],
  });

  /** The address asked for when it is free, else the first free one. */
  function chooseAddress(records: Records, service: Service): string {
    const taken = new Set(
      Object.entries(records)
        .filter(([name]) => name.startsWith('loadbalancer.') && name !== nameOf(service))
        .map(([, text]) => (JSON.parse(text) as LoadBalancer).ip),
    );
    const asked = service.spec?.loadBalancerIP;
    if (asked !== undefined && asked !== '') {
      if (taken.has(asked)) throw new Error(`the address ${asked} is in use by another load balancer`);
      return asked;
    }
    for (let index = 1; index <= lastAddress; index++) if (!taken.has(addressOf(index))) return addressOf(index);
    throw new Error('the simulated cloud has no address left for a load balancer');
  }

  return {
    name: 'simulated',
    instances: {
      exists: async (node) => (await instanceOf(node))?.state !== 'gone',
      isShutdown: async (node) => (await instanceOf(node))?.state === 'shutdown',
      async metadata(node) {
        const { state, instanceType, zone, region, externalIP } = (await instanceOf(node)) ?? {};
        const { name = '' } = node.metadata ?? {};
        if (state === 'gone') throw new Error(`the simulated cloud has no instance ${name}`);
        const own = node.status?.addresses?.filter(({ type }) => type !== 'ExternalIP') ?? [];
        return {
          providerId: `simulated://${name}`,
          ...(instanceType === undefined ? {} : { instanceType }),
          ...(zone === undefined ? {} : { zone }),
          ...(region === undefined ? {} : { region }),
          addresses: [
            ...(own.length === 0 ? [{ type: 'Hostname', address: name }] : own),
            ...(externalIP === undefined ? [] : [{ type: 'ExternalIP', address: externalIP }]),
          ],
        };
      },
    },
    loadBalancers: {
      async find(service) {
        const found = await ledger.find<LoadBalancer>(nameOf(service));
        return found === undefined ? undefined : statusOf(found, service);
      },
      async ensure(service, nodes) {
        const made = await ledger.change((records) => {
          const known = records[nameOf(service)];
          const before = known === undefined ? undefined : (JSON.parse(known) as LoadBalancer);
          const asked = service.spec?.loadBalancerIP ?? '';
          const kept = before !== undefined && (asked === '' || asked === before.ip);
          const { ports = [], loadBalancerSourceRanges = ['0.0.0.0/0'], healthCheckNodePort } = service.spec ?? {};
          const balancer: LoadBalancer = {
            service: keyFor(service),
            ip: kept ? before.ip : chooseAddress(records, service),
            ports: ports.map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`),
            sourceRanges: loadBalancerSourceRanges,
            nodes: nodes.map(({ metadata }) => metadata?.name ?? '').sort(),
            ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
          };
          records[nameOf(service)] = JSON.stringify(balancer);
          return balancer;
        });
        return statusOf(made, service);
      },
      async updateHosts(service, nodes) {
        await ledger.change((records) => {
          const known = records[nameOf(service)];
          if (known === undefined) return;
          const names = nodes.map(({ metadata }) => metadata?.name ?? '').sort();
          records[nameOf(service)] = JSON.stringify({ ...(JSON.parse(known) as LoadBalancer), nodes: names });
        });
      },
      async remove(service) {
        await ledger.change((records) => {
          delete records[nameOf(service)];
        });
      },
    },
    routes: {
      async list() {
        return Object.entries(await ledger.read())
          .filter(([name]) => name.startsWith(routePrefix))
          .flatMap(([name, text]) =>
            networksOf(text).map((destinationCidr) => ({ nodeName: name.slice(routePrefix.length), destinationCidr })),
          );
      },
      async create({ nodeName, destinationCidr }) {
        await ledger.change((records) => {
          const name = `${routePrefix}${nodeName}`;
          records[name] = routeText([
            ...networksOf(records[name]).filter((cidr) => cidr !== destinationCidr),
            destinationCidr,
          ]);
        });
      },
      async remove({ nodeName, destinationCidr }) {
        await ledger.change((records) => {
          const name = `${routePrefix}${nodeName}`;
          const left = networksOf(records[name]).filter((cidr) => cidr !== destinationCidr);
          if (left.length === 0) delete records[name];
          else records[name] = routeText(left);
        });
      },
    },
  };
}
