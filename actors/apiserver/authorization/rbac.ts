/**
 * The RBAC authorizer: what the user's bindings, and the roles that they name, let do.
 * @see plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go
 */
import type { Caches } from '../cache/caches.ts';
import type { KindCache } from '../cache/kind-cache.ts';
import type { Identity } from '../call.ts';
import { type Binding, BindingIndex } from './bindings.ts';
import { type Rule, ruleAllows } from './rules.ts';
import type { AccessRequest, Authorizer, Decision, UserRules } from './types.ts';

export interface RbacAuthorizer extends Authorizer {
  decide(request: AccessRequest): Decision;
  rulesOf(user: Identity, namespace: string): UserRules;
  /** The rules of a role; undefined when there is none of that name. */
  rulesOfRole(kind: string, namespace: string, name: string): readonly Rule[] | undefined;
}

/** `changed` is told whenever decisions made so far may no longer hold. */
export function createRbacAuthorizer(caches: Caches, changed: () => void): RbacAuthorizer {
  const roles: KindCache = caches.cacheOf('/registry/roles', true);
  const clusterRoles: KindCache = caches.cacheOf('/registry/clusterroles', false);
  for (const cache of [roles, clusterRoles]) caches.onChange(cache.prefix.slice(0, -1), changed);
  const bindings = new BindingIndex(caches, changed);

  function rulesOfRole(kind: string, namespace: string, name: string): readonly Rule[] | undefined {
    const cache = kind === 'ClusterRole' ? clusterRoles : roles;
    const object = cache.get(cache.keyOf(namespace, name))?.object;
    return object === undefined ? undefined : ((object['rules'] ?? []) as readonly Rule[]);
  }

  function decide(request: AccessRequest): Decision {
    const namespace = 'path' in request ? '' : request.namespace;
    const errors: string[] = [];
    for (const binding of bindings.of(request.user, namespace)) {
      const rules = rulesOfRole(binding.role.kind, binding.namespace, binding.role.name);
      if (rules === undefined) errors.push(missing(binding));
      else if (rules.some((rule) => ruleAllows(rule, request))) return { allowed: true, reason: reasonOf(binding) };
    }
    return { allowed: false, reason: errors.length === 0 ? '' : `RBAC: ${aggregate(errors)}` };
  }

  function rulesOf(user: Identity, namespace: string): UserRules {
    const rules: Rule[] = [];
    const errors: string[] = [];
    for (const binding of bindings.of(user, namespace)) {
      const found = rulesOfRole(binding.role.kind, binding.namespace, binding.role.name);
      if (found === undefined) errors.push(missing(binding));
      else rules.push(...found);
    }
    return { rules, errors };
  }

  return { decide, rulesOf, rulesOfRole };
}

function missing({ role }: Binding): string {
  return `${role.kind.toLowerCase()}.rbac.authorization.k8s.io "${role.name}" not found`;
}

function reasonOf({ kind, name, namespace, role, subject }: Binding): string {
  const place = namespace === '' ? name : `${name}/${namespace}`;
  return `RBAC: allowed by ${kind} "${place}" of ${role.kind} "${role.name}" to ${subject}`;
}

/** Errors as upstream joins them: each text once, in brackets when there are several. */
export function aggregate(errors: readonly string[]): string {
  const texts = [...new Set(errors)];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`;
}
