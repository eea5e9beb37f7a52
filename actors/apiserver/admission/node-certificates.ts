/**
 * The certificates that a kubelet may ask for: its own, and those of pods that run on its node.
 * @see plugin/pkg/admission/noderestriction/admission.go
 */
import { type ApiObject, type CertificateSigningRequest, quote, StatusError } from '../../../src/api/index.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { type Attributes, refusal } from './plugin.ts';
import { commonNameOf } from './request-subject.ts';

const KUBELET_SIGNERS: readonly string[] = [
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
];
const MIRROR = 'kubernetes.io/config.mirror';

/** @throws StatusError 403 */
export function checkCertificateRequest(node: string, attributes: Attributes): void {
  if (attributes.operation !== 'CREATE') return;
  const spec = attributes.object?.['spec'] as CertificateSigningRequest['spec'];
  if (!KUBELET_SIGNERS.includes(spec.signerName)) return;
  let commonName: string;
  try {
    commonName = commonNameOf(Buffer.from(String(spec.request), 'base64').toString('utf8'));
  } catch (error) {
    throw refusal(attributes, `unable to parse csr: ${messageOf(error)}`);
  }
  if (commonName === `system:node:${node}`) return;
  throw refusal(attributes, `can only create a node CSR with CN=system:node:${node}`);
}

interface PodCertificateRequestSpec {
  readonly podName?: string;
  readonly podUID?: string;
  readonly serviceAccountName?: string;
  readonly serviceAccountUID?: string;
  readonly nodeName?: string;
  readonly nodeUID?: string;
}

/** @throws StatusError 403, or 500 where what does not fit may only not have been seen yet: the kubelet tries again then */
export function checkPodCertificateRequest(node: string, attributes: Attributes, server: Server): void {
  const { operation, subresource, namespace = '' } = attributes;
  if (operation !== 'CREATE') throw refusal(attributes, `unexpected operation ${operation}`);
  if (subresource !== '') throw refusal(attributes, `unexpected subresource ${subresource}`);
  const spec = (attributes.object?.['spec'] ?? {}) as PodCertificateRequestSpec;
  const { podName = '', podUID = '', nodeName = '', nodeUID = '' } = spec;
  const { serviceAccountName = '', serviceAccountUID = '' } = spec;
  const podKey = quote(`${namespace}/${podName}`);
  if (nodeName !== node) {
    throw refusal(
      attributes,
      `PodCertificateRequest.Spec.NodeName=${quote(nodeName)}, which is not the requesting node ${quote(node)}`,
    );
  }
  const found = (prefix: string, name: string, what: string, kind: string, shown: string): ApiObject => {
    const cache = server.caches.cacheOf(prefix, prefix !== '/registry/minions');
    const object = cache.get(cache.keyOf(prefix === '/registry/minions' ? undefined : namespace, name))?.object;
    if (object !== undefined) return object;
    throw unsettled(
      `while retrieving ${what} ${shown} named in the PodCertificateRequest: ${kind} ${quote(name)} not found`,
    );
  };
  const about = `PodCertificateRequest for pod ${podKey}`;
  const nodeSeen = uidOf(found('/registry/minions', nodeName, 'node', 'node', quote(nodeName)));
  if (nodeSeen !== nodeUID) {
    throw unsettled(
      `${about} names node UID ${quote(nodeUID)}, inconsistent with the running node (${quote(nodeSeen)})`,
    );
  }
  const pod = found('/registry/pods', podName, 'pod', 'pod', podKey);
  if (uidOf(pod) !== podUID) {
    throw unsettled(`${about} contains pod UID (${quote(podUID)}) which differs from running pod ${quote(uidOf(pod))}`);
  }
  const podSpec = (pod['spec'] ?? {}) as { nodeName?: string; serviceAccountName?: string };
  if (podSpec.nodeName !== nodeName) {
    throw refusal(
      attributes,
      `pod ${podKey} is not running on node ${quote(nodeName)} named in the PodCertificateRequest`,
    );
  }
  const annotations = (pod.metadata['annotations'] ?? {}) as Readonly<Record<string, string>>;
  if (annotations[MIRROR] !== undefined) throw refusal(attributes, `pod ${podKey} is a mirror pod`);
  const running = podSpec.serviceAccountName ?? '';
  if (running !== serviceAccountName) {
    throw refusal(
      attributes,
      `${about} contains serviceAccountName (${quote(serviceAccountName)}) that differs from running pod (${quote(running)})`,
    );
  }
  const accountKey = quote(`${namespace}/${serviceAccountName}`);
  const account = uidOf(
    found('/registry/serviceaccounts', serviceAccountName, 'service account', 'serviceaccount', accountKey),
  );
  if (account === serviceAccountUID) return;
  throw unsettled(
    `${about} names service account UID ${quote(serviceAccountUID)}, which differs from the running service account (${quote(account)})`,
  );
}

function uidOf({ metadata }: ApiObject): string {
  return (metadata as { uid?: string }).uid ?? '';
}

const unsettled = (message: string): StatusError => StatusError.other(500, '', message);
