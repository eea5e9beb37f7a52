/**
 * Whether a user may do something: `system:masters` always, then the modes in their order. RBAC's answers are kept by user and
 * question until a role or binding changes, so that the components' endless repeats cost a lookup.
 */
import type { Clock, Metrics } from '../../../src/runtime/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { Identity } from '../call.ts';
import { type AbacPolicy, createAbacAuthorizer } from './abac.ts';
import { type AuthorizationMetrics, createAuthorizationMetrics } from './authorization-metrics.ts';
import { createNodeAuthorizer, nodeOf } from './node.ts';
import { createRbacAuthorizer, type RbacAuthorizer } from './rbac.ts';
import type { Rule } from './rules.ts';
import type { AccessRequest, Authorizer, Decision, UserRules } from './types.ts';
import { createWebhookAuthorizer, type WebhookAuthorizer, type WebhookAuthorizerOption } from './webhook.ts';

export type { AbacPolicy } from './abac.ts';
export type { Rule } from './rules.ts';
export type { AccessRequest, Decision, UserRules } from './types.ts';
export type { WebhookAuthorizerOption } from './webhook.ts';

/** As kube-apiserver's `--authorization-mode`. */
export const AUTHORIZATION_MODES = ['Node', 'RBAC', 'ABAC', 'Webhook', 'AlwaysAllow', 'AlwaysDeny'] as const;
export type AuthorizationMode = (typeof AUTHORIZATION_MODES)[number];

export interface AuthorizationOptions {
  readonly modes: readonly AuthorizationMode[];
  readonly abacPolicies?: readonly AbacPolicy[];
  /** One for each `Webhook` among the modes, in the same order. */
  readonly webhooks?: readonly WebhookAuthorizerOption[];
}

export interface Authorization {
  /** The decision; a promise only where a webhook has to be asked. */
  ask(request: AccessRequest): Decision | Promise<Decision>;
  /** The decision at once: what a webhook would say counts only when it is known already. */
  decide(request: AccessRequest): Decision;
  /** What the user may do in a namespace, as far as it can be told. */
  rulesOf(user: Identity, namespace: string): UserRules & { readonly incomplete: boolean };
  readonly rbac: RbacAuthorizer;
  /** Who decides from now on; questions that are on their way go by who did. */
  configure(settings: AuthorizationSettings): void;
}

/** The part of the options that may change while the server runs. */
export type AuthorizationSettings = Pick<AuthorizationOptions, 'modes' | 'webhooks'>;

const MASTERS = 'system:masters';
const ALLOWED: Decision = { allowed: true, reason: '' };
const EVERYTHING: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Answers kept, over all users; beyond it all are forgotten. */
const KEPT_MAX = 100_000;

interface Mode {
  readonly authorizer: Authorizer;
  /** Answers at once, where `authorizer` may have to wait. */
  readonly atOnce: (request: AccessRequest) => Decision;
  readonly rulesOf: (user: Identity, namespace: string) => UserRules;
  /** The name that goes with the mode, where it is not the mode itself. */
  readonly name?: string;
}

interface CountedMode extends Mode {
  readonly count: (decision: Decision) => void;
}

export function createAuthorization(
  options: AuthorizationOptions,
  caches: Caches,
  clock: Clock,
  metrics: Metrics,
): Authorization {
  const counted = createAuthorizationMetrics(metrics);
  const rbac = createRbacAuthorizer(caches, () => remembered.forget());
  const remembered = remember(rbac);
  const node = createNodeAuthorizer(caches);
  const abac = createAbacAuthorizer(options.abacPolicies ?? []);
  const atOnce = (authorizer: { decide(request: AccessRequest): Decision }, rulesOf: Mode['rulesOf']): Mode => ({
    authorizer,
    atOnce: (request) => authorizer.decide(request),
    rulesOf,
  });
  const none = (): UserRules => ({ rules: [], errors: [] });
  const make: Readonly<Record<AuthorizationMode, (webhooks: WebhookAuthorizerOption[]) => Mode>> = {
    Node: () =>
      atOnce(node, (user) => ({
        rules: [],
        errors: nodeOf(user) === undefined ? [] : ['node authorizer does not support user rule resolution'],
      })),
    RBAC: () => atOnce(remembered, (user, namespace) => rbac.rulesOf(user, namespace)),
    ABAC: () => atOnce(abac, (user, namespace) => abac.rulesOf(user, namespace)),
    Webhook: (webhooks) => webhookMode(webhooks.shift(), clock, counted),
    AlwaysAllow: () => atOnce({ decide: () => ALLOWED }, () => ({ rules: EVERYTHING, errors: [] })),
    AlwaysDeny: () => atOnce({ decide: () => ({ allowed: false, reason: 'Everything is forbidden.' }) }, none),
  };
  const inOrder = (settings: AuthorizationSettings): readonly CountedMode[] => {
    const webhooks = [...(settings.webhooks ?? [])];
    return settings.modes.map((type) => {
      const mode = make[type](webhooks);
      return { ...mode, count: counted.decisionsOf(type, mode.name ?? type.toLowerCase()) };
    });
  };
  let modes = inOrder(options);

  /** Goes on with the mode at `index`; the reasons are those of the modes before it. */
  function askFrom(
    request: AccessRequest,
    index: number,
    reasons: readonly string[],
    modes: readonly CountedMode[],
  ): Decision | Promise<Decision> {
    let all = reasons;
    for (let at = index; at < modes.length; at++) {
      const { authorizer, count } = modes[at] as CountedMode;
      const decision = authorizer.decide(request);
      if (decision instanceof Promise) {
        return decision.then((known) => {
          count(known);
          if (known.allowed || known.denied === true) return known;
          return askFrom(request, at + 1, known.reason === '' ? all : [...all, known.reason], modes);
        });
      }
      count(decision);
      if (decision.allowed || decision.denied === true) return decision;
      if (decision.reason !== '') all = [...all, decision.reason];
    }
    return { allowed: false, reason: all.join('\n') };
  }

  return {
    rbac,
    configure(settings) {
      modes = inOrder(settings);
    },
    ask: (request) => (request.user.groups.includes(MASTERS) ? ALLOWED : askFrom(request, 0, [], modes)),
    decide(request) {
      if (request.user.groups.includes(MASTERS)) return ALLOWED;
      const reasons: string[] = [];
      for (const mode of modes) {
        const decision = mode.atOnce(request);
        mode.count(decision);
        if (decision.allowed || decision.denied === true) return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { allowed: false, reason: reasons.join('\n') };
    },
    rulesOf(user, namespace) {
      const parts = modes.map((mode) => mode.rulesOf(user, namespace));
      const errors = parts.flatMap((part) => part.errors);
      return { rules: parts.flatMap((part) => part.rules), errors, incomplete: errors.length > 0 };
    },
  };
}

/** What upstream calls the webhook of the flags. */
const DEFAULT_WEBHOOK = 'default';

function webhookMode(option: WebhookAuthorizerOption | undefined, clock: Clock, metrics: AuthorizationMetrics): Mode {
  if (option === undefined) throw new Error('the mode Webhook needs a webhook');
  const name = option.name ?? DEFAULT_WEBHOOK;
  const webhook: WebhookAuthorizer = createWebhookAuthorizer(option, clock, metrics.webhook(name));
  return {
    name,
    authorizer: webhook,
    atOnce: (request) => webhook.peek(request),
    rulesOf: () => ({ rules: [], errors: ['webhook authorizer does not support user rule resolution'] }),
  };
}

/** Keeps RBAC's answers. A role that allows something without naming objects allows it for every name: one answer serves all. */
function remember(rbac: RbacAuthorizer): { decide(request: AccessRequest): Decision; forget(): void } {
  let kept = new Map<string, Map<string, Decision>>();
  /** The same by identity: most come as the same object each time, and their names and groups need not be put together. */
  let byIdentity = new WeakMap<Identity, Map<string, Decision>>();
  let count = 0;
  const forget = () => {
    if (count === 0) return;
    kept = new Map();
    byIdentity = new WeakMap();
    count = 0;
  };

  function answersOf(user: Identity): Map<string, Decision> {
    let answers = byIdentity.get(user);
    if (answers !== undefined) return answers;
    const who = `${user.user}\n${user.groups.join('\n')}`;
    answers = kept.get(who);
    if (answers === undefined) {
      answers = new Map();
      kept.set(who, answers);
    }
    byIdentity.set(user, answers);
    return answers;
  }

  return {
    forget,
    decide(request) {
      let answers = answersOf(request.user);
      const question = questionOf(request);
      let answer = answers.get(question);
      if (answer === undefined) {
        answer = rbac.decide('path' in request || request.name === '' ? request : { ...request, name: '' });
        if (count++ >= KEPT_MAX) {
          forget();
          answers = answersOf(request.user);
        }
        answers.set(question, answer);
      }
      return answer.allowed || 'path' in request || request.name === '' ? answer : rbac.decide(request);
    },
  };
}

function questionOf(request: AccessRequest): string {
  if ('path' in request) return `${request.verb} ${request.path}`;
  return `${request.verb} ${request.group}/${request.resource}/${request.subresource} ${request.namespace}`;
}
