/**
 * HorizontalPodAutoscalers, in their stored version.
 * @see pkg/apis/autoscaling/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
} from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validatePathSegmentName } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import { at, type Check, collect, notPositive, type Path } from './check.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { checkContainerResourceName } from './resource-names.ts';

const specPath = fieldPath('spec');
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
const sourceTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

interface Reference {
  readonly kind?: string;
  readonly name?: string;
  readonly apiVersion?: string | undefined;
}

/** `needsGroup`: the kind must be of a named group, as what scales is. */
function checkReference(check: Check, path: Path, reference: Reference, needsGroup: boolean): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field];
    if (!value) check.required(path, field);
    else check.all(path, field, value, validatePathSegmentName(value));
  }
  const version = reference.apiVersion ?? '';
  const slashes = version.split('/').length - 1;
  if (slashes > 1) check.invalid(path, 'apiVersion', version, `unexpected GroupVersion string: ${version}`);
  else if (needsGroup && slashes === 0 && reference.kind !== 'ReplicationController')
    check.invalid(path, 'apiVersion', version, 'apiVersion must specify API group');
}

function checkTarget(check: Check, path: Path, target: Partial<MetricTarget>): void {
  if (!target.type) check.required(path, 'type', 'must specify a metric target type');
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type ?? ''))
    check.invalid(path, 'type', target.type ?? '', 'must be either Utilization, Value, or AverageValue');
  for (const field of ['value', 'averageValue'] as const) {
    const value = target[field];
    if (value !== undefined && parseQuantity(value).nanos <= 0n) check.invalid(path, field, value, 'must be positive');
  }
  const utilization = target.averageUtilization;
  if (utilization !== undefined && utilization < 1)
    check.invalid(path, 'averageUtilization', utilization, 'must be greater than 0');
}

function checkMetric(check: Check, path: Path, metric: MetricSpec): void {
  const type = metric.type ?? '';
  if (type === '') check.required(path, 'type', 'must specify a metric source type');
  check.oneOf(path, 'type', type, sourceTypes);
  const present = sources.filter((field) => metric[field] !== undefined);
  const first = present[0];
  if (first !== undefined) checkSource(check, at(path, first), metric, first);
  const expected = type === 'ContainerResource' ? 'containerResource' : type.toLowerCase();
  // An unknown type is told of twice: as such, and for want of a source that it would go with.
  check.oneOf(path, 'type', type, sourceTypes);
  if (sourceTypes.includes(type) && !present.some((field) => field === expected))
    check.required(path, expected, 'must populate information for the given metric source');
  if (present.length > 1)
    for (const field of present)
      if (field !== expected) check.forbidden(path, field, 'must populate the given metric source only');
}

function checkSource(check: Check, path: Path, metric: MetricSpec, field: (typeof sources)[number]): void {
  const target: Partial<MetricTarget> = metric[field]?.target ?? {};
  const place = at(path, 'target');
  if (field === 'resource' || field === 'containerResource') {
    const name = metric[field]?.name;
    if (!name) check.required(path, 'name', 'must specify a resource name');
    else if (field === 'containerResource') checkContainerResourceName(check, at(path, 'name'), name);
    if (field === 'containerResource') {
      const container = metric.containerResource?.container;
      if (!container) check.required(path, 'container', 'must specify a container');
      else check.dnsLabel(path, 'container', container);
    }
    checkTarget(check, place, target);
    const { averageUtilization, averageValue } = target;
    if (averageUtilization === undefined && averageValue === undefined)
      check.required(place, 'averageUtilization', 'must set either a target raw value or a target utilization');
    if (averageUtilization !== undefined && averageValue !== undefined)
      check.forbidden(place, 'averageValue', 'may not set both a target raw value and a target utilization');
    return;
  }
  if (field === 'object')
    checkReference(check, at(path, 'describedObject'), metric.object?.describedObject ?? {}, false);
  const identifier = metric[field]?.metric;
  if (!identifier?.name) check.required(at(path, 'metric'), 'name', 'must specify a metric name');
  else check.all(at(path, 'metric'), 'name', identifier.name, validatePathSegmentName(identifier.name));
  checkTarget(check, place, target);
  const { value, averageValue } = target;
  if (field === 'pods') {
    if (averageValue === undefined)
      check.required(place, 'averageValue', 'must specify a positive target averageValue');
    return;
  }
  if (value === undefined && averageValue === undefined)
    check.required(
      place,
      'averageValue',
      field === 'object'
        ? 'must set either a target value or averageValue'
        : 'must set either a target value for metric or a per-pod target',
    );
  if (field === 'external' && value !== undefined && averageValue !== undefined)
    check.forbidden(place, 'value', 'may not set both a target value for metric and a per-pod target');
}

function checkScalingRules(check: Check, path: Path, rules: HPAScalingRules | undefined): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  if (window !== undefined && window < 0)
    check.invalid(path, 'stabilizationWindowSeconds', window, 'must be greater than or equal to zero');
  if (window !== undefined && window > 3600)
    check.invalid(path, 'stabilizationWindowSeconds', window, 'must be less than or equal to 3600');
  if (selectPolicy !== undefined) check.oneOf(path, 'selectPolicy', selectPolicy, ['Disabled', 'Max', 'Min']);
  if (policies.length === 0) check.required(path, 'policies', 'must specify at least one Policy');
  policies.forEach(({ type, value = 0, periodSeconds = 0 }, index) => {
    const place = at(at(path, 'policies'), index);
    check.oneOf(place, 'type', type, ['Percent', 'Pods']);
    if (value <= 0) check.invalid(place, 'value', value, notPositive);
    if (periodSeconds <= 0) check.invalid(place, 'periodSeconds', periodSeconds, notPositive);
    if (periodSeconds > 1800)
      check.invalid(place, 'periodSeconds', periodSeconds, 'must be less than or equal to 1800');
  });
  if (tolerance !== undefined && parseQuantity(tolerance).nanos < 0n)
    check.invalid(path, 'tolerance', tolerance, 'must be greater than or equal to 0');
}

function checkAutoscaler(check: Check, autoscaler: HorizontalPodAutoscaler): void {
  checkStandardFinalizers(check, autoscaler.metadata);
  const spec: Partial<HorizontalPodAutoscalerSpec> = autoscaler.spec ?? {};
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {}, metrics, behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1)
    check.invalid(specPath, 'minReplicas', minReplicas, 'must be greater than or equal to 1');
  if (maxReplicas < 1) check.invalid(specPath, 'maxReplicas', maxReplicas, 'must be greater than 0');
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    check.invalid(specPath, 'maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  checkReference(check, at(specPath, 'scaleTargetRef'), scaleTargetRef, true);
  metrics?.forEach((metric, index) => {
    checkMetric(check, at(at(specPath, 'metrics'), index), metric);
  });
  if (minReplicas === 0 && !metrics?.some(({ type }) => type === 'Object' || type === 'External'))
    check.forbidden(
      specPath,
      'metrics',
      'must specify at least one Object or External metric to support scaling to zero replicas',
    );
  checkScalingRules(check, at(at(specPath, 'behavior'), 'scaleUp'), behavior?.scaleUp);
  checkScalingRules(check, at(at(specPath, 'behavior'), 'scaleDown'), behavior?.scaleDown);
}

const validate = (autoscaler: HorizontalPodAutoscaler) => collect((check) => checkAutoscaler(check, autoscaler));

export const horizontalPodAutoscalerValidation = strategyOf<HorizontalPodAutoscaler>({
  validate,
  validateUpdate: validate,
  status: {
    validateUpdate: ({ status }: HorizontalPodAutoscaler) =>
      collect((check) => {
        check.nonNegative(fieldPath('status'), 'currentReplicas', status?.currentReplicas);
        check.nonNegative(fieldPath('status'), 'desiredReplicas', status?.desiredReplicas);
      }),
  },
});
