/** The pods that a kubelet may create: mirrors of its static ones, owned by its node and referring to nothing. */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import { podReferences } from '../authorization/pod-references.ts';
import type { Server } from '../server.ts';
import { type Attributes, refusal } from './plugin.ts';

const MIRROR = 'kubernetes.io/config.mirror';

interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly resourceClaims?: readonly object[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** @throws StatusError 403 */
export function checkMirrorPod(node: string, attributes: Attributes, server: Server): void {
  const pod = attributes.object as ApiObject;
  const who = `node ${JSON.stringify(node)}`;
  const refuse = (text: string) => refusal(attributes, text);
  const spec = (pod['spec'] ?? {}) as PodSpec;
  const annotations = pod.metadata.annotations as Readonly<Record<string, string>> | undefined;
  if (annotations?.[MIRROR] === undefined) {
    throw refuse(`pod does not have ${JSON.stringify(MIRROR)} annotation, ${who} can only create mirror pods`);
  }
  if (spec.nodeName !== node) throw refuse(`${who} can only create pods with spec.nodeName set to itself`);
  checkOwner(node, attributes, server);
  const referred = referredBy(pod, spec);
  if (referred !== undefined) throw refuse(`${who} can not create pods that reference ${referred}`);
}

/** Volumes and sources of projected ones that are read from the API, with upstream's words for what they refer to. */
const API_VOLUMES: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via configmap volumes)',
  secret: 'secrets (via secret volumes)',
  csi: 'csidrivers (via CSI volumes)',
  glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims',
  ephemeral: 'persistentvolumeclaims (via ephemeral volumes)',
  azureFile: 'secrets (via azureFile volumes)',
};
const API_SOURCES: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via projected volumes)',
  secret: 'secrets (via projected volumes)',
  serviceAccountToken: 'serviceaccounts (via projected volumes)',
  clusterTrustBundle: 'clustertrustbundles',
  podCertificate: 'podcertificates',
};

/** The first kind of API object that the pod refers to. @see HasAPIObjectReference in pkg/api/pod/util.go */
function referredBy(pod: ApiObject, spec: PodSpec): string | undefined {
  if ((spec.serviceAccountName ?? '') !== '') return 'serviceaccounts';
  for (const resource of ['secrets', 'configmaps']) if (podReferences(pod, resource).length > 0) return resource;
  if ((spec.resourceClaims ?? []).length > 0) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const { sources = [] } = (volume['projected'] ?? {}) as { sources?: readonly object[] };
    const found = [
      ...Object.keys(volume).map((type) => API_VOLUMES[type]),
      ...sources.flatMap((source) => Object.keys(source).map((type) => API_SOURCES[type])),
    ].find((what) => what !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkOwner(node: string, attributes: Attributes, server: Server): void {
  const who = `node ${JSON.stringify(node)}`;
  const refuse = (text: string) => refusal(attributes, text);
  const owners = (attributes.object?.metadata['ownerReferences'] ?? []) as readonly OwnerReference[];
  if (owners.length > 1) throw refuse(`${who} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw refuse(`${who} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) {
    throw refuse(`${who} can only create pods with a controller owner reference set to itself`);
  }
  if (owner.blockOwnerDeletion === true) throw refuse(`${who} must not set blockOwnerDeletion on an owner reference`);
  const cache = server.caches.cacheOf('/registry/minions', false);
  const entry = cache.get(cache.keyOf(undefined, node));
  if (entry === undefined) throw StatusError.notFound({ group: '', name: 'node' }, node);
  const { uid } = entry.object.metadata as { uid?: string };
  if (owner.uid !== uid) throw refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${uid}`);
}
