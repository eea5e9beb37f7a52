/** The scheduler's metrics, by upstream's names. */
import { expect, it } from 'vitest';
import { ActorMetrics } from '../../src/runtime/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

const nextTurns = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Observations of each series of a histogram, and values of all else, by the labels named. */
function counts(metrics: ActorMetrics, name: string, ...labels: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const series of metrics.snapshot()) {
    if (series.name !== name) continue;
    const key = labels.map((label) => series.labels[label]).join(' ');
    const observed = series.kind === 'histogram' ? series.values.slice(0, -1) : series.values;
    found[key] = (found[key] ?? 0) + observed.reduce((sum, value) => sum + value, 0);
  }
  return found;
}

it('plugins are timed by extension point, in one attempt of ten', () => {
  const metrics = new ActorMetrics();
  const { addNodes, addPods, run } = makeScheduler({ metrics });
  addNodes(makeNode('a'), makeNode('b'));
  for (let i = 0; i < 20; i++) addPods(makePod(`p${i}`, { requests: { cpu: '10m' } }));
  expect(run().size).toBe(20);
  const series = metrics.snapshot().filter(({ name }) => name === 'scheduler_plugin_execution_duration_seconds');
  const samples = Object.fromEntries(
    series.map(({ labels, values, buckets }) => [
      `${labels['extension_point']} ${labels['plugin']}`,
      values.slice(0, buckets.length + 1).reduce((sum, count) => sum + count, 0),
    ]),
  );
  expect(samples).toMatchObject({
    'PreFilter NodeResourcesFit': 2,
    'Filter NodeResourcesFit': expect.any(Number),
    'Score NodeResourcesFit': expect.any(Number),
  });
});

it('every extension point is timed in every attempt, with what came of it', async () => {
  const metrics = new ActorMetrics();
  const { addNodes, addPods, run } = makeScheduler({ metrics });
  addNodes(makeNode('a'), makeNode('b'));
  addPods(makePod('fits', { requests: { cpu: '1' } }), makePod('does-not', { requests: { cpu: '9' } }));
  run();
  await nextTurns();
  const name = 'scheduler_framework_extension_point_duration_seconds';
  expect(counts(metrics, name, 'extension_point', 'status')).toEqual({
    'PreEnqueue Success': 2,
    'PreFilter Success': 2,
    'Filter Success': 1,
    'Filter Unschedulable': 1,
    'PostFilter Unschedulable': 1,
    'PreScore Success': 1,
    'Score Success': 1,
    'Reserve Success': 1,
    'PreBind Success': 1,
    'Bind Success': 1,
    'PostBind Success': 1,
  });
  expect(counts(metrics, 'scheduler_plugin_evaluation_total', 'extension_point', 'plugin')).toMatchObject({
    'PreFilter NodeResourcesFit': 2,
    'Filter NodeResourcesFit': 2,
    'Score NodeResourcesFit': 1,
  });
});

it('what waits and what is kept in memory is counted when somebody looks', () => {
  const metrics = new ActorMetrics();
  const { addNodes, addPods, run, scheduler } = makeScheduler({ metrics });
  addNodes(makeNode('a'));
  addPods(
    makePod('there', { nodeName: 'a' }),
    makePod('large', { requests: { cpu: '9' } }),
    makePod('gated', { schedulingGates: [{ name: 'example.com/wait' }] }),
  );
  run();
  expect(counts(metrics, 'scheduler_cache_size', 'type')).toEqual({ nodes: 1, pods: 1, assumed_pods: 0 });
  expect(counts(metrics, 'scheduler_unschedulable_pods', 'plugin')).toEqual({
    NodeResourcesFit: 1,
    SchedulingGates: 1,
  });
  expect(counts(metrics, 'scheduler_event_handling_duration_seconds', 'event')).toEqual({
    NodeAdd: 1,
    AssignedPodAdd: 1,
    UnscheduledPodAdd: 2,
  });
  expect(counts(metrics, 'scheduler_pending_pods', 'queue')).toMatchObject({ unschedulable: 1, gated: 1 });
  addNodes(makeNode('b'));
  const hints = counts(metrics, 'scheduler_queueing_hint_execution_duration_seconds', 'plugin', 'event', 'hint');
  expect(hints).toEqual({ 'NodeResourcesFit NodeAdd QueueSkip': 1 });
  expect(counts(metrics, 'scheduler_inflight_events', 'event')).toEqual({ PodPopped: 0 });
  addPods(makePod('next'));
  scheduler.queue.pop();
  addNodes(makeNode('c'));
  expect(counts(metrics, 'scheduler_inflight_events', 'event')).toEqual({ PodPopped: 1, NodeAdd: 1 });
});

it('a pod is late from when it could first be attempted, not from its first attempt', async () => {
  const metrics = new ActorMetrics();
  const { addNodes, addPods, run, clock } = makeScheduler({ metrics });
  addNodes(makeNode('a'));
  addPods(makePod('waits'));
  await clock.advance(3000);
  run();
  await nextTurns();
  const sli = metrics.snapshot().find(({ name }) => name === 'scheduler_pod_scheduling_sli_duration_seconds');
  expect(sli?.labels).toEqual({ attempts: '1' });
  expect(sli?.values.at(-1)).toBe(3);
});
