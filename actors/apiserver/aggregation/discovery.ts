/** What other servers serve, added to the discovery documents of what this server serves itself. */
import type {
  APIGroup,
  APIGroupList,
  APIResource,
  APIResourceList,
  GroupDiscovery,
  GroupDiscoveryList,
} from '../../../src/api/index.ts';
import type { ApiServices, RemoteVersion } from './api-services.ts';

interface RemoteGroup {
  readonly name: string;
  readonly versions: readonly RemoteVersion[];
}

function groupsOf(services: ApiServices): RemoteGroup[] {
  const groups = new Map<string, RemoteVersion[]>();
  for (const remote of services.all()) groups.set(remote.group, [...(groups.get(remote.group) ?? []), remote]);
  return [...groups].map(([name, versions]) => ({ name, versions }));
}

function groupDocument({ name, versions }: RemoteGroup): APIGroup {
  const served = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: served, preferredVersion: served[0] as (typeof served)[number] };
}

/** Both servers' versions of a group that both serve. */
function joined(own: APIGroup, remote: APIGroup): APIGroup {
  const known = new Set(own.versions.map(({ version }) => version));
  return { ...own, versions: [...own.versions, ...remote.versions.filter(({ version }) => !known.has(version))] };
}

export function withRemoteGroups(list: APIGroupList, services: ApiServices): APIGroupList {
  if (services.isEmpty) return list;
  const groups = [...list.groups];
  for (const remote of groupsOf(services)) {
    const document = groupDocument(remote);
    const at = groups.findIndex(({ name }) => name === remote.name);
    if (at < 0) groups.push(document);
    else groups[at] = joined(groups[at] as APIGroup, document);
  }
  return { ...list, groups };
}

export function withRemoteVersions(
  own: APIGroup | undefined,
  group: string,
  services: ApiServices,
): APIGroup | undefined {
  const remote = groupsOf(services).find(({ name }) => name === group);
  if (remote === undefined) return own;
  const document = groupDocument(remote);
  return own === undefined ? { kind: 'APIGroup', apiVersion: 'v1', ...document } : joined(own, document);
}

type VersionDiscovery = GroupDiscovery['versions'][number];

/** A server that is not to be reached is listed with what it last said, as stale. */
export function withRemoteDiscovery(list: GroupDiscoveryList, services: ApiServices): GroupDiscoveryList {
  if (services.isEmpty) return list;
  const items = [...list.items];
  for (const { name, versions } of groupsOf(services)) {
    const added = versions.map(versionDiscovery);
    const at = items.findIndex(({ metadata }) => metadata.name === name);
    if (at < 0) items.push({ metadata: { name }, versions: added });
    else {
      const own = items[at] as GroupDiscovery;
      items[at] = { ...own, versions: [...own.versions, ...added] };
    }
  }
  return { ...list, items };
}

function versionDiscovery({ group, version, available, resources }: RemoteVersion): VersionDiscovery {
  return {
    version,
    resources: resources === undefined ? [] : resourcesOf(resources, group, version),
    freshness: available && resources !== undefined ? 'Current' : 'Stale',
  };
}

/** The plain list names subresources beside their resources; the aggregated one has them below. */
function resourcesOf(list: APIResourceList, group: string, version: string): VersionDiscovery['resources'] {
  const responseKind = (resource: APIResource) => ({
    group: resource.group ?? group,
    version: resource.version ?? version,
    kind: resource.kind,
  });
  return list.resources
    .filter(({ name }) => !name.includes('/'))
    .map((resource) => {
      const subresources = list.resources
        .filter(({ name }) => name.startsWith(`${resource.name}/`))
        .map((below) => ({
          subresource: below.name.slice(resource.name.length + 1),
          responseKind: responseKind(below),
          verbs: [...below.verbs],
        }));
      return {
        resource: resource.name,
        responseKind: responseKind(resource),
        scope: resource.namespaced ? ('Namespaced' as const) : ('Cluster' as const),
        singularResource: resource.singularName,
        verbs: [...resource.verbs],
        ...(resource.shortNames === undefined ? {} : { shortNames: [...resource.shortNames] }),
        ...(resource.categories === undefined ? {} : { categories: [...resource.categories] }),
        ...(subresources.length === 0 ? {} : { subresources }),
      };
    });
}
