/**
 * Metrics that are not of resources: of pods and other objects (custom.metrics.k8s.io) and of nobody in the cluster
 * (external.metrics.k8s.io), as an aggregated API server serves them; and what they say about a number of replicas.
 *
 * @see kubernetes/pkg/controller/podautoscaler/replica_calculator.go, k8s.io/metrics
 */
import {
  type CrossVersionObjectReference,
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
import { groupResourceText } from './quota-usage.ts';
import type { ResourceCatalog } from './resource-catalog.ts';
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
const fetching = 'unable to fetch metrics from custom metrics API';
/** The most that upstream's numbers of replicas hold. */
const replicasMax = 2 ** 31 - 1;

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
  throw new Error(`${fetching}: ${why}`, { cause: error });
}

/** @throws Error with upstream's text */
function noExternalMetrics(metric: string, error: unknown): never {
  const missing = `the server could not find the requested resource (get ${metric}.external.metrics.k8s.io)`;
  const why = isUnserved(error) ? missing : messageOf(error);
  throw new Error(`unable to fetch metrics from external metrics API: ${why}`, { cause: error });
}

/** In the newest version that somebody serves. A metric without a name is the one that the key names. @throws Error with upstream's text */
async function customMetric(
  client: Client,
  resource: string,
  key: ObjectKey,
  metric: MetricIdentifier,
  labelSelector?: string,
): Promise<MetricValueList> {
  const selected = labelSelector === undefined ? {} : { labelSelector };
  const subresource = metric.name === '' ? {} : { subresource: metric.name };
  const options = { ...subresource, metricLabelSelector: selectorText(metric), ...selected };
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

/** Value in thousandths of a metric of one object of the namespace, or of the namespace itself. */
export async function objectMetricValue(
  client: Client,
  catalog: ResourceCatalog,
  namespace: string,
  { apiVersion = '', kind, name }: CrossVersionObjectReference,
  metric: MetricIdentifier,
): Promise<number> {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const read = async () => {
    // A namespace's own metrics have a path of their own. Whatever namespace is named, nobody gets out of theirs.
    if (group === '' && kind === 'Namespace') {
      return await customMetric(client, 'metrics', { namespace, name: metric.name }, { ...metric, name: '' });
    }
    const resource = catalog.byGroupKind(group, kind);
    if (resource === undefined) {
      const which = group === '' ? kind : `${kind}.${group}`;
      const why = `unable to map kind ${which} to resource: no matches for kind "${kind}" in group "${group}"`;
      throw new Error(`${fetching}: ${why}`);
    }
    return await customMetric(client, groupResourceText(resource), { namespace, name }, metric);
  };
  const items = (await read()).items ?? [];
  if (items.length !== 1) {
    const text = `the custom metrics API server returned ${items.length} results when we asked for exactly one`;
    throw new Error(`${fetching}: ${text}`);
  }
  return quantityMilliValue(items[0]?.value ?? '0');
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
  const whole = (replicas: number) => Math.min(Math.ceil(replicas), replicasMax);
  const { specReplicas, statusReplicas, readyPods } = current;
  if (target.averageValue !== undefined) {
    const each = quantityMilliValue(target.averageValue);
    const ratio = milli / (each * statusReplicas);
    const replicas = within(ratio) ? statusReplicas : whole(milli / each);
    return { replicas, averageMilli: statusReplicas === 0 ? 0 : Math.ceil(milli / statusReplicas) };
  }
  const ratio = milli / quantityMilliValue(target.value ?? '1');
  if (specReplicas === 0) return { replicas: whole(ratio), averageMilli: undefined };
  const replicas = within(ratio) ? specReplicas : whole(ratio * (await readyPods()));
  return { replicas, averageMilli: undefined };
}
