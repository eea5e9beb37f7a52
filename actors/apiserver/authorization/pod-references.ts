/** Names of the objects of one resource that a pod refers to. @see pkg/api/v1/pod/util.go */
import type { ApiObject } from '../../../src/api/index.ts';

interface Named {
  readonly name?: string;
}

interface Container {
  readonly envFrom?: readonly { readonly configMapRef?: Named; readonly secretRef?: Named }[];
  readonly env?: readonly {
    readonly valueFrom?: { readonly configMapKeyRef?: Named; readonly secretKeyRef?: Named };
  }[];
}

interface Volume {
  readonly name: string;
  readonly configMap?: Named;
  readonly secret?: { readonly secretName?: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly ephemeral?: object;
  readonly csi?: { readonly nodePublishSecretRef?: Named };
  readonly projected?: { readonly sources?: readonly { readonly configMap?: Named; readonly secret?: Named }[] };
}

interface PodSpec {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly imagePullSecrets?: readonly Named[];
  readonly serviceAccountName?: string;
  readonly volumes?: readonly Volume[];
}

export function podReferences(pod: ApiObject, resource: string): string[] {
  const spec = (pod['spec'] ?? {}) as PodSpec;
  const volumes = spec.volumes ?? [];
  switch (resource) {
    case 'secrets':
      return named([
        ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
        ...environment(spec).map(({ secret }) => secret),
        ...volumes.flatMap(({ secret, csi, projected }) => [
          secret?.secretName,
          csi?.nodePublishSecretRef?.name,
          ...(projected?.sources ?? []).map((source) => source.secret?.name),
        ]),
      ]);
    case 'configmaps':
      return named([
        ...environment(spec).map(({ configMap }) => configMap),
        ...volumes.flatMap(({ configMap, projected }) => [
          configMap?.name,
          ...(projected?.sources ?? []).map((source) => source.configMap?.name),
        ]),
      ]);
    case 'persistentvolumeclaims':
      return named(
        volumes.map(({ name, persistentVolumeClaim, ephemeral }) =>
          ephemeral === undefined ? persistentVolumeClaim?.claimName : `${pod.metadata.name}-${name}`,
        ),
      );
    case 'resourceclaims': {
      const { resourceClaimStatuses } = (pod['status'] ?? {}) as {
        resourceClaimStatuses?: readonly { readonly resourceClaimName?: string }[];
      };
      const claims = (spec as { resourceClaims?: readonly { readonly resourceClaimName?: string }[] }).resourceClaims;
      return named([...(claims ?? []), ...(resourceClaimStatuses ?? [])].map((claim) => claim.resourceClaimName));
    }
    case 'serviceaccounts':
      return named([spec.serviceAccountName]);
    default:
      return [];
  }
}

function environment(spec: PodSpec): { secret: string | undefined; configMap: string | undefined }[] {
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return all.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ valueFrom }) => ({
      secret: valueFrom?.secretKeyRef?.name,
      configMap: valueFrom?.configMapKeyRef?.name,
    })),
    ...envFrom.map(({ secretRef, configMapRef }) => ({ secret: secretRef?.name, configMap: configMapRef?.name })),
  ]);
}

function named(names: readonly (string | undefined)[]): string[] {
  return names.filter((name): name is string => name !== undefined && name !== '');
}
