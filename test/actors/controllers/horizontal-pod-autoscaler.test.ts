import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetricTarget } from '../../../src/api/index.ts';
import {
  coreEvents,
  customResourceDefinitions,
  deployments,
  horizontalPodAutoscalers,
  type KubernetesObject,
  type Resource,
} from '../../../src/client/index.ts';

import { replicasForValue } from '../../../src/controller/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const labels = { app: 'web' };

/** An external metric is served as a list of a resource of its name: a custom kind stands in for the adapter. */
const queueLength: Resource<KubernetesObject & { value?: string; metricName?: string }> = {
  group: 'external.metrics.k8s.io',
  version: 'v1beta1',
  resource: 'queuelength',
  kind: 'QueueLength',
  namespaced: true,
};

describe('horizontal-pod-autoscaler-controller with an external metric', () => {
  let cluster: TestCluster;
  const setValue = (value: string) =>
    cluster.client.patch(queueLength, { namespace, name: 'jobs' }, 'merge', { value });
  const replicas = async () => (await cluster.client.get(deployments, { namespace, name: 'web' })).spec?.replicas;
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 15) {
      await cluster.system.advance(15_000);
      await cluster.system.settled();
      await cluster.runPods(namespace);
    }
  };
  const autoscaler = (target: MetricTarget) => ({
    metadata: { name: 'web', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'External', external: { metric: { name: 'queuelength' }, target } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    },
  });

  beforeEach(async () => {
    cluster = await startCluster([
      'deployment-controller',
      'replicaset-controller',
      'horizontal-pod-autoscaler-controller',
    ]);
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'pause:1' }] } };
    const spec = { replicas: 2, selector: { matchLabels: labels }, template };
    await cluster.client.create(deployments, { metadata: { name: 'web', namespace }, spec });
    await cluster.system.settled();
    await cluster.runPods(namespace);
  });
  afterEach(() => cluster.stop());

  async function serveMetric(): Promise<void> {
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await cluster.client.create(customResourceDefinitions, {
      metadata: {
        name: 'queuelength.external.metrics.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' },
      },
      spec: {
        group: queueLength.group,
        scope: 'Namespaced',
        names: { plural: 'queuelength', singular: 'queuelength', kind: 'QueueLength' },
        versions: [{ name: 'v1beta1', served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    } as never);
    await cluster.system.settled();
    const metadata = { name: 'jobs', namespace };
    await cluster.client.create(queueLength, { metadata, metricName: 'queuelength', value: '90' });
  }

  it('leaves pods alone that another autoscaler acts on as well, and says so', async () => {
    for (const name of ['web', 'web-too']) {
      const wanted = autoscaler({ type: 'AverageValue', averageValue: '10' });
      await cluster.client.create(horizontalPodAutoscalers, { ...wanted, metadata: { name, namespace } });
    }
    await pass(60);
    for (const name of ['web', 'web-too']) {
      const { status } = await cluster.client.get(horizontalPodAutoscalers, { namespace, name });
      expect(status?.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({
        status: 'False',
        reason: 'AmbiguousSelector',
        message: 'pods by selector app=web are controlled by multiple HPAs: [{web default} {web-too default}]',
      });
    }
  });

  it('shares an average out, and scales down only after its stabilization window', async () => {
    await serveMetric();
    await cluster.client.create(horizontalPodAutoscalers, autoscaler({ type: 'AverageValue', averageValue: '15' }));
    await pass(30);
    expect(await replicas()).toBe(6);
    const { status } = await cluster.client.get(horizontalPodAutoscalers, { namespace, name: 'web' });
    expect(status?.currentMetrics).toEqual([
      { type: 'External', external: { metric: { name: 'queuelength' }, current: { averageValue: '15' } } },
    ]);
    await setValue('30');
    await pass(45);
    expect(await replicas()).toBe(6);
    await pass(60);
    expect(await replicas()).toBe(2);
  });

  it('says why when nobody serves the metric', async () => {
    await cluster.client.create(horizontalPodAutoscalers, autoscaler({ type: 'Value', value: '15' }));
    await pass(15);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.find(({ reason }) => reason === 'FailedGetExternalMetric')?.message).toBe(
      'unable to get external metric queuelength: unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered',
    );
    expect(await replicas()).toBe(2);
  });
});

describe('replicas for a value', () => {
  const tolerances = { up: 0.1, down: 0.1 };
  const current = { specReplicas: 4, statusReplicas: 4, readyPods: 4 };
  it.each([
    [{ type: 'Value', value: '10' }, 20_000, 8],
    [{ type: 'Value', value: '10' }, 10_500, 4],
    [{ type: 'Value', value: '10' }, 2_000, 1],
    [{ type: 'AverageValue', averageValue: '10' }, 75_000, 8],
    [{ type: 'AverageValue', averageValue: '10' }, 42_000, 4],
    [{ type: 'AverageValue', averageValue: '10' }, 1_000, 1],
  ])('target %j at %i thousandths: %i', (target, milli, expected) => {
    expect(replicasForValue(milli, target, current, tolerances).replicas).toBe(expected);
  });

  it('counts from nothing when there are none', () => {
    const none = { specReplicas: 0, statusReplicas: 0, readyPods: 0 };
    expect(replicasForValue(25_000, { type: 'Value', value: '10' }, none, tolerances).replicas).toBe(3);
  });
});
