/**
 * The AuthorizationConfiguration: authorizers in their order, each with a name, webhooks with all that upstream wants to be said of
 * them. @see staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go
 */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { type ApiserverOptions, AUTHORIZATION_MODES, expressionFault } from '../../actors/apiserver/index.ts';
import { aggregateText, type FieldError, fieldErrors, fieldErrorText, nameIsDnsSubdomain } from '../api/index.ts';
import { durationMs, readDocument, readEndpoint } from './config-files.ts';
import { ClusterOptionsError } from './options-error.ts';
import { refuseOddMembers, type Shape } from './strict-document.ts';

type WebhookOption = NonNullable<ApiserverOptions['authorizationWebhooks']>[number];
type Mode = (typeof AUTHORIZATION_MODES)[number];

interface Webhook {
  readonly authorizedTTL?: string;
  readonly cacheAuthorizedRequests?: boolean;
  readonly unauthorizedTTL?: string;
  readonly cacheUnauthorizedRequests?: boolean;
  readonly timeout?: string;
  readonly subjectAccessReviewVersion?: string;
  readonly matchConditionSubjectAccessReviewVersion?: string;
  readonly failurePolicy?: string;
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string } | null;
  readonly matchConditions?: readonly { readonly expression?: string }[] | null;
}

interface Authorizer {
  readonly type?: string;
  readonly name?: string;
  readonly webhook?: Webhook | null;
}

const shape: Shape = {
  apiVersion: 'string',
  kind: 'string',
  authorizers: [
    {
      type: 'string',
      name: 'string',
      webhook: {
        authorizedTTL: 'string',
        cacheAuthorizedRequests: 'boolean',
        unauthorizedTTL: 'string',
        cacheUnauthorizedRequests: 'boolean',
        timeout: 'string',
        subjectAccessReviewVersion: 'string',
        matchConditionSubjectAccessReviewVersion: 'string',
        failurePolicy: 'string',
        connectionInfo: { type: 'string', kubeConfigFile: 'string' },
        matchConditions: [{ expression: 'string' }],
      },
    },
  ],
};

const TIMEOUT_MAX_MS = 30_000;
const CONDITIONS_MAX = 64;

export interface AuthorizationConfiguration {
  readonly modes: readonly Mode[];
  /** One for each `Webhook` among the modes. */
  readonly webhooks: readonly WebhookOption[];
}

/** Expressions are compiled: the language must be loaded. @throws ClusterOptionsError */
export function readAuthorizationConfiguration(source: string | object): AuthorizationConfiguration {
  const option = 'authorization-config';
  const document = readDocument<{ readonly authorizers?: readonly Authorizer[] | null }>(
    option,
    source,
    'AuthorizationConfiguration',
    ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'],
  );
  const where = typeof source === 'string' ? `${option}: ${source}` : option;
  refuseOddMembers(where, document, shape);
  const authorizers = document.authorizers ?? [];
  const errors = authorizerErrors(where, authorizers);
  if (errors.length > 0) throw new ClusterOptionsError(`${where}: ${aggregateText(errors.map(fieldErrorText))}`);
  return {
    modes: authorizers.map(({ type }) => type as Mode),
    webhooks: authorizers.flatMap(({ name, webhook }) =>
      webhook ? [{ ...webhookOption(where, webhook), ...(name ? { name } : {}) }] : [],
    ),
  };
}

function webhookOption(where: string, webhook: Webhook): WebhookOption {
  const { cacheAuthorizedRequests = true, cacheUnauthorizedRequests = true } = webhook;
  const file = webhook.connectionInfo?.kubeConfigFile as string;
  return {
    endpoint: { ...readEndpoint(where, file), timeoutMs: durationMs(where, webhook.timeout, 0) },
    version: webhook.subjectAccessReviewVersion === 'v1beta1' ? 'v1beta1' : 'v1',
    authorizedTtlMs: cacheAuthorizedRequests ? durationMs(where, webhook.authorizedTTL, 0) || 300_000 : 0,
    unauthorizedTtlMs: cacheUnauthorizedRequests ? durationMs(where, webhook.unauthorizedTTL, 0) || 30_000 : 0,
    failurePolicy: webhook.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    matchConditions: (webhook.matchConditions ?? []).map(({ expression = '' }) => ({ expression })),
  };
}

function authorizerErrors(where: string, authorizers: readonly Authorizer[]): FieldError[] {
  if (authorizers.length === 0) {
    return [fieldErrors.required('authorizers', 'at least one authorization mode must be defined')];
  }
  const types = new Set<string>();
  const names = new Set<string>();
  return authorizers.flatMap((authorizer, index): FieldError[] => {
    const { type = '', name = '', webhook } = authorizer ?? {};
    const at = `authorizers[${index}]`;
    if (type === '') return [fieldErrors.required(`${at}.type`)];
    if (!AUTHORIZATION_MODES.includes(type as Mode)) {
      return [fieldErrors.notSupported(`${at}.type`, type, [...AUTHORIZATION_MODES].sort())];
    }
    if (types.has(type) && type !== 'Webhook') return [fieldErrors.duplicate(`${at}.type`, type)];
    types.add(type);
    const errors = nameErrors(name, names, `${at}.name`);
    names.add(name);
    if (type === 'Webhook') {
      if (webhook) errors.push(...webhookErrors(where, webhook, at));
      else errors.push(fieldErrors.required(`${at}.webhook`, 'required when type=Webhook'));
    } else if (webhook) {
      errors.push(fieldErrors.invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'));
    }
    return errors;
  });
}

function nameErrors(name: string, seen: ReadonlySet<string>, at: string): FieldError[] {
  if (name === '') return [fieldErrors.required(at)];
  if (seen.has(name)) return [fieldErrors.duplicate(at, name)];
  const faults = nameIsDnsSubdomain(name, false);
  if (faults.length === 0) return [];
  return [fieldErrors.invalid(at, name, `authorizer name is invalid: ${faults.join(', ')}`)];
}

function webhookErrors(where: string, webhook: Webhook, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const timeoutMs = duration(where, webhook.timeout, `${at}.timeout`);
  if (timeoutMs === 0) errors.push(fieldErrors.required(`${at}.timeout`));
  else if (timeoutMs > TIMEOUT_MAX_MS || timeoutMs < 0) {
    errors.push(fieldErrors.invalid(`${at}.timeout`, webhook.timeout, 'must be > 0s and <= 30s'));
  }
  for (const name of ['authorizedTTL', 'unauthorizedTTL'] as const) {
    if (duration(where, webhook[name], `${at}.${name}`) < 0) {
      errors.push(fieldErrors.invalid(`${at}.${name}`, webhook[name], 'must be > 0s'));
    }
  }
  const oneOf = (value: string | undefined, name: string, known: readonly string[]) => {
    if ((value ?? '') === '') errors.push(fieldErrors.required(`${at}.${name}`));
    else if (!known.includes(value as string)) errors.push(fieldErrors.notSupported(`${at}.${name}`, value, known));
  };
  oneOf(webhook.subjectAccessReviewVersion, 'subjectAccessReviewVersion', ['v1', 'v1beta1']);
  const conditions = webhook.matchConditions ?? [];
  const version = webhook.matchConditionSubjectAccessReviewVersion ?? '';
  const place = `${at}.matchConditionSubjectAccessReviewVersion`;
  if (version === '' && conditions.length > 0) {
    errors.push(fieldErrors.required(place, 'required if match conditions are specified'));
  } else if (version !== '' && version !== 'v1') errors.push(fieldErrors.notSupported(place, version, ['v1']));
  oneOf(webhook.failurePolicy, 'failurePolicy', ['NoOpinion', 'Deny']);
  return [...errors, ...connectionErrors(webhook.connectionInfo ?? {}, at), ...conditionErrors(conditions, at)];
}

/** A minus is read here only, so that the rules can refuse it. */
function duration(where: string, text: string | undefined, at: string): number {
  const isNegative = text?.startsWith('-') === true;
  const ms = durationMs(`${where}: ${at}`, isNegative ? text.slice(1) : text, 0);
  return isNegative ? -ms : ms;
}

function connectionErrors({ type = '', kubeConfigFile = '' }: NonNullable<Webhook['connectionInfo']>, webhook: string) {
  const at = `${webhook}.connectionInfo`;
  if (type === '') return [fieldErrors.required(`${at}.type`)];
  if (type === 'InClusterConfig') {
    return [fieldErrors.invalid(`${at}.type`, type, 'this server runs in no pod; use KubeConfigFile')];
  }
  if (type !== 'KubeConfigFile') {
    return [fieldErrors.notSupported(`${at}.type`, type, ['InClusterConfig', 'KubeConfigFile'])];
  }
  const file = `${at}.kubeConfigFile`;
  if (kubeConfigFile === '') return [fieldErrors.required(file)];
  if (!isAbsolute(kubeConfigFile)) return [fieldErrors.invalid(file, kubeConfigFile, 'must be an absolute path')];
  try {
    return statSync(kubeConfigFile).isFile()
      ? []
      : [fieldErrors.invalid(file, kubeConfigFile, 'must be a regular file')];
  } catch (error) {
    return [fieldErrors.invalid(file, kubeConfigFile, `error loading file: ${(error as Error).message}`)];
  }
}

function conditionErrors(conditions: readonly { readonly expression?: string }[], webhook: string): FieldError[] {
  const at = `${webhook}.matchConditions`;
  if (conditions.length > CONDITIONS_MAX) return [fieldErrors.tooMany(at, conditions.length, CONDITIONS_MAX)];
  const seen = new Set<string>();
  return conditions.flatMap((condition, index): FieldError[] => {
    const place = `${at}[${index}].expression`;
    const expression = condition?.expression ?? '';
    if (expression.trim() === '') return [fieldErrors.required(place)];
    if (seen.has(expression)) return [fieldErrors.duplicate(place, expression)];
    seen.add(expression);
    const fault = expressionFault(expression, 'request', ['bool']);
    return fault === undefined ? [] : [fieldErrors.invalid(place, expression, fault)];
  });
}
