/**
 * Whether a webhook's rules are about a request. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go
 */
import type { KindDefinition } from '../../../src/api/index.ts';
import type { Operation } from '../admission/plugin.ts';

export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  /** As `pods`, `pods/status`, or with a star for either part. */
  readonly resources?: readonly string[];
  /** `*`, `Cluster` or `Namespaced`. */
  readonly scope?: string;
}

export function ruleMatches(rule: Rule, kind: KindDefinition, operation: Operation, subresource: string): boolean {
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, kind.group) &&
    includes(rule.apiVersions, kind.version) &&
    scopeMatches(rule.scope, kind) &&
    (rule.resources ?? []).some((resource) => resourceMatches(resource, kind.plural, subresource))
  );
}

function includes(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(value));
}

/** A namespace is no part of itself. */
function scopeMatches(scope: string | undefined, { namespaced }: KindDefinition): boolean {
  if (scope === undefined || scope === '' || scope === '*') return true;
  return scope === (namespaced ? 'Namespaced' : 'Cluster');
}

function resourceMatches(wanted: string, resource: string, subresource: string): boolean {
  const slash = wanted.indexOf('/');
  const [wantedResource, wantedSubresource] =
    slash < 0 ? [wanted, ''] : [wanted.slice(0, slash), wanted.slice(slash + 1)];
  if (wantedResource !== '*' && wantedResource !== resource) return false;
  return wantedSubresource === '*' || wantedSubresource === subresource;
}
