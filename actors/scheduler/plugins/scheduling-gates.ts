/** PreEnqueue: a pod with scheduling gates waits until they are gone. @see plugins/schedulinggates/scheduling_gates.go */
import { Action, type PluginDefinition, unresolvable } from '../../../src/scheduling/index.ts';

const name = 'SchedulingGates';

export const schedulingGates: PluginDefinition = {
  name,
  create: () => ({
    name,
    preEnqueue({ pod }) {
      const gates = pod.spec?.schedulingGates;
      if (!gates?.length) return undefined;
      return unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`);
    },
    events: () => [
      {
        resource: 'TargetPod',
        action: Action.UpdatePodSchedulingGatesEliminated,
        hint: (info) => !info.pod.spec?.schedulingGates?.length,
      },
    ],
  }),
};
