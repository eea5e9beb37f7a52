/** A pod's persistent volume claims, resolved from the caches: what the volume plugins look at. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../api/index.ts';
import {
  type Informers,
  type Lister,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '../client/index.ts';

export interface VolumeListers {
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly volumes: Lister<PersistentVolume>;
  readonly classes: Lister<StorageClass>;
}

/** Listers of claims, volumes and classes; undefined without an API, when no pod can have any. */
export function volumeListers(informers: Informers | undefined): VolumeListers | undefined {
  return (
    informers && {
      claims: informers.informer(persistentVolumeClaims).lister,
      volumes: informers.informer(persistentVolumes).lister,
      classes: informers.informer(storageClasses).lister,
    }
  );
}

export interface ClaimReference {
  readonly name: string;
  /** The claim is made for this pod by the ephemeral volume controller. */
  readonly ephemeral: boolean;
}

const none: readonly ClaimReference[] = [];

/** Names of the claims that a pod's volumes use. */
export function claimsOf(pod: Pod): readonly ClaimReference[] {
  const volumes = pod.spec?.volumes;
  if (!volumes) return none;
  let claims: ClaimReference[] | undefined;
  for (const volume of volumes) {
    if (volume.persistentVolumeClaim) {
      claims ??= [];
      claims.push({ name: volume.persistentVolumeClaim.claimName, ephemeral: false });
    } else if (volume.ephemeral) {
      claims ??= [];
      claims.push({ name: `${pod.metadata?.name}-${volume.name}`, ephemeral: true });
    }
  }
  return claims ?? none;
}

/** The class that a claim or volume names, by the annotation of old before the field. */
export const classNameOf = ({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string =>
  metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';

/** Was the claim of an ephemeral volume made for this pod? */
export const isOwnClaim = (pod: Pod, { metadata }: PersistentVolumeClaim): boolean =>
  metadata?.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.metadata?.uid) ?? false;

/** Does one of the pod's volumes name this claim? */
export const namesClaim = (pod: Pod, claim: PersistentVolumeClaim | undefined): boolean =>
  claim !== undefined &&
  claim.metadata?.namespace === pod.metadata?.namespace &&
  claimsOf(pod).some(({ name }) => name === claim.metadata?.name);

export const hasClaims = (pod: Pod): boolean => claimsOf(pod).length > 0;

/** The volume that a claim is fully bound to. */
export function boundVolumeName(claim: PersistentVolumeClaim): string | undefined {
  const complete = claim.metadata?.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;
  return complete && claim.spec?.volumeName ? claim.spec.volumeName : undefined;
}
