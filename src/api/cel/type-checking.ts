/**
 * Warnings about the types in a policy's expressions, for the kinds that its rules name. Policies work on any objects; this tells their
 * author of fields that do not exist.
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, KEP-3488
 */
import type { Schema } from '../schema.ts';
import { type AdmissionEnvironmentOptions, admissionEnvironment } from './admission-environment.ts';
import { typeOfKind } from './kind-types.ts';
import { compile } from './program.ts';
import { CelCompileError } from './source.ts';
import { type CelType, dynType } from './types.ts';

export interface TypeCheckedPolicy {
  readonly paramKind?: unknown;
  readonly variables?:
    | readonly { readonly name?: string | undefined; readonly expression?: string | undefined }[]
    | undefined;
  readonly validations?:
    | readonly { readonly expression?: string | undefined; readonly messageExpression?: string | undefined }[]
    | undefined;
}

/** A kind that the policy is about. */
export interface CheckedKind {
  /** Such as `apps/v1, Kind=Deployment` and `/v1, Kind=Pod`. */
  readonly text: string;
  readonly schema: Schema;
}

export interface TypeWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

/** `params` is the schema of the policy's params, when it is known. */
export function policyTypeWarnings(
  policy: TypeCheckedPolicy,
  kinds: readonly CheckedKind[],
  params: Schema | undefined,
): TypeWarning[] {
  const checks = kinds.map(({ text, schema }) => ({ text, problem: checkerFor(policy, schema, params) }));
  const warnings: TypeWarning[] = [];
  const check = (fieldRef: string, expression: string | undefined): void => {
    if (expression === undefined || expression.trim() === '') return;
    const found = checks.flatMap(({ text, problem }) => {
      const detail = problem(expression);
      return detail === undefined ? [] : [`${text}: ${detail}\n`];
    });
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') });
  };
  for (const [index, { expression, messageExpression }] of (policy.validations ?? []).entries()) {
    check(`spec.validations[${index}].expression`, expression);
    check(`spec.validations[${index}].messageExpression`, messageExpression);
  }
  return warnings;
}

function checkerFor(policy: TypeCheckedPolicy, schema: Schema, params: Schema | undefined) {
  const variables: Record<string, CelType> = {};
  const options: AdmissionEnvironmentOptions = {
    hasParams: policy.paramKind !== undefined,
    hasAuthorizer: true,
    hasNamespace: true,
    objectType: typeOfKind(schema),
    ...(params === undefined ? {} : { paramsType: typeOfKind(params) }),
  };
  const attempt = (expression: string): CelType | string => {
    try {
      return compile(expression, admissionEnvironment({ ...options, variables: { ...variables } })).type;
    } catch (error) {
      if (error instanceof CelCompileError) return error.message;
      throw error;
    }
  };
  for (const { name = '', expression = '' } of policy.variables ?? []) {
    const type = attempt(expression);
    variables[name] = typeof type === 'string' ? dynType : type;
  }
  return (expression: string): string | undefined => {
    const type = attempt(expression);
    return typeof type === 'string' ? type : undefined;
  };
}
