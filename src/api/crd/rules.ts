/**
 * The rules of a schema level, compiled when they are first asked for and kept as long as the schema.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go
 */

import type { Program } from '../expressions.ts';
import { expressions } from '../expressions.ts';
import type { CustomSchema } from './structural.ts';

/** A member of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A compiled rule, or what is wrong with it. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly error?: string;
  readonly message?: Program;
  readonly messageError?: string;
  /** A transition rule. */
  readonly usesOldSelf: boolean;
}

/** The type of `self`; the trees of `src/api/cel` have it. */
export type SelfType = NonNullable<ReturnType<ReturnType<typeof expressions>['typeOfSchema']>>;

export const rulesOf = (schema: CustomSchema): readonly ValidationRule[] =>
  (schema['x-kubernetes-validations'] ?? []) as readonly ValidationRule[];

const compiled = new WeakMap<CustomSchema, readonly CompiledRule[]>();

/** @throws Error (a bug) when expressions are not loaded */
export function compiledRules(schema: CustomSchema, self: SelfType): readonly CompiledRule[] {
  let rules = compiled.get(schema);
  if (rules === undefined) {
    rules = rulesOf(schema).map((rule) => compileRule(rule, self));
    compiled.set(schema, rules);
  }
  return rules;
}

function compileRule(rule: ValidationRule, self: SelfType): CompiledRule {
  const { compile, CelCompileError, optionalOf } = expressions();
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(self) : self;
  const environment = { variables: { self, oldSelf } };
  const attempt = (source: string): Program | string => {
    try {
      return compile(source, environment);
    } catch (error) {
      if (error instanceof CelCompileError) return error.message;
      throw error;
    }
  };
  const program = attempt(rule.rule);
  if (typeof program === 'string') return { rule, error: `compilation failed: ${program}`, usesOldSelf: false };
  if (program.type.kind !== 'bool')
    return { rule, error: 'cel expression must evaluate to a bool', usesOldSelf: false };
  const usesOldSelf = program.mentions('oldSelf');
  const source = rule.messageExpression?.trim() ?? '';
  if (source === '') return { rule, program, usesOldSelf };
  const message = attempt(source);
  if (typeof message === 'string')
    return { rule, program, usesOldSelf, messageError: `messageExpression compilation failed: ${message}` };
  if (message.type.kind !== 'string')
    return { rule, program, usesOldSelf, messageError: 'messageExpression must evaluate to a string' };
  return { rule, program, message, usesOldSelf: usesOldSelf || message.mentions('oldSelf') };
}

const withRules = new WeakMap<CustomSchema, boolean>();

/** Whether the schema or anything below it has rules. */
export function hasRules(schema: CustomSchema | undefined): boolean {
  if (schema === undefined) return false;
  let found = withRules.get(schema);
  if (found === undefined) {
    const { properties, items, additionalProperties, allOf } = schema;
    found =
      rulesOf(schema).length > 0 ||
      Object.values(properties ?? {}).some(hasRules) ||
      (typeof items === 'object' && !Array.isArray(items) && hasRules(items)) ||
      (typeof additionalProperties === 'object' && hasRules(additionalProperties)) ||
      (allOf ?? []).some(hasRules);
    withRules.set(schema, found);
  }
  return found;
}
