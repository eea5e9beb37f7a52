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

/** The variables of expressions in configuration files. */
export type ConfigurationVariable = 'claims' | 'user' | 'request';

/**
 * What is wrong with an expression over one variable that is to give one of these kinds of values (`bool`, `string`, `list`);
 * undefined when it will do. The language must be loaded.
 */
export function expressionFault(
  text: string,
  variable: ConfigurationVariable,
  types: readonly string[],
): string | undefined {
  const { compile, dynType, CelCompileError } = expressions();
  try {
    const { kind } = compile(text, { variables: { [variable]: dynType } }).type;
    if (kind === 'dyn' || types.includes(kind)) return undefined;
    return types.length === 1 ? `must evaluate to ${types[0]}` : `must evaluate to one of [${types.join(' ')}]`;
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return `compilation failed: ${error.message.split('\n')[0]}`;
  }
}
