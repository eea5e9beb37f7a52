/**
 * Whether a user may do something: `system:masters` always, then the modes in their order. Answers are kept by user and
 * question until a role or binding changes, so that the components' endless repeats cost a lookup.
 */
import type { Caches } from '../cache/caches.ts';
import type { Identity } from '../call.ts';
import { createNodeAuthorizer, nodeOf } from './node.ts';
import { createRbacAuthorizer, type RbacAuthorizer } from './rbac.ts';
import type { AccessRequest, Authorizer, Decision, UserRules } from './types.ts';

export type { Rule } from './rules.ts';
export type { AccessRequest, Decision, UserRules } from './types.ts';

/** As kube-apiserver's `--authorization-mode`. */
export type AuthorizationMode = 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny';

export interface Authorization {
  decide(request: AccessRequest): Decision;
  /** What the user may do in a namespace, as far as it can be told. */
  rulesOf(user: Identity, namespace: string): UserRules & { readonly incomplete: boolean };
  readonly rbac: RbacAuthorizer;
}

const MASTERS = 'system:masters';
const ALLOWED: Decision = { allowed: true, reason: '' };

/** Answers kept, over all users; beyond it all are forgotten. */
const KEPT_MAX = 100_000;

export function createAuthorization(modes: readonly AuthorizationMode[], caches: Caches): Authorization {
  let kept = new Map<string, Map<string, Decision>>();
  let count = 0;
  const forget = () => {
    if (count === 0) return;
    kept = new Map();
    count = 0;
  };
  const rbac = createRbacAuthorizer(caches, forget);
  const authorizers: Record<AuthorizationMode, Authorizer> = {
    Node: createNodeAuthorizer(caches),
    RBAC: { decide: (request) => remembered(request) },
    AlwaysAllow: { decide: () => ALLOWED },
    AlwaysDeny: { decide: () => ({ allowed: false, reason: 'Everything is forbidden.' }) },
  };
  const ordered = modes.map((mode) => authorizers[mode]);

  /** A role that allows something without naming objects allows it for every name: that answer serves all names. */
  function remembered(request: AccessRequest): Decision {
    const { user } = request;
    const who = `${user.user}\n${user.groups.join('\n')}`;
    let answers = kept.get(who);
    if (answers === undefined) {
      answers = new Map();
      kept.set(who, answers);
    }
    const question = questionOf(request);
    let answer = answers.get(question);
    if (answer === undefined) {
      answer = rbac.decide('path' in request || request.name === '' ? request : { ...request, name: '' });
      if (count++ >= KEPT_MAX) forget();
      answers.set(question, answer);
    }
    return answer.allowed || 'path' in request || request.name === '' ? answer : rbac.decide(request);
  }

  return {
    rbac,
    decide(request) {
      if (request.user.groups.includes(MASTERS)) return ALLOWED;
      const reasons: string[] = [];
      for (const authorizer of ordered) {
        const decision = authorizer.decide(request);
        if (decision.allowed) return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { allowed: false, reason: reasons.join('\n') };
    },
    rulesOf(user, namespace) {
      const everything = modes.includes('AlwaysAllow');
      const { rules, errors } = everything
        ? {
            rules: [
              { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
              { verbs: ['*'], nonResourceURLs: ['*'] },
            ],
            errors: [],
          }
        : rbac.rulesOf(user, namespace);
      const node = modes.includes('Node') && nodeOf(user) !== undefined;
      const all = node ? ['node authorizer does not support user rule resolution', ...errors] : errors;
      return { rules, errors: all, incomplete: all.length > 0 };
    },
  };
}

function questionOf(request: AccessRequest): string {
  if ('path' in request) return `${request.verb} ${request.path}`;
  return `${request.verb} ${request.group}/${request.resource}/${request.subresource} ${request.namespace}`;
}
