/**
 * DefaultTolerationSeconds: pods stay for five minutes on a node that is not ready or cannot be reached.
 * @see plugin/pkg/admission/defaulttolerationseconds/admission.go
 */
import type { AdmissionPlugin } from './plugin.ts';

interface Toleration {
  key?: string;
  operator?: string;
  effect?: string;
  tolerationSeconds?: number;
}

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const SECONDS = 300;

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate({ object }) {
    const spec = object?.['spec'] as { tolerations?: Toleration[] } | undefined;
    if (spec === undefined) return;
    const tolerations = spec.tolerations ?? [];
    const missing = [NOT_READY, UNREACHABLE].filter(
      (key) => !tolerations.some((toleration) => covers(toleration, key)),
    );
    if (missing.length === 0) return;
    spec.tolerations = [
      ...tolerations,
      ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS })),
    ];
  },
};

function covers({ key, effect }: Toleration, taint: string): boolean {
  return (
    (key === undefined || key === '' || key === taint) &&
    (effect === undefined || effect === '' || effect === 'NoExecute')
  );
}
