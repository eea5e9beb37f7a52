/**
 * Asks the validating policies about a request: the first that denies it refuses it; others warn, or note in the audit log.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go, validator.go
 */
import { type ApiObject, expressions, StatusError } from '../../../src/api/index.ts';
import type { PolicyCheck } from '../admission/admission-metrics.ts';
import { annotate } from '../admission/audit-annotations.ts';
import { type Attributes, type Operation, refusal } from '../admission/plugin.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import {
  type Compiled,
  type Composition,
  composeExpressions,
  type Evaluated,
  measuredMatch,
  OUT_OF_BUDGET,
  Run,
} from './composition.ts';
import { BindingError, paramsOf } from './params.ts';
import type { Binding, Policy } from './policies.ts';
import { requestVariables, type Variables } from './request-variables.ts';

interface Validation {
  readonly condition: Compiled;
  readonly message: string;
  readonly messageExpression: Compiled | undefined;
  readonly reason: string;
}

/** What a ValidatingAdmissionPolicy does. */
export interface ValidatingRules {
  readonly composition: Composition;
  readonly validations: readonly Validation[];
  readonly annotations: readonly { readonly key: string; readonly value: Compiled }[];
}

interface ValidatingSpec {
  readonly validations?: readonly {
    expression: string;
    message?: string;
    messageExpression?: string;
    reason?: string;
  }[];
  readonly auditAnnotations?: readonly { key: string; valueExpression: string }[];
}

export function validatingRules(policy: ApiObject): ValidatingRules {
  const { validations = [], auditAnnotations = [] } = policy['spec'] as ValidatingSpec;
  const composition = composeExpressions(policy);
  return {
    composition,
    validations: validations.map(({ expression, message = '', messageExpression = '', reason = 'Invalid' }) => ({
      condition: composition.compile(expression),
      message: message.trim(),
      messageExpression: messageExpression.trim() === '' ? undefined : composition.compile(messageExpression),
      reason,
    })),
    annotations: auditAnnotations.map(({ key, valueExpression }) => ({
      key,
      value: composition.compile(valueExpression),
    })),
  };
}

/** Why a request is not let through. */
interface Denial {
  readonly message: string;
  readonly reason: string;
  /** Which of the policy's validations. */
  readonly index: number;
  /** How long it took to find out. */
  readonly seconds: number;
  /** Of an expression that could not be evaluated, under a policy that ignores failures: it is only counted. */
  readonly isIgnored?: true;
}

const MESSAGE_BYTES_MAX = 5 * 1024;
const ANNOTATION_BYTES_MAX = 10 * 1024;
const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

const ENFORCEMENTS: Readonly<Record<string, 'deny' | 'audit' | 'warn'>> = {
  Deny: 'deny',
  Audit: 'audit',
  Warn: 'warn',
};

type ValidatingPolicy = Policy<ValidatingRules>;

/** @throws StatusError for the first policy that denies the request */
export async function validateByPolicies(
  policies: readonly ValidatingPolicy[],
  attributes: Attributes,
  server: Server,
): Promise<void> {
  const denials: { policy: ValidatingPolicy; binding: Binding | undefined; denial: Denial }[] = [];
  for (const policy of policies) {
    const annotations = new Map<string, string[]>();
    const deny = (binding: Binding | undefined, denial: Denial) => denials.push({ policy, binding, denial });
    const configurationError = (binding: Binding | undefined, error: unknown) => {
      if (!(error instanceof BindingError) && !(error instanceof StatusError)) throw error;
      if (policy.ignoresFailure) return;
      const what = binding === undefined ? 'policy' : 'binding';
      deny(binding, {
        message: `failed to configure ${what}: ${messageOf(error)}`,
        reason: 'Invalid',
        index: 0,
        seconds: 0,
      });
    };
    const variables = await variablesOf(policy, attributes, server, configurationError);
    if (variables === undefined) continue;
    for (const binding of policy.bindings) {
      let findings: Findings[];
      try {
        if (binding.matcher?.matches(attributes) === false) continue;
        const params = paramsOf(policy.paramKind, binding.paramRef, attributes, server);
        findings = params.map((param) => judge(policy, variables, param, attributes.operation, server));
      } catch (error) {
        configurationError(binding, error);
        continue;
      }
      for (const { found, notes, failures } of findings) {
        for (const denial of found) act(policy, binding, denial, attributes, server, deny);
        for (const denial of failures) {
          deny(binding, denial);
          server.metrics.admission.validated(checkOf(policy, binding, denial), 'deny');
        }
        for (const [key, value] of notes) {
          const known = annotations.get(key) ?? [];
          // What several bindings say is noted once.
          if (!known.includes(value)) annotations.set(key, [...known, value]);
        }
      }
    }
    for (const [key, values] of annotations) annotate(attributes.call, `${policy.name}/${key}`, values.join(', '));
  }
  const [first] = denials;
  if (first !== undefined) throw denialStatus(first, attributes);
}

async function variablesOf(
  policy: ValidatingPolicy,
  attributes: Attributes,
  server: Server,
  failed: (binding: undefined, error: unknown) => void,
): Promise<Variables | undefined> {
  try {
    if (!policy.matcher.matches(attributes)) return undefined;
  } catch (error) {
    failed(undefined, error);
    return undefined;
  }
  const { kind, operation, subresource } = attributes;
  return requestVariables(attributes, policy.matcher.kindFor(kind, operation, subresource) ?? kind, server);
}

interface Findings {
  readonly found: readonly Denial[];
  /** Values of audit annotations. */
  readonly notes: readonly (readonly [key: string, value: string])[];
  /** Audit annotations that could not be made. */
  readonly failures: readonly Denial[];
}

const nothing: Findings = { found: [], notes: [], failures: [] };

/** What one policy says with one set of params. */
function judge(
  policy: ValidatingPolicy,
  request: Variables,
  param: ApiObject | null,
  operation: Operation,
  server: Server,
): Findings {
  const { readJson, dynType } = expressions();
  const { composition, validations, annotations } = policy.rules;
  const params = param === null ? null : readJson(param, dynType);
  const run = new Run(composition, request, params);
  const { clock } = server.context;
  const failed = (message: string, index: number, seconds = 0): Denial[] => [
    { message, reason: 'Invalid', index, seconds, ...(policy.ignoresFailure ? { isIgnored: true } : {}) },
  ];
  const matched = measuredMatch(composition, run, policy.name, operation, server);
  if ('errors' in matched) return { ...nothing, found: failed(aggregate(matched.errors), 0) };
  if (!matched.matches) return nothing;
  const seconds: number[] = [];
  const results = validations.map(({ condition }) => {
    const startedMs = clock.monotonic();
    const result = run.evaluate(condition);
    seconds.push((clock.monotonic() - startedMs) / 1000);
    return result;
  });
  // Who runs out of budget has been told nothing else.
  const outOfBudget = (result: Evaluated) => 'error' in result && result.error === OUT_OF_BUDGET;
  if (results.some(outOfBudget)) return { ...nothing, found: failed(OUT_OF_BUDGET, 0) };
  const found = validations.flatMap((validation, index) => {
    const result = results[index] as Evaluated;
    const took = seconds[index] as number;
    if ('error' in result) return failed(result.error, index, took);
    if (result.value === true) return [];
    const message = messageFor(validation, run);
    if (message === OUT_OF_BUDGET) return failed(`failed messageExpression: ${message}`, index, took);
    return [{ message, reason: validation.reason, index, seconds: took }];
  });
  const notes: [string, string][] = [];
  const failures: Denial[] = [];
  // Annotations have a budget of their own.
  const noting = annotations.length === 0 ? run : new Run(composition, request, params);
  for (const [index, { key, value: compiled }] of annotations.entries()) {
    const startedMs = clock.monotonic();
    const result = noting.evaluate(compiled);
    const took = (clock.monotonic() - startedMs) / 1000;
    if (outOfBudget(result)) return { ...nothing, found: failed(OUT_OF_BUDGET, 0) };
    if ('error' in result) failures.push(...failed(result.error, index, took));
    else if (typeof result.value === 'string') {
      const text = result.value.trim();
      if (text !== '') notes.push([key, truncated(text)]);
    } else if (result.value !== null) {
      const problem = `valueExpression '${compiled.expression}' resulted in unsupported return type. Return type must be either string or null.`;
      failures.push(...failed(problem, index, took));
    }
  }
  return { found, notes, failures: policy.ignoresFailure ? [] : failures };
}

function checkOf(policy: ValidatingPolicy, binding: Binding, { message, seconds }: Denial): PolicyCheck {
  return { policy: policy.name, binding: binding.name, message, seconds };
}

const aggregate = (messages: readonly string[]): string =>
  messages.length === 1 ? (messages[0] as string) : `[${messages.join(', ')}]`;

function truncated(text: string): string {
  return Buffer.byteLength(text) <= ANNOTATION_BYTES_MAX
    ? text
    : Buffer.from(text).subarray(0, ANNOTATION_BYTES_MAX).toString();
}

/** The text of a denial; OUT_OF_BUDGET when making it has cost too much. */
function messageFor({ condition, message, messageExpression }: Validation, run: Run): string {
  if (messageExpression !== undefined) {
    const result = run.evaluate(messageExpression);
    if ('error' in result && result.error === OUT_OF_BUDGET) return OUT_OF_BUDGET;
    if ('value' in result && typeof result.value === 'string') {
      const text = result.value.trim();
      if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MESSAGE_BYTES_MAX) return text;
    }
  }
  return message === '' ? `failed expression: ${condition.expression.trim()}` : message;
}

function act(
  policy: ValidatingPolicy,
  binding: Binding,
  denial: Denial,
  { call }: Attributes,
  server: Server,
  deny: (binding: Binding, denial: Denial) => void,
): void {
  const { admission } = server.metrics;
  const check = checkOf(policy, binding, denial);
  if (denial.isIgnored === true) {
    admission.validated(check, 'allow');
    return;
  }
  for (const action of binding.actions) {
    const counted = ENFORCEMENTS[action];
    if (counted !== undefined) admission.validated(check, counted);
    if (action === 'Deny') deny(binding, denial);
    else if (action === 'Warn' && call.attempt <= 1) {
      const what = `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}'`;
      call.warnings.push(`${what}: ${denial.message}`);
    } else if (action === 'Audit') {
      const failure = {
        message: denial.message,
        policy: policy.name,
        binding: binding.name,
        expressionIndex: denial.index,
        validationActions: binding.actions,
      };
      annotate(call, 'validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]));
    }
  }
}

function denialStatus(
  { policy, binding, denial }: { policy: ValidatingPolicy; binding: Binding | undefined; denial: Denial },
  attributes: Attributes,
): StatusError {
  const by = binding === undefined ? '' : ` with binding '${binding.name}'`;
  const message = `ValidatingAdmissionPolicy '${policy.name}'${by} denied request: ${denial.message}`;
  const { status } = refusal(attributes, message);
  return StatusError.fromStatus({
    ...status,
    reason: denial.reason,
    code: CODES[denial.reason] ?? 422,
    details: { ...status.details, causes: [...(status.details?.causes ?? []), { message }] },
  });
}
