/**
 * Who owns the claims of a StatefulSet's pods, by its retention policy: nobody, the set (claims go when it goes), or a pod that is
 * scaled away (its claims go with it). Claims that others manage, or that an earlier set or pod of the same name left, are not
 * touched. Pure functions.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_utils.go
 */
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../api/index.ts';
import { pods, type Resource, statefulSets } from '../client/index.ts';
import { controllerReferenceTo } from './owner-references.ts';
import { isWanted } from './stateful-pods.ts';

/** The two that may own a claim, as references; the uid of a pod that is not made yet is empty. */
interface Owners {
  readonly set: OwnerReference;
  readonly pod: OwnerReference;
}

const ownersOf = (set: StatefulSet, pod: Pod): Owners => ({
  set: controllerReferenceTo(set, statefulSets as Resource),
  pod: controllerReferenceTo(pod, pods as Resource),
});

const names = (reference: OwnerReference, owner: OwnerReference): boolean =>
  reference.apiVersion === owner.apiVersion && reference.kind === owner.kind && reference.name === owner.name;

const referencesOf = (claim: PersistentVolumeClaim): readonly OwnerReference[] => claim.metadata?.ownerReferences ?? [];

const isOwnedBy = (claim: PersistentVolumeClaim, { uid }: OwnerReference): boolean =>
  referencesOf(claim).some((reference) => reference.uid === uid);

/** Whether the first reference by the owner's name means another that had the name before. */
function hasStaleOwner(claim: PersistentVolumeClaim, owner: OwnerReference): boolean {
  const found = referencesOf(claim).find((reference) => names(reference, owner));
  return found !== undefined && found.uid !== owner.uid;
}

function policyOf(set: StatefulSet) {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return { whenDeleted, whenScaled };
}

/** Whether a claim of a pod that is still to be made is about to go with the pod of that name before: the new one must wait. */
export function isStaleClaim(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  return policyOf(set).whenScaled !== 'Retain' && hasStaleOwner(claim, ownersOf(set, pod).pod);
}

/** Whether somebody else manages the claim, though the set's policy would have it managed by the set. */
export function hasUnexpectedController(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const { whenDeleted, whenScaled } = policyOf(set);
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false;
  const owners = ownersOf(set, pod);
  return referencesOf(claim).some((reference) => {
    const ours = [owners.set, owners.pod].find((owner) => names(reference, owner));
    return ours === undefined ? reference.controller === true : reference.uid !== ours.uid;
  });
}

function wantedOwner(set: StatefulSet, pod: Pod): keyof Owners | undefined {
  const { whenDeleted, whenScaled } = policyOf(set);
  if (whenScaled === 'Delete' && !isWanted(set, pod)) return 'pod';
  return whenDeleted === 'Delete' ? 'set' : undefined;
}

/** Whether the owners of a claim are as the policy wants them, or must not be touched. */
export function isClaimOwnerUpToDate(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const owners = ownersOf(set, pod);
  if (hasStaleOwner(claim, owners.set) || hasStaleOwner(claim, owners.pod)) return true;
  const [bySet, byPod] = [isOwnedBy(claim, owners.set), isOwnedBy(claim, owners.pod)];
  if (hasUnexpectedController(claim, set, pod)) return !bySet && !byPod;
  const isOurs = ({ uid }: OwnerReference) => uid === owners.set.uid || uid === owners.pod.uid;
  if (referencesOf(claim).some((reference) => isOurs(reference) && reference.controller !== true)) return false;
  const wanted = wantedOwner(set, pod);
  return bySet === (wanted === 'set') && byPod === (wanted === 'pod');
}

/** The references of a claim as the policy wants them; next to another controller neither set nor pod stays. */
export function claimOwners(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): OwnerReference[] {
  const owners = ownersOf(set, pod);
  const others = referencesOf(claim).filter(
    (reference) => !names(reference, owners.set) && !names(reference, owners.pod),
  );
  const wanted = hasUnexpectedController(claim, set, pod) ? undefined : wantedOwner(set, pod);
  if (wanted === undefined || others.some(({ uid }) => uid === owners[wanted].uid)) return others;
  return [...others, owners[wanted]];
}
