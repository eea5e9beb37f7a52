/**
 * persistentvolumeclaim-protection-controller: a claim that is being deleted stays, by its finalizer, as long as a pod uses
 * it.
 *
 * @see kubernetes/pkg/controller/volume/pvcprotection
 */
import { isNotFound, type PersistentVolumeClaim, type Pod } from '../../src/api/index.ts';
import { persistentVolumeClaims, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  isPodTerminated,
  keyFor,
  splitKey,
  volumeClaimIndex,
  volumeClaimsOf,
} from '../../src/controller/index.ts';

const finalizer = 'kubernetes.io/pvc-protection';
/**
 * Whether the pod keeps the claim: for a claim that it names, as long as it is there, even when it has ended; for that of an
 * ephemeral volume, until its kubelet is done with it.
 */
function holds({ metadata, spec }: Pod, claim: PersistentVolumeClaim): boolean {
  if ((spec?.nodeName ?? '') === '') return false;
  const { name, ownerReferences } = claim.metadata ?? {};
  if (spec?.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name)) return true;
  if (metadata?.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0) return false;
  return ownerReferences?.some(({ controller, uid }) => controller === true && uid === metadata?.uid) === true;
}

export const persistentVolumeClaimProtectionController: ControllerDefinition = {
  name: 'persistentvolumeclaim-protection-controller',
  queue: 'pvcprotection',
  serviceAccount: 'pvc-protection-controller',
  reconciles: persistentVolumeClaims,
  interests: [{ resource: pods, interest: 'claiming' }],
  create({ client, enqueue, index, lister, observe }) {
    const claimLister = lister(persistentVolumeClaims);
    const podLister = lister(pods);
    index(pods, volumeClaimIndex, volumeClaimsOf);
    observe(pods, ({ type, object: pod }) => {
      if (type === 'deleted' || isPodTerminated(pod)) for (const key of volumeClaimsOf(pod)) enqueue(key);
    });
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const claim = claimLister.get(namespace, name);
        if (claim === undefined) return undefined;
        const finalizers = claim.metadata?.finalizers ?? [];
        const deleting = claim.metadata?.deletionTimestamp !== undefined;
        if (finalizers.includes(finalizer) !== deleting) return undefined;
        const users = podLister.byIndex(volumeClaimIndex, keyFor(claim));
        if (deleting && users.some((pod) => holds(pod, claim))) return undefined;
        const wanted = deleting ? finalizers.filter((other) => other !== finalizer) : [...finalizers, finalizer];
        const metadata = { ...claim.metadata, finalizers: wanted };
        try {
          await client.update(persistentVolumeClaims, { ...claim, metadata });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
