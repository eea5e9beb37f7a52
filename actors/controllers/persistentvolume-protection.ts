/**
 * persistentvolume-protection-controller: a volume that is being deleted stays, by its finalizer, as long as it is bound.
 *
 * @see kubernetes/pkg/controller/volume/pvprotection
 */
import { isNotFound } from '../../src/api/index.ts';
import { persistentVolumes } from '../../src/client/index.ts';
import type { ControllerDefinition } from '../../src/controller/index.ts';

const finalizer = 'kubernetes.io/pv-protection';

export const persistentVolumeProtectionController: ControllerDefinition = {
  name: 'persistentvolume-protection-controller',
  queue: 'pvprotection',
  serviceAccount: 'pv-protection-controller',
  reconciles: persistentVolumes,
  create({ client, lister }) {
    const volumes = lister(persistentVolumes);
    return {
      async reconcile(name) {
        const volume = volumes.get(undefined, name);
        if (volume === undefined) return undefined;
        const finalizers = volume.metadata?.finalizers ?? [];
        const deleting = volume.metadata?.deletionTimestamp !== undefined;
        if (finalizers.includes(finalizer) !== deleting) return undefined;
        if (deleting && volume.status?.phase === 'Bound') return undefined;
        const wanted = deleting ? finalizers.filter((other) => other !== finalizer) : [...finalizers, finalizer];
        const metadata = { ...volume.metadata, finalizers: wanted };
        try {
          await client.update(persistentVolumes, { ...volume, metadata });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
