/**
 * Resources that nobody may use without a quota that covers them: what the ResourceQuota plugin's configuration lists.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest
 */
import {
  compareQuantities,
  type ResourceQuota,
  type ScopedResourceSelectorRequirement,
} from '../../../src/api/index.ts';
import {
  type Amounts,
  groupResourceText,
  isInScope,
  quotaSelects,
  scopesOfQuota,
} from '../../../src/controller/index.ts';
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
  const matching = quotas.filter((quota) => quotaSelects(quota, text, object));
  const covered = new Set(matching.flatMap(({ status }) => Object.keys(status?.hard ?? {})));
  const wanted = about.flatMap(({ matchContains = [] }) =>
    Object.entries(usage).flatMap(([name, amount]) =>
      compareQuantities(amount, '0') > 0 && matchContains.some((part) => name.includes(part)) ? [name] : [],
    ),
  );
  const missing = [...new Set(wanted)].filter((name) => !covered.has(name)).sort();
  if (missing.length > 0) throw refusal(attributes, `insufficient quota to consume: ${missing.join(',')}`);
  // A scope of a quota covers by itself, even where another of its scopes lets the object out. As upstream, whatever the
  // configuration names the scope for, it is demanded of everything that can be in it.
  const inScope = (scope: ScopedResourceSelectorRequirement) => isInScope(scope, text, object);
  const coveredScopes = new Set(
    quotas
      .flatMap(scopesOfQuota)
      .filter(inScope)
      .map(({ scopeName }) => scopeName),
  );
  const scopes = limits
    .flatMap(({ matchScopes = [] }) => matchScopes)
    .filter((scope) => inScope(scope) && !coveredScopes.has(scope.scopeName));
  if (scopes.length === 0) return;
  const list = scopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`);
  throw plainError(`insufficient quota to match these scopes: [${list.join(' ')}]`);
}
