/**
 * Warnings for volumes of pods whose files would get into each other's way: two that are written to one path, or one to a path below
 * another's.
 * @see pkg/api/pod/warnings.go warningsForOverlappingVirtualPaths
 */
import type { Volume, VolumeProjection } from '../../generated/types.ts';
import { quote } from '../../go-text.ts';

type Files = readonly { readonly path?: string | undefined }[];

const pathsOf = (files: Files): string[] => files.map(({ path = '' }) => path);

/** Adds what is to be said of all volumes of one pod. */
export function warnOfOverlaps(volumes: readonly Volume[], warnings: string[]): void {
  for (const { name, configMap, secret, downwardAPI, projected } of volumes) {
    const named = configMap?.items ?? secret?.items ?? downwardAPI?.items;
    if (!named && (!projected || areApart(projected.sources ?? []))) continue;
    const volume = `volume ${quote(name ?? '')}`;
    const overlap = (files: Files | undefined, source: string): void => {
      if (files !== undefined) warnOfOverlap(pathsOf(files), `${volume} (${source}): overlapping paths`, warnings);
    };
    overlap(configMap?.items, `ConfigMap ${quote(configMap?.name ?? '')}`);
    overlap(secret?.items, `Secret ${quote(secret?.secretName ?? '')}`);
    overlap(downwardAPI?.items, 'DownwardAPI');
    if (projected) warnOfProjections(projected.sources ?? [], volume, warnings);
  }
}

/** Whether the files of a volume have names that differ, all in its own directory: so have those of nearly all, each pod's token first. */
function areApart(sources: readonly VolumeProjection[]): boolean {
  const names: string[] = [];
  for (const source of sources) {
    const { serviceAccountToken: token, clusterTrustBundle: bundle } = source;
    const files = filesOf(source) ?? (token ? [token] : bundle ? [bundle] : undefined);
    if (files === undefined) return false;
    for (const { path = '' } of files) {
      if (path === '' || path.includes('/') || names.length === NAMES_MAX || names.includes(path)) return false;
      names.push(path);
    }
  }
  return true;
}

/** With more, looking for each among all would take longer than what it saves. */
const NAMES_MAX = 16;

const filesOf = ({ configMap, secret, downwardAPI }: VolumeProjection): Files | undefined =>
  configMap?.items || secret?.items || downwardAPI?.items || undefined;

/** Sources of one volume share its paths. What overlaps inside one source is said of it, and again among all. */
function warnOfProjections(sources: readonly VolumeProjection[], volume: string, warnings: string[]): void {
  const known = new Set<string>();
  for (const source of sources) {
    if (Object.keys(source).length === 0) {
      warnings.push(`${volume} (Projected) has no sources provided`);
      continue;
    }
    const { paths, what } = projectionOf(source);
    if (paths.length === 0) continue;
    const text = `${volume} (Projected ${what}): overlapping paths`;
    warnOfOverlap(paths, text, warnings);
    warnOfOverlap([...new Set(paths), ...known].sort(), text, warnings);
    for (const path of paths) known.add(path);
  }
}

function projectionOf(source: VolumeProjection): { readonly paths: readonly string[]; readonly what: string } {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source;
  if (configMap?.items) return { paths: pathsOf(configMap.items), what: `ConfigMap ${quote(configMap.name ?? '')}` };
  if (secret?.items) return { paths: pathsOf(secret.items), what: `Secret ${quote(secret.name ?? '')}` };
  if (downwardAPI?.items) return { paths: pathsOf(downwardAPI.items), what: 'DownwardAPI' };
  if (token) return { paths: [token.path ?? ''], what: 'ServiceAccountToken' };
  if (bundle) {
    const name = bundle.name ?? bundle.signerName ?? '';
    return { paths: [bundle.path ?? ''], what: `ClusterTrustBundle ${quote(name)}` };
  }
  return { paths: [], what: '' };
}

function warnOfOverlap(paths: readonly string[], text: string, warnings: string[]): void {
  const seen = new Set<string>();
  for (const given of paths) {
    const path = given.replace(/\/+$/, '');
    const other = overlapping(seen, path);
    if (other !== undefined) warnings.push(`${text}: ${quote(path)} with ${quote(other)}`);
    seen.add(path);
  }
}

function overlapping(seen: ReadonlySet<string>, path: string): string | undefined {
  for (const other of seen) {
    if (other === '' || path === '') return undefined;
    if (other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) return other;
  }
  return undefined;
}
