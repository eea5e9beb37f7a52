/**
 * LimitRanges and ResourceQuotas.
 * @see ValidateLimitRange, ValidateResourceQuota
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateQualifiedName } from '../names.ts';
import { quantityMilliValue } from '../quantity.ts';
import { at, Check, immutableField, keyed, type Path } from './check.ts';
import { checkStandardFinalizers } from './metadata.ts';
import {
  checkAmount,
  checkContainerResourceName,
  checkQuotaResourceName,
  checkResourceName,
  compareAmounts,
  isHugePages,
  isOvercommitAllowed,
  isStandardQuotaResource,
} from './resource-names.ts';

type Amounts = Readonly<Record<string, string>>;

function checkLimit(check: Check, path: Path, limit: LimitRangeItem, types: Set<string>): void {
  const type = limit.type ?? '';
  const messages = validateQualifiedName(type);
  check.all(path, 'type', type, messages);
  if (messages.length === 0 && !type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(type))
    check.invalid(path, 'type', type, 'must be a standard limit type or fully qualified');
  if (types.has(type)) check.duplicate(path, 'type', type);
  types.add(type);
  const keys = new Set<string>();
  const names = (field: string, amounts: Amounts | undefined): void => {
    for (const name in amounts) {
      const place = keyed(at(path, field), name);
      if (type === 'Pod' || type === 'Container') checkContainerResourceName(check, place, name);
      else checkResourceName(check, place, name);
      keys.add(name);
    }
  };
  names('max', limit.max);
  names('min', limit.min);
  const isPod = type === 'Pod';
  for (const field of ['default', 'defaultRequest'] as const) {
    if (!isPod) names(field, limit[field]);
    else if (Object.keys(limit[field] ?? {}).length > 0)
      check.forbidden(path, field, "may not be specified when `type` is 'Pod'");
  }
  if (type === 'PersistentVolumeClaim' && limit.min?.['storage'] === undefined && limit.max?.['storage'] === undefined)
    check.required(path, 'limits', 'either minimum or maximum storage value is required, but neither was provided');
  names('maxLimitRequestRatio', limit.maxLimitRequestRatio);
  for (const name of keys) checkOrder(check, path, name, limit, isPod);
}

/** Six digits, as Go's `%f` has them. */
const fixed = (value: number): string => (Number.isFinite(value) ? value.toFixed(6) : `+Inf`);

/** min ≤ defaultRequest ≤ default ≤ max, for one resource. */
function checkOrder(check: Check, path: Path, name: string, limit: LimitRangeItem, isPod: boolean): void {
  const min = limit.min?.[name];
  const max = limit.max?.[name];
  const byDefault = isPod ? undefined : limit.default?.[name];
  const request = isPod ? undefined : limit.defaultRequest?.[name];
  const ratio = limit.maxLimitRequestRatio?.[name];
  const order = (
    field: string,
    value: string | undefined,
    low: readonly [string, string | undefined],
    high: readonly [string, string | undefined],
  ): void => {
    if (low[1] === undefined || high[1] === undefined || compareAmounts(low[1], high[1]) <= 0) return;
    const text = `${low[0]} value ${low[1]} is greater than ${high[0]} value ${high[1]}`;
    check.invalid(keyed(at(path, field), name), '', value, text);
  };
  order('min', min, ['min', min], ['max', max]);
  order('defaultRequest', request, ['min', min], ['default request', request]);
  order('defaultRequest', request, ['default request', request], ['max', max]);
  order('defaultRequest', request, ['default request', request], ['default limit', byDefault]);
  order('default', min, ['min', min], ['default', byDefault]);
  order('default', max, ['default', byDefault], ['max', max]);
  if (ratio !== undefined) {
    const place = keyed(at(path, 'maxLimitRequestRatio'), name);
    if (compareAmounts(ratio, '1') < 0) check.invalid(place, '', ratio, `ratio ${ratio} is less than 1`);
    if (min !== undefined && max !== undefined) {
      const limitRatio = quantityMilliValue(max) / quantityMilliValue(min);
      if (quantityMilliValue(ratio) / 1000 > limitRatio)
        check.invalid(place, '', ratio, `ratio ${ratio} is greater than max/min = ${fixed(limitRatio)}`);
    }
  }
  if (isOvercommitAllowed(name) || byDefault === undefined || request === undefined) return;
  if (compareAmounts(byDefault, request) !== 0)
    check.invalid(
      keyed(at(path, 'defaultRequest'), name),
      '',
      request,
      `default value ${byDefault} must equal to defaultRequest value ${request} in ${name}`,
    );
}

function validateLimitRange(range: LimitRange): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, range.metadata);
  const types = new Set<string>();
  const path = fieldPath('spec', 'limits');
  range.spec?.limits?.forEach((limit, index) => {
    checkLimit(check, at(path, index), limit, types);
  });
  return check.errors;
}

export const limitRangeValidation = strategyOf<LimitRange>({
  validate: validateLimitRange,
  validateUpdate: validateLimitRange,
  metadataOnUpdate: ['whole'],
});

const podObjects = ['pods', 'cpu', 'memory', 'ephemeral-storage'];
const podCompute = podObjects.flatMap((name) =>
  name === 'pods' ? [name] : [name, `requests.${name}`, `limits.${name}`],
);
const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
const plainScopes = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

function scopeFits(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods';
    case 'VolumeAttributesClass':
      return resource === 'persistentvolumeclaims' || resource === 'requests.storage';
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
    case 'PriorityClass':
    case 'CrossNamespacePodAffinity':
      return podCompute.includes(resource) || isHugePages(resource) || resource.startsWith('requests.hugepages-');
    default:
      return true;
  }
}

function checkQuotaAmounts(check: Check, path: Path, amounts: Amounts | undefined): void {
  for (const name in amounts) {
    checkQuotaResourceName(check, keyed(path, name), name);
    checkAmount(check, keyed(path, name), name, amounts[name] as string);
  }
}

function checkQuotaSpec(check: Check, spec: ResourceQuotaSpec): void {
  const path = fieldPath('spec');
  checkQuotaAmounts(check, at(path, 'hard'), spec.hard);
  const resources = Object.keys(spec.hard ?? {}).sort();
  const misfits = (scope: string): number =>
    resources.filter((name) => isStandardQuotaResource(name) && !scopeFits(scope, name)).length;
  const conflict = (place: Path, found: readonly string[]): void => {
    const pairs = [
      ['BestEffort', 'NotBestEffort'],
      ['Terminating', 'NotTerminating'],
    ] as const;
    for (const pair of pairs) {
      if (pair.every((scope) => found.includes(scope)))
        check.invalid(place, '', spec.scopes ?? null, 'conflicting scopes');
    }
  };
  if (spec.scopes?.length) {
    for (const scope of spec.scopes) {
      if (!scopes.includes(scope)) check.invalid(path, 'scopes', spec.scopes, 'unsupported scope');
      for (let count = misfits(scope); count > 0; count--)
        check.invalid(path, 'scopes', spec.scopes, 'unsupported scope applied to resource');
    }
    conflict(at(path, 'scopes'), spec.scopes);
  }
  if (!spec.scopeSelector) return;
  const place = at(at(path, 'scopeSelector'), 'matchExpressions');
  const requirements = spec.scopeSelector.matchExpressions ?? [];
  for (const { scopeName, operator, values = [] } of requirements) {
    if (!scopes.includes(scopeName)) check.invalid(place, 'scopeName', scopeName, 'unsupported scope');
    for (let count = misfits(scopeName); count > 0; count--) {
      const value = {
        MatchExpressions: requirements.map((one) => ({
          ScopeName: one.scopeName,
          Operator: one.operator,
          Values: one.values ?? null,
        })),
      };
      check.invalid(place, '', value, 'unsupported scope applied to resource');
    }
    if (plainScopes.includes(scopeName) && operator !== 'Exists')
      check.invalid(
        place,
        'operator',
        operator ?? '',
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      );
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        check.required(
          place,
          'values',
          "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        );
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        check.invalid(
          place,
          'values',
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        );
    } else check.invalid(place, 'operator', operator ?? '', 'not a valid selector operator');
  }
  conflict(
    place,
    requirements.map(({ scopeName }) => scopeName),
  );
}

export const resourceQuotaValidation = strategyOf<ResourceQuota>({
  validate(quota: ResourceQuota) {
    const check = new Check();
    checkStandardFinalizers(check, quota.metadata);
    checkQuotaSpec(check, quota.spec ?? {});
    return check.errors;
  },
  validateUpdate(quota: ResourceQuota, previous: ResourceQuota) {
    const check = new Check();
    checkStandardFinalizers(check, quota.metadata);
    checkQuotaSpec(check, quota.spec ?? {});
    const now = new Set(quota.spec?.scopes ?? []);
    const before = new Set(previous.spec?.scopes ?? []);
    if (now.size !== before.size || [...now].some((scope) => !before.has(scope)))
      check.invalid(fieldPath('spec'), 'scopes', quota.spec?.scopes ?? null, immutableField);
    return check.errors;
  },
  status: {
    validateUpdate(quota: ResourceQuota) {
      const check = new Check();
      checkQuotaAmounts(check, fieldPath('status', 'hard'), quota.status?.hard);
      checkQuotaAmounts(check, fieldPath('status', 'used'), quota.status?.used);
      return check.errors;
    },
  },
});
