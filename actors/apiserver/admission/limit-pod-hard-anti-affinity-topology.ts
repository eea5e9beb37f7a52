/**
 * LimitPodHardAntiAffinityTopology: a pod may keep others off its node, and off nothing larger.
 * @see plugin/pkg/admission/antiaffinity/admission.go
 */
import type { Pod } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';

const HOSTNAME = 'kubernetes.io/hostname';

export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  validate(attributes) {
    const terms = (attributes.object as Pod | undefined)?.spec?.affinity?.podAntiAffinity;
    for (const { topologyKey } of terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (topologyKey === HOSTNAME) continue;
      const text = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${HOSTNAME} is allowed`;
      throw refusal(attributes, text);
    }
  },
};
