/**
 * What makes pods special among the kinds: their defaults, their first status, what each of their subresources may change, and how long
 * a deleted one lives on.
 * @see pkg/registry/core/pod/strategy.go
 */
import type { Pod, PodCondition } from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import { syncAppArmor } from './pod-apparmor.ts';
import { defaultPod } from './pod-defaults.ts';
import { dropPodFields } from './pod-dropped-fields.ts';
import { mergeMatchLabelKeys } from './pod-match-label-keys.ts';
import { podQosClass } from './pod-qos.ts';
import { prepareEphemeralContainers, prepareResize } from './pod-subresources.ts';
import { podWarnings } from './pod-warnings.ts';

export const podStrategy = strategyOf<Pod>({
  defaults: defaultPod,
  generation: true,

  initialStatus(pod: Pod) {
    return { phase: 'Pending', qosClass: podQosClass(pod) };
  },

  prepareForCreate(pod: Pod, { now, warn }) {
    dropPodFields(pod.spec, undefined);
    if (pod.spec?.schedulingGates?.length) {
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        // Upstream's type has no way to leave it out.
        lastProbeTime: null,
        lastTransitionTime: now,
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      };
      pod.status!.conditions = [condition as unknown as PodCondition];
    }
    mergeMatchLabelKeys(pod);
    syncAppArmor(pod, warn);
  },

  prepareForUpdate: (pod: Pod, previous: Pod) => dropPodFields(pod.spec, previous.spec),

  status: {
    // Labels and annotations may be written through status; kubelets of old corrupted owner references.
    keptMetadata: ['ownerReferences'],
    prepareForUpdate(pod: Pod, previous: Pod) {
      pod.status ??= {};
      if (!pod.status.qosClass && previous.status?.qosClass !== undefined)
        pod.status.qosClass = previous.status.qosClass;
      keepObservedGeneration(pod, previous);
    },
  },

  subresources: {
    ephemeralcontainers: { prepareForUpdate: prepareEphemeralContainers },
    resize: { prepareForUpdate: prepareResize },
  },

  warnings: podWarnings,

  gracePeriodSeconds(pod: Pod, requested) {
    const phase = pod.status?.phase;
    if (!pod.spec?.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0;
    const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
});

/** Writers that do not know observedGeneration do not wipe it. */
function keepObservedGeneration(pod: Pod, previous: Pod): void {
  if (pod.status === undefined || previous.status === undefined) return;
  if (!pod.status.observedGeneration && previous.status.observedGeneration !== undefined) {
    pod.status.observedGeneration = previous.status.observedGeneration;
  }
  if (pod.status.conditions === undefined || previous.status.conditions === undefined) return;
  for (const condition of pod.status.conditions) {
    if (condition.observedGeneration) continue;
    const before = previous.status.conditions.find((other: PodCondition) => other.type === condition.type);
    if (before?.observedGeneration !== undefined) condition.observedGeneration = before.observedGeneration;
  }
}

/** Field labels of pods. @see pkg/registry/core/pod/strategy.go ToSelectableFields */
export const podSelectableFields = selectableFieldsOf<Pod>({
  'spec.nodeName': (pod: Pod) => pod.spec?.nodeName ?? '',
  'spec.restartPolicy': (pod: Pod) => pod.spec?.restartPolicy ?? '',
  'spec.schedulerName': (pod: Pod) => pod.spec?.schedulerName ?? '',
  'spec.serviceAccountName': (pod: Pod) => pod.spec?.serviceAccountName ?? '',
  'spec.hostNetwork': (pod: Pod) => String(pod.spec?.hostNetwork === true),
  'status.phase': (pod: Pod) => pod.status?.phase ?? '',
  'status.podIP': (pod: Pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
  'status.podIPs': (pod: Pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
  'status.nominatedNodeName': (pod: Pod) => pod.status?.nominatedNodeName ?? '',
});
