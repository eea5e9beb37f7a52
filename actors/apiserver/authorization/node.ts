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
import type { AccessRequest, Authorizer, Decision } from './types.ts';

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

export function createNodeAuthorizer(caches: Caches): Authorizer & { decide(request: AccessRequest): Decision } {
  const pods = caches.cacheOf('/registry/pods', true);
  const claims = caches.cacheOf('/registry/persistentvolumeclaims', true);
  const attachments = caches.cacheOf('/registry/volumeattachments', false);
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

  function decideOne(node: string, request: ResourceRequest): Decision {
    if (!roleAllows(request)) return NO_OPINION;
    const { resource, verb, name } = request;
    switch (`${request.group}/${resource}`) {
      case '/secrets':
      case '/configmaps':
        return readNamed(node, request);
      case '/persistentvolumeclaims':
        if (request.subresource !== '') return when(refers(node, request), node, 'resource');
        return readNamed(node, request);
      case 'resource.k8s.io/resourceclaims':
        return readNamed(node, request);
      case '/persistentvolumes':
        return when(name !== '' && usesVolume(node, name), node, 'resource');
      case 'storage.k8s.io/volumeattachments': {
        const spec = attachments.get(attachments.keyOf(undefined, name))?.object['spec'] as { nodeName?: string };
        return when(spec?.nodeName === node, node, 'resource');
      }
      case '/serviceaccounts':
        return when(name !== '' && refers(node, request), node, 'resource');
      case '/pods':
        return decidePod(node, request);
      case '/nodes':
        if (verb === 'create' || name === node) return ALLOWED;
        return denied(
          verb === 'get' || verb === 'list' || verb === 'watch'
            ? `node '${node}' cannot read '${name}', only its own Node object`
            : '',
        );
      case 'coordination.k8s.io/leases':
        return when(
          request.namespace === 'kube-node-lease' && (verb === 'create' || name === node),
          node,
          'can only access node lease with the same name as the requesting node',
        );
      case 'storage.k8s.io/csinodes':
        return when(
          verb === 'create' || name === node,
          node,
          'can only access CSINode with the same name as the requesting node',
        );
      default:
        return ALLOWED;
    }
  }

  /** Pods are read where they are bound to the node; what is written is looked at by admission. */
  function decidePod(node: string, { verb, subresource, namespace, name, fieldSelector }: ResourceRequest): Decision {
    if (subresource !== '') return ALLOWED;
    if (verb === 'get') {
      const spec = pods.get(pods.keyOf(namespace, name))?.object['spec'] as { nodeName?: string } | undefined;
      return when(spec?.nodeName === node, node, 'resource');
    }
    if (verb !== 'list' && verb !== 'watch') return ALLOWED;
    const own = (fieldSelector ?? '')
      .split(',')
      .some((term) => /^spec\.nodeName==?/.test(term) && term.endsWith(`=${node}`));
    return own ? ALLOWED : denied('can only list/watch pods with spec.nodeName field selector');
  }

  /** Reads of single objects that a pod on the node names. */
  function readNamed(node: string, request: ResourceRequest): Decision {
    const { verb, name } = request;
    if (verb !== 'get' && verb !== 'list' && verb !== 'watch') {
      return denied('can only read resources of this type');
    }
    if (name === '') return denied('No Object name found');
    return when(refers(node, request), node, 'resource');
  }

  return {
    decide(request) {
      const node = nodeOf(request.user);
      return node === undefined || 'path' in request ? NO_OPINION : decideOne(node, request);
    },
  };
}

function when(allowed: boolean, node: string, reason: string): Decision {
  if (allowed) return ALLOWED;
  return denied(reason === 'resource' ? `no relationship found between node '${node}' and this object` : reason);
}

function denied(reason: string): Decision {
  return { allowed: false, reason };
}
