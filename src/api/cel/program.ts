/**
 * Compiles an expression and evaluates it. Everybody's door: rules of custom kinds, policies, match conditions, device selectors.
 */
import { check } from './checker.ts';
import { COST_MAX, estimateCost } from './cost-estimate.ts';
import type { Environment } from './environment.ts';
import { compileCode, Frame } from './evaluator.ts';
import { parse } from './parser.ts';
import type { CelType } from './types.ts';
import { CelError, CostLimitError } from './values.ts';

/** The most that one evaluation may cost, as upstream: about a tenth of a second there. */
export const CALL_COST_MAX = 1_000_000;

export interface Evaluation {
  /** A value, or what went wrong: a {@link CelError} or a {@link CostLimitError}. */
  readonly value: unknown;
  readonly cost: number;
}

export interface Program {
  readonly source: string;
  readonly type: CelType;
  /** The most that an evaluation can cost by the estimate; at most 2^64. */
  readonly costMax: number;
  /** Whether the expression mentions a variable of the environment. */
  mentions(variable: string): boolean;
  /**
   * Runs with these variables; what is not among them is an error where it is used. Functions among them are called, once, when
   * their variable is mentioned. Never throws for what the expression does.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, costMax?: number): Evaluation;
}

/** @throws CelCompileError with upstream's text */
export function compile(source: string, environment: Environment): Program {
  const checked = check(source, parse(source), environment);
  const { code, variables } = compileCode(checked);
  let estimated: number | undefined;
  return {
    source,
    type: checked.type,
    get costMax() {
      estimated ??= Math.min(COST_MAX, estimateCost(checked).max);
      return estimated;
    },
    mentions: (variable) => checked.mentioned.has(variable),
    evaluate(given, costMax = CALL_COST_MAX) {
      const slots: unknown[] = variables.map((name) => {
        const value = given[name];
        return typeof value === 'function' ? (value as () => unknown)() : value;
      });
      const frame = new Frame(slots, costMax);
      try {
        return { value: code(frame), cost: frame.cost };
      } catch (error) {
        if (error instanceof CelError || error instanceof CostLimitError) return { value: error, cost: frame.cost };
        // Values nested as deeply as requests may be can exhaust the stack in comparisons.
        if (error instanceof RangeError)
          return { value: new CelError('the expression went too deep'), cost: frame.cost };
        throw error;
      }
    },
  };
}

/** Whether an evaluation failed. */
export function failureOf({ value }: Evaluation): CelError | CostLimitError | undefined {
  return value instanceof CelError || value instanceof CostLimitError ? value : undefined;
}
