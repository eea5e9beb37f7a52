/** The kinds of `storage.k8s.io/v1`. */
import { rowsOf, STATUS } from './row.ts';
import type { KindDefinition } from './types.ts';

const storage = rowsOf('storage.k8s.io', 'v1', 'io.k8s.api.storage.v1');

/** All resources of storage.k8s.io/v1, in alphabetical order. */
export const storageKinds: readonly KindDefinition[] = [
  storage('CSIDriver', { plural: 'csidrivers', namespaced: false }),
  storage('CSINode', { plural: 'csinodes', namespaced: false }),
  storage('CSIStorageCapacity', { plural: 'csistoragecapacities' }),
  storage('StorageClass', { plural: 'storageclasses', namespaced: false, shortNames: ['sc'] }),
  storage('VolumeAttachment', { plural: 'volumeattachments', namespaced: false, subresources: [STATUS] }),
  storage('VolumeAttributesClass', { plural: 'volumeattributesclasses', namespaced: false, shortNames: ['vac'] }),
];
