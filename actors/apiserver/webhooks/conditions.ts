/**
 * The match conditions of webhooks: expressions over the request, all of which have to hold for a webhook to be called.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go
 */
import {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  expressionsIfLoaded,
  loadExpressions,
  type MatchConditions,
} from '../../../src/api/index.ts';
import { type Attributes, refusal } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import type { Hook, MatchedHook } from './hooks.ts';
import { requestOf, type VersionedObjects } from './review.ts';

const compiled = new WeakMap<Hook, MatchConditions>();

/** @throws StatusError 403 when a condition cannot be evaluated and the webhook's failures count */
export async function meetsConditions(
  matched: MatchedHook,
  attributes: Attributes,
  objects: VersionedObjects,
  server: Server,
  type: 'admit' | 'validating',
): Promise<boolean> {
  const { hook } = matched;
  if (hook.matchConditions.length === 0) return true;
  const language = expressionsIfLoaded() ?? (await loadExpressions());
  let conditions = compiled.get(hook);
  if (conditions === undefined) {
    conditions = language.compileMatchConditions(hook.matchConditions);
    compiled.set(hook, conditions);
  }
  const ask = (question: AuthorizationQuestion) => answerTo(question, attributes, server);
  const { kind, subresource, namespace = '', name } = attributes;
  const { clock } = server.context;
  const { admission } = server.metrics;
  const startedMs = clock.monotonic();
  const result = conditions.evaluate({
    object: language.readJson(objects.object, language.dynType),
    oldObject: language.readJson(objects.previous, language.dynType),
    request: language.readJson(requestOf(attributes, matched), language.requestType),
    authorizer: language.authorizerValue(ask),
    'authorizer.requestResource': language.requestResourceValue(ask, {
      group: kind.group,
      resource: kind.plural,
      subresource,
      namespace,
      name,
    }),
  });
  const errors = 'errors' in result ? result.errors : [];
  const failures = 'failures' in result ? result.failures : 0;
  admission.conditions({ kind: 'webhook', name: hook.name, type }, attributes.operation, startedMs, failures);
  const isMet = 'matches' in result && result.matches;
  if (isMet) return true;
  if (errors.length === 0 || hook.ignoresFailure) {
    admission.excluded(hook.name, type === 'admit' ? 'admit' : 'validate', attributes.operation);
    return false;
  }
  throw refusal(attributes, errors.length === 1 ? (errors[0] as string) : `[${errors.join(', ')}]`);
}

function answerTo(question: AuthorizationQuestion, { call, kind }: Attributes, server: Server): AuthorizationAnswer {
  const { serviceAccount, verb, path } = question;
  const user =
    serviceAccount === undefined
      ? call.user
      : {
          user: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          groups: [
            'system:serviceaccounts',
            `system:serviceaccounts:${serviceAccount.namespace}`,
            'system:authenticated',
          ],
        };
  if (path !== undefined) return server.authorization.decide({ user, verb, path });
  return server.authorization.decide({
    user,
    verb,
    group: question.group ?? '',
    version: kind.version,
    resource: question.resource ?? '',
    subresource: question.subresource ?? '',
    namespace: question.namespace ?? '',
    name: question.name ?? '',
  });
}
