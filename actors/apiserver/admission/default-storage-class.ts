/**
 * DefaultStorageClass: claims that name no class get the one that is marked as the default; of several, the newest.
 * @see plugin/pkg/admission/storage/storageclass/setdefault/admission.go
 */
import { newestDefault } from './newest-default.ts';
import type { AdmissionPlugin } from './plugin.ts';

const BETA = 'volume.beta.kubernetes.io/storage-class';

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/persistentvolumeclaims' && operation === 'CREATE' && subresource === '',
  mutate({ object }, server) {
    const spec = object?.['spec'] as { storageClassName?: string } | undefined;
    if (spec === undefined || spec.storageClassName !== undefined) return;
    const annotations = object?.metadata.annotations as Readonly<Record<string, string>> | undefined;
    if (annotations?.[BETA] !== undefined) return;
    const name = newestDefault(server.caches.cacheOf('/registry/storageclasses', false), [
      'storageclass.kubernetes.io/is-default-class',
      'storageclass.beta.kubernetes.io/is-default-class',
    ]);
    if (name !== undefined) spec.storageClassName = name;
  },
};
