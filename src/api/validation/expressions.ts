/**
 * Expressions in CEL that built-in kinds carry: where they stand and what they may use. All validations hand their expressions to
 * {@link checkExpression}, whatever it is that compiles them.
 * @see pkg/apis/admissionregistration/validation/validation.go, pkg/apis/resource/validation/validation.go
 */
import { expressionsIfLoaded } from '../expressions.ts';
import type { Variable } from '../generated/types.ts';
import type { Check, Path, Step } from './check.ts';

/** What an expression is for, which decides its variables, its result's type and its cost limit. */
export type ExpressionUse =
  | 'deviceSelector'
  | 'matchCondition'
  | 'variable'
  | 'validation'
  | 'messageExpression'
  | 'auditAnnotation'
  | 'applyConfiguration'
  | 'jsonPatch';

/** What surrounds an expression. */
export interface ExpressionSurroundings {
  readonly use: ExpressionUse;
  /** Whether `params` is there: the policy names a kind of parameters. */
  readonly params?: boolean;
  /** The policy's variables that stand before it. */
  readonly variables?: readonly Variable[];
  /** Stored before with the same text, and so not measured by newer rules. */
  readonly stored?: boolean;
}

/** Whether an object has such a member anywhere; asked only until expressions are loaded. */
export const hasMember = (object: unknown, name: 'cel' | 'matchConditions'): boolean =>
  JSON.stringify(object).includes(`"${name}":`);

const deviceExpressionBytesMax = 10 * 1024;

/** One expression. Those of device selectors have a length limit; a longer one is not looked at any further. */
export function checkExpression(
  check: Check,
  path: Path,
  step: Step,
  expression: string,
  surroundings: ExpressionSurroundings,
): void {
  const isMeasured = surroundings.use === 'deviceSelector' && surroundings.stored !== true;
  if (isMeasured && Buffer.byteLength(expression) > deviceExpressionBytesMax) {
    check.tooLong(path, step, deviceExpressionBytesMax);
    return;
  }
  // The API server loads them before it validates such kinds; who only asks about the form needs no compiler.
  const issue = expressionsIfLoaded()?.admissionExpressionIssue(expression, surroundings);
  if (issue?.type === 'invalid') check.invalid(path, step, expression, issue.detail);
  else if (issue !== undefined && surroundings.stored !== true) check.forbidden(path, step, issue.detail);
}
