/**
 * Keeps the Available condition of APIServices that other servers answer for: is the service there, does it listen, has it
 * endpoints, and does the server behind it answer discovery. What the server says it serves is learned on the way.
 * @see staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go
 */
import { type APIResourceList, type ApiObject, withCondition } from '../../../src/api/index.ts';
import { copyOf } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { putObject } from '../verbs/commit.ts';
import { API_SERVICES, type ApiServices, type RemoteVersion } from './api-services.ts';
import { ENDPOINT_SLICES, fetchDocument, SERVICES, serviceSpec, serviceUrl, slicesOf } from './backend.ts';

const DISCOVERY_TIMEOUT_MS = 6000;
const RESYNC_MS = 30_000;
const RETRY_FIRST_MS = 500;
const LOCAL = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' } as const;

const PASSED = { status: 'True', reason: 'Passed', message: 'all checks passed' } as const;

interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export class Availability {
  readonly #server: Server;
  readonly #services: ApiServices;
  /** Checks under way; true when something changed in the meantime. */
  readonly #running = new Map<string, boolean>();
  readonly #timers = new Map<string, { cancel(): void }>();
  readonly #failures = new Map<string, number>();

  constructor(server: Server, services: ApiServices) {
    this.#server = server;
    this.#services = services;
  }

  start(): void {
    const { caches } = this.#server;
    for (const { name } of this.#services.all()) this.#check(name);
    caches.onChange(API_SERVICES, ({ entry, previous }) => {
      const object = entry?.object as { spec?: { service?: unknown }; status?: unknown } | undefined;
      const name = (entry ?? previous)?.name;
      if (name === undefined) return;
      if (object === undefined) this.#forget(name);
      // Our own write of the status is no reason to look again; a local one is known to be available.
      else if (object.spec?.service !== undefined || !this.#isLocal(object)) {
        const before = (previous?.object as { spec?: unknown } | undefined)?.spec;
        if (JSON.stringify(before) !== JSON.stringify(object.spec)) this.#check(name);
      }
    });
    const about = (namespace: string | undefined, service: string | undefined) => {
      for (const { name, spec } of this.#services.all()) {
        if (spec.service.namespace === namespace && spec.service.name === service) this.#check(name);
      }
    };
    caches.onChange(SERVICES, ({ entry, previous }) => {
      if (this.#services.isEmpty) return;
      const one = entry ?? previous;
      about(one?.namespace, one?.name);
    });
    caches.onChange(ENDPOINT_SLICES, ({ entry, previous }) => {
      if (this.#services.isEmpty) return;
      const one = entry ?? previous;
      const labels = one?.object.metadata['labels'] as Readonly<Record<string, string>> | undefined;
      about(one?.namespace, labels?.['kubernetes.io/service-name']);
    });
  }

  #isLocal(object: { status?: unknown }): boolean {
    const { conditions = [] } = (object.status ?? {}) as { conditions?: { type: string; reason: string }[] };
    return conditions.some(({ type, reason }) => type === 'Available' && reason === LOCAL.reason);
  }

  #forget(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    this.#failures.delete(name);
  }

  #check(name: string): void {
    if (this.#running.has(name)) {
      this.#running.set(name, true);
      return;
    }
    this.#running.set(name, false);
    this.#timers.get(name)?.cancel();
    // The change is told of before its cache is complete: begin after this turn.
    void Promise.resolve()
      .then(() => this.#reconcile(name))
      .catch((error: unknown) => {
        if (!this.#server.context.signal.aborted)
          this.#server.context.log.warn('The availability of an APIService could not be written', {
            name,
            error: String(error),
          });
        return 'again' as const;
      })
      .then((next) => {
        const changed = this.#running.get(name) === true;
        this.#running.delete(name);
        if (this.#server.context.signal.aborted) return;
        if (changed) this.#check(name);
        else if (next !== 'gone') this.#later(name, next === 'again');
      });
  }

  #later(name: string, failed: boolean): void {
    const failures = failed ? (this.#failures.get(name) ?? 0) + 1 : 0;
    this.#failures.set(name, failures);
    const waitMs = failed ? Math.min(RESYNC_MS, RETRY_FIRST_MS * 2 ** (failures - 1)) : RESYNC_MS;
    this.#timers.set(
      name,
      this.#server.context.clock.after(waitMs, () => this.#check(name), { background: true }),
    );
  }

  async #reconcile(name: string): Promise<'passed' | 'again' | 'gone'> {
    const cache = this.#server.caches.cacheOf(API_SERVICES, false);
    const entry = cache.get(cache.keyOf(undefined, name));
    if (entry === undefined) return 'gone';
    const remote = this.#services.get(name);
    const verdict = remote === undefined ? ownVerdict(entry.object) : await this.#verdictOf(remote);
    // It may have changed while the server was asked.
    const current = cache.get(entry.key);
    if (current === undefined) return 'gone';
    const { now } = this.#server.strategyContext(false);
    const { conditions } = (current.object['status'] ?? {}) as {
      conditions?: { type: string; status: string; reason?: string; message?: string }[];
    };
    const before = conditions?.find(({ type }) => type === 'Available');
    const same =
      before?.status === verdict.status && before.reason === verdict.reason && before.message === verdict.message;
    if (!same) {
      const object: ApiObject = copyOf(current.object);
      object['status'] = {
        ...(object['status'] as object | undefined),
        conditions: withCondition(conditions as never, { type: 'Available', ...verdict }, now),
      };
      if ((await putObject(this.#server, cache, current.key, object, current.revision)) === undefined) return 'again';
    }
    if (remote === undefined) return 'gone';
    return verdict.status === 'True' ? 'passed' : 'again';
  }

  async #verdictOf(remote: RemoteVersion): Promise<Verdict> {
    const server = this.#server;
    const { namespace = '', name = '', port = 443 } = remote.spec.service;
    const place = `service/${name} in ${JSON.stringify(namespace)}`;
    const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
    const spec = serviceSpec(server, namespace, name);
    if (spec === undefined) return no('ServiceNotFound', `${place} is not present`);
    if (spec.type === undefined || spec.type === 'ClusterIP') {
      const listening = spec.ports?.find((one) => one.port === port);
      if (listening === undefined) return no('ServicePortError', `${place} is not listening on port ${port}`);
      const slices = slicesOf(server, namespace, name);
      if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${place}`);
      const portName = listening.name ?? '';
      const active = slices.some(
        ({ endpoints, ports }) =>
          endpoints?.some(({ conditions }) => conditions?.ready !== false) === true &&
          ports?.some((one) => (one.name ?? '') === portName && one.port !== undefined) === true,
      );
      if (!active) {
        const message = `endpointslices for ${place} have no addresses with port name ${JSON.stringify(portName)}`;
        return no('MissingEndpoints', message);
      }
    }
    const failure = await this.#discover(remote);
    if (failure !== undefined) return no('FailedDiscoveryCheck', failure);
    return PASSED;
  }

  /** Asks the server what it serves. Undefined when it said, else why not. */
  async #discover(remote: RemoteVersion): Promise<string | undefined> {
    const { group, version, name } = remote;
    const path = `/apis/${group}/${version}`;
    const url = `${serviceUrl(this.#server, remote) ?? ''}${path}`;
    try {
      const { code, text } = await fetchDocument(this.#server, remote, path, {}, DISCOVERY_TIMEOUT_MS);
      if (code < 200 || code >= 300) {
        return `failing or missing response from ${url}: bad status from ${url}: ${code}`;
      }
      const list = resourceList(text);
      if (list !== undefined) this.#services.learned(name, list);
      return undefined;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words === 'timed out') return `timed out waiting for ${url}`;
      return `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${words}`;
    }
  }
}

/** What this server answers itself is always available, also where another server is named for it. */
function ownVerdict(object: ApiObject): Verdict {
  return (object['spec'] as { service?: unknown } | undefined)?.service === undefined ? LOCAL : PASSED;
}

/** A server that answers with something else is available all the same; it just serves nothing that is known. */
function resourceList(text: string): APIResourceList | undefined {
  try {
    const list = JSON.parse(text) as APIResourceList;
    return list?.kind === 'APIResourceList' && Array.isArray(list.resources) ? list : undefined;
  } catch {
    return undefined;
  }
}
