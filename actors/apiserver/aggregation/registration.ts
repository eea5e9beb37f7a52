/**
 * Writes an APIService for every group version that a CustomResourceDefinition serves, and takes it away when none does any more.
 * One that a person wrote is left alone. @see pkg/controlplane/controller/crdregistration, kube-aggregator autoregister
 */
import type { Definition } from '../../../src/api/index.ts';
import { isAlreadyExists, isStatusError, type KindDefinition } from '../../../src/api/index.ts';
import { pack } from '../../../src/runtime/index.ts';
import { DEFINITIONS } from '../custom-resources/deletion.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { callOf } from '../system-call.ts';
import { API_SERVICES } from './api-services.ts';

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
const GROUP_PRIORITY = 1000;
const VERSION_PRIORITY = 100;
const RETRY_MS = 1000;

export class Registration {
  readonly #server: Server;
  /** `<version>.<group>` of what is to be looked at. */
  readonly #due = new Set<string>();
  #draining = false;

  constructor(server: Server) {
    this.#server = server;
  }

  start(): void {
    const { caches } = this.#server;
    const names = (object: unknown): string[] => {
      const { spec } = object as Definition;
      return spec.versions.map(({ name }) => `${name}.${spec.group}`);
    };
    for (const entry of caches.cacheOf(DEFINITIONS, false).values()) this.#add(names(entry.object));
    for (const entry of caches.cacheOf(API_SERVICES, false).values()) {
      if (managedBy(entry.object) === 'true') this.#add([entry.name]);
    }
    caches.onChange(DEFINITIONS, ({ entry, previous }) => {
      if (entry !== undefined && previous !== undefined) {
        const [left, right] = [previous.object as unknown as Definition, entry.object as unknown as Definition];
        if (left.metadata['generation' as never] === right.metadata['generation' as never]) return;
      }
      if (entry !== undefined) this.#add(names(entry.object));
      if (previous !== undefined) this.#add(names(previous.object));
    });
    caches.onChange(API_SERVICES, ({ entry, previous }) => {
      if (entry === undefined && previous !== undefined && managedBy(previous.object) === 'true')
        this.#add([previous.name]);
    });
  }

  #add(names: readonly string[]): void {
    for (const name of names) this.#due.add(name);
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    const { context } = this.#server;
    // The change is told of before its cache is complete.
    await Promise.resolve();
    for (const name of this.#due) {
      this.#due.delete(name);
      try {
        await this.#settle(name);
      } catch (error) {
        if (context.signal.aborted) return;
        context.log.warn('An APIService could not be written; it is tried again', { name, error: String(error) });
        context.clock.after(RETRY_MS, () => this.#add([name]), { background: true });
      }
    }
    this.#draining = false;
  }

  async #settle(name: string): Promise<void> {
    const server = this.#server;
    const dot = name.indexOf('.');
    const [version, group] = [name.slice(0, dot), name.slice(dot + 1)];
    const wanted = this.#isServed(group, version);
    const cache = server.caches.cacheOf(API_SERVICES, false);
    const current = cache.get(cache.keyOf(undefined, name));
    const kind = server.registry.byResource('apiregistration.k8s.io', 'v1', 'apiservices') as KindDefinition;
    try {
      if (wanted && current === undefined) {
        const object = {
          apiVersion: 'apiregistration.k8s.io/v1',
          kind: 'APIService',
          metadata: { name, labels: { [MANAGED]: 'true' } },
          spec: { group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY },
        };
        await runPipeline(callOf(server, kind, 'create', { body: pack(object) }), server);
      } else if (!wanted && current !== undefined && managedBy(current.object) === 'true') {
        await runPipeline(callOf(server, kind, 'delete', { name }), server);
      }
    } catch (error) {
      // Somebody else did it first.
      if (!isAlreadyExists(error) && !(isStatusError(error) && error.code === 404)) throw error;
    }
  }

  #isServed(group: string, version: string): boolean {
    const end = `.${group}`;
    for (const { name: of, object } of this.#server.caches.cacheOf(DEFINITIONS, false).values()) {
      if (!of.endsWith(end)) continue;
      const { spec } = object as unknown as Definition;
      if (spec.group === group && spec.versions.some(({ name, served }) => name === version && served)) return true;
    }
    return false;
  }
}

function managedBy(object: { metadata: Record<string, unknown> }): string | undefined {
  return (object.metadata['labels'] as Readonly<Record<string, string>> | undefined)?.[MANAGED];
}
