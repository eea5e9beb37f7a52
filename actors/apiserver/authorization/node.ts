/**
 * The Node authorizer: a kubelet does what kubelets do, to its own node and to what the pods bound to it refer to. What
 * pods refer to is read from the cache of pods by node when it is asked for, so nothing has to be kept up to date.
 * @see plugin/pkg/auth/authorizer/node/node_authorizer.go
 */
import type { ApiObject } from '../../../src/api/index.ts';
import { clusterRoles } from '../bootstrap/policy/cluster-roles.ts';
import type { Caches } from '../cache/caches.ts';
import { podReferences } from './pod-references.ts';
import { ruleAllows } from './rules.ts';
import type { AccessRequest, Decision } from './types.ts';

const PREFIX = 'system:node:';
const ALLOWED: Decision = { allowed: true, reason: '' };
const NO_OPINION: Decision = { allowed: false, reason: '' };

/** The node that a user is, if it is one. */
export function nodeOf(user: { readonly user: string; readonly groups: readonly string[] }): string | undefined {
  if (!user.user.startsWith(PREFIX) || !user.groups.includes('system:nodes')) return undefined;
  return user.user.slice(PREFIX.length);
}

type ResourceRequest = Exclude<AccessRequest, { readonly path: string }>;

const nodeRules = clusterRoles.find(({ name }) => name === 'system:node')?.rules ?? [];

export function createNodeAuthorizer(caches: Caches): { decide(request: AccessRequest): Decision } {
  const pods = caches.cacheOf('/registry/pods', true);
  const claims = caches.cacheOf('/registry/persistentvolumeclaims', true);
  const attachments = caches.cacheOf('/registry/volumeattachments', false);
  const slices = caches.cacheOf('/registry/resourceslices', false);
  // Nodes ask the same few questions over and over: what the role answers to them is kept by question.
  const byRole = new Map<string, boolean>();

  function roleAllows(request: ResourceRequest): boolean {
    const question = `${request.verb} ${request.group}/${request.resource}/${request.subresource}`;
    let allowed = byRole.get(question);
    if (allowed === undefined) {
      allowed = nodeRules.some((rule) => ruleAllows(rule, request));
      if (byRole.size < 10_000) byRole.set(question, allowed);
    }
    return allowed;
  }

  function podsOf(node: string): ApiObject[] {
    return pods.listIndexed(node).map((entry) => entry.object);
  }

  /** Whether a pod on the node names such an object. */
  function refers(node: string, request: ResourceRequest): boolean {
    return pods
      .listIndexed(node)
      .some(
        ({ namespace, object }) =>
          namespace === request.namespace && podReferences(object, request.resource).includes(request.name),
      );
  }

  function usesVolume(node: string, volume: string): boolean {
    return podsOf(node).some(({ metadata, ...pod }) =>
      podReferences({ metadata, ...pod } as ApiObject, 'persistentvolumeclaims').some((claim) => {
        const found = claims.get(claims.keyOf(metadata.namespace, claim))?.object['spec'] as { volumeName?: string };
        return found?.volumeName === volume;
      }),
    );
  }

  /** Resources that are not divided among nodes are the role's to allow. */
  function byRules(request: ResourceRequest): Decision {
    return roleAllows(request) ? ALLOWED : NO_OPINION;
  }

  function decideOne(node: string, request: ResourceRequest): Decision {
    switch (`${request.group}/${request.resource}`) {
      case '/secrets':
      case '/configmaps':
      case 'resource.k8s.io/resourceclaims':
        return readNamed(node, request);
      case '/persistentvolumeclaims':
        return request.subresource === 'status' ? updateStatus(node, request) : readNamed(node, request);
      case '/persistentvolumes':
        return getOne(request, (name) => related(usesVolume(node, name), node));
      case 'storage.k8s.io/volumeattachments':
        return getOne(request, (name) => {
          const spec = attachments.get(attachments.keyOf(undefined, name))?.object['spec'] as { nodeName?: string };
          return related(spec?.nodeName === node, node);
        });
      case '/serviceaccounts':
        // Kubelets read accounts for those that hand out image pull credentials by account.
        return request.verb === 'get' && request.subresource === ''
          ? getOne(request, () => related(refers(node, request), node))
          : createToken(node, request);
      case '/pods':
        return decidePod(node, request);
      case '/nodes':
        return decideNode(node, request);
      case 'coordination.k8s.io/leases':
        return decideLease(node, request);
      case 'storage.k8s.io/csinodes':
        return decideCsiNode(node, request);
      case 'resource.k8s.io/resourceslices':
        return decideSlice(node, request);
      default:
        return byRules(request);
    }
  }

  /** Pods are read where they are bound to the node; what is written is looked at by admission. */
  function decidePod(node: string, request: ResourceRequest): Decision {
    const { verb, subresource, namespace, name, fieldSelector } = request;
    if (subresource !== '') return byRules(request);
    if (verb === 'get') {
      const spec = pods.get(pods.keyOf(namespace, name))?.object['spec'] as { nodeName?: string } | undefined;
      return related(spec?.nodeName === node, node);
    }
    if (verb !== 'list' && verb !== 'watch') return byRules(request);
    return selectsNode(fieldSelector, node)
      ? ALLOWED
      : denied('can only list/watch pods with spec.nodeName field selector');
  }

  /** A node reads itself; what it writes is looked at by admission. */
  function decideNode(node: string, request: ResourceRequest): Decision {
    const { verb, subresource, name } = request;
    if (subresource !== '' || !READS.includes(verb)) return byRules(request);
    if (name === node) return ALLOWED;
    const what = name === '' ? 'all nodes' : `'${name}'`;
    return denied(`node '${node}' cannot read ${what}, only its own Node object`);
  }

  function decideSlice(node: string, request: ResourceRequest): Decision {
    const { verb, subresource, name, fieldSelector } = request;
    if (subresource !== '') return denied('cannot authorize ResourceSlice subresources');
    switch (verb) {
      case 'create':
        return ALLOWED;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete': {
        const spec = slices.get(slices.keyOf(undefined, name))?.object['spec'] as { nodeName?: string } | undefined;
        return related(spec?.nodeName === node, node);
      }
      case 'list':
      case 'watch':
      case 'deletecollection':
        return selectsNode(fieldSelector, node)
          ? ALLOWED
          : denied('can only list/watch/deletecollection resourceslices with nodeName field selector');
      default:
        return denied(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        );
    }
  }

  /** Reads of single objects that a pod on the node names. */
  function readNamed(node: string, request: ResourceRequest): Decision {
    const { verb, name, subresource, namespace } = request;
    if (!READS.includes(verb)) return denied('can only read resources of this type');
    if (subresource !== '') return denied('cannot read subresource');
    if (namespace === '') return denied('can only read namespaced object of this type');
    if (name === '') return denied('No Object name found');
    return related(refers(node, request), node);
  }

  function updateStatus(node: string, request: ResourceRequest): Decision {
    if (!['get', 'update', 'patch'].includes(request.verb)) return denied('can only get/update/patch this type');
    return related(request.name !== '' && refers(node, request), node);
  }

  function createToken(node: string, request: ResourceRequest): Decision {
    const { verb, name, subresource } = request;
    if (verb !== 'create' || name === '') return denied('can only create tokens for individual service accounts');
    if (subresource !== 'token') return denied('can only create token subresource of service account');
    return related(refers(node, request), node);
  }

  return {
    decide(request) {
      const node = nodeOf(request.user);
      return node === undefined || 'path' in request ? NO_OPINION : decideOne(node, request);
    },
  };
}

const READS = ['get', 'list', 'watch'];
const LEASE_VERBS = ['get', 'create', 'update', 'patch', 'delete'];

function decideLease(node: string, { verb, namespace, name }: ResourceRequest): Decision {
  if (!LEASE_VERBS.includes(verb)) return denied('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease') {
    return denied('can only access leases in the "kube-node-lease" system namespace');
  }
  if (verb === 'create' || name === node) return ALLOWED;
  return denied('can only access node lease with the same name as the requesting node');
}

function decideCsiNode(node: string, { verb, subresource, name }: ResourceRequest): Decision {
  if (!LEASE_VERBS.includes(verb)) return denied('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return denied('cannot authorize CSINode subresources');
  if (verb === 'create' || name === node) return ALLOWED;
  return denied('can only access CSINode with the same name as the requesting node');
}

function getOne({ verb, name, subresource }: ResourceRequest, decide: (name: string) => Decision): Decision {
  if (verb !== 'get' || name === '') return denied('can only get individual resources of this type');
  return subresource === '' ? decide(name) : denied('cannot get subresource');
}

function selectsNode(fieldSelector: string | undefined, node: string): boolean {
  return (fieldSelector ?? '').split(',').some((term) => /^spec\.nodeName==?/.test(term) && term.endsWith(`=${node}`));
}

function related(allowed: boolean, node: string): Decision {
  return allowed ? ALLOWED : denied(`no relationship found between node '${node}' and this object`);
}

function denied(reason: string): Decision {
  return { allowed: false, reason };
}
