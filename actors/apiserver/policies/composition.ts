/**
 * The expressions of one policy: its match conditions and its variables, which are evaluated when they are mentioned, once for each
 * request, and what they cost is charged to the same budget.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/composition.go
 */
import {
  type ApiObject,
  expressions,
  type MatchConditions,
  type MatchResult,
  type Program,
} from '../../../src/api/index.ts';
import type { Operation } from '../admission/plugin.ts';
import type { Server } from '../server.ts';
import type { Variables } from './request-variables.ts';

type Cel = ReturnType<typeof expressions>;
type CelType = Program['type'];

/** What all expressions of one policy and binding may cost for one request. */
const BUDGET = 10_000_000;
export const OUT_OF_BUDGET =
  'validation failed due to running out of cost budget, no further validation rules will be run';

export interface Composition {
  readonly conditions: MatchConditions;
  readonly hasConditions: boolean;
  readonly variables: readonly Compiled[];
  /** Compiles an expression of the policy, which sees all variables. */
  compile(expression: string): Compiled;
}

/** An expression, or why it is none. */
export interface Compiled {
  readonly name: string;
  readonly expression: string;
  readonly program: Program | undefined;
  readonly error: string | undefined;
}

interface ComposedSpec {
  readonly paramKind?: object;
  readonly matchConditions?: readonly { name: string; expression: string }[];
  readonly variables?: readonly { name: string; expression: string }[];
}

export function composeExpressions(
  policy: ApiObject,
  message?: Parameters<Cel['admissionEnvironment']>[0]['message'],
): Composition {
  const cel = expressions();
  const { paramKind, matchConditions = [], variables = [] } = policy['spec'] as ComposedSpec;
  const options = { hasParams: paramKind !== undefined, hasAuthorizer: true, hasNamespace: true };
  const types: Record<string, CelType> = {};
  const attempt = (name: string, expression: string): Compiled => {
    const environment = cel.admissionEnvironment({
      ...options,
      variables: { ...types },
      ...(message === undefined ? {} : { message }),
    });
    try {
      return { name, expression, program: cel.compile(expression, environment), error: undefined };
    } catch (error) {
      if (!(error instanceof cel.CelCompileError)) throw error;
      return { name, expression, program: undefined, error: `compilation failed: ${error.message}` };
    }
  };
  const compiled = variables.map(({ name, expression }) => {
    const variable = attempt(name, expression);
    types[name] = variable.program?.type ?? cel.dynType;
    return variable;
  });
  return {
    conditions: cel.compileMatchConditions(matchConditions, options),
    hasConditions: matchConditions.length > 0,
    variables: compiled,
    compile: (expression) => attempt('', expression),
  };
}

export type Evaluated = { readonly value: unknown } | { readonly error: string };

/** One run of a policy for one request and its params. */
export class Run {
  readonly #cel = expressions();
  readonly #variables: Variables;
  #budget = BUDGET;

  constructor(composition: Composition, request: Variables, params: unknown) {
    const { variables } = composition;
    const names = variables.map(({ name }) => name);
    const make = (name: string) => this.#variable(variables.find((variable) => variable.name === name) as Compiled);
    this.#variables = { ...request, params, variables: this.#cel.lazyObject(names, make) };
  }

  get variables(): Variables {
    return this.#variables;
  }

  #variable({ name, program, error }: Compiled): unknown {
    const what = `composited variable ${JSON.stringify(name)}`;
    if (program === undefined) return new this.#cel.CelError(`${what} fails to compile: ${error}`);
    const evaluation = program.evaluate(this.#variables);
    this.#budget -= evaluation.cost;
    const failure = this.#cel.failureOf(evaluation);
    return failure === undefined
      ? evaluation.value
      : new this.#cel.CelError(`${what} fails to evaluate: ${failure.message}`);
  }

  /** The value, or why there is none. */
  evaluate({ program, expression, error }: Compiled): Evaluated {
    if (program === undefined) return { error: `compilation error: ${error}` };
    if (this.#budget < 0) return { error: OUT_OF_BUDGET };
    const evaluation = program.evaluate(this.#variables);
    this.#budget -= evaluation.cost;
    if (this.#budget < 0) return { error: OUT_OF_BUDGET };
    const failure = this.#cel.failureOf(evaluation);
    if (failure !== undefined) return { error: `expression '${expression}' resulted in error: ${failure.message}` };
    return { value: evaluation.value };
  }
}

/** Whether the request meets the policy's match conditions; how long it took to tell is observed. */
export function measuredMatch(
  { conditions, hasConditions }: Composition,
  run: Run,
  policy: string,
  operation: Operation,
  server: Server,
): MatchResult {
  if (!hasConditions) return { matches: true };
  const startedMs = server.context.clock.monotonic();
  const result = conditions.evaluate(run.variables);
  const failures = 'failures' in result ? result.failures : 0;
  const owner = { kind: 'policy', name: policy, type: 'validate' } as const;
  server.metrics.admission.conditions(owner, operation, startedMs, failures);
  return result;
}
