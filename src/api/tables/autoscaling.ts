/** Table of HorizontalPodAutoscalers, from v2. @see pkg/printers/internalversion/printers.go formatHPAMetrics */
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../generated/types.ts';
import { ageColumn, ageOf, column, nameColumn, nameOf, tableOf } from './columns.ts';

const SPEC = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec';
const STATUS = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus';
const unknown = '<unknown>';
/** As the first version with metrics described them, which is where upstream takes this column's text from. */
const metricsDescription =
  'metrics contains the specifications for which to use to calculate the desired replica count (the maximum replica count across all metrics will be used).  The desired replica count is calculated multiplying the ratio between the target value and the current value by the current number of pods.  Ergo, metrics used must decrease as the pod count is increased, and vice-versa.  See the individual metric source types for more information about how each type of metric must respond.';

export const horizontalPodAutoscalerTable = tableOf<HorizontalPodAutoscaler>({
  columns: [
    nameColumn,
    column('Reference', 'string', [SPEC, 'scaleTargetRef']),
    column('Targets', 'string', metricsDescription),
    column('MinPods', 'string', [SPEC, 'minReplicas']),
    column('MaxPods', 'string', [SPEC, 'maxReplicas']),
    column('Replicas', 'string', [STATUS, 'currentReplicas']),
    ageColumn,
  ],
  row(autoscaler, context) {
    const { spec, status } = autoscaler;
    return [
      nameOf(autoscaler),
      `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
      formatMetrics(spec?.metrics ?? [], status?.currentMetrics ?? []),
      spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
      spec?.maxReplicas ?? 0,
      status?.currentReplicas ?? 0,
      ageOf(autoscaler, context),
    ];
  },
});

function formatMetrics(metrics: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (metrics.length === 0) return '<none>';
  const shown = metrics.slice(0, 2).map((metric, index) => formatMetric(metric, statuses[index]));
  const text = shown.join(', ');
  return metrics.length > 2 ? `${text} + ${metrics.length - 2} more...` : text;
}

function formatMetric(metric: MetricSpec, status: MetricStatus | undefined): string {
  switch (metric.type) {
    case 'External':
      return valueOrAverage(metric.external?.target, status?.external?.current);
    case 'Object':
      return valueOrAverage(metric.object?.target, status?.object?.current);
    case 'Pods': {
      const current = status?.pods === undefined ? unknown : (status.pods.current.averageValue ?? '0');
      return `${current}/${metric.pods?.target.averageValue ?? '0'}`;
    }
    case 'Resource':
      return `${metric.resource?.name ?? ''}: ${utilizationOrAverage(metric.resource?.target, status?.resource?.current)}`;
    case 'ContainerResource': {
      const source = metric.containerResource;
      return `${source?.name ?? ''}: ${utilizationOrAverage(source?.target, status?.containerResource?.current)}`;
    }
    default:
      return '<unknown type>';
  }
}

interface Target {
  readonly value?: string | undefined;
  readonly averageValue?: string | undefined;
  readonly averageUtilization?: number | undefined;
}

function valueOrAverage(target: Target | undefined, current: Target | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current === undefined ? unknown : (current.value ?? '0')}/${target?.value ?? '0'}`;
}

function utilizationOrAverage(target: Target | undefined, current: Target | undefined): string {
  if (target?.averageValue !== undefined) {
    return `${current === undefined ? unknown : (current.averageValue ?? '0')}/${target.averageValue}`;
  }
  return `${percent(current?.averageUtilization) ?? unknown}/${percent(target?.averageUtilization) ?? '<auto>'}`;
}

function percent(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}%`;
}
