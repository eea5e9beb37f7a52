/**
 * StorageObjectInUseProtection: volumes, claims and attributes classes get the finalizer that keeps them while they
 * are used.
 * @see plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go
 */
import type { AdmissionPlugin } from './plugin.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  '/registry/persistentvolumes': 'kubernetes.io/pv-protection',
  '/registry/persistentvolumeclaims': 'kubernetes.io/pvc-protection',
  '/registry/volumeattributesclasses': 'kubernetes.io/vac-protection',
};

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (kind, operation, subresource) =>
    FINALIZERS[kind.storagePrefix] !== undefined && operation === 'CREATE' && subresource === '',
  mutate({ kind, object }) {
    const finalizer = FINALIZERS[kind.storagePrefix];
    if (object === undefined || finalizer === undefined) return;
    const finalizers = (object.metadata['finalizers'] as string[] | undefined) ?? [];
    if (!finalizers.includes(finalizer)) object.metadata['finalizers'] = [...finalizers, finalizer];
  },
};
