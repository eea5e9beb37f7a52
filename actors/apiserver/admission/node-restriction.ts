/**
 * NodeRestriction: a kubelet writes only its own node, and the pods, claims, tokens and leases that belong to it.
 * @see plugin/pkg/admission/noderestriction/admission.go
 */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import { nodeOf } from '../authorization/node.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { checkCertificateRequest, checkPodCertificateRequest } from './node-certificates.ts';
import { checkMirrorPod } from './node-mirror-pods.ts';
import { checkTokenRequest } from './node-tokens.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

type Check = (node: string, attributes: Attributes, server: Server) => void;

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  isOffByDefault: true,
  handles: (kind, operation) => operation !== 'CONNECT' && CHECKS[kind.storagePrefix] !== undefined,
  mutate(attributes, server) {
    const { user } = attributes.call;
    if (!user.groups.includes('system:nodes')) return;
    const node = nodeOf(user);
    if (node === undefined) return;
    if (node === '') throw refusal(attributes, `could not determine node from user ${JSON.stringify(user.user)}`);
    CHECKS[attributes.kind.storagePrefix]?.(node, attributes, server);
  },
};

const CHECKS: Readonly<Record<string, Check>> = {
  '/registry/pods': checkPod,
  '/registry/minions': checkNode,
  '/registry/persistentvolumeclaims': checkClaim,
  '/registry/serviceaccounts': checkTokenRequest,
  '/registry/leases': checkLease,
  '/registry/csinodes': (node, attributes) =>
    checkName(node, attributes, 'can only access CSINode with the same name as the requesting node'),
  '/registry/resourceslices': checkSlice,
  '/registry/certificatesigningrequests': checkCertificateRequest,
  '/registry/podcertificaterequests': checkPodCertificateRequest,
};

const quoted = (node: string): string => `node ${JSON.stringify(node)}`;

function nodeNameOf(pod: ApiObject | undefined): string | undefined {
  return (pod?.['spec'] as { nodeName?: string } | undefined)?.nodeName;
}

function checkPod(node: string, attributes: Attributes, server: Server): void {
  switch (attributes.subresource) {
    case '':
      checkWholePod(node, attributes, server);
      return;
    case 'status':
      checkPodStatus(node, attributes);
      return;
    case 'eviction': {
      const cache = server.caches.cacheOf('/registry/pods', true);
      const pod = cache.get(cache.keyOf(attributes.namespace, attributes.name));
      if (pod === undefined) throw StatusError.notFound({ group: '', name: 'pod' }, attributes.name);
      if (nodeNameOf(pod.object) === node) return;
      throw refusal(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
    }
    default:
      throw refusal(
        attributes,
        `unexpected pod subresource ${JSON.stringify(attributes.subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

function checkWholePod(node: string, attributes: Attributes, server: Server): void {
  if (attributes.operation === 'CREATE') checkMirrorPod(node, attributes, server);
  else if (attributes.operation === 'DELETE') {
    if (nodeNameOf(attributes.previous) === node) return;
    throw refusal(attributes, `${quoted(node)} can only delete pods with spec.nodeName set to itself`);
  } else {
    throw refusal(
      attributes,
      `unexpected operation ${JSON.stringify(attributes.operation)}, ${quoted(node)} can only create and delete mirror pods`,
    );
  }
}

function checkPodStatus(node: string, attributes: Attributes): void {
  const { object, previous } = attributes;
  if (nodeNameOf(previous) !== node) {
    throw refusal(attributes, `${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!sameValue(object?.metadata.labels ?? {}, previous?.metadata.labels ?? {})) {
    throw refusal(attributes, `${quoted(node)} cannot update labels through pod status`);
  }
  if (!sameValue(claimStatusesOf(object), claimStatusesOf(previous))) {
    throw refusal(attributes, `${quoted(node)} cannot update resource claim statues`);
  }
  if (!sameValue(extendedClaimOf(object), extendedClaimOf(previous))) {
    throw refusal(attributes, `${quoted(node)} cannot update extended resource claim status`);
  }
}

function claimStatusesOf(pod: ApiObject | undefined): unknown {
  return (pod?.['status'] as { resourceClaimStatuses?: unknown[] } | undefined)?.resourceClaimStatuses ?? [];
}

function extendedClaimOf(pod: ApiObject | undefined): unknown {
  return (pod?.['status'] as { extendedResourceClaimStatus?: object } | undefined)?.extendedResourceClaimStatus;
}

/** Fields of a claim that a kubelet may change. */
const CLAIM_STATUS = ['capacity', 'conditions', 'allocatedResourceStatuses', 'allocatedResources'];

function checkClaim(node: string, attributes: Attributes): void {
  if (attributes.subresource !== 'status') throw refusal(attributes, 'may only update PVC status');
  const changed = changedPath(withoutOwn(attributes.previous), withoutOwn(attributes.object), '');
  if (changed === undefined) return;
  throw refusal(
    attributes,
    `${quoted(node)} is not allowed to update fields other than status.quantity and status.conditions: ${changed}`,
  );
}

function withoutOwn(claim: ApiObject | undefined): Record<string, unknown> {
  const {
    resourceVersion: _version,
    managedFields: _owners,
    ...metadata
  } = (claim?.metadata ?? {}) as Record<string, unknown>;
  const status = Object.entries((claim?.['status'] ?? {}) as object).filter(([name]) => !CLAIM_STATUS.includes(name));
  return { metadata, spec: claim?.['spec'], status: Object.fromEntries(status) };
}

/** The first member in which the two differ. */
function changedPath(before: unknown, now: unknown, path: string): string | undefined {
  if (sameValue(before, now)) return undefined;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return path;
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const step = path === '' ? name : `${path}.${name}`;
    const found = changedPath((before as Record<string, unknown>)[name], (now as Record<string, unknown>)[name], step);
    if (found !== undefined) return found;
  }
  return path;
}

function checkNode(node: string, attributes: Attributes): void {
  const { name, object, previous, operation } = attributes;
  if (name !== node) throw refusal(attributes, `${quoted(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  if (operation === 'CREATE') {
    if (specOf(object).configSource !== undefined) {
      throw refusal(attributes, `${quoted(node)} is not allowed to create pods with a non-nil configSource`);
    }
    const labels = forbiddenLabels(object, undefined);
    if (labels.length > 0) {
      throw refusal(attributes, `${quoted(node)} is not allowed to set the following labels: ${labels.join(', ')}`);
    }
  }
  if (operation !== 'UPDATE') return;
  const { configSource, taints = [] } = specOf(object);
  if (configSource !== undefined && !sameValue(configSource, specOf(previous).configSource)) {
    throw refusal(attributes, `${quoted(node)} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!sameValue(taints, specOf(previous).taints ?? [])) {
    throw refusal(attributes, `${quoted(node)} is not allowed to modify taints`);
  }
  const labels = forbiddenLabels(object, previous);
  if (labels.length > 0) throw refusal(attributes, `is not allowed to modify labels: ${labels.join(', ')}`);
  if (!sameValue(object?.metadata['ownerReferences'] ?? [], previous?.metadata['ownerReferences'] ?? [])) {
    throw refusal(attributes, `${quoted(node)} is not allowed to modify ownerReferences`);
  }
}

function specOf(node: ApiObject | undefined): { configSource?: unknown; taints?: unknown[] } {
  return (node?.['spec'] ?? {}) as { configSource?: unknown; taints?: unknown[] };
}

const KUBELET_LABELS = [
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
];

/** The changed labels that no kubelet may set: those of Kubernetes' own domains that are not kubelets', and node-restriction's. */
function forbiddenLabels(object: ApiObject | undefined, previous: ApiObject | undefined): string[] {
  const now = (object?.metadata.labels ?? {}) as Readonly<Record<string, string>>;
  const before = (previous?.metadata.labels ?? {}) as Readonly<Record<string, string>>;
  const changed = [...new Set([...Object.keys(now), ...Object.keys(before)])].filter((key) => now[key] !== before[key]);
  return changed.filter(isForbidden).sort();
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  if (within(domain, 'node-restriction.kubernetes.io')) return true;
  if (!within(domain, 'kubernetes.io') && !within(domain, 'k8s.io')) return false;
  const isKubelets = within(domain, 'kubelet.kubernetes.io') || within(domain, 'node.kubernetes.io');
  return !isKubelets && !KUBELET_LABELS.includes(label);
}

function within(domain: string, of: string): boolean {
  return domain === of || domain.endsWith(`.${of}`);
}

function checkLease(node: string, attributes: Attributes): void {
  if (attributes.namespace !== 'kube-node-lease') {
    throw refusal(attributes, 'can only access leases in the "kube-node-lease" system namespace');
  }
  checkName(node, attributes, 'can only access node lease with the same name as the requesting node');
}

function checkName(node: string, attributes: Attributes, text: string): void {
  if (attributes.name !== node) throw refusal(attributes, text);
}

function checkSlice(node: string, attributes: Attributes): void {
  const { operation, object, previous } = attributes;
  if (operation === 'UPDATE' || nodeNameOf(object ?? previous) === node) return;
  const verb = operation === 'CREATE' ? 'create' : 'delete';
  throw refusal(attributes, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
}
