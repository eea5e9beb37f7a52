/**
 * What webhooks and admission policies have in common: the rules that say which requests they see, and the conditions that say which of
 * these.
 * @see pkg/apis/admissionregistration/validation/validation.go
 */
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '../generated/types.ts';
import { validatePathSegmentName } from '../names.ts';
import { at, type Check, type Path } from './check.ts';
import { checkExpression } from './expressions.ts';
import { checkLabelSelector } from './label-selector.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];
export const failurePolicies = ['Fail', 'Ignore'];
export const matchPolicies = ['Equivalent', 'Exact'];
export const reinvocationPolicies = ['IfNeeded', 'Never'];
const matchConditionsMax = 64;

const alone = "if '*' is present, must not specify other";

export function checkRule(check: Check, path: Path, rule: RuleWithOperations): void {
  const given = rule.operations ?? [];
  if (given.length === 0) check.required(path, 'operations');
  if (given.length > 1 && given.includes('*')) check.invalid(path, 'operations', given, `${alone} operations`);
  given.forEach((operation, index) => {
    check.oneOf(at(path, 'operations'), index, operation, operations);
  });
  for (const [field, what] of [
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const values = rule[field] ?? [];
    if (values.length === 0) check.required(path, field);
    if (values.length > 1 && values.includes('*')) check.invalid(path, field, values, `${alone} ${what}`);
  }
  rule.apiVersions?.forEach((version, index) => {
    if (version === '') check.required(at(path, 'apiVersions'), index);
  });
  checkResources(check, at(path, 'resources'), rule.resources ?? []);
  if (rule.scope !== undefined) check.oneOf(path, 'scope', rule.scope, scopes);
}

function checkResources(check: Check, path: Path, resources: readonly string[]): void {
  if (resources.length === 0) check.required(path, '');
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let plain = false;
  resources.forEach((text, index) => {
    if (text === '') {
      check.required(path, index);
      return;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      // The last one decides, as upstream.
      plain = text !== '*';
      return;
    }
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    if (wholeResources.has(resource))
      check.invalid(path, index, text, `if '${resource}/*' is present, must not specify ${text}`);
    if (wholeSubresources.has(subresource))
      check.invalid(path, index, text, `if '*/${subresource}' is present, must not specify ${text}`);
    if (subresource === '*') wholeResources.add(resource);
    if (resource === '*') wholeSubresources.add(subresource);
  });
  if (resources.length > 1 && resources.includes('*/*'))
    check.invalid(path, '', resources, "if '*/*' is present, must not specify other resources");
  if (plain && resources.includes('*'))
    check.invalid(path, '', resources, "if '*' is present, must not specify other resources without subresources");
}

function checkNamedRule(check: Check, path: Path, rule: NamedRuleWithOperations): void {
  rule.resourceNames?.forEach((name, index) => {
    const place = at(path, 'resourceNames');
    check.all(place, index, name, validatePathSegmentName(name));
    if (rule.resourceNames?.indexOf(name) !== index) check.duplicate(place, index, name);
  });
  checkRule(check, path, rule);
}

export function checkMatchResources(check: Check, path: Path, match: MatchResources | undefined): void {
  if (!match) return;
  if (match.matchPolicy === undefined) check.required(path, 'matchPolicy');
  else check.oneOf(path, 'matchPolicy', match.matchPolicy, matchPolicies);
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (!match[field]) check.required(path, field);
    else checkLabelSelector(check, match[field], path, field);
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const)
    match[field]?.forEach((rule, index) => {
      checkNamedRule(check, at(at(path, field), index), rule);
    });
}

/** `params`: the conditions may use the policy's parameters. */
export function checkMatchConditions(
  check: Check,
  path: Path,
  conditions: readonly MatchCondition[] = [],
  params = false,
): void {
  if (conditions.length > matchConditionsMax) check.tooMany(path, '', conditions.length, matchConditionsMax);
  conditions.forEach(({ name = '', expression = '' }, index) => {
    const place = at(path, index);
    if (expression.trim() === '') check.required(place, 'expression');
    else checkExpression(check, place, 'expression', expression.trim(), { use: 'matchCondition', params });
    if (name === '') {
      check.required(place, 'name');
      return;
    }
    check.qualifiedName(place, 'name', name);
    if (conditions.findIndex((other) => other.name === name) < index) check.duplicate(place, 'name', name);
  });
}
