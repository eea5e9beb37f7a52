/**
 * PodGroupProtection: pod groups get the finalizer that keeps them while pods name them. They are served only where they are
 * switched on.
 * @see plugin/pkg/admission/scheduling/podgroupprotection/admission.go
 */
import type { AdmissionPlugin } from './plugin.ts';

const FINALIZER = 'scheduling.k8s.io/podgroup-protection';

export const podGroupProtection: AdmissionPlugin = {
  name: 'PodGroupProtection',
  handles: ({ group, plural }, operation, subresource) =>
    group === 'scheduling.k8s.io' && plural === 'podgroups' && operation === 'CREATE' && subresource === '',
  mutate({ object }) {
    if (object === undefined) return;
    const finalizers = (object.metadata['finalizers'] as string[] | undefined) ?? [];
    if (!finalizers.includes(FINALIZER)) object.metadata['finalizers'] = [...finalizers, FINALIZER];
  },
};
