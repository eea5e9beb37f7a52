/**
 * The webhook authorizer: a service elsewhere is sent a SubjectAccessReview and its answer is kept for a while.
 * @see staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go
 */
import type { Clock } from '../../../src/runtime/index.ts';
import { compileExpression } from '../authentication/expressions.ts';
import { messageOf } from '../failures.ts';
import { type Endpoint, postJson, RemoteError } from '../remote/post.ts';
import { RememberedAnswers } from '../remote/remembered.ts';
import type { WebhookMetrics } from './authorization-metrics.ts';
import { fieldRequirements, labelRequirements } from './selectors.ts';
import type { AccessRequest, Authorizer, Decision } from './types.ts';

/** An entry of `authorizers` in upstream's AuthorizationConfiguration, or the `--authorization-webhook-…` flags. */
export interface WebhookAuthorizerOption {
  /** By which its metrics go; default `default`. */
  readonly name?: string;
  readonly endpoint: Endpoint;
  /** Of the review that is sent; default v1. */
  readonly version?: 'v1' | 'v1beta1';
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  /** What a service that does not answer means: the next mode decides, or nobody may. */
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  /** CEL over `request`, the review's spec: all must hold for the service to be asked. */
  readonly matchConditions: readonly { readonly expression: string }[];
}

export interface WebhookAuthorizer extends Authorizer {
  /** The decision when it is known already. */
  peek(request: AccessRequest): Decision;
}

const NO_OPINION: Decision = { allowed: false, reason: '' };

export function createWebhookAuthorizer(
  option: WebhookAuthorizerOption,
  clock: Clock,
  metrics: WebhookMetrics,
): WebhookAuthorizer {
  const answers = new RememberedAnswers<Decision>(clock);
  const conditions = option.matchConditions.map(({ expression }) => compileExpression(expression));
  const failed = (error: unknown): Decision =>
    option.failurePolicy === 'Deny'
      ? { allowed: false, denied: true, reason: messageOf(error) }
      : { allowed: false, reason: messageOf(error) };

  async function post(review: object): Promise<unknown> {
    const startedMs = clock.monotonic();
    const seconds = () => (clock.monotonic() - startedMs) / 1000;
    try {
      const answer = await postJson(option.endpoint, review, clock);
      metrics.evaluated('success', seconds());
      return answer;
    } catch (error) {
      const result = error instanceof RemoteError && error.isTimeout ? 'timeout' : 'error';
      metrics.evaluated(result, seconds());
      if (option.failurePolicy === 'NoOpinion') metrics.failedOpen(result);
      throw error;
    }
  }

  /** Whether the service is to be asked. */
  function meetsConditions(spec: Spec): boolean {
    if (conditions.length === 0) return true;
    const startedMs = clock.monotonic();
    try {
      const meets = conditions.every((condition) => condition({ request: spec }) === true);
      if (!meets) metrics.excluded();
      return meets;
    } catch (error) {
      metrics.conditionsFailed();
      throw error;
    } finally {
      metrics.conditionsEvaluated((clock.monotonic() - startedMs) / 1000);
    }
  }

  async function ask(spec: Spec): Promise<Decision> {
    const review = {
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${option.version ?? 'v1'}`,
      metadata: {},
      spec: option.version === 'v1beta1' ? firstSpec(spec) : spec,
      status: { allowed: false },
    };
    const { status } = (await post(review)) as {
      status?: { allowed?: boolean; denied?: boolean; reason?: string };
    };
    const { allowed = false, denied = false, reason = '' } = status ?? {};
    if (typeof allowed !== 'boolean' || typeof denied !== 'boolean' || typeof reason !== 'string') {
      throw new Error('the answer of the webhook is no SubjectAccessReview');
    }
    if (allowed && denied) throw new Error('webhook subject access review returned both allow and deny response');
    return denied ? { allowed: false, denied: true, reason } : { allowed, reason };
  }

  return {
    decide(request) {
      const spec = specOf(request);
      try {
        if (!meetsConditions(spec)) return NO_OPINION;
      } catch (error) {
        return failed(error);
      }
      const ttlMs = ({ allowed }: Decision) => (allowed ? option.authorizedTtlMs : option.unauthorizedTtlMs);
      const answer = answers.get(JSON.stringify(spec), ttlMs, () => ask(spec));
      return answer instanceof Promise ? answer.catch(failed) : answer;
    },
    peek: (request) => answers.peek(JSON.stringify(specOf(request)))?.answer ?? NO_OPINION,
  };
}

interface Spec {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly resourceAttributes?: object;
  readonly nonResourceAttributes?: object;
}

/** v1beta1 has another name for the groups. */
function firstSpec({ groups, ...rest }: Spec): object {
  return groups === undefined ? rest : { ...rest, group: groups };
}

function specOf(request: AccessRequest): Spec {
  const { user, uid, groups, extra } = request.user;
  const who = {
    user,
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
    ...(uid === undefined || uid === '' ? {} : { uid }),
  };
  if ('path' in request) return { nonResourceAttributes: { path: request.path, verb: request.verb }, ...who };
  const { namespace, verb, group, version, resource, subresource, name } = request;
  const attributes = Object.entries({ namespace, verb, group, version, resource, subresource, name });
  const fields = fieldRequirements(request.fieldSelector);
  const labels = labelRequirements(request.labelSelector);
  return {
    resourceAttributes: {
      ...Object.fromEntries(attributes.filter(([, value]) => value !== '')),
      ...(fields === undefined ? {} : { fieldSelector: { requirements: fields } }),
      ...(labels === undefined ? {} : { labelSelector: { requirements: labels } }),
    },
    ...who,
  };
}
