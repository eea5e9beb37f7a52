/** The kinds of `storage.k8s.io/v1`. */
import {
  csiDriverTable,
  csiNodeTable,
  storageClassTable,
  volumeAttachmentTable,
  volumeAttributesClassTable,
} from '../tables/storage.ts';
import { rowsOf, STATUS } from './row.ts';
import {
  csiDriverStrategy,
  csiNodeStrategy,
  csiStorageCapacityStrategy,
  storageClassStrategy,
  volumeAttachmentStrategy,
} from './strategies/storage.ts';
import type { KindDefinition } from './types.ts';

const storage = rowsOf('storage.k8s.io', 'v1', 'io.k8s.api.storage.v1');

/** All resources of storage.k8s.io/v1, in alphabetical order. */
export const storageKinds: readonly KindDefinition[] = [
  storage('CSIDriver', { plural: 'csidrivers', namespaced: false, strategy: csiDriverStrategy, table: csiDriverTable }),
  storage('CSINode', { plural: 'csinodes', namespaced: false, strategy: csiNodeStrategy, table: csiNodeTable }),
  storage('CSIStorageCapacity', { plural: 'csistoragecapacities', strategy: csiStorageCapacityStrategy }),
  storage('StorageClass', {
    plural: 'storageclasses',
    namespaced: false,
    shortNames: ['sc'],
    strategy: storageClassStrategy,
    table: storageClassTable,
  }),
  storage('VolumeAttachment', {
    plural: 'volumeattachments',
    namespaced: false,
    subresources: [STATUS],
    strategy: volumeAttachmentStrategy,
    table: volumeAttachmentTable,
  }),
  storage('VolumeAttributesClass', {
    plural: 'volumeattributesclasses',
    namespaced: false,
    shortNames: ['vac'],
    table: volumeAttributesClassTable,
  }),
];
