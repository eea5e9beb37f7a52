/**
 * ExtendedResourceToleration: pods that ask for a device tolerate the taint of the nodes that have it.
 * @see plugin/pkg/admission/extendedresourcetoleration/admission.go
 */
import type { AdmissionPlugin } from './plugin.ts';
import { mergeTolerations, type Toleration } from './tolerations.ts';

interface Container {
  resources?: { requests?: Record<string, string> };
}

interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  tolerations?: Toleration[];
}

export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate({ object }) {
    const spec = object?.['spec'] as PodSpec | undefined;
    if (spec === undefined) return;
    const names = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
      .flatMap(({ resources }) => Object.keys(resources?.requests ?? {}))
      .filter(isExtended);
    if (names.length === 0) return;
    const added = [...new Set(names)].sort().map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' }));
    spec.tolerations = mergeTolerations(spec.tolerations ?? [], added);
  },
};

/** `nvidia.com/gpu`, and neither a resource of Kubernetes itself nor a quota's name. */
function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}
