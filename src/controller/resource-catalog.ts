/**
 * Which resources a cluster has that can be listed, watched and deleted: the built-in kinds, and those of custom resource
 * definitions as they come. One entry for each stored kind, whatever number of versions it is served in. The namespace
 * controller and the garbage collector work through it.
 */
import type { CustomResourceDefinition, KindDefinition } from '../api/index.ts';
import { enabledRows } from '../api/index.ts';
import { customResourceDefinitions, type Resource } from '../client/index.ts';
import { conditionOf } from './conditions.ts';
import type { ControllerDependencies } from './types.ts';

export interface ResourceCatalog {
  all(): readonly Resource[];
  /** By kind in any of its served versions. */
  byKind(apiVersion: string, kind: string): Resource | undefined;
  /** By kind, whatever the version. */
  byGroupKind(group: string, kind: string): Resource | undefined;
}

const needed = ['list', 'watch', 'delete'];

function isDeletable(kind: KindDefinition): boolean {
  return kind.verbs === undefined || needed.every((verb) => kind.verbs?.includes(verb));
}

function resourceOf({ group, version, plural, kind, namespaced }: KindDefinition): Resource {
  return { group, version, resource: plural, kind, namespaced };
}

function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `onAdded` hears of custom resources as they are established. */
export function createResourceCatalog(
  dependencies: ControllerDependencies,
  onAdded: (resource: Resource) => void = () => {},
): ResourceCatalog {
  const byPrefix = new Map<string, Resource>();
  const byKind = new Map<string, Resource>();
  for (const kind of enabledRows(dependencies.settings.runtimeConfig)) {
    if (!isDeletable(kind)) continue;
    const resource = byPrefix.get(kind.storagePrefix) ?? resourceOf(kind);
    byPrefix.set(kind.storagePrefix, resource);
    byKind.set(`${apiVersionOf(kind.group, kind.version)}/${kind.kind}`, resource);
  }
  const custom = new Map<string, Resource>();

  function follow(definition: CustomResourceDefinition): void {
    const name = definition.metadata?.name ?? '';
    const established = conditionOf(definition.status?.conditions, 'Established')?.status === 'True';
    const served = definition.spec.versions.filter((version) => version.served);
    const version = served.find((candidate) => candidate.storage) ?? served[0];
    if (!established || version === undefined || custom.has(name)) return;
    const { group, names, scope } = definition.spec;
    const resource: Resource = {
      group,
      version: version.name,
      resource: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
    };
    custom.set(name, resource);
    for (const { name: servedName } of served) byKind.set(`${apiVersionOf(group, servedName)}/${names.kind}`, resource);
    onAdded(resource);
  }

  function drop(definition: CustomResourceDefinition): void {
    const resource = custom.get(definition.metadata?.name ?? '');
    custom.delete(definition.metadata?.name ?? '');
    for (const [key, value] of byKind) if (value === resource) byKind.delete(key);
  }

  // Not awaited by the controller's start: a server without custom resources is a server, too.
  const subscription = dependencies.informers.informer(customResourceDefinitions).changes$.subscribe((change) => {
    if (change.type === 'deleted') drop(change.object);
    else follow(change.object);
  });
  dependencies.context.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });

  return {
    all: () => [...byPrefix.values(), ...custom.values()],
    byKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    byGroupKind(group, kind) {
      for (const resources of [byPrefix, custom]) {
        for (const resource of resources.values()) {
          if (resource.group === group && resource.kind === kind) return resource;
        }
      }
      return undefined;
    },
  };
}
