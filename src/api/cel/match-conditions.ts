/**
 * Match conditions of webhooks and policies: all must hold for a request to be of interest. One that is false settles it, whatever
 * errors the others meet.
 * @see k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go, KEP-3716
 */
import { type AdmissionEnvironmentOptions, admissionEnvironment } from './admission-environment.ts';
import { failureOf, type Program } from './program.ts';
import { compileCached } from './program-cache.ts';
import { CelCompileError } from './source.ts';
import { CostLimitError } from './values.ts';

/** What all conditions of one webhook or policy may cost together. */
const COST_BUDGET = 2_500_000;

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/**
 * Whether a request matches; `errors` when no condition is false and some could not be evaluated. `failures`: how many failed before
 * it was settled, without those that cost too much, which upstream does not count.
 */
export type MatchResult =
  | { readonly matches: true }
  | { readonly matches: false; readonly failedCondition: string; readonly failures: number }
  | { readonly errors: readonly string[]; readonly failures: number };

export interface MatchConditions {
  /** Variables by name: values that the environment's types describe. */
  evaluate(variables: Readonly<Record<string, unknown>>): MatchResult;
}

/** Why an expression cannot be used where a boolean is wanted; undefined when it can. */
export function expressionProblem(expression: string, options: AdmissionEnvironmentOptions): string | undefined {
  try {
    const { type } = compileCached(expression, admissionEnvironment(options));
    return type.kind === 'bool' ? undefined : 'must evaluate to bool';
  } catch (error) {
    if (error instanceof CelCompileError) return `compilation failed: ${error.message}`;
    throw error;
  }
}

/** Conditions that cannot be compiled are errors when they are evaluated: validation refuses them before. */
export function compileMatchConditions(
  conditions: readonly MatchCondition[],
  options: AdmissionEnvironmentOptions = { hasAuthorizer: true },
): MatchConditions {
  const environment = admissionEnvironment(options);
  const programs = conditions.map(({ name, expression }): { name: string; program: Program | string } => {
    try {
      return { name, program: compileCached(expression, environment) };
    } catch (error) {
      if (error instanceof CelCompileError) return { name, program: `compilation error: ${error.message}` };
      throw error;
    }
  });
  return { evaluate: (variables) => evaluateAll(programs, variables) };
}

function evaluateAll(
  programs: readonly { readonly name: string; readonly program: Program | string }[],
  variables: Readonly<Record<string, unknown>>,
): MatchResult {
  const errors: string[] = [];
  let budget = COST_BUDGET;
  for (const { name, program } of programs) {
    if (typeof program === 'string') {
      errors.push(program);
      continue;
    }
    const evaluation = program.evaluate(variables);
    budget -= evaluation.cost;
    if (budget < 0) {
      return {
        errors: ['validation failed due to running out of cost budget, no further validation rules will be run'],
        failures: 0,
      };
    }
    const failure = failureOf(evaluation);
    if (failure instanceof CostLimitError) {
      return { errors: [`expression '${program.source}' resulted in error: ${failure.message}`], failures: 0 };
    }
    if (failure !== undefined) errors.push(`expression '${program.source}' resulted in error: ${failure.message}`);
    else if (evaluation.value === false) return { matches: false, failedCondition: name, failures: errors.length };
    else if (evaluation.value !== true) errors.push(`expression '${program.source}' did not evaluate to a bool`);
  }
  return errors.length > 0 ? { errors, failures: errors.length } : { matches: true };
}
