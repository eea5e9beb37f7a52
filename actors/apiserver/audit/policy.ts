/**
 * Which requests are recorded, and how much of them: the first rule of the policy that a request matches says so; without one
 * nothing is recorded. @see staging/src/k8s.io/apiserver/pkg/audit/policy/checker.go
 */
import type { Identity } from '../call.ts';

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof LEVELS)[number];
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof STAGES)[number];

/** A rule of upstream's audit.k8s.io/v1 Policy. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly {
    readonly group?: string;
    readonly resources?: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** What rules look at. A request of a path that is no resource has a path. */
export interface AuditAttributes {
  readonly user: Identity;
  readonly verb: string;
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Verdict {
  readonly level: AuditLevel;
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

const NOTHING: Verdict = { level: 'None', omitStages: [], omitManagedFields: false };

export function createAuditPolicy(policy: AuditPolicy): (attributes: AuditAttributes) => Verdict {
  const rules = policy.rules.map((rule) => ({
    rule,
    verdict: {
      level: rule.level,
      omitStages: [...new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])])],
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
    } satisfies Verdict,
  }));
  return (attributes) => rules.find(({ rule }) => matches(rule, attributes))?.verdict ?? NOTHING;
}

const empty = (list: readonly unknown[] | undefined): boolean => list === undefined || list.length === 0;

function matches(rule: AuditRule, attributes: AuditAttributes): boolean {
  const { user, verb, path } = attributes;
  if (!empty(rule.users) && rule.users?.includes(user.user) !== true) return false;
  if (!empty(rule.userGroups) && rule.userGroups?.some((group) => user.groups.includes(group)) !== true) return false;
  if (!empty(rule.verbs) && rule.verbs?.includes(verb) !== true) return false;
  if (!empty(rule.namespaces) || !empty(rule.resources)) return path === undefined && matchesResource(rule, attributes);
  if (!empty(rule.nonResourceURLs)) {
    return path !== undefined && rule.nonResourceURLs?.some((pattern) => matchesPath(pattern, path)) === true;
  }
  return true;
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

function matchesResource(rule: AuditRule, attributes: AuditAttributes): boolean {
  // An empty namespace among them stands for what is in no namespace.
  if (!empty(rule.namespaces) && rule.namespaces?.includes(attributes.namespace) !== true) return false;
  if (empty(rule.resources)) return true;
  const { group, resource, subresource, name } = attributes;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return (rule.resources ?? []).some((entry) => {
    if ((entry.group ?? '') !== group) return false;
    if (empty(entry.resources)) return true;
    if (!empty(entry.resourceNames) && entry.resourceNames?.includes(name) !== true) return false;
    return (entry.resources ?? []).some(
      (pattern) =>
        pattern === '*' ||
        pattern === whole ||
        (subresource !== '' && pattern === `*/${subresource}`) ||
        (pattern.endsWith('/*') && pattern.slice(0, -2) === resource),
    );
  });
}
