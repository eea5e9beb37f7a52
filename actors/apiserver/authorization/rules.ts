/**
 * What a rule of RBAC lets do, and whether rules taken together let do all that other rules do.
 * @see pkg/apis/rbac/v1/evaluation_helpers.go, pkg/registry/rbac/validation/policy_comparator.go
 */
import type { AccessRequest } from './types.ts';

export interface Rule {
  readonly verbs?: readonly string[] | null;
  readonly apiGroups?: readonly string[] | null;
  readonly resources?: readonly string[] | null;
  readonly resourceNames?: readonly string[] | null;
  readonly nonResourceURLs?: readonly string[] | null;
}

export function ruleAllows(rule: Rule, request: AccessRequest): boolean {
  if (!has(rule.verbs, request.verb)) return false;
  if ('path' in request) return (rule.nonResourceURLs ?? []).some((url) => pathMatches(url, request.path));
  const { resourceNames } = rule;
  return (
    has(rule.apiGroups, request.group) &&
    resourceMatches(rule.resources ?? [], request.resource, request.subresource) &&
    (resourceNames === undefined ||
      resourceNames === null ||
      resourceNames.length === 0 ||
      resourceNames.includes(request.name))
  );
}

function has(list: readonly string[] | null | undefined, value: string): boolean {
  return list?.includes(value) === true || list?.includes('*') === true;
}

function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (item) => item === '*' || item === whole || (subresource !== '' && item === `*/${subresource}`),
  );
}

function pathMatches(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)));
}

/** The parts of `wanted` that `owned` does not let do, merged where only the verbs differ. */
export function notCovered(owned: readonly Rule[], wanted: readonly Rule[]): Rule[] {
  return merged(wanted.flatMap(singles).filter((single) => !owned.some((rule) => covers(rule, single))));
}

/** Rules of one verb, one group, one resource and at most one name each, or of one verb and one path. */
function singles(rule: Rule): Rule[] {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const parts: Rule[] = [];
  for (const verb of verbs ?? []) {
    for (const group of apiGroups ?? []) {
      for (const resource of resources ?? []) {
        const single = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if ((resourceNames ?? []).length === 0) parts.push(single);
        else for (const name of resourceNames ?? []) parts.push({ ...single, resourceNames: [name] });
      }
    }
    for (const url of nonResourceURLs ?? []) parts.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return parts;
}

/** Whether `owner` lets do what a single rule does. */
function covers(owner: Rule, single: Rule): boolean {
  if (!has(owner.verbs, first(single.verbs))) return false;
  if (single.nonResourceURLs !== undefined) {
    return (owner.nonResourceURLs ?? []).some((url) => pathMatches(url, first(single.nonResourceURLs)));
  }
  const [resource = '', subresource = ''] = first(single.resources).split('/');
  if (!has(owner.apiGroups, first(single.apiGroups))) return false;
  if (!resourceMatches(owner.resources ?? [], resource, subresource)) return false;
  const names = owner.resourceNames ?? [];
  if (names.length === 0) return true;
  return single.resourceNames !== undefined && names.includes(first(single.resourceNames));
}

function first(list: readonly string[] | null | undefined): string {
  return list?.[0] ?? '';
}

function merged(rules: readonly Rule[]): Rule[] {
  const byRest = new Map<string, Rule & { verbs: string[] }>();
  for (const { verbs, ...rest } of rules) {
    const text = JSON.stringify(rest);
    const known = byRest.get(text);
    if (known === undefined) byRest.set(text, { ...rest, verbs: [...(verbs ?? [])] });
    else known.verbs.push(...(verbs ?? []).filter((verb) => !known.verbs.includes(verb)));
  }
  return [...byRest.values()];
}

/** A rule as upstream prints it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function textOf(rule: Rule): string {
  const list = (name: string, values: readonly string[] | null | undefined) =>
    values === undefined || values === null || values.length === 0
      ? []
      : [`${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`];
  const parts = [
    ...list('APIGroups', rule.apiGroups),
    ...list('Resources', rule.resources),
    ...list('NonResourceURLs', rule.nonResourceURLs),
    ...list('ResourceNames', rule.resourceNames),
    ...list('Verbs', rule.verbs),
  ];
  return `{${parts.join(', ')}}`;
}
