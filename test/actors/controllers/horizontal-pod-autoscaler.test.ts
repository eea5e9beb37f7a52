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

  /** Whatever has the shape of a metrics API can be served as a custom kind. */
  async function serve(
    { group, version, resource: plural, kind }: Resource,
    subresources: object = {},
    properties: object = {},
  ): Promise<void> {
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties };
    await cluster.client.create(customResourceDefinitions, {
      metadata: {
        name: `${plural}.${group}`,
        annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' },
      },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: kind.toLowerCase(), kind },
        versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema }, subresources }],
      },
    } as never);
    await cluster.system.settled();
  }

  async function serveMetric(): Promise<void> {
    await serve(queueLength as Resource);
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

  it('says what is wrong with its target', async () => {
    const targets = {
      deployment: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nope' },
      statefulset: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'nope' },
      controller: { apiVersion: 'v1', kind: 'ReplicationController', name: 'nope' },
      unscalable: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nope' },
      unknown: { apiVersion: 'apps/v1', kind: 'Nope', name: 'nope' },
    };
    for (const [name, scaleTargetRef] of Object.entries(targets)) {
      const { spec } = autoscaler({ type: 'Value', value: '15' });
      const metadata = { name, namespace };
      await cluster.client.create(horizontalPodAutoscalers, { metadata, spec: { ...spec, scaleTargetRef } });
    }
    await pass(15);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const told = items.filter(({ reason }) => reason === 'FailedGetScale');
    expect(Object.fromEntries(told.map(({ involvedObject, message }) => [involvedObject.name, message]))).toEqual({
      deployment: 'deployments.apps "nope" not found',
      statefulset: 'statefulsets.apps "nope" not found',
      controller: 'replicationcontrollers/scale.autoscaling "nope" not found',
      unscalable: 'the server could not find the requested resource',
      unknown: 'no matches for kind "Nope" in group "apps"',
    });
    const { status } = await cluster.client.get(horizontalPodAutoscalers, { namespace, name: 'unknown' });
    expect(status?.conditions).toMatchObject([
      {
        type: 'AbleToScale',
        status: 'False',
        reason: 'FailedGetScale',
        message:
          'the HPA controller was unable to get the target\'s current scale: no matches for kind "Nope" in group "apps"',
      },
    ]);
  });

  it('finds its target by group and kind, whatever version is named', async () => {
    const { spec } = autoscaler({ type: 'Value', value: '15' });
    const scaleTargetRef = { ...spec.scaleTargetRef, apiVersion: 'apps/v1beta1' };
    const metadata = { name: 'old', namespace };
    await cluster.client.create(horizontalPodAutoscalers, { metadata, spec: { ...spec, scaleTargetRef } });
    await pass(15);
    const { status } = await cluster.client.get(horizontalPodAutoscalers, { namespace, name: 'old' });
    expect(status?.conditions?.[0]).toMatchObject({ type: 'AbleToScale', reason: 'SucceededGetScale' });
  });

  it('names each metric that nobody serves as upstream does', async () => {
    const name = 'rps';
    const describedObject = { apiVersion: 'v1', kind: 'Service', name: 'front' };
    const value = { type: 'Value', value: '10' };
    const averageValue = { type: 'AverageValue', averageValue: '10' };
    const metrics = [
      { type: 'Object', object: { describedObject, metric: { name }, target: value } },
      { type: 'Object', object: { describedObject, metric: { name }, target: averageValue } },
      { type: 'Pods', pods: { metric: { name }, target: averageValue } },
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 50 } },
      },
      { type: 'External', external: { metric: { name, selector: { matchLabels: labels } }, target: value } },
    ];
    const custom =
      'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered';
    const wanted = autoscaler({ type: 'Value', value: '15' });
    await cluster.client.create(horizontalPodAutoscalers, { ...wanted, spec: { ...wanted.spec, metrics } });
    await pass(15);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const told = items.filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler');
    expect(told.map(({ reason, message }) => [reason, message])).toEqual(
      expect.arrayContaining([
        ['FailedGetObjectMetric', `unable to get metric rps: Service on ${namespace} front/${custom}`],
        ['FailedGetPodsMetric', `unable to get metric rps: ${custom}`],
        [
          'FailedGetContainerResourceMetric',
          'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
        ],
        [
          'FailedGetExternalMetric',
          `unable to get external metric ${namespace}/rps/&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get rps.external.metrics.k8s.io)`,
        ],
        [
          'FailedComputeMetricsReplicas',
          `invalid metrics (5 invalid out of 5), first error is: failed to get object metric value: unable to get metric rps: Service on ${namespace} front/${custom}`,
        ],
      ]),
    );
  });

  it("reads a namespace's own metric, and takes nothing but a single value", async () => {
    const rates: Resource<KubernetesObject & { items?: object[] }> = {
      group: 'custom.metrics.k8s.io',
      version: 'v1beta2',
      resource: 'metrics',
      kind: 'Rate',
      namespaced: true,
    };
    await serve(rates as Resource);
    await cluster.client.create(rates, { metadata: { name: 'rps', namespace }, items: [{ value: '50' }] });
    await cluster.client.create(rates, { metadata: { name: 'none', namespace }, items: [] });
    const describedObject = { apiVersion: 'v1', kind: 'Namespace', name: namespace };
    const metricOf = (name: string, target: MetricTarget) => ({
      type: 'Object',
      object: { describedObject, metric: { name }, target },
    });
    const metrics = [
      // Its type says which of two targets counts.
      metricOf('rps', { type: 'AverageValue', averageValue: '10', value: '1' }),
      metricOf('none', { type: 'Value', value: '10' }),
      metricOf('rps', { type: 'Utilization', value: '10' }),
    ];
    const wanted = autoscaler({ type: 'Value', value: '15' });
    await cluster.client.create(horizontalPodAutoscalers, { ...wanted, spec: { ...wanted.spec, metrics } });
    await pass(15);
    expect(await replicas()).toBe(5);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const told = items.filter(({ reason }) => reason === 'FailedGetObjectMetric').map(({ message }) => message);
    expect(told).toEqual(
      expect.arrayContaining([
        `unable to get metric none: Namespace on ${namespace} ${namespace}/unable to fetch metrics from custom metrics API: the custom metrics API server returned 0 results when we asked for exactly one`,
        'invalid object metric source: neither a value target nor an average value target was set',
      ]),
    );
  });

  it('says what is wrong with the selector of a target, and with a size that is refused, once a period', async () => {
    const workers: Resource<KubernetesObject & { spec?: object; status?: object }> = {
      group: 'example.com',
      version: 'v1',
      resource: 'workers',
      kind: 'Worker',
      namespaced: true,
    };
    const scale = {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    };
    const few = { type: 'object', properties: { replicas: { type: 'integer', maximum: 3 } } };
    const shown = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await serve(workers as Resource, { scale, status: {} }, { spec: few, status: shown });
    for (const [name, minReplicas, selector] of [
      ['odd', 1, 'a in ('],
      ['small', 5, 'app=small'],
    ] as const) {
      const metadata = { name, namespace };
      await cluster.client.create(workers, { metadata, spec: { replicas: 2 } });
      const status = { replicas: 2, selector };
      await cluster.client.patch(workers, metadata, 'merge', { status }, { subresource: 'status' });
      const { spec } = autoscaler({ type: 'Value', value: '15' });
      const scaleTargetRef = { apiVersion: 'example.com/v1', kind: 'Worker', name };
      await cluster.client.create(horizontalPodAutoscalers, {
        metadata,
        spec: { ...spec, minReplicas, scaleTargetRef },
      });
    }
    await pass(60);
    const conditionsOf = async (name: string) =>
      (await cluster.client.get(horizontalPodAutoscalers, { namespace, name })).status?.conditions;
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const invalid = items.find(({ reason }) => reason === 'InvalidSelector');
    expect(invalid?.message).toMatch(/^couldn't convert selector into a corresponding internal selector object: /);
    expect((await conditionsOf('odd'))?.find(({ type }) => type === 'ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'InvalidSelector',
      message: invalid?.message,
    });
    const refused = items.filter(({ reason }) => reason === 'FailedRescale');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.message).toMatch(
      /^New size: 5; reason: Current number of replicas below Spec\.MinReplicas; error: .*spec\.replicas/,
    );
    expect(refused[0]?.count).toBeLessThanOrEqual(5);
    expect((await conditionsOf('small'))?.[0]).toMatchObject({ status: 'False', reason: 'FailedUpdateScale' });
  });

  it('says why when nobody serves the metric', async () => {
    await cluster.client.create(horizontalPodAutoscalers, autoscaler({ type: 'Value', value: '15' }));
    await pass(15);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.find(({ reason }) => reason === 'FailedGetExternalMetric')?.message).toBe(
      `unable to get external metric ${namespace}/queuelength/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queuelength.external.metrics.k8s.io)`,
    );
    expect(await replicas()).toBe(2);
  });
});

describe('replicas for a value', () => {
  const tolerances = { up: 0.1, down: 0.1 };
  const current = { specReplicas: 4, statusReplicas: 4, readyPods: async () => 4 };
  it.each([
    [{ type: 'Value', value: '10' }, 20_000, 8],
    [{ type: 'Value', value: '10' }, 10_500, 4],
    [{ type: 'Value', value: '10' }, 2_000, 1],
    [{ type: 'AverageValue', averageValue: '10' }, 75_000, 8],
    [{ type: 'AverageValue', averageValue: '10' }, 42_000, 4],
    [{ type: 'AverageValue', averageValue: '10' }, 1_000, 1],
  ])('target %j at %i thousandths: %i', async (target, milli, expected) => {
    expect((await replicasForValue(milli, target, current, tolerances)).replicas).toBe(expected);
  });

  it('shows no average where there is nobody to share it', async () => {
    const none = { specReplicas: 1, statusReplicas: 0, readyPods: async () => 0 };
    const target = { type: 'AverageValue', averageValue: '10' };
    expect(await replicasForValue(25_000, target, none, tolerances)).toEqual({ replicas: 3, averageMilli: 0 });
  });

  it('never asks for more than a number of replicas can be', async () => {
    const { replicas } = await replicasForValue(1e15, { type: 'Value', value: '1m' }, current, tolerances);
    expect(replicas).toBe(2 ** 31 - 1);
  });

  it('counts from nothing when there are none', async () => {
    const none = { specReplicas: 0, statusReplicas: 0, readyPods: async () => 0 };
    const { replicas } = await replicasForValue(25_000, { type: 'Value', value: '10' }, none, tolerances);
    expect(replicas).toBe(3);
  });
});
