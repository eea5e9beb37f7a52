/**
 * Hard taints keep away pods that do not tolerate them; nodes with fewer untolerated PreferNoSchedule taints score
 * higher. @see plugins/tainttoleration/taint_toleration.go
 */
import type { Node, Toleration } from '../../../src/api/index.ts';
import {
  Action,
  normalizeByHighest,
  type PluginDefinition,
  rememberLast,
  skip,
  stateKey,
  TaintAnswers,
  tolerates,
  unresolvable,
  untolerated,
} from '../../../src/scheduling/index.ts';

const name = 'TaintToleration';
const tainted = unresolvable('node(s) had untolerated taint(s)');
const textOf = rememberLast((tolerations: readonly Toleration[]) => JSON.stringify(tolerations));
const answersKey = stateKey<TaintAnswers>(name);

export const taintToleration: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    preFilter(cycle, info) {
      if (nodes.hardTaintCount === 0) return skip;
      cycle.write(answersKey, new TaintAnswers(nodes, info.tolerations));
      return undefined;
    },
    sign: (info) => textOf(info.tolerations),
    filter: (cycle, _info, row) => (cycle.need(answersKey).tolerated(row) ? undefined : tainted),
    filterRows(cycle, _info, rows, count, failed, mark) {
      const answers = cycle.need(answersKey);
      for (let i = 0; i < count; i++) if (failed[i] === 0 && !answers.tolerated(rows[i]!)) failed[i] = mark;
    },
    // Without soft taints all nodes are alike, and the common case must not walk over taint sets.
    preScore: () => (nodes.softTaintCount === 0 ? skip : undefined),
    score(_cycle, info, row) {
      const { soft } = nodes.taintSets[nodes.taintSet[row]!]!;
      if (soft.length === 0) return 0;
      const relevant = info.tolerations.filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
      return soft.filter((taint) => !relevant.some((toleration) => tolerates(toleration, taint))).length;
    },
    normalizeScore: (_cycle, _info, _rows, count, scores) => normalizeByHighest(scores, count, true),
    events: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeTaint,
        hint(info, previous, current) {
          const fits = (node: unknown) => {
            const taints = (node as Node | undefined)?.spec?.taints ?? [];
            return !untolerated(
              taints.filter(({ effect }) => effect !== 'PreferNoSchedule'),
              info.tolerations,
            );
          };
          return fits(current) && (previous === undefined || !fits(previous));
        },
      },
      {
        resource: 'TargetPod',
        action: Action.UpdatePodToleration,
      },
    ],
  }),
};
