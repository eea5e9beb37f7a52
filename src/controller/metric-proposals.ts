/**
 * What each metric of a horizontal pod autoscaler asks for: a number of replicas, the name of what asked, and what the status tells
 * of it. Usage comes from the resource metrics API (metrics.k8s.io), other values from the custom and the external one, each when it
 * is served. The horizontal pod autoscaler asks at each pass.
 *
 * @see kubernetes/pkg/controller/podautoscaler/horizontal.go computeReplicasForMetric, pkg/controller/podautoscaler/metrics/client.go
 */
import {
  type ContainerResourceMetricSource,
  formatQuantity,
  goSelector,
  type HorizontalPodAutoscaler,
  isNotFound,
  labelSelectorOf,
  type MetricIdentifier,
  type MetricSpec,
  type MetricStatus,
  type MetricTarget,
  milliQuantityOf,
  type ObjectMetricSource,
  type Pod,
  parseDuration,
  parseQuantity,
  quantityMilliValue,
  type ResourceMetricSource,
} from '../api/index.ts';
import { type Client, type PodMetrics, podMetrics, pods } from '../client/index.ts';
import type { Clock } from '../runtime/index.ts';
import { externalMetricValue, objectMetricValue, podMetricValues, replicasForValue } from './custom-metrics.ts';
import { keyFor } from './keys.ts';
import { messageOf } from './pod-control.ts';
import { type PodUsage, replicasForUsage, type Tolerances } from './pod-metrics.ts';
import { isPodReady } from './pods.ts';
import type { ResourceCatalog } from './resource-catalog.ts';
import { timeMs } from './times.ts';

/** What the scale subresource of the target says. */
export interface TargetScale {
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly selector: string;
}

export interface Proposal {
  readonly replicas: number;
  /** As events and conditions name it: `cpu resource utilization (percentage of request)`. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** Why a metric gave no number. */
export class MetricFailure extends Error {
  constructor(
    /** Of the event and the condition. */
    readonly reason: string,
    /** Stands in the event and the condition. */
    readonly detail: string,
    message: string,
  ) {
    super(message);
  }
}

export interface MetricProposer {
  /** @throws MetricFailure */
  propose(autoscaler: HorizontalPodAutoscaler, metric: MetricSpec, scale: TargetScale): Promise<Proposal>;
  /** Asked for every 15 s and autoscaler: following every pod of the cluster would cost more. */
  podsOf(namespace: string, labelSelector: string): Promise<Pod[]>;
}

const defaultTolerance = 0.1;
const defaultWindowMs = 60_000;

/** As Go prints a selector that may be absent. */
const selectorText = ({ selector }: MetricIdentifier): string =>
  selector === undefined ? 'nil' : goSelector(selector);

function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler): Tolerances {
  const tolerance = (text: string | undefined) =>
    text === undefined ? defaultTolerance : Number(parseQuantity(text).nanos) / 1e9;
  return { up: tolerance(behavior?.scaleUp?.tolerance), down: tolerance(behavior?.scaleDown?.tolerance) };
}

/** Memory is told of as the metrics server does, in binary suffixes where it has whole bytes. */
export function averageText(resource: string, milli: number): string {
  if (resource !== 'memory') return milliQuantityOf(milli);
  return formatQuantity({ nanos: BigInt(Math.trunc(milli)) * 1_000_000n, format: 'BinarySI' });
}

/** Rejects with `prefix` before what was wrong. */
async function explained<Result>(prefix: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    throw new Error(`${prefix}: ${messageOf(error)}`, { cause: error });
  }
}

/** Usage by pod; pods of which something is not known are left out. @throws Error with upstream's text */
export function usageByPod(
  items: readonly PodMetrics[],
  resource: string,
  container: string | undefined,
): Map<string, PodUsage> {
  const usage = new Map<string, PodUsage>();
  for (const item of items) {
    const containers = (item.containers ?? []).filter(({ name }) => container === undefined || name === container);
    if (containers.length === 0 && container !== undefined) {
      const where = `container ${container} not present in metrics for pod ${keyFor(item)}`;
      throw new Error(`failed to get container metrics: ${where}`);
    }
    if (containers.length === 0 || containers.some((each) => each.usage[resource] === undefined)) continue;
    const milli = containers.reduce((sum, each) => sum + quantityMilliValue(each.usage[resource] ?? '0'), 0);
    const windowMs = parseDuration(item.window ?? '') ?? defaultWindowMs;
    usage.set(item.metadata?.name ?? '', { milli, timeMs: timeMs(item.timestamp), windowMs });
  }
  return usage;
}

export function createMetricProposer(client: Client, catalog: ResourceCatalog, clock: Clock): MetricProposer {
  async function usageOf(
    namespace: string,
    selector: string,
    resource: string,
    container: string | undefined,
  ): Promise<Map<string, PodUsage>> {
    let items: PodMetrics[];
    try {
      items = (await client.list(podMetrics, { namespace, labelSelector: selector })).items;
    } catch (error) {
      const text = isNotFound(error)
        ? 'the server could not find the requested resource (get pods.metrics.k8s.io)'
        : messageOf(error);
      throw new Error(`unable to fetch metrics from resource metrics API: ${text}`, { cause: error });
    }
    if (items.length === 0) throw new Error('no metrics returned from resource metrics API');
    return usageByPod(items, resource, container);
  }

  async function podsOf(namespace: string, labelSelector: string): Promise<Pod[]> {
    return (await client.list(pods, { namespace, labelSelector })).items;
  }

  /** Pods that could do work: what a ratio is multiplied with. */
  async function readyPodsOf(namespace: string, selector: string): Promise<number> {
    const selected = await podsOf(namespace, selector);
    const unable = 'unable to calculate ready pods: no pods returned by selector while calculating replica count';
    if (selected.length === 0) throw new Error(unable);
    return selected.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length;
  }

  /** @throws MetricFailure */
  async function fromResource(
    autoscaler: HorizontalPodAutoscaler,
    source: ResourceMetricSource | ContainerResourceMetricSource,
    container: string | undefined,
    scale: TargetScale,
  ): Promise<Proposal> {
    const { name, target } = source;
    const namespace = autoscaler.metadata?.namespace ?? '';
    // An amount goes first, should both be there.
    const byAmount = target.averageValue !== undefined;
    const kind = container === undefined ? 'Resource' : 'ContainerResource';
    try {
      const usage = usageOf(namespace, scale.selector, name, container);
      const outcome = replicasForUsage({
        usage: await explained(`unable to get metrics for resource ${name}`, usage),
        pods: await podsOf(namespace, scale.selector),
        resource: name,
        container,
        target: byAmount
          ? { type: 'AverageValue', amount: quantityMilliValue(target.averageValue ?? '0') }
          : { type: 'Utilization', amount: target.averageUtilization ?? 0 },
        currentReplicas: scale.specReplicas,
        tolerances: tolerancesOf(autoscaler),
        nowMs: clock.now(),
      });
      const averageValue = averageText(name, outcome.averageMilli);
      const current = byAmount ? { averageValue } : { averageUtilization: outcome.utilization, averageValue };
      const status: MetricStatus =
        container === undefined
          ? { type: 'Resource', resource: { name, current } }
          : { type: 'ContainerResource', containerResource: { name, container, current } };
      const label = container === undefined ? `${name} resource` : `${name} container resource`;
      const text = byAmount ? `${name} resource` : `${label} utilization (percentage of request)`;
      return { replicas: outcome.replicas, name: text, status };
    } catch (error) {
      const detail = `failed to get ${name} ${byAmount ? 'usage' : 'utilization'}: ${messageOf(error)}`;
      const label = container === undefined ? `${name} resource` : `${container} container`;
      throw new MetricFailure(`FailedGet${kind}Metric`, detail, `failed to get ${label} metric value: ${detail}`);
    }
  }

  /** @throws MetricFailure */
  async function fromPods(
    autoscaler: HorizontalPodAutoscaler,
    { metric, target }: NonNullable<MetricSpec['pods']>,
    scale: TargetScale,
  ): Promise<Proposal> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const { name } = metric;
    try {
      assertSelector(metric);
      const values = podMetricValues(client, namespace, metric, scale.selector);
      const outcome = replicasForUsage({
        usage: await explained(`unable to get metric ${name}`, values),
        pods: await podsOf(namespace, scale.selector),
        resource: '',
        target: { type: 'AverageValue', amount: quantityMilliValue(target.averageValue ?? '0') },
        currentReplicas: scale.specReplicas,
        tolerances: tolerancesOf(autoscaler),
        nowMs: clock.now(),
      });
      const current = { averageValue: milliQuantityOf(outcome.averageMilli) };
      const status: MetricStatus = { type: 'Pods', pods: { metric, current } };
      return { replicas: outcome.replicas, name: `pods metric ${name}`, status };
    } catch (error) {
      const detail = messageOf(error);
      throw new MetricFailure('FailedGetPodsMetric', detail, `failed to get pods metric value: ${detail}`);
    }
  }

  /** Replicas by one value of the whole, and what the status says of it. */
  async function byValue(
    autoscaler: HorizontalPodAutoscaler,
    milli: number,
    target: MetricTarget,
    scale: TargetScale,
  ): Promise<{ readonly replicas: number; readonly current: { value?: string; averageValue?: string } }> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const counts = { ...scale, readyPods: () => readyPodsOf(namespace, scale.selector) };
    const { replicas, averageMilli } = await replicasForValue(milli, target, counts, tolerancesOf(autoscaler));
    const value = milliQuantityOf(averageMilli ?? milli);
    return { replicas, current: averageMilli === undefined ? { value } : { averageValue: value } };
  }

  /** @throws MetricFailure */
  async function fromObject(
    autoscaler: HorizontalPodAutoscaler,
    { metric, target, describedObject }: ObjectMetricSource,
    scale: TargetScale,
  ): Promise<Proposal> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const { name } = metric;
    const wanted = targetOfObject(target);
    try {
      assertSelector(metric);
      if (wanted === undefined) {
        throw new Error('invalid object metric source: neither a value target nor an average value target was set');
      }
      const value = objectMetricValue(client, catalog, namespace, describedObject, metric);
      // Upstream gives these in an order of which its text knows nothing.
      const which = `unable to get metric ${name}: ${describedObject.kind} on ${namespace} ${describedObject.name}/`;
      const milli = await value.catch((error: unknown) => {
        throw new Error(`${which}${messageOf(error)}`, { cause: error });
      });
      const { replicas, current } = await byValue(autoscaler, milli, wanted, scale);
      const status: MetricStatus = { type: 'Object', object: { metric, describedObject, current } };
      const byAverage = wanted.averageValue !== undefined;
      // Upstream calls an average over an object's metric external, too.
      const text = byAverage
        ? `external metric ${name}(${selectorText(metric)})`
        : `${describedObject.kind} metric ${name}`;
      return { replicas, name: text, status };
    } catch (error) {
      const detail = messageOf(error);
      const asked = wanted?.averageValue === undefined ? '' : `failed to get ${name} object metric: `;
      throw new MetricFailure('FailedGetObjectMetric', detail, `failed to get object metric value: ${asked}${detail}`);
    }
  }

  /** @throws MetricFailure */
  async function fromExternal(
    autoscaler: HorizontalPodAutoscaler,
    { metric, target }: NonNullable<MetricSpec['external']>,
    scale: TargetScale,
  ): Promise<Proposal> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const { name } = metric;
    try {
      assertSelector(metric);
      const value = externalMetricValue(client, namespace, metric);
      const milli = await explained(
        `unable to get external metric ${namespace}/${name}/${selectorText(metric)}`,
        value,
      );
      const { replicas, current } = await byValue(autoscaler, milli, target, scale);
      const status: MetricStatus = { type: 'External', external: { metric, current } };
      return { replicas, name: `external metric ${name}(${selectorText(metric)})`, status };
    } catch (error) {
      const detail = messageOf(error);
      const asked = target.averageValue === undefined ? `external metric ${name}` : `${name} external metric`;
      const message = `failed to get ${name} external metric value: failed to get ${asked}: ${detail}`;
      throw new MetricFailure('FailedGetExternalMetric', detail, message);
    }
  }

  return {
    podsOf,
    async propose(autoscaler, metric, scale) {
      const { type, resource, containerResource, object, external } = metric;
      if (type === 'Resource' && resource) return fromResource(autoscaler, resource, undefined, scale);
      if (type === 'ContainerResource' && containerResource) {
        return fromResource(autoscaler, containerResource, containerResource.container, scale);
      }
      if (type === 'Pods' && metric.pods) return fromPods(autoscaler, metric.pods, scale);
      if (type === 'Object' && object) return fromObject(autoscaler, object, scale);
      if (type === 'External' && external) return fromExternal(autoscaler, external, scale);
      const detail = `unknown metric source type "${type}"`;
      throw new MetricFailure('InvalidMetricSourceType', detail, detail);
    },
  };
}

/** Of an object's two targets its type names the one that counts. Undefined when it names none. */
function targetOfObject({ type, value, averageValue }: MetricTarget): MetricTarget | undefined {
  if (type === 'Value' && value !== undefined) return { type, value };
  return type === 'AverageValue' && averageValue !== undefined ? { type, averageValue } : undefined;
}

/** @throws SelectorError */
function assertSelector({ selector }: MetricIdentifier): void {
  labelSelectorOf(selector);
}
