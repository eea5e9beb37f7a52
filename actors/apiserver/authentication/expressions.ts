/**
 * CEL expressions over plain JSON values, as configuration files hold them: `claims` and `user` in authentication, `request` in
 * authorization. The language is loaded before the server is made when its configuration has any.
 */
import { expressions } from '../../../src/api/index.ts';

/** Evaluates to a plain value. Throws for a missing member or a wrong type. */
export type Expression = (variables: Readonly<Record<string, unknown>>) => unknown;

/** Whether a configuration holds expressions. */
export const holdsExpressions = (configuration: unknown): boolean =>
  /"\w*[eE]xpression":/.test(JSON.stringify(configuration) ?? '');

/** @throws CelCompileError when the text is no expression */
export function compileExpression(text: string): Expression {
  const { compile, dynType, failureOf, jsonOf, readJson } = expressions();
  const variables = { claims: dynType, user: dynType, request: dynType };
  const program = compile(text, { variables });
  return (given) => {
    const values = Object.entries(given).map(([name, value]) => [name, readJson(value, dynType)]);
    const evaluation = program.evaluate(Object.fromEntries(values));
    const failure = failureOf(evaluation);
    if (failure !== undefined) throw failure;
    return jsonOf(evaluation.value);
  };
}
