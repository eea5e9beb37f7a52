/**
 * Resources that nobody may use without a quota that covers them: what the ResourceQuota plugin's configuration lists.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest
 */
import {
  compareQuantities,
  type ResourceQuota,
  type ScopedResourceSelectorRequirement,
} from '../../../src/api/index.ts';
import { type Amounts, groupResourceText, quotaSelects } from '../../../src/controller/index.ts';
import { plainError } from '../failures.ts';
import { AdmissionConfigurationError, type Attributes, refusal } from './plugin.ts';

export interface QuotaLimit {
  readonly apiGroup?: string;
  readonly resource: string;
  /** Parts of the names of resources, such as `.storageclass.storage.k8s.io/`. */
  readonly matchContains?: readonly string[];
  readonly matchScopes?: readonly ScopedResourceSelectorRequirement[];
}

/** @throws AdmissionConfigurationError */
export function quotaLimitsOf(configuration: unknown): readonly QuotaLimit[] {
  const limits = (configuration as { limitedResources?: unknown } | null | undefined)?.limitedResources ?? [];
  const isGood = (limit: unknown) => typeof (limit as QuotaLimit | null)?.resource === 'string';
  if (Array.isArray(limits) && limits.every(isGood)) return limits;
  throw new AdmissionConfigurationError('ResourceQuota: limitedResources must be a list that names resources');
}

/** @throws StatusError when the object uses a limited resource, or is in a limited scope, that no quota covers */
export function demandQuotas(
  attributes: Attributes,
  limits: readonly QuotaLimit[],
  quotas: readonly ResourceQuota[],
  usage: Amounts,
): void {
  const { kind, object } = attributes;
  if (object === undefined) return;
  const text = groupResourceText({ group: kind.group, resource: kind.plural });
  const about = limits.filter(({ apiGroup = '', resource }) => apiGroup === kind.group && resource === kind.plural);
  if (about.length === 0) return;
  const matching = quotas.filter((quota) => quotaSelects(quota, text, object));
  const covered = new Set(matching.flatMap(({ status }) => Object.keys(status?.hard ?? {})));
  const wanted = about.flatMap(({ matchContains = [] }) =>
    Object.entries(usage).flatMap(([name, amount]) =>
      compareQuantities(amount, '0') > 0 && matchContains.some((part) => name.includes(part)) ? [name] : [],
    ),
  );
  const missing = [...new Set(wanted)].filter((name) => !covered.has(name)).sort();
  if (missing.length > 0) throw refusal(attributes, `insufficient quota to consume: ${missing.join(',')}`);
  const scopes = about
    .flatMap(({ matchScopes = [] }) => matchScopes)
    .filter((scope) => inScope(scope, text, attributes))
    .filter((scope) => !matching.some((quota) => scopesOf(quota).includes(scope.scopeName)));
  if (scopes.length === 0) return;
  const list = scopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`);
  throw plainError(`insufficient quota to match these scopes: [${list.join(' ')}]`);
}

function inScope(scope: ScopedResourceSelectorRequirement, text: string, { object }: Attributes): boolean {
  const quota = { spec: { scopeSelector: { matchExpressions: [scope] } } } as ResourceQuota;
  return object !== undefined && quotaSelects(quota, text, object);
}

function scopesOf({ spec }: ResourceQuota): readonly string[] {
  return [...(spec?.scopes ?? []), ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName }) => scopeName)];
}
