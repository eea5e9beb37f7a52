/**
 * TaintNodesByCondition: a new node takes no pods until the node lifecycle controller has seen it ready.
 * @see plugin/pkg/admission/nodetaint/admission.go
 */
import type { AdmissionPlugin } from './plugin.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/minions' && operation === 'CREATE' && subresource === '',
  mutate({ object }) {
    if (object === undefined) return;
    const spec = (object['spec'] ?? {}) as { taints?: { key: string; effect: string }[] };
    object['spec'] = spec;
    const taints = spec.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule')) return;
    spec.taints = [...taints, { key: NOT_READY, effect: 'NoSchedule' }];
  },
};
