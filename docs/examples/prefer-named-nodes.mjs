/**
 * A scheduler plugin of one's own: nodes that a pod names in its `example.com/prefer` annotation score higher, and those in
 * `example.com/avoid` are out. Named in a KubeSchedulerConfiguration under `pluginModules`.
 */
const name = 'PreferNamedNodes';

const listed = (pod, key) => new Set((pod.metadata?.annotations?.[key] ?? '').split(',').filter(Boolean));

/** Made once: diagnoses count reasons by identity. Code 3 is UnschedulableAndUnresolvable: no preemption helps. */
const avoided = { code: 3, reasons: ['node(s) are avoided by the pod'] };

export const plugin = {
  name,
  create: ({ nodes }, args) => ({
    name,
    // What `filter` and `score` look at in a pod: pods that sign alike share their answers.
    sign: ({ pod }) =>
      JSON.stringify([
        pod.metadata?.annotations?.['example.com/prefer'],
        pod.metadata?.annotations?.['example.com/avoid'],
      ]),
    filter: (_cycle, { pod }, row) => (listed(pod, 'example.com/avoid').has(nodes.names[row]) ? avoided : undefined),
    // The all-nodes form of the same: a loop over rows.
    filterRows(_cycle, { pod }, rows, count, failed, mark) {
      const out = listed(pod, 'example.com/avoid');
      if (out.size === 0) return;
      for (let i = 0; i < count; i++) if (failed[i] === 0 && out.has(nodes.names[rows[i]])) failed[i] = mark;
    },
    score: (_cycle, { pod }, row) =>
      listed(pod, 'example.com/prefer').has(nodes.names[row]) ? (args.score ?? 100) : 0,
    scoreRows(_cycle, { pod }, rows, count, scores) {
      const liked = listed(pod, 'example.com/prefer');
      for (let i = 0; i < count; i++) scores[i] = liked.has(nodes.names[rows[i]]) ? (args.score ?? 100) : 0;
    },
    events: () => [{ resource: 'Node', action: 1 }],
  }),
};
