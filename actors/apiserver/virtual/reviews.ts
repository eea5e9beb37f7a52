/**
 * Reviews: who am I, whose token is this, may this user do that. Access is answered by the same function that the authorization
 * stage asks. @see pkg/registry/authorization, pkg/registry/authentication
 */
import { type ApiObject, type ReviewScope, StatusError, validateAccessReview } from '../../../src/api/index.ts';
import { annotate } from '../admission/audit-annotations.ts';
import type { Notes } from '../authentication/types.ts';
import type { Rule } from '../authorization/index.ts';
import { fieldSelectorText, labelSelectorText, type ReviewSelector } from '../authorization/selectors.ts';
import type { Call, Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { type AccessRequest, ask } from '../stages/authorization.ts';
import type { VirtualKind } from './handler.ts';

interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
  fieldSelector?: ReviewSelector | null;
  labelSelector?: ReviewSelector | null;
}

interface AccessSpec {
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
  resourceAttributes?: ResourceAttributes | null;
  nonResourceAttributes?: { path?: string; verb?: string } | null;
}

function answer(call: Call, status: object | undefined): void {
  const { kind, apiVersion, metadata: _metadata, status: _status, ...rest } = call.object as ApiObject;
  call.answer = {
    type: 'object',
    code: 201,
    object: { kind, apiVersion, metadata: {}, ...rest, ...(status === undefined ? {} : { status }) } as ApiObject,
  };
}

function userInfo({ user, uid, groups, extra }: Identity): object {
  return {
    username: user,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function accessOf({ resourceAttributes, nonResourceAttributes }: AccessSpec, user: Identity): AccessRequest {
  if (resourceAttributes === undefined || resourceAttributes === null)
    return { user, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
  return {
    user,
    verb: resourceAttributes.verb ?? '',
    group: resourceAttributes.group ?? '',
    version: resourceAttributes.version || '*',
    resource: resourceAttributes.resource ?? '',
    subresource: resourceAttributes.subresource ?? '',
    namespace: resourceAttributes.namespace ?? '',
    name: resourceAttributes.name ?? '',
    fieldSelector: fieldSelectorText(resourceAttributes.fieldSelector).text,
    labelSelector: labelSelectorText(resourceAttributes.labelSelector).text,
  };
}

/** What of the question's selectors the decision could not look at. */
function evaluationErrorOf({ resourceAttributes }: AccessSpec): string {
  const parts = {
    fieldSelector: fieldSelectorText(resourceAttributes?.fieldSelector).ignored,
    labelSelector: labelSelectorText(resourceAttributes?.labelSelector).ignored,
  };
  return Object.entries(parts)
    .filter(([, ignored]) => ignored !== undefined)
    .map(([name, ignored]) => `spec.resourceAttributes.${name} ${ignored} due to parse error`)
    .join('; ');
}

/** Answers a question that can be answered. Upstream leaves the kind's name out of the refusal of others. */
async function review(call: Call, server: Server, scope: ReviewScope): Promise<void> {
  const object = call.object as ApiObject;
  const errors = validateAccessReview(scope, object as Parameters<typeof validateAccessReview>[1]);
  if (errors.length > 0) throw StatusError.invalid({ group: call.kind.group, name: '' }, '', errors);
  const spec = (object['spec'] ?? {}) as AccessSpec;
  const { user = '', uid, groups = [], extra } = spec;
  const subject = scope === 'self' ? call.user : { user, uid, groups, extra };
  const { allowed, denied, reason } = await ask(accessOf(spec, subject), server);
  const evaluationError = evaluationErrorOf(spec);
  answer(call, {
    allowed,
    ...(denied === true ? { denied } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(evaluationError === '' ? {} : { evaluationError }),
  });
}

export const subjectAccessReviews: VirtualKind = {
  prefix: '/registry/subjectaccessreviews',
  create: (call, server) => review(call, server, 'any'),
};

export const localSubjectAccessReviews: VirtualKind = {
  prefix: '/registry/localsubjectaccessreviews',
  create: (call, server) => review(call, server, 'local'),
};

export const selfSubjectAccessReviews: VirtualKind = {
  prefix: '/registry/selfsubjectaccessreviews',
  create: (call, server) => review(call, server, 'self'),
};

export const selfSubjectRulesReviews: VirtualKind = {
  prefix: '/registry/selfsubjectrulesreviews',
  create(call, server) {
    const spec = ((call.object as ApiObject)['spec'] ?? {}) as { namespace?: string };
    if (spec.namespace === undefined || spec.namespace === '') throw StatusError.badRequest('no namespace on request');
    const { rules, errors, incomplete } = server.authorization.rulesOf(call.user, spec.namespace);
    const { kind, apiVersion } = call.object as ApiObject;
    call.answer = {
      type: 'object',
      code: 201,
      object: {
        kind,
        apiVersion,
        metadata: {},
        spec: {},
        status: {
          resourceRules: rules.filter(({ resources }) => (resources ?? []).length > 0).map(resourceRuleOf),
          nonResourceRules: rules.filter(({ nonResourceURLs }) => (nonResourceURLs ?? []).length > 0).map(pathRuleOf),
          incomplete,
          ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
        },
      } as ApiObject,
    };
  },
};

function resourceRuleOf({ verbs, apiGroups, resources, resourceNames }: Rule): object {
  return {
    verbs,
    apiGroups,
    resources,
    ...((resourceNames ?? []).length === 0 ? {} : { resourceNames }),
  };
}

function pathRuleOf({ verbs, nonResourceURLs }: Rule): object {
  return { verbs, nonResourceURLs };
}

export const selfSubjectReviews: VirtualKind = {
  prefix: '/registry/selfsubjectreviews',
  create(call, server) {
    const { kind, apiVersion } = call.object as ApiObject;
    call.answer = {
      type: 'object',
      code: 201,
      object: {
        kind,
        apiVersion,
        metadata: { creationTimestamp: server.strategyContext(false).now },
        status: { userInfo: userInfo(call.user) },
      },
    };
  },
};

export const tokenReviews: VirtualKind = {
  prefix: '/registry/tokenreviews',
  async create(call, server) {
    const spec = ((call.object as ApiObject)['spec'] ?? {}) as { token?: string; audiences?: string[] | null };
    const token = spec.token ?? '';
    if (token === '') throw StatusError.badRequest('token is required for TokenReview in authentication');
    const asked = spec.audiences ?? [];
    const audiences = asked.length > 0 ? asked : server.options.apiAudiences;
    const notes: Notes = { warnings: call.warnings, annotations: undefined };
    const attempt = await server.authenticator.review(token, audiences, notes);
    for (const [key, value] of Object.entries(notes.annotations ?? {})) annotate(call, key, value);
    if (attempt === undefined || 'error' in attempt) {
      answer(call, { user: {}, ...(attempt === undefined ? {} : { error: attempt.error }) });
      return;
    }
    answer(call, { authenticated: true, user: userInfo(attempt.user), audiences: attempt.audiences });
  },
};
