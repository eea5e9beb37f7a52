/**
 * Every kind that may be in a template: those that are served by default and, since upstream's harness switches them on, the alpha
 * and beta versions of the release too.
 */
import { enabledRows } from '../src/api/index.ts';
import type { KubernetesObject, Resource } from '../src/client/index.ts';
import { BenchConfigError } from './config.ts';

interface Typed {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
}

const versionOf = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group === '' ? version : `${group}/${version}`;

const byKind = new Map<string, Resource>(
  enabledRows({ 'api/all': 'true' }).map((row) => [
    `${versionOf(row)}/${row.kind}`,
    { group: row.group, version: row.version, resource: row.plural, kind: row.kind, namespaced: row.namespaced },
  ]),
);

const byDefault = new Set(enabledRows().map((row) => `${versionOf(row)}/${row.kind}`));

export const isKnown = ({ apiVersion, kind }: Typed): boolean => byKind.has(`${apiVersion}/${kind}`);

/** Whether its version has to be switched on. */
export const isPreview = ({ apiVersion, kind }: Typed): boolean => !byDefault.has(`${apiVersion}/${kind}`);

/** The resource of an object by its apiVersion and kind. @throws BenchConfigError for a kind that there is not */
export function resourceOf({ apiVersion, kind }: KubernetesObject): Resource {
  const resource = byKind.get(`${apiVersion}/${kind}`);
  if (resource === undefined) throw new BenchConfigError(`there is no kind ${kind} in ${apiVersion}`);
  return resource;
}

/** Pod groups are of an alpha version. */
export const podGroups: Resource = resourceOf({ apiVersion: 'scheduling.k8s.io/v1alpha2', kind: 'PodGroup' });
