/**
 * Devices by claim. Claims are not allocated by this scheduler yet: pods that ask for them are told so and wait; for all
 * others the plugin only has its word in PostFilter, as upstream's has. @see plugins/dynamicresources
 */
import { type PluginDefinition, skip, unresolvable, unschedulable } from '../../../src/scheduling/index.ts';

const name = 'DynamicResources';
const unsupported = unresolvable('resource claims are not allocated by this scheduler');
const nothingToFree = unschedulable('no new claims to deallocate');

export const dynamicResources: PluginDefinition = {
  name,
  create: () => ({
    name,
    preFilter: (_cycle, { pod }) => (pod.spec?.resourceClaims?.length ? unsupported : skip),
    filter: () => undefined,
    postFilter: () => ({ verdict: nothingToFree }),
    events: () => [{ resource: 'TargetPod', action: 0 }],
  }),
};
