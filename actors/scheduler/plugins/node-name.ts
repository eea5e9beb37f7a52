/** A pod that names its node fits that node only. @see plugins/nodename/node_name.go */
import { Action, type PluginDefinition, skip, unresolvable } from '../../../src/scheduling/index.ts';

const name = 'NodeName';
const mismatch = unresolvable("node(s) didn't match the requested node name");

export const nodeName: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    preFilter: (_cycle, { pod }) => (pod.spec?.nodeName ? undefined : skip),
    sign: ({ pod }) => pod.spec?.nodeName ?? '',
    filter: (_cycle, { pod }, row) => (pod.spec?.nodeName === nodes.names[row] ? undefined : mismatch),
    events: () => [{ resource: 'Node', action: Action.Add }],
  }),
};
