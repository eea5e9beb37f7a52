/**
 * How typed options become the HTTP API's query parameters and bodies, and where a resource stands. Both transports (bus
 * and HTTP) build their requests here, so that a component behaves the same over either.
 */
import type { ApiTarget } from './protocol.ts';
import type {
  DeleteOptions,
  KubernetesObject,
  ListOptions,
  ObjectKey,
  PatchOptions,
  PatchType,
  Resource,
  WatchOptions,
  WriteOptions,
} from './types.ts';

export type Query = Record<string, string>;

/** Names the object or collection; cluster-scoped kinds ignore a namespace. */
export function targetOf(
  resource: Resource,
  key: { readonly namespace?: string | undefined; readonly name?: string | undefined },
  subresource?: string,
): ApiTarget {
  return {
    group: resource.group,
    version: resource.version,
    resource: resource.resource,
    namespace: resource.namespaced ? key.namespace : undefined,
    name: key.name,
    subresource,
  };
}

/** The key of an object from its metadata. */
export function keyOf(object: KubernetesObject): ObjectKey {
  return { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
}

export function listQuery(options: ListOptions): Query {
  const query: Query = {};
  if (options.labelSelector) query['labelSelector'] = options.labelSelector;
  if (options.fieldSelector) query['fieldSelector'] = options.fieldSelector;
  if (options.interest) query['interest'] = options.interest;
  if (options.limit !== undefined) query['limit'] = String(options.limit);
  if (options.continue) query['continue'] = options.continue;
  if (options.resourceVersion !== undefined) query['resourceVersion'] = options.resourceVersion;
  if (options.resourceVersionMatch) query['resourceVersionMatch'] = options.resourceVersionMatch;
  return query;
}

export function watchQuery(options: WatchOptions): Query {
  const query = listQuery(options);
  query['watch'] = 'true';
  if (options.allowWatchBookmarks) query['allowWatchBookmarks'] = 'true';
  if (options.sendInitialEvents !== undefined) {
    query['sendInitialEvents'] = String(options.sendInitialEvents);
    query['resourceVersionMatch'] ??= 'NotOlderThan';
  }
  if (options.timeoutSeconds !== undefined) query['timeoutSeconds'] = String(options.timeoutSeconds);
  return query;
}

export function writeQuery(options: WriteOptions): Query {
  const query: Query = {};
  if (options.dryRun) query['dryRun'] = 'All';
  if (options.fieldManager) query['fieldManager'] = options.fieldManager;
  if (options.fieldValidation) query['fieldValidation'] = options.fieldValidation;
  return query;
}

export function patchQuery(options: PatchOptions): Query {
  const query = writeQuery(options);
  if (options.force !== undefined) query['force'] = String(options.force);
  return query;
}

/** The DeleteOptions object that goes into a delete's body. */
export function deleteBody(options: DeleteOptions): KubernetesObject & Record<string, unknown> {
  const body: KubernetesObject & Record<string, unknown> = { kind: 'DeleteOptions', apiVersion: 'v1' };
  if (options.gracePeriodSeconds !== undefined) body['gracePeriodSeconds'] = options.gracePeriodSeconds;
  if (options.propagationPolicy !== undefined) body['propagationPolicy'] = options.propagationPolicy;
  if (options.preconditions !== undefined) body['preconditions'] = { ...options.preconditions };
  if (options.dryRun) body['dryRun'] = ['All'];
  return body;
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** The media type of a patch. */
export function patchMediaType(type: PatchType): string {
  return patchTypes[type];
}

/** `/api/v1/namespaces/x/pods/y/status` and the like, with names escaped. */
export function pathOf(target: ApiTarget): string {
  let path = target.group === '' ? `/api/${target.version}` : `/apis/${target.group}/${target.version}`;
  if (target.namespace !== undefined && target.namespace !== '') {
    path += `/namespaces/${encodeURIComponent(target.namespace)}`;
  }
  path += `/${target.resource}`;
  if (target.name !== undefined) path += `/${encodeURIComponent(target.name)}`;
  if (target.subresource !== undefined) path += `/${target.subresource}`;
  return path;
}
