/**
 * Expressions in CEL that built-in kinds carry: where they stand and what they may use. All validations hand their expressions to
 * {@link checkExpression}, whatever it is that compiles them.
 * @see pkg/apis/admissionregistration/validation/validation.go, pkg/apis/resource/validation/validation.go
 */
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

const deviceExpressionBytesMax = 10 * 1024;

/** One expression. Those of device selectors have a length limit; a longer one is not looked at any further. */
export function checkExpression(
  check: Check,
  path: Path,
  step: Step,
  expression: string,
  surroundings: ExpressionSurroundings,
): void {
  if (surroundings.use !== 'deviceSelector' || surroundings.stored === true) return;
  if (Buffer.byteLength(expression) > deviceExpressionBytesMax) check.tooLong(path, step, deviceExpressionBytesMax);
}
