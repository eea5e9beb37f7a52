/** The service account tokens that a kubelet may ask for: bound to a pod of its own, for audiences that the pod names. */
import { StatusError } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { type Attributes, refusal } from './plugin.ts';

interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly boundObjectRef?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}

interface PodSpec {
  readonly nodeName?: string;
  readonly volumes?: readonly {
    readonly name: string;
    readonly projected?: {
      readonly sources?: readonly { readonly serviceAccountToken?: { readonly audience?: string } }[];
    };
    readonly csi?: { readonly driver: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly ephemeral?: object;
  }[];
}

/** @throws StatusError 403, or 404 when the pod is gone */
export function checkTokenRequest(node: string, attributes: Attributes, server: Server): void {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return;
  const spec = (attributes.object?.['spec'] ?? {}) as TokenSpec;
  const bound = spec.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || (bound.name ?? '') === '') {
    throw refusal(attributes, 'node requested token not bound to a pod');
  }
  if ((bound.uid ?? '') === '') throw refusal(attributes, 'node requested token with a pod binding without a uid');
  const cache = server.caches.cacheOf('/registry/pods', true);
  const entry = cache.get(cache.keyOf(attributes.namespace, bound.name as string));
  if (entry === undefined) throw StatusError.notFound({ group: '', name: 'pod' }, bound.name as string);
  if (bound.uid !== entry.object.metadata['uid']) {
    throw refusal(
      attributes,
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const pod = entry.object['spec'] as PodSpec;
  if (pod.nodeName !== node)
    throw refusal(attributes, 'node requested token bound to a pod scheduled on a different node');
  checkAudience(attributes, server, spec.audiences ?? [], { name: bound.name as string, spec: pod });
}

function checkAudience(
  attributes: Attributes,
  server: Server,
  audiences: readonly string[],
  pod: { readonly name: string; readonly spec: PodSpec },
): void {
  if (audiences.length > 1) throw refusal(attributes, 'node may only request 0 or 1 audiences');
  const [audience = ''] = audiences;
  const named = (pod.spec.volumes ?? []).flatMap(({ name, projected, csi, persistentVolumeClaim, ephemeral }) => [
    ...(projected?.sources ?? []).map(({ serviceAccountToken }) =>
      serviceAccountToken === undefined ? undefined : (serviceAccountToken.audience ?? ''),
    ),
    ...(csi === undefined ? [] : driverAudiences(server, csi.driver)),
    ...claimAudiences(
      server,
      attributes.namespace,
      ephemeral === undefined ? persistentVolumeClaim?.claimName : `${pod.name}-${name}`,
    ),
  ]);
  if (named.includes(audience)) return;
  const { user } = attributes.call;
  const decision = server.authorization.decide({
    user,
    verb: 'request-serviceaccounts-token-audience',
    group: '',
    version: '',
    resource: audience,
    subresource: '',
    namespace: attributes.namespace ?? '',
    name: attributes.name,
  });
  if (decision.allowed) return;
  throw refusal(
    attributes,
    `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.user} is not authorized to request tokens for this audience`,
  );
}

/** The audiences of the driver behind a claim's volume. */
function claimAudiences(server: Server, namespace: string | undefined, claimName: string | undefined): string[] {
  if (claimName === undefined) return [];
  const claims = server.caches.cacheOf('/registry/persistentvolumeclaims', true);
  const claim = claims.get(claims.keyOf(namespace, claimName))?.object['spec'] as { volumeName?: string } | undefined;
  const volumes = server.caches.cacheOf('/registry/persistentvolumes', false);
  const volume = volumes.get(volumes.keyOf(undefined, claim?.volumeName ?? ''))?.object['spec'] as
    | { csi?: { driver: string } }
    | undefined;
  return volume?.csi === undefined ? [] : driverAudiences(server, volume.csi.driver);
}

function driverAudiences(server: Server, driver: string): string[] {
  const cache = server.caches.cacheOf('/registry/csidrivers', false);
  const spec = cache.get(cache.keyOf(undefined, driver))?.object['spec'] as
    | { tokenRequests?: readonly { audience: string }[] }
    | undefined;
  return (spec?.tokenRequests ?? []).map(({ audience }) => audience);
}
