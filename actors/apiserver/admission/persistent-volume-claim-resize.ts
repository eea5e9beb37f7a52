/**
 * PersistentVolumeClaimResize: a claim grows only where its storage class lets it.
 * @see plugin/pkg/admission/storage/persistentvolume/resize/admission.go
 */
import { compareQuantities, type PersistentVolumeClaim } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';

const BETA = 'volume.beta.kubernetes.io/storage-class';

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/persistentvolumeclaims' && operation === 'UPDATE' && subresource === '',
  validate(attributes, server) {
    const claim = attributes.object as PersistentVolumeClaim | undefined;
    const before = attributes.previous as PersistentVolumeClaim | undefined;
    if (compareQuantities(sizeOf(claim), sizeOf(before)) <= 0) return;
    if (before?.status?.phase !== 'Bound') {
      throw refusal(attributes, 'Only bound persistent volume claims can be expanded');
    }
    if (mayGrow(classOf(claim), classOf(before), server)) return;
    throw refusal(
      attributes,
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  },
};

function sizeOf(claim: PersistentVolumeClaim | undefined): string {
  return claim?.spec?.resources?.requests?.['storage'] ?? '0';
}

function classOf(claim: PersistentVolumeClaim | undefined): string {
  return claim?.metadata?.annotations?.[BETA] ?? claim?.spec?.storageClassName ?? '';
}

function mayGrow(name: string, before: string, server: Server): boolean {
  if (name === '' || before === '' || name !== before) return false;
  const cache = server.caches.cacheOf('/registry/storageclasses', false);
  return cache.get(cache.keyOf(undefined, name))?.object['allowVolumeExpansion'] === true;
}
