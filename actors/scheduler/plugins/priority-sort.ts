/** QueueSort by priority, then by time in the queue. @see plugins/queuesort/priority_sort.go */
import type { PluginDefinition } from '../../../src/scheduling/index.ts';

export const prioritySort: PluginDefinition = {
  name: 'PrioritySort',
  create: () => ({
    name: 'PrioritySort',
    less: (a, b) =>
      a.info.priority > b.info.priority || (a.info.priority === b.info.priority && a.queuedAtMs < b.queuedAtMs),
  }),
};
