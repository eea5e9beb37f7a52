/**
 * What is wrong with an expression of a policy, a webhook or a device class when it is written.
 * @see pkg/apis/admissionregistration/validation/validation.go, pkg/apis/resource/validation/validation.go
 */
import type { ExpressionUse } from '../validation/expressions.ts';
import { type AdmissionEnvironmentOptions, admissionEnvironment } from './admission-environment.ts';
import { compileDeviceSelector, SELECTOR_COST_MAX } from './device-selectors.ts';
import { isMutationType, mutationMessage } from './mutation-types.ts';
import type { Program } from './program.ts';
import { compileCached } from './program-cache.ts';
import { CelCompileError } from './source.ts';
import { type CelType, dynType } from './types.ts';

export interface CheckedSurroundings {
  readonly use: ExpressionUse;
  readonly params?: boolean;
  readonly variables?: readonly { readonly name?: string; readonly expression?: string }[];
}

export interface ExpressionIssue {
  /** `forbidden` for what costs too much. */
  readonly type: 'invalid' | 'forbidden';
  readonly detail: string;
}

/** Undefined when nothing is wrong. */
export function admissionExpressionIssue(
  expression: string,
  { use, params = false, variables }: CheckedSurroundings,
): ExpressionIssue | undefined {
  if (use === 'deviceSelector') return selectorIssue(expression);
  const mutates = use === 'applyConfiguration' || use === 'jsonPatch';
  const options: AdmissionEnvironmentOptions = {
    hasParams: params,
    hasAuthorizer: use !== 'messageExpression',
    hasNamespace: true,
    ...(mutates ? { message: mutationMessage } : {}),
  };
  const types = variables === undefined ? undefined : variableTypes(variables, options);
  const program = attempt(expression, types === undefined ? options : { ...options, variables: types });
  if (typeof program === 'string') return { type: 'invalid', detail: `compilation failed: ${program}` };
  const detail = typeIssue(program.type, use);
  return detail === undefined ? undefined : { type: 'invalid', detail };
}

function attempt(expression: string, options: AdmissionEnvironmentOptions): Program | string {
  try {
    return compileCached(expression, admissionEnvironment(options));
  } catch (error) {
    if (error instanceof CelCompileError) return error.message;
    throw error;
  }
}

/** Each variable sees those before it; one that does not compile is told where it stands, and is of any type for the rest. */
function variableTypes(
  variables: NonNullable<CheckedSurroundings['variables']>,
  options: AdmissionEnvironmentOptions,
): Record<string, CelType> {
  const types: Record<string, CelType> = {};
  for (const { name = '', expression = '' } of variables) {
    const program = attempt(expression, { ...options, hasAuthorizer: true, variables: { ...types } });
    types[name] = typeof program === 'string' ? dynType : program.type;
  }
  return types;
}

/** A value of any type is not good enough: what it will be is not known. */
function typeIssue(type: CelType, use: ExpressionUse): string | undefined {
  switch (use) {
    case 'validation':
    case 'matchCondition':
      return type.kind === 'bool' ? undefined : 'must evaluate to bool';
    case 'messageExpression':
      return type.kind === 'string' ? undefined : 'must evaluate to string';
    case 'auditAnnotation':
      return ['string', 'null'].includes(type.kind) ? undefined : 'must evaluate to one of [string null_type]';
    case 'applyConfiguration':
      return isMutationType(type, use) ? undefined : 'must evaluate to Object';
    case 'jsonPatch':
      return isMutationType(type, use) ? undefined : 'must evaluate to list(JSONPatch)';
    default:
      return undefined;
  }
}

function selectorIssue(expression: string): ExpressionIssue | undefined {
  const selector = compileDeviceSelector(expression);
  if ('error' in selector) return { type: 'invalid', detail: selector.error };
  return selector.costMax > SELECTOR_COST_MAX
    ? { type: 'forbidden', detail: 'too complex, exceeds cost limit' }
    : undefined;
}
