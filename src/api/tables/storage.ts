/** Tables of volumes, claims and storage.k8s.io. @see pkg/printers/internalversion/printers.go */
import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types.ts';
import { ageColumn, ageOf, column, isTerminating, nameColumn, nameOf, tableOf } from './columns.ts';

const core = (type: string) => `io.k8s.api.core.v1.${type}`;
const storage = (type: string) => `io.k8s.api.storage.v1.${type}`;
const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

export const persistentVolumeTable = tableOf<PersistentVolume>({
  columns: [
    nameColumn,
    column('Capacity', 'string', [core('PersistentVolumeSpec'), 'capacity']),
    column('Access Modes', 'string', [core('PersistentVolumeSpec'), 'accessModes']),
    column('Reclaim Policy', 'string', [core('PersistentVolumeSpec'), 'persistentVolumeReclaimPolicy']),
    column('Status', 'string', [core('PersistentVolumeStatus'), 'phase']),
    column('Claim', 'string', [core('PersistentVolumeSpec'), 'claimRef']),
    column('StorageClass', 'string', 'StorageClass of the pv'),
    column('VolumeAttributesClass', 'string', 'VolumeAttributesClass of the pv'),
    column('Reason', 'string', [core('PersistentVolumeStatus'), 'reason']),
    ageColumn,
    column('VolumeMode', 'string', [core('PersistentVolumeSpec'), 'volumeMode'], 1),
  ],
  row(volume, context) {
    const { spec = {}, status = {} } = volume;
    const claim = spec.claimRef;
    return [
      nameOf(volume),
      spec.capacity?.storage ?? '0',
      accessModes(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      isTerminating(volume) ? 'Terminating' : (status.phase ?? ''),
      claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      volume.metadata?.annotations?.[betaClassAnnotation] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>',
      status.reason ?? '',
      ageOf(volume, context),
      spec.volumeMode ?? '<unset>',
    ];
  },
});

export const persistentVolumeClaimTable = tableOf<PersistentVolumeClaim>({
  columns: [
    nameColumn,
    column('Status', 'string', [core('PersistentVolumeClaimStatus'), 'phase']),
    column('Volume', 'string', [core('PersistentVolumeClaimSpec'), 'volumeName']),
    column('Capacity', 'string', [core('PersistentVolumeClaimStatus'), 'capacity']),
    column('Access Modes', 'string', [core('PersistentVolumeClaimStatus'), 'accessModes']),
    column('StorageClass', 'string', 'StorageClass of the pvc'),
    column('VolumeAttributesClass', 'string', 'VolumeAttributesClass of the pvc'),
    ageColumn,
    column('VolumeMode', 'string', [core('PersistentVolumeClaimSpec'), 'volumeMode'], 1),
  ],
  row(claim, context) {
    const { spec = {}, status = {} } = claim;
    const bound = Boolean(spec.volumeName);
    return [
      nameOf(claim),
      isTerminating(claim) ? 'Terminating' : (status.phase ?? ''),
      spec.volumeName ?? '',
      bound ? (status.capacity?.storage ?? '0') : '',
      bound ? accessModes(status.accessModes) : '',
      claim.metadata?.annotations?.[betaClassAnnotation] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>',
      ageOf(claim, context),
      spec.volumeMode ?? '<unset>',
    ];
  },
});

const accessModeLetters: readonly (readonly [mode: string, letters: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** Each mode once, in a fixed order. */
function accessModes(modes: readonly string[] | undefined): string {
  return accessModeLetters
    .filter(([mode]) => modes?.includes(mode))
    .map(([, letters]) => letters)
    .join(',');
}

export const storageClassTable = tableOf<StorageClass>({
  columns: [
    nameColumn,
    column('Provisioner', 'string', [storage('StorageClass'), 'provisioner']),
    column('ReclaimPolicy', 'string', [storage('StorageClass'), 'reclaimPolicy']),
    column('VolumeBindingMode', 'string', [storage('StorageClass'), 'volumeBindingMode']),
    column('AllowVolumeExpansion', 'string', [storage('StorageClass'), 'allowVolumeExpansion']),
    ageColumn,
  ],
  row(storageClass, context) {
    const annotations = storageClass.metadata?.annotations ?? {};
    const isDefault =
      annotations['storageclass.kubernetes.io/is-default-class'] === 'true' ||
      annotations['storageclass.beta.kubernetes.io/is-default-class'] === 'true';
    return [
      nameOf(storageClass) + (isDefault ? ' (default)' : ''),
      storageClass.provisioner ?? '',
      storageClass.reclaimPolicy ?? 'Delete',
      storageClass.volumeBindingMode ?? 'Immediate',
      storageClass.allowVolumeExpansion ?? false,
      ageOf(storageClass, context),
    ];
  },
});

export const volumeAttributesClassTable = tableOf<VolumeAttributesClass>({
  columns: [nameColumn, column('DriverName', 'string', [storage('VolumeAttributesClass'), 'driverName']), ageColumn],
  row(attributesClass, context) {
    const isDefault =
      attributesClass.metadata?.annotations?.['volumeattributesclass.alpha.kubernetes.io/is-default-class'] === 'true';
    return [
      nameOf(attributesClass) + (isDefault ? ' (default)' : ''),
      attributesClass.driverName ?? '',
      ageOf(attributesClass, context),
    ];
  },
});

export const volumeAttachmentTable = tableOf<VolumeAttachment>({
  columns: [
    nameColumn,
    column('Attacher', 'string', [storage('VolumeAttachmentSpec'), 'attacher'], 0, 'name'),
    column('PV', 'string', [storage('VolumeAttachmentSource'), 'persistentVolumeName']),
    column('Node', 'string', [storage('VolumeAttachmentSpec'), 'nodeName']),
    column('Attached', 'boolean', [storage('VolumeAttachmentStatus'), 'attached']),
    ageColumn,
  ],
  row: (attachment, context) => [
    nameOf(attachment),
    attachment.spec?.attacher ?? '',
    attachment.spec?.source?.persistentVolumeName ?? '',
    attachment.spec?.nodeName ?? '',
    attachment.status?.attached ?? false,
    ageOf(attachment, context),
  ],
});

export const csiNodeTable = tableOf<CSINode>({
  columns: [
    nameColumn,
    column('Drivers', 'integer', 'Drivers indicates the number of CSI drivers registered on the node'),
    ageColumn,
  ],
  row: (node, context) => [nameOf(node), node.spec?.drivers?.length ?? 0, ageOf(node, context)],
});

export const csiDriverTable = tableOf<CSIDriver>({
  columns: [
    nameColumn,
    column('AttachRequired', 'boolean', [storage('CSIDriverSpec'), 'attachRequired']),
    column('PodInfoOnMount', 'boolean', [storage('CSIDriverSpec'), 'podInfoOnMount']),
    column('StorageCapacity', 'boolean', [storage('CSIDriverSpec'), 'storageCapacity']),
    column('TokenRequests', 'string', [storage('CSIDriverSpec'), 'tokenRequests']),
    column('RequiresRepublish', 'boolean', [storage('CSIDriverSpec'), 'requiresRepublish']),
    column('Modes', 'string', [storage('CSIDriverSpec'), 'volumeLifecycleModes']),
    ageColumn,
  ],
  row(driver, context) {
    const spec = driver.spec ?? {};
    return [
      nameOf(driver),
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      spec.tokenRequests === undefined ? '<unset>' : spec.tokenRequests.map(({ audience }) => audience).join(','),
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
      ageOf(driver, context),
    ];
  },
});
