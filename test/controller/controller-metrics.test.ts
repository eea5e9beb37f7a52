import { expect, it } from 'vitest';
import { controllerMetrics } from '../../src/controller/index.ts';
import { ActorMetrics } from '../../src/runtime/metrics.ts';

it('shows series without labels at once, and the others from their first value on', () => {
  const registry = new ActorMetrics();
  const metrics = controllerMetrics(registry, 'ephemeral_volume_controller_');
  expect(registry.text()).toContain('ephemeral_volume_controller_create_total 0\n');
  expect(registry.text()).not.toContain('job_controller_');
  metrics.count('job_controller_jobs_finished_total', ['Indexed', 'failed', 'DeadlineExceeded']);
  metrics.count('job_controller_jobs_finished_total', ['Indexed', 'failed', 'DeadlineExceeded'], 2);
  expect(registry.text()).toContain(
    'job_controller_jobs_finished_total{completion_mode="Indexed",result="failed",reason="DeadlineExceeded"} 3\n',
  );
});

it('has upstream’s buckets', () => {
  const registry = new ActorMetrics();
  controllerMetrics(registry, 'cronjob_controller_').observe(
    'cronjob_controller_job_creation_skew_duration_seconds',
    [],
    3,
  );
  const bounds = [...registry.text().matchAll(/le="([^"]+)"\} (\d+)/g)].map(([, bound, count]) => `${bound}:${count}`);
  expect(bounds).toEqual([
    ...['1:0', '2:0', '4:1', '8:1', '16:1', '32:1', '64:1', '128:1', '256:1', '512:1'],
    '+Inf:1',
  ]);
});

it('sets gauges anew', () => {
  const registry = new ActorMetrics();
  const metrics = controllerMetrics(registry, 'node_collector_');
  metrics.set('node_collector_zone_size', ['r:z'], 3);
  metrics.set('node_collector_zone_size', ['r:z'], 2);
  expect(registry.text()).toContain('node_collector_zone_size{zone="r:z"} 2\n');
});
