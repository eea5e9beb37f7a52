/**
 * DefaultIngressClass: ingresses that name no class get the one that is marked as the default; of several, the newest.
 * @see plugin/pkg/admission/network/defaultingressclass/admission.go
 */
import { newestDefault } from './newest-default.ts';
import type { AdmissionPlugin } from './plugin.ts';

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/ingress' && operation === 'CREATE' && subresource === '',
  mutate({ object }, server) {
    const spec = object?.['spec'] as { ingressClassName?: string } | undefined;
    if (spec === undefined || spec.ingressClassName !== undefined) return;
    const annotations = object?.metadata.annotations as Readonly<Record<string, string>> | undefined;
    if (annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const name = newestDefault(server.caches.cacheOf('/registry/ingressclasses', false), [
      'ingressclass.kubernetes.io/is-default-class',
    ]);
    if (name !== undefined) spec.ingressClassName = name;
  },
};
