/**
 * CEL expressions over plain JSON values, as configuration files hold them: `claims` and `user` in authentication, `request` in
 * authorization. Numbers of tokens become integers where they are whole.
 */
import { Environment } from '@marcbachmann/cel-js';

/** Evaluates to a plain value. Throws for a missing member or a wrong type. */
export type Expression = (variables: Readonly<Record<string, unknown>>) => unknown;

const environment = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true });

/** @throws Error when the text is no expression */
export function compileExpression(text: string): Expression {
  const parsed = environment.parse(text);
  return (variables) => fromCel(parsed(toCel(variables) as Record<string, unknown>));
}

function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toCel(member)]));
}

function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(fromCel);
  return value;
}
