/**
 * The ABAC authorizer: a file of policies, a JSON object a line, of which any may allow. @see pkg/auth/authorizer/abac/abac.go
 */
import type { Identity } from '../call.ts';
import type { Rule } from './rules.ts';
import type { AccessRequest, Decision, UserRules } from './types.ts';

/** `spec` of a Policy; `*` means all, an empty or absent member nothing. */
export interface AbacPolicy {
  readonly user?: string;
  readonly group?: string;
  readonly readonly?: boolean;
  readonly apiGroup?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly nonResourcePath?: string;
}

const READS = ['get', 'list', 'watch'];
const ALLOWED: Decision = { allowed: true, reason: '' };
const NO_OPINION: Decision = { allowed: false, reason: 'No policy matched.' };

export function createAbacAuthorizer(policies: readonly AbacPolicy[]): {
  decide(request: AccessRequest): Decision;
  rulesOf(user: Identity, namespace: string): UserRules;
} {
  return {
    decide: (request) => (policies.some((policy) => allows(policy, request)) ? ALLOWED : NO_OPINION),
    rulesOf(user, namespace) {
      const rules: Rule[] = [];
      for (const policy of policies) {
        if (!isAbout(policy, user)) continue;
        const verbs = policy.readonly === true ? READS : ['*'];
        if (matches(policy.namespace, namespace)) {
          rules.push({ verbs, apiGroups: [policy.apiGroup ?? ''], resources: [policy.resource ?? ''] });
        }
        if (policy.nonResourcePath) rules.push({ verbs, nonResourceURLs: [policy.nonResourcePath] });
      }
      return { rules, errors: [] };
    },
  };
}

function allows(policy: AbacPolicy, request: AccessRequest): boolean {
  if (!isAbout(policy, request.user)) return false;
  if (policy.readonly === true && !READS.includes(request.verb)) return false;
  if ('path' in request) {
    const path = policy.nonResourcePath ?? '';
    return path === request.path || (path.endsWith('*') && request.path.startsWith(path.slice(0, -1)));
  }
  return (
    matches(policy.namespace, request.namespace) &&
    matches(policy.resource, request.resource) &&
    matches(policy.apiGroup, request.group)
  );
}

function matches(pattern: string | undefined, value: string): boolean {
  return pattern === '*' || (pattern ?? '') === value;
}

/** A policy that names a user and a group is about such users of the group. */
function isAbout({ user = '', group = '' }: AbacPolicy, who: Identity): boolean {
  if (user === '' && group === '') return false;
  if (user !== '' && user !== '*' && user !== who.user) return false;
  return group === '' || group === '*' || who.groups.includes(group);
}
