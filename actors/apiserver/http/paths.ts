/**
 * The grammar of API paths: `/api/v1/…` and `/apis/<group>/<version>/…`, with or without a namespace, a name, a subresource.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go
 */

export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows a subresource, with its slash: the path of a proxy request. */
  readonly rest: string;
  /** The old form of a watch, `/api/v1/watch/…`. */
  readonly watch: boolean;
}

/** Subresources of namespaces; any other third part is a resource inside the namespace. */
const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/**
 * Undefined for paths that do not name a resource. Parts are percent-decoded; throws URIError when they cannot be. An encoded slash
 * divides as a plain one does, except in what a proxy passes on.
 */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = (/%2f/i.test(path) && !path.includes('/proxy') ? path.replace(/%2f/gi, '/') : path).split('/');
  // The first part is what stands before the leading slash.
  let at: number;
  let group: string;
  if (parts[1] === 'api') {
    group = '';
    at = 2;
  } else if (parts[1] === 'apis') {
    group = parts[2] ?? '';
    if (group === '') return undefined;
    at = 3;
  } else return undefined;
  const version = parts[at++];
  if (version === undefined || version === '') return undefined;
  let watch = false;
  if (parts[at] === 'watch' && parts.length > at + 1) {
    watch = true;
    at++;
  }
  const first = parts[at];
  if (first === undefined || first === '') return undefined;
  const inNamespace =
    first === 'namespaces' && nonEmpty(parts[at + 2]) && !NAMESPACE_SUBRESOURCES.includes(parts[at + 2] as string);
  const namespace = inNamespace ? decodeURIComponent(parts[at + 1] as string) : undefined;
  if (inNamespace) at += 2;
  const resource = decodeURIComponent(parts[at++] as string);
  const name = nonEmpty(parts[at]) ? decodeURIComponent(parts[at] as string) : undefined;
  at++;
  const subresource = nonEmpty(parts[at]) ? parts[at] : undefined;
  at++;
  const rest = parts.length > at ? `/${parts.slice(at).join('/')}` : '';
  return { group, version, resource, namespace, name, subresource, rest, watch };
}

function nonEmpty(part: string | undefined): boolean {
  return part !== undefined && part !== '';
}
