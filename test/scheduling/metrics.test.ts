/** The scheduler's metrics, by upstream's names. */
import { expect, it } from 'vitest';
import { ActorMetrics } from '../../src/runtime/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

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
