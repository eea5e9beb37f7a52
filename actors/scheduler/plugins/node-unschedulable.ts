/** Cordoned nodes take only pods that tolerate it. @see plugins/nodeunschedulable/node_unschedulable.go */
import type { Node, Taint, Toleration } from '../../../src/api/index.ts';
import {
  Action,
  type PluginDefinition,
  rememberLast,
  skip,
  tolerates,
  unresolvable,
} from '../../../src/scheduling/index.ts';

const name = 'NodeUnschedulable';
const cordoned = unresolvable('node(s) were unschedulable');
const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const isTolerated = rememberLast((tolerations: readonly Toleration[]) =>
  tolerations.some((toleration) => tolerates(toleration, taint)),
);

export const nodeUnschedulable: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    // Asked once a pod instead of once a node: nothing is cordoned, or the pod does not mind.
    preFilter: (_cycle, info) => (nodes.unschedulableCount === 0 || isTolerated(info.tolerations) ? skip : undefined),
    sign: (info) => `${isTolerated(info.tolerations)}`,
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
        hint: (info) => isTolerated(info.tolerations),
      },
    ],
  }),
};
