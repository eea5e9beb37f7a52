/**
 * The conversion of HorizontalPodAutoscaler between autoscaling/v1 and the stored v2. What v1 cannot say in fields it keeps in annotations,
 * so nothing is lost on the way there and back.
 * @see pkg/apis/autoscaling/v1/conversion.go
 */
import type {
  AutoscalingV1HorizontalPodAutoscaler,
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
  MetricSpec,
} from '../../generated/types.ts';
import { typed } from '../strategy-of.ts';
import type { ApiObject, Conversion } from '../types.ts';

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const currentMetricsAnnotation = 'autoscaling.alpha.kubernetes.io/current-metrics';
const conditionsAnnotation = 'autoscaling.alpha.kubernetes.io/conditions';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';

/** Between autoscaling/v1 and the stored autoscaling/v2. */
export const horizontalPodAutoscalerConversion: Conversion = {
  storedVersion: 'v2',

  toStored(object: ApiObject): ApiObject {
    const { metadata, spec, status } = typed<AutoscalingV1HorizontalPodAutoscaler>(object);
    const { targetCPUUtilizationPercentage, ...rest } = spec ?? {
      maxReplicas: 0,
      scaleTargetRef: { kind: '', name: '' },
    };
    const { currentCPUUtilizationPercentage, ...restOfStatus } = status ?? { currentReplicas: 0, desiredReplicas: 0 };
    const annotations = { ...metadata?.annotations };
    const metrics: MetricSpec[] = [];
    const otherMetrics = parseList(annotations[metricsAnnotation]);
    if (otherMetrics !== undefined) metrics.push(...otherMetrics.map(metricToV2));
    if (targetCPUUtilizationPercentage !== undefined) metrics.push(cpuMetric(targetCPUUtilizationPercentage));
    const behavior = parseObject(annotations[behaviorAnnotation]);
    const currentMetrics = parseList(annotations[currentMetricsAnnotation])?.map(currentMetricToV2) ?? [];
    if (currentCPUUtilizationPercentage !== undefined) {
      currentMetrics.push({
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: currentCPUUtilizationPercentage } },
      });
    }
    const conditions = parseList(annotations[conditionsAnnotation]);
    for (const key of [metricsAnnotation, behaviorAnnotation, currentMetricsAnnotation, conditionsAnnotation]) {
      delete annotations[key];
    }
    return {
      ...object,
      apiVersion: 'autoscaling/v2',
      metadata: withAnnotations(object.metadata, annotations),
      spec: { ...rest, ...(metrics.length > 0 && { metrics }), ...(behavior !== undefined && { behavior }) },
      status: {
        ...withoutZero(restOfStatus, 'currentReplicas'),
        currentMetrics: currentMetrics.length > 0 ? currentMetrics : null,
        ...(conditions !== undefined && { conditions }),
      },
    };
  },

  fromStored(object: ApiObject): ApiObject {
    const { metadata, spec, status } = typed<HorizontalPodAutoscaler>(object);
    const { metrics, behavior, ...rest } = spec ?? { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } };
    const { currentMetrics, conditions, ...restOfStatus } = status ?? { desiredReplicas: 0 };
    const annotations = { ...metadata?.annotations };
    let targetCPUUtilizationPercentage: number | undefined;
    const otherMetrics: unknown[] = [];
    for (const metric of metrics ?? []) {
      const utilization =
        metric.type === 'Resource' && metric.resource?.name === 'cpu'
          ? metric.resource.target.averageUtilization
          : undefined;
      if (utilization !== undefined && targetCPUUtilizationPercentage === undefined) {
        targetCPUUtilizationPercentage = utilization;
      } else otherMetrics.push(metricToV1(metric));
    }
    let currentCPUUtilizationPercentage: number | undefined;
    for (const current of currentMetrics ?? []) {
      if (
        current.type === 'Resource' &&
        current.resource?.name === 'cpu' &&
        current.resource.current.averageUtilization
      ) {
        currentCPUUtilizationPercentage = current.resource.current.averageUtilization;
      }
    }
    if (otherMetrics.length > 0) annotations[metricsAnnotation] = JSON.stringify(otherMetrics);
    if (currentMetrics?.length) {
      annotations[currentMetricsAnnotation] = JSON.stringify(currentMetrics.map((metric) => currentMetricToV1(metric)));
    }
    if (conditions?.length) annotations[conditionsAnnotation] = JSON.stringify(conditions.map(goCondition));
    if (behavior !== undefined) annotations[behaviorAnnotation] = JSON.stringify(goBehavior(behavior));
    return {
      ...object,
      apiVersion: 'autoscaling/v1',
      metadata: withAnnotations(object.metadata, annotations),
      spec: { ...rest, ...(targetCPUUtilizationPercentage !== undefined && { targetCPUUtilizationPercentage }) },
      status: {
        ...restOfStatus,
        currentReplicas: restOfStatus.currentReplicas ?? 0,
        ...(currentCPUUtilizationPercentage !== undefined && { currentCPUUtilizationPercentage }),
      },
    };
  },
};

type Loose = Record<string, unknown>;

/** With its members in the order in which upstream writes them. */
const goCondition = ({ type, status, lastTransitionTime, reason, message }: HorizontalPodAutoscalerCondition) => ({
  type,
  status,
  lastTransitionTime: lastTransitionTime ?? null,
  ...(reason ? { reason } : {}),
  ...(message ? { message } : {}),
});

/** As {@link goCondition}. */
const goReference = ({ kind, name, apiVersion }: CrossVersionObjectReference) => ({
  kind,
  name,
  ...(apiVersion ? { apiVersion } : {}),
});

function cpuMetric(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

/** The annotation's form of a metric is v2beta1's: targets are fields of the source. */
function metricToV1(metric: MetricSpec): Loose {
  const { resource, containerResource, pods, object, external } = metric;
  const result: Loose = { type: metric.type };
  if (resource !== undefined) {
    result.resource = { name: resource.name, ...resourceTarget(resource.target) };
  }
  if (containerResource !== undefined) {
    const { name, container, target } = containerResource;
    result.containerResource = { name, ...resourceTarget(target), container };
  }
  if (pods !== undefined) {
    const { metric: identifier, target } = pods;
    result.pods = {
      metricName: identifier.name,
      targetAverageValue: target.averageValue,
      ...(identifier.selector !== undefined && { selector: identifier.selector }),
    };
  }
  if (object !== undefined) {
    const { metric: identifier, target, describedObject } = object;
    result.object = {
      target: goReference(describedObject),
      metricName: identifier.name,
      targetValue: target.value ?? '0',
      ...(identifier.selector !== undefined && { selector: identifier.selector }),
      ...(target.averageValue !== undefined && { averageValue: target.averageValue }),
    };
  }
  if (external !== undefined) {
    const { metric: identifier, target } = external;
    result.external = {
      metricName: identifier.name,
      ...(identifier.selector !== undefined && { metricSelector: identifier.selector }),
      ...(target.value !== undefined && { targetValue: target.value }),
      ...(target.averageValue !== undefined && { targetAverageValue: target.averageValue }),
    };
  }
  return result;
}

function resourceTarget(target: { averageUtilization?: number | undefined; averageValue?: string | undefined }): Loose {
  return {
    ...(target.averageUtilization !== undefined && { targetAverageUtilization: target.averageUtilization }),
    ...(target.averageValue !== undefined && { targetAverageValue: target.averageValue }),
  };
}

function metricToV2(metric: Loose): MetricSpec {
  const result: Loose = { type: metric.type };
  const resource = metric.resource as Loose | undefined;
  if (resource !== undefined) result.resource = { name: resource.name, target: resourceTargetToV2(resource) };
  const container = metric.containerResource as Loose | undefined;
  if (container !== undefined) {
    result.containerResource = {
      name: container.name,
      container: container.container,
      target: resourceTargetToV2(container),
    };
  }
  const pods = metric.pods as Loose | undefined;
  if (pods !== undefined) {
    result.pods = {
      metric: identifierOf(pods.metricName, pods.selector),
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
    };
  }
  const object = metric.object as Loose | undefined;
  if (object !== undefined) {
    const target =
      object.averageValue === undefined
        ? { type: 'Value', value: object.targetValue }
        : { type: 'AverageValue', averageValue: object.averageValue };
    result.object = {
      describedObject: object.target,
      metric: identifierOf(object.metricName, object.selector),
      target,
    };
  }
  const external = metric.external as Loose | undefined;
  if (external !== undefined) {
    const target =
      external.targetValue === undefined
        ? { type: 'AverageValue', averageValue: external.targetAverageValue }
        : { type: 'Value', value: external.targetValue };
    result.external = { metric: identifierOf(external.metricName, external.metricSelector), target };
  }
  return result as unknown as MetricSpec;
}

function resourceTargetToV2(source: Loose): Loose {
  return source.targetAverageUtilization === undefined
    ? { type: 'AverageValue', averageValue: source.targetAverageValue }
    : { type: 'Utilization', averageUtilization: source.targetAverageUtilization };
}

function identifierOf(name: unknown, selector: unknown): Loose {
  return selector === undefined ? { name } : { name, selector };
}

function currentMetricToV1(
  status: NonNullable<NonNullable<HorizontalPodAutoscaler['status']>['currentMetrics']>[number],
): Loose {
  const { resource, containerResource, pods, object, external } = status;
  const result: Loose = { type: status.type };
  if (resource !== undefined) result.resource = { name: resource.name, ...currentOf(resource.current) };
  if (containerResource !== undefined) {
    result.containerResource = {
      name: containerResource.name,
      ...currentOf(containerResource.current),
      container: containerResource.container,
    };
  }
  if (pods !== undefined) {
    result.pods = { metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? '0' };
  }
  if (object !== undefined) {
    result.object = {
      target: goReference(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      ...(object.current.averageValue !== undefined && { averageValue: object.current.averageValue }),
    };
  }
  if (external !== undefined) {
    result.external = {
      metricName: external.metric.name,
      ...(external.metric.selector !== undefined && { metricSelector: external.metric.selector }),
      currentValue: external.current.value ?? '0',
      ...(external.current.averageValue !== undefined && { currentAverageValue: external.current.averageValue }),
    };
  }
  return result;
}

function currentOf(current: { averageUtilization?: number | undefined; averageValue?: string | undefined }): Loose {
  return {
    ...(current.averageUtilization !== undefined && { currentAverageUtilization: current.averageUtilization }),
    currentAverageValue: current.averageValue ?? '0',
  };
}

function currentMetricToV2(status: Loose): Loose {
  const result: Loose = { type: status.type };
  for (const key of ['resource', 'containerResource'] as const) {
    const source = status[key] as Loose | undefined;
    if (source === undefined) continue;
    const { currentAverageUtilization, currentAverageValue, ...rest } = source;
    result[key] = {
      ...rest,
      current: {
        ...(currentAverageUtilization !== undefined && { averageUtilization: currentAverageUtilization }),
        averageValue: currentAverageValue,
      },
    };
  }
  const pods = status.pods as Loose | undefined;
  if (pods !== undefined) {
    result.pods = { metric: { name: pods.metricName }, current: { averageValue: pods.currentAverageValue } };
  }
  const object = status.object as Loose | undefined;
  if (object !== undefined) {
    result.object = {
      describedObject: object.target,
      metric: { name: object.metricName },
      current: {
        value: object.currentValue,
        ...(object.averageValue !== undefined && { averageValue: object.averageValue }),
      },
    };
  }
  const external = status.external as Loose | undefined;
  if (external !== undefined) {
    result.external = {
      metric: identifierOf(external.metricName, external.metricSelector),
      current: {
        value: external.currentValue,
        ...(external.currentAverageValue !== undefined && { averageValue: external.currentAverageValue }),
      },
    };
  }
  return result;
}

/** The annotation holds the internal type, whose fields have Go's names. */
function goBehavior(behavior: NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['behavior']>): Loose {
  const rules = (value: HPAScalingRules | undefined) =>
    value === undefined
      ? null
      : {
          StabilizationWindowSeconds: value.stabilizationWindowSeconds ?? null,
          SelectPolicy: value.selectPolicy ?? null,
          Policies:
            value.policies?.map((policy) => ({
              Type: policy.type,
              Value: policy.value,
              PeriodSeconds: policy.periodSeconds,
            })) ?? null,
          Tolerance: value.tolerance ?? null,
        };
  return { ScaleUp: rules(behavior.scaleUp), ScaleDown: rules(behavior.scaleDown) };
}

function parseList(text: string | undefined): Loose[] | undefined {
  const value = parseJson(text);
  return Array.isArray(value) ? value : undefined;
}

/** Behavior as written by goBehavior, or with the field names of the API. */
function parseObject(text: string | undefined): Loose | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (lowerFirst(value) as Loose)
    : undefined;
}

function lowerFirst(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerFirst);
  if (typeof value !== 'object' || value === null) return value;
  const result: Loose = {};
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== null) result[key.charAt(0).toLowerCase() + key.slice(1)] = lowerFirst(entry);
  }
  return result;
}

/** Undefined for text that is not JSON: upstream ignores such annotations. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withAnnotations(metadata: ApiObject['metadata'], annotations: Record<string, string>): ApiObject['metadata'] {
  const { annotations: _before, ...rest } = metadata;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

function withoutZero(status: Loose, field: string): Loose {
  if (status[field] !== 0) return status;
  const { [field]: _zero, ...rest } = status;
  return rest;
}
