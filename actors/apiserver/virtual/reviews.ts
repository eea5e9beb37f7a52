/**
 * Reviews: who am I, whose token is this, may this user do that. Access is answered by the same function that the authorization
 * stage asks. @see pkg/registry/authorization, pkg/registry/authentication
 */
import { type ApiObject, type FieldError, fieldErrors, StatusError } from '../../../src/api/index.ts';
import type { Rule } from '../authorization/index.ts';
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
  fieldSelector?: Selector | null;
}

interface Selector {
  rawSelector?: string;
  requirements?: { key?: string; operator?: string; values?: string[] | null }[] | null;
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

function accessOf(call: Call, spec: AccessSpec, user: Identity): AccessRequest {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const hasResource = resourceAttributes !== undefined && resourceAttributes !== null;
  const hasOther = nonResourceAttributes !== undefined && nonResourceAttributes !== null;
  if (hasResource === hasOther) {
    const text = hasResource
      ? 'cannot be specified in combination with resourceAttributes'
      : 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    refuse(call, [
      hasResource
        ? fieldErrors.invalid('spec.nonResourceAttributes', nonResourceAttributes, text)
        : fieldErrors.invalid('spec.resourceAttributes', null, text),
    ]);
  }
  return hasResource
    ? {
        user,
        verb: resourceAttributes.verb ?? '',
        group: resourceAttributes.group ?? '',
        version: resourceAttributes.version ?? '',
        resource: resourceAttributes.resource ?? '',
        subresource: resourceAttributes.subresource ?? '',
        namespace: resourceAttributes.namespace ?? '',
        name: resourceAttributes.name ?? '',
        fieldSelector: selectorText(resourceAttributes.fieldSelector),
      }
    : { user, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
}

/** The part of a selector that authorizers look at: fields that must have a value. */
function selectorText(selector: Selector | null | undefined): string | undefined {
  if (selector === undefined || selector === null) return undefined;
  if (selector.rawSelector !== undefined && selector.rawSelector !== '') return selector.rawSelector;
  const terms = (selector.requirements ?? []).flatMap(({ key = '', operator, values }) =>
    operator === 'In' && values?.length === 1 ? [`${key}=${values[0]}`] : [],
  );
  return terms.length === 0 ? undefined : terms.join(',');
}

/** Upstream leaves the kind's name out of these refusals. */
function refuse(call: Call, errors: readonly FieldError[]): never {
  throw StatusError.invalid({ group: call.kind.group, name: '' }, '', errors);
}

async function review(call: Call, server: Server, user: Identity): Promise<void> {
  const spec = ((call.object as ApiObject)['spec'] ?? {}) as AccessSpec;
  const { allowed, denied, reason } = await ask(accessOf(call, spec, user), server);
  answer(call, { allowed, ...(denied === true ? { denied } : {}), ...(reason === '' ? {} : { reason }) });
}

function reviewOther(call: Call, server: Server): Promise<void> {
  const { user = '', uid, groups = [], extra } = ((call.object as ApiObject)['spec'] ?? {}) as AccessSpec;
  if (user === '' && groups.length === 0) {
    refuse(call, [fieldErrors.invalid('spec.user', '', 'at least one of user or group must be specified')]);
  }
  return review(call, server, { user, uid, groups, extra });
}

export const subjectAccessReviews: VirtualKind = { prefix: '/registry/subjectaccessreviews', create: reviewOther };

export const localSubjectAccessReviews: VirtualKind = {
  prefix: '/registry/localsubjectaccessreviews',
  create(call, server) {
    const spec = ((call.object as ApiObject)['spec'] ?? {}) as AccessSpec;
    const namespace = spec.resourceAttributes?.namespace;
    if (namespace !== call.namespace) {
      throw StatusError.badRequest(`spec.resourceAttributes.namespace must match namespace: ${call.namespace}`);
    }
    return reviewOther(call, server);
  },
};

export const selfSubjectAccessReviews: VirtualKind = {
  prefix: '/registry/selfsubjectaccessreviews',
  create: (call, server) => review(call, server, call.user),
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
    const attempt = await server.authenticator.review(token, asked.length > 0 ? asked : server.options.apiAudiences);
    if (attempt === undefined || 'error' in attempt) {
      answer(call, { user: {}, ...(attempt === undefined ? {} : { error: attempt.error }) });
      return;
    }
    answer(call, { authenticated: true, user: userInfo(attempt.user), audiences: attempt.audiences });
  },
};
