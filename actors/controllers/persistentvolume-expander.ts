/**
 * persistentvolume-expander-controller: tells whoever asks for a larger volume who enlarges it. All volumes are of drivers
 * outside this controller; those of the simulated one are enlarged by the controller that provisions them.
 *
 * @see kubernetes/pkg/controller/volume/expand/expand_controller.go
 */
import { compareQuantities, type PersistentVolumeClaim } from '../../src/api/index.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../src/client/index.ts';
import { type ControllerDefinition, keyFor, splitKey } from '../../src/controller/index.ts';

const askedOf = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.['storage'] ?? '0';

export const persistentVolumeExpanderController: ControllerDefinition = {
  name: 'persistentvolume-expander-controller',
  queue: 'volume_expand',
  component: 'volume_expand',
  serviceAccount: 'expand-controller',
  reads: [persistentVolumes],
  create({ events, enqueue, lister, observe }) {
    const claims = lister(persistentVolumeClaims);
    const volumes = lister(persistentVolumes);
    observe(persistentVolumeClaims, (change) => {
      if (change.type !== 'updated') return;
      if (compareQuantities(askedOf(change.object), askedOf(change.previous)) > 0) enqueue(keyFor(change.object));
    });
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const claim = claims.get(namespace, name);
        const volume = volumes.get(undefined, claim?.spec?.volumeName ?? '');
        if (claim === undefined || volume === undefined || claim.status?.phase !== 'Bound') return undefined;
        if (compareQuantities(askedOf(claim), claim.status.capacity?.['storage'] ?? '0') <= 0) return undefined;
        const about = { ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
        events.event(about, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC');
        return undefined;
      },
    };
  },
};
