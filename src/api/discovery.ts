/**
 * Discovery documents, plain and aggregated, from the kinds that are served. Pure functions over the registry; the API server
 * answers `/api`, `/apis` and what lies below with them, and keeps them as text until the registry's generation moves on.
 *
 * @see k8s.io/apiserver/pkg/endpoints/discovery
 */
import { createHash } from 'node:crypto';
import type { APIGroup, APIGroupList, APIResource, APIResourceList, APIVersions } from './generated/types.ts';
import { compareVersions } from './kinds/index.ts';
import type { KindDefinition, KindRegistry, SubresourceDefinition } from './kinds/types.ts';
import { definitionOf } from './schema.ts';

/** Verbs of kinds that name none. */
export const defaultVerbs: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** Custom kinds list their verbs in an order of their own. */
const customVerbs: readonly string[] = [
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'create',
  'update',
  'watch',
];

/** The order in which upstream lists its groups; custom ones follow by name. */
const groupOrder: readonly string[] = [
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'storagemigration.k8s.io',
];

const isCustom = (kind: KindDefinition): boolean => definitionOf(kind.group, kind.version, kind.kind) === undefined;

const verbsOf = (kind: KindDefinition): string[] => [...(kind.verbs ?? (isCustom(kind) ? customVerbs : defaultVerbs))];

/** `/api`. The address is the server's own, such as `127.0.0.1:6443`. */
export function apiVersions(serverAddress: string): Omit<APIVersions, 'apiVersion'> {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

interface Grouped {
  readonly generation: number;
  readonly byGroup: ReadonlyMap<string, readonly KindDefinition[]>;
}

const grouped = new WeakMap<KindRegistry, Grouped>();

/** The kinds of each group, gone through once for each change of the registry. */
function kindsByGroup(registry: KindRegistry): ReadonlyMap<string, readonly KindDefinition[]> {
  const known = grouped.get(registry);
  if (known?.generation === registry.generation) return known.byGroup;
  const byGroup = new Map<string, KindDefinition[]>();
  for (const kind of registry.all()) {
    const kinds = byGroup.get(kind.group);
    if (kinds === undefined) byGroup.set(kind.group, [kind]);
    else kinds.push(kind);
  }
  grouped.set(registry, { generation: registry.generation, byGroup });
  return byGroup;
}

/** Groups in the order of discovery, without the core group. */
export function groupNames(registry: KindRegistry): readonly string[] {
  const names = new Set(kindsByGroup(registry).keys());
  names.delete('');
  const place = (name: string): number => {
    const index = groupOrder.indexOf(name);
    return index < 0 ? groupOrder.length : index;
  };
  return [...names].sort((left, right) => place(left) - place(right) || (left < right ? -1 : 1));
}

/** Versions of a group, the preferred one first. */
export function groupVersions(registry: KindRegistry, group: string): readonly string[] {
  const versions = new Set(
    kindsByGroup(registry)
      .get(group)
      ?.map(({ version }) => version),
  );
  const preferred = registry.preferredVersion(group);
  return [...versions].sort((left, right) =>
    left === preferred ? -1 : right === preferred ? 1 : compareVersions(left, right),
  );
}

function groupOf(registry: KindRegistry, group: string): APIGroup | undefined {
  const versions = groupVersions(registry, group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  const [preferredVersion] = versions;
  if (preferredVersion === undefined) return undefined;
  return { name: group, versions, preferredVersion };
}

/** `/apis`. */
export function apiGroupList(registry: KindRegistry): APIGroupList {
  const groups = groupNames(registry).flatMap((name) => groupOf(registry, name) ?? []);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/<group>`; undefined when nothing of the group is served. */
export function apiGroup(registry: KindRegistry, group: string): APIGroup | undefined {
  const found = group === '' ? undefined : groupOf(registry, group);
  return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...found };
}

/** Kinds of a group and version by resource name. */
function kindsOf(registry: KindRegistry, group: string, version: string): KindDefinition[] {
  return (kindsByGroup(registry).get(group) ?? [])
    .filter((kind) => kind.version === version)
    .sort((left, right) => (left.plural < right.plural ? -1 : 1));
}

function subresourcesOf(kind: KindDefinition): readonly SubresourceDefinition[] {
  const subresources = kind.subresources ?? [];
  return isCustom(kind) ? subresources : [...subresources].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Opaque to clients, but the same for as long as a kind is stored as the same version. */
function storageVersionHash({ group, version, kind, conversion }: KindDefinition): string {
  const stored = conversion?.storedVersion ?? version;
  return createHash('sha256').update(`${group}/${stored}/${kind}`).digest().subarray(0, 8).toString('base64');
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined when nothing is served there. */
export function apiResourceList(registry: KindRegistry, group: string, version: string): APIResourceList | undefined {
  const kinds = kindsOf(registry, group, version);
  if (kinds.length === 0) return undefined;
  const resources = kinds.flatMap((kind) => {
    const verbs = verbsOf(kind);
    const main: APIResource = {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs,
      ...(kind.shortNames === undefined ? {} : { shortNames: [...kind.shortNames] }),
      ...(kind.categories === undefined ? {} : { categories: [...kind.categories] }),
      ...(verbs.includes('watch') ? { storageVersionHash: storageVersionHash(kind) } : {}),
    };
    const below = subresourcesOf(kind).map(
      (subresource): APIResource => ({
        name: `${kind.plural}/${subresource.name}`,
        singularName: '',
        namespaced: kind.namespaced,
        ...responseGroupVersion(kind, subresource),
        kind: subresource.kind ?? kind.kind,
        verbs: [...subresource.verbs],
      }),
    );
    return [main, ...below];
  });
  return {
    kind: 'APIResourceList',
    // The core group's list is older than the field.
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources,
  };
}

/** Group and version of a subresource's kind, written only where they are not the parent's. */
function responseGroupVersion(
  kind: KindDefinition,
  subresource: SubresourceDefinition,
): { group?: string; version?: string } {
  const group = subresource.group ?? kind.group;
  const version = subresource.version ?? kind.version;
  return group === kind.group && version === kind.version ? {} : { group, version };
}

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

interface SubresourceDiscovery {
  subresource: string;
  responseKind: GroupVersionKind;
  verbs: string[];
}

interface ResourceDiscovery {
  resource: string;
  responseKind: GroupVersionKind;
  scope: 'Namespaced' | 'Cluster';
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: SubresourceDiscovery[];
}

export interface GroupDiscovery {
  metadata: { name?: string };
  versions: { version: string; resources: ResourceDiscovery[]; freshness: 'Current' | 'Stale' }[];
}

export interface GroupDiscoveryList {
  kind: 'APIGroupDiscoveryList';
  apiVersion: 'apidiscovery.k8s.io/v2' | 'apidiscovery.k8s.io/v2beta1';
  metadata: Record<string, never>;
  items: GroupDiscovery[];
}

/** Aggregated discovery of `/api` (the core group) or `/apis` (the others). */
export function aggregatedDiscovery(
  registry: KindRegistry,
  root: 'api' | 'apis',
  version: 'v2' | 'v2beta1' = 'v2',
): GroupDiscoveryList {
  const groups = root === 'api' ? [''] : groupNames(registry);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: groupVersions(registry, group).map((served) => ({
        version: served,
        resources: kindsOf(registry, group, served).map(resourceDiscovery),
        freshness: 'Current',
      })),
    })),
  };
}

function resourceDiscovery(kind: KindDefinition): ResourceDiscovery {
  const custom = isCustom(kind);
  const subresources = subresourcesOf(kind).map((subresource): SubresourceDiscovery => {
    const { group = '', version = '' } = responseGroupVersion(kind, subresource);
    return {
      subresource: subresource.name,
      responseKind: {
        group: custom && group === '' ? kind.group : group,
        version: custom && version === '' ? kind.version : version,
        kind: subresource.kind ?? kind.kind,
      },
      verbs: [...subresource.verbs],
    };
  });
  return {
    resource: kind.plural,
    // Upstream leaves group and version of built-in kinds empty here: they are those of the list.
    responseKind: { group: custom ? kind.group : '', version: custom ? kind.version : '', kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames === undefined ? {} : { shortNames: [...kind.shortNames] }),
    ...(kind.categories === undefined ? {} : { categories: [...kind.categories] }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

/** An entity tag for a document's text, in quotes. */
export function entityTag(text: string): string {
  return `"${createHash('sha512').update(text).digest('hex').toUpperCase()}"`;
}
