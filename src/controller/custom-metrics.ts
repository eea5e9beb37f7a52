/**
 * Metrics that are not of resources: of pods and other objects (custom.metrics.k8s.io) and of nobody in the cluster
 * (external.metrics.k8s.io), as an aggregated API server serves them; and what they say about a number of replicas.
 *
 * @see kubernetes/pkg/controller/podautoscaler/replica_calculator.go, k8s.io/metrics
 */
import {
  isNotFound,
  labelSelectorOf,
  type MetricIdentifier,
  type MetricTarget,
  quantityMilliValue,
  StatusError,
} from '../api/index.ts';
import type { Client, KubernetesObject, ObjectKey, Resource } from '../client/index.ts';
import { messageOf } from './pod-control.ts';
import type { PodUsage, Tolerances } from './pod-metrics.ts';
import { timeMs } from './times.ts';

interface MetricValue extends KubernetesObject {
  describedObject?: { name?: string };
  timestamp?: string;
  windowSeconds?: number;
  value?: string;
}

interface MetricValueList extends KubernetesObject {
  items?: MetricValue[];
}

const defaultWindowMs = 60_000;

const customMetrics = (resource: string, version: string): Resource<MetricValueList> => ({
  group: 'custom.metrics.k8s.io',
  version,
  resource,
  kind: 'MetricValueList',
  namespaced: true,
});

const selectorText = (metric: MetricIdentifier) =>
  String(metric.selector === undefined ? '' : labelSelectorOf(metric.selector));

/** Whether nobody serves the group: what is merely not there is named. */
const isUnserved = (error: unknown): boolean =>
  isNotFound(error) && messageOf(error) === StatusError.noSuchPath().message;

/** @throws Error with upstream's text */
function noCustomMetrics(error: unknown): never {
  const why = isUnserved(error) ? 'no custom metrics API (custom.metrics.k8s.io) registered' : messageOf(error);
  throw new Error(`unable to fetch metrics from custom metrics API: ${why}`, { cause: error });
}

/** @throws Error with upstream's text */
function noExternalMetrics(metric: string, error: unknown): never {
  const missing = `the server could not find the requested resource (get ${metric}.external.metrics.k8s.io)`;
  const why = isUnserved(error) ? missing : messageOf(error);
  throw new Error(`unable to fetch metrics from external metrics API: ${why}`, { cause: error });
}

/** In the newest version that somebody serves. @throws Error with upstream's text */
async function customMetric(
  client: Client,
  resource: string,
  key: ObjectKey,
  metric: MetricIdentifier,
  labelSelector?: string,
): Promise<MetricValueList> {
  const selected = labelSelector === undefined ? {} : { labelSelector };
  const options = { subresource: metric.name, metricLabelSelector: selectorText(metric), ...selected };
  try {
    return await client.get(customMetrics(resource, 'v1beta2'), key, options);
  } catch (error) {
    if (!isUnserved(error)) noCustomMetrics(error);
    return await client.get(customMetrics(resource, 'v1beta1'), key, options).catch(noCustomMetrics);
  }
}

/** Values of a metric of the pods that the selector matches, by pod. */
export async function podMetricValues(
  client: Client,
  namespace: string,
  metric: MetricIdentifier,
  podSelector: string,
): Promise<Map<string, PodUsage>> {
  const list = await customMetric(client, 'pods', { namespace, name: '*' }, metric, podSelector);
  const values = new Map<string, PodUsage>();
  for (const { describedObject, value = '0', timestamp, windowSeconds } of list.items ?? []) {
    const windowMs = windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000;
    values.set(describedObject?.name ?? '', { milli: quantityMilliValue(value), timeMs: timeMs(timestamp), windowMs });
  }
  if (values.size === 0) throw new Error('no metrics returned from custom metrics API');
  return values;
}

/** Value in thousandths of a metric of one object; `resource` is `plural.group`. */
export async function objectMetricValue(
  client: Client,
  resource: string,
  key: { readonly namespace: string; readonly name: string },
  metric: MetricIdentifier,
): Promise<number> {
  const list = await customMetric(client, resource, key, metric);
  const value = list.items?.[0]?.value;
  if (value === undefined) throw new Error('no metrics returned from custom metrics API');
  return quantityMilliValue(value);
}

/** Sum in thousandths of the values of an external metric. */
export async function externalMetricValue(
  client: Client,
  namespace: string,
  metric: MetricIdentifier,
): Promise<number> {
  const resource: Resource<MetricValue> = {
    group: 'external.metrics.k8s.io',
    version: 'v1beta1',
    resource: metric.name,
    kind: 'ExternalMetricValue',
    namespaced: true,
  };
  const labelSelector = selectorText(metric);
  const { items } = await client
    .list(resource, labelSelector === '' ? { namespace } : { namespace, labelSelector })
    .catch((error: unknown) => noExternalMetrics(metric.name, error));
  if (items.length === 0) throw new Error('no metrics returned from external metrics API');
  return items.reduce((sum, { value = '0' }) => sum + quantityMilliValue(value), 0);
}

/**
 * Replicas for one value of the whole: a target value is compared with it and scales the ready pods; a target average is shared out.
 * `readyPods` counts the pods that are ready now, and is asked only when it matters.
 */
export async function replicasForValue(
  milli: number,
  target: MetricTarget,
  current: {
    readonly specReplicas: number;
    readonly statusReplicas: number;
    readonly readyPods: () => Promise<number>;
  },
  { up, down }: Tolerances,
): Promise<{ readonly replicas: number; readonly averageMilli: number | undefined }> {
  const within = (ratio: number) => ratio >= 1 - down && ratio <= 1 + up;
  const { specReplicas, statusReplicas, readyPods } = current;
  if (target.averageValue !== undefined) {
    const each = quantityMilliValue(target.averageValue);
    const ratio = milli / (each * statusReplicas);
    const replicas = within(ratio) ? statusReplicas : Math.ceil(milli / each);
    return { replicas, averageMilli: Math.ceil(milli / Math.max(1, statusReplicas)) };
  }
  const ratio = milli / quantityMilliValue(target.value ?? '1');
  if (specReplicas === 0) return { replicas: Math.ceil(ratio), averageMilli: undefined };
  const replicas = within(ratio) ? specReplicas : Math.ceil(ratio * (await readyPods()));
  return { replicas, averageMilli: undefined };
}
