/**
 * The variables of a request for expressions of admission: made once a request, and what is not mentioned is not made.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/condition.go CreateAdmissionRequest
 */
import {
  type ApiObject,
  type AuthorizationQuestion,
  expressions,
  type KindDefinition,
} from '../../../src/api/index.ts';
import type { Attributes } from '../admission/plugin.ts';
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { reviewOf } from '../webhooks/review.ts';
import { shownIn } from '../webhooks/versions.ts';
import { namespaceNamed } from './matching.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** `kind` is the version in which the objects are shown. Functions are called when their variable is mentioned. */
export async function requestVariables(
  attributes: Attributes,
  kind: KindDefinition,
  server: Server,
): Promise<Variables> {
  const { readJson, dynType, requestType, namespaceType, authorizerValue, requestResourceValue } = expressions();
  const once = <Value>(make: () => Value): (() => Value) => {
    let made: { value: Value } | undefined;
    return () => {
      made ??= { value: make() };
      return made.value;
    };
  };
  const json = (object: ApiObject | undefined): unknown => (object === undefined ? null : readJson(object, dynType));
  const { object, previous } = await shownIn(attributes, kind, server);
  const ask = (question: AuthorizationQuestion) => answer(question, attributes.call.user, server);
  return {
    object: once(() => json(object)),
    oldObject: once(() => json(previous)),
    request: once(() => readJson(requestOf(attributes, kind), requestType)),
    namespaceObject: once(() => {
      const namespace = attributes.kind.namespaced ? namespaceNamed(attributes.namespace ?? '', server) : undefined;
      return namespace === undefined ? null : readJson(namespace, namespaceType);
    }),
    authorizer: once(() => authorizerValue(ask)),
    'authorizer.requestResource': once(() => requestResourceValue(ask, resourceOf(attributes))),
  };
}

function requestOf(attributes: Attributes, kind: KindDefinition): unknown {
  // What a webhook would be sent, without the objects.
  const { request } = reviewOf(attributes, { kind }, { object: undefined, previous: undefined }, 'v1', '') as {
    request: Record<string, unknown>;
  };
  return request;
}

function resourceOf({ kind, subresource, namespace, name }: Attributes): Omit<AuthorizationQuestion, 'verb'> {
  return { group: kind.group, resource: kind.plural, subresource, namespace: namespace ?? '', name };
}

/** Answers for the user of the request, or for the service account that the question is about. */
function answer(question: AuthorizationQuestion, user: Identity, server: Server) {
  const {
    verb,
    path,
    group = '',
    resource = '',
    subresource = '',
    namespace = '',
    name = '',
    serviceAccount,
  } = question;
  const asking: Identity =
    serviceAccount === undefined
      ? user
      : {
          user: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          groups: [
            'system:serviceaccounts',
            `system:serviceaccounts:${serviceAccount.namespace}`,
            'system:authenticated',
          ],
        };
  const { allowed, reason } = server.authorization.decide(
    path === undefined
      ? {
          user: asking,
          verb,
          group,
          version: '*',
          resource,
          subresource,
          namespace,
          name,
          fieldSelector: question.fieldSelector,
        }
      : { user: asking, verb, path },
  );
  return { allowed, reason };
}
