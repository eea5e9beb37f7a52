/**
 * The group versions that other servers serve, as the APIServices name them, and what those servers say of themselves. The door
 * asks it for every path below `/apis`; discovery and OpenAPI add it to what this server serves itself.
 * @see staging/src/k8s.io/kube-aggregator/pkg/apiserver
 */
import type { APIResourceList, APIService } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';

/** The group that this server answers for itself when it was told to. */
const METRICS = 'metrics.k8s.io';
export const API_SERVICES = '/registry/apiregistration.k8s.io/apiservices';

type ServiceSpec = NonNullable<APIService['spec']>;

/** A group version served by somebody else. */
export interface RemoteVersion {
  /** Of the APIService. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly spec: ServiceSpec & { readonly service: NonNullable<ServiceSpec['service']> };
  readonly available: boolean;
  /** What the server last said it serves; undefined when it was never reached. */
  resources: APIResourceList | undefined;
}

export class ApiServices {
  readonly #byVersion = new Map<string, RemoteVersion>();
  #ownMetrics = false;
  /** Moves on whenever what is served may have changed. */
  generation = 0;
  /** The certificate shown to other servers, once it is another one than that of the options. */
  renewedClient: { readonly certPem: string; readonly keyPem: string } | undefined;

  start(server: Server): void {
    this.#ownMetrics = server.options.resourceMetrics;
    const cache = server.caches.cacheOf(API_SERVICES, false);
    for (const entry of cache.values()) this.#set(entry.object as APIService);
    server.caches.onChange(API_SERVICES, ({ entry, previous }) => {
      if (entry !== undefined) this.#set(entry.object as APIService);
      else if (previous !== undefined) this.#remove(previous.name);
    });
  }

  get isEmpty(): boolean {
    return this.#byVersion.size === 0;
  }

  /** Whose the path is, when it is somebody else's: `/apis/<group>/<version>` and all below. */
  ofPath(path: string): RemoteVersion | undefined {
    if (this.#byVersion.size === 0) return undefined;
    const [, root, group = '', version = ''] = path.split('/');
    return root === 'apis' ? this.#byVersion.get(`${group}/${version}`) : undefined;
  }

  get(name: string): RemoteVersion | undefined {
    for (const remote of this.#byVersion.values()) if (remote.name === name) return remote;
    return undefined;
  }

  /** The most important group first. */
  all(): readonly RemoteVersion[] {
    return [...this.#byVersion.values()].sort(
      ({ spec: left, name: leftName }, { spec: right, name: rightName }) =>
        (right.groupPriorityMinimum ?? 0) - (left.groupPriorityMinimum ?? 0) ||
        (right.versionPriority ?? 0) - (left.versionPriority ?? 0) ||
        (leftName < rightName ? -1 : 1),
    );
  }

  /** Keeps what a server says it serves. */
  learned(name: string, resources: APIResourceList): void {
    const remote = this.get(name);
    if (remote === undefined || JSON.stringify(remote.resources) === JSON.stringify(resources)) return;
    remote.resources = resources;
    this.generation++;
  }

  #set(object: APIService): void {
    const name = object.metadata?.name ?? '';
    const { spec, status } = object;
    if (spec?.service === undefined || spec.service === null) {
      this.#remove(name);
      return;
    }
    const { group = '', version = '' } = spec;
    // It names metrics-server, as in other clusters, but is answered here.
    if (this.#ownMetrics && group === METRICS) return;
    const available = status?.conditions?.some((one) => one.type === 'Available' && one.status === 'True') === true;
    const before = this.get(name);
    const service = { ...spec, service: spec.service } as RemoteVersion['spec'];
    this.#byVersion.set(`${group}/${version}`, {
      name,
      group,
      version,
      spec: service,
      available,
      resources: before?.resources,
    });
    if (before?.available !== available) this.generation++;
  }

  #remove(name: string): void {
    const remote = this.get(name);
    if (remote === undefined) return;
    this.#byVersion.delete(`${remote.group}/${remote.version}`);
    this.generation++;
  }
}
