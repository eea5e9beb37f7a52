/**
 * persistentvolumeclaim-protection-controller: a claim that is being deleted stays, by its finalizer, as long as a pod uses
 * it.
 *
 * @see kubernetes/pkg/controller/volume/pvcprotection
 */
import { isNotFound, type Pod } from '../../src/api/index.ts';
import { persistentVolumeClaims, pods } from '../../src/client/index.ts';
import { type ControllerDefinition, isPodFinished, keyFor, splitKey } from '../../src/controller/index.ts';

const finalizer = 'kubernetes.io/pvc-protection';
const claimIndex = 'claims';

/** Claims that a pod uses, those of its ephemeral volumes included. */
function claimsOf(pod: Pod): readonly string[] {
  const { name, namespace } = pod.metadata ?? {};
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return `${namespace}/${volume.persistentVolumeClaim.claimName}`;
    return volume.ephemeral === undefined ? [] : `${namespace}/${name}-${volume.name}`;
  });
}

export const persistentVolumeClaimProtectionController: ControllerDefinition = {
  name: 'persistentvolumeclaim-protection-controller',
  serviceAccount: 'pvc-protection-controller',
  reconciles: persistentVolumeClaims,
  interests: [{ resource: pods, interest: 'claiming' }],
  create({ client, enqueue, index, lister, observe }) {
    const claimLister = lister(persistentVolumeClaims);
    const podLister = lister(pods);
    index(pods, claimIndex, claimsOf);
    observe(pods, ({ type, object: pod }) => {
      if (type === 'deleted' || isPodFinished(pod)) for (const key of claimsOf(pod)) enqueue(key);
    });
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const claim = claimLister.get(namespace, name);
        if (claim === undefined) return undefined;
        const finalizers = claim.metadata?.finalizers ?? [];
        const deleting = claim.metadata?.deletionTimestamp !== undefined;
        if (finalizers.includes(finalizer) !== deleting) return undefined;
        const inUse = podLister
          .byIndex(claimIndex, keyFor(claim))
          .some((pod) => pod.spec?.nodeName !== undefined && !(isPodFinished(pod) && pod.metadata?.deletionTimestamp));
        if (deleting && inUse) return undefined;
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
