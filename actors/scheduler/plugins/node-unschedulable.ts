/** Cordoned nodes take only pods that tolerate it. @see plugins/nodeunschedulable/node_unschedulable.go */
import type { Node, Taint } from '../../../src/api/index.ts';
import { Action, type PluginDefinition, skip, tolerates, unresolvable } from '../../../src/scheduling/index.ts';

const name = 'NodeUnschedulable';
const cordoned = unresolvable('node(s) were unschedulable');
const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    // Asked once a pod instead of once a node: nothing is cordoned, or the pod does not mind.
    preFilter: (_cycle, info) =>
      nodes.unschedulableCount === 0 || info.tolerations.some((toleration) => tolerates(toleration, taint))
        ? skip
        : undefined,
    sign: (info) => `${info.tolerations.some((toleration) => tolerates(toleration, taint))}`,
    filter: (_cycle, _info, row) => (nodes.unschedulable[row] === 0 ? undefined : cordoned),
    filterRows(_cycle, _info, rows, count, failed, mark) {
      const { unschedulable } = nodes;
      for (let i = 0; i < count; i++) if (failed[i] === 0 && unschedulable[rows[i]!] !== 0) failed[i] = mark;
    },
    events: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeTaint,
        // It came without being cordoned, or was let go.
        hint: (_info, previous, current) =>
          !(current as Node | undefined)?.spec?.unschedulable &&
          (previous === undefined || (previous as Node).spec?.unschedulable === true),
      },
      {
        resource: 'TargetPod',
        action: Action.UpdatePodToleration,
        hint: (info) => info.tolerations.some((toleration) => tolerates(toleration, taint)),
      },
    ],
  }),
};
