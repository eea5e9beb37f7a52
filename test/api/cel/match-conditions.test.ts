import { describe, expect, it } from 'vitest';
import { compileMatchConditions, dynType, expressionProblem, readJson } from '../../../src/api/cel/index.ts';

const variables = { object: readJson({ metadata: { name: 'x' } }, dynType), oldObject: null };
const match = (...expressions: string[]) =>
  compileMatchConditions(expressions.map((expression, at) => ({ name: `c${at}`, expression }))).evaluate(variables);

describe('match conditions', () => {
  it('must all hold', () => {
    expect(match()).toEqual({ matches: true });
    expect(match("object.metadata.name == 'x'", 'oldObject == null')).toEqual({ matches: true });
    expect(match('true', "object.metadata.name == 'y'")).toEqual({
      matches: false,
      failedCondition: 'c1',
      failures: 0,
    });
  });

  it('are settled by one that is false, whatever errors others meet', () => {
    expect(match('object.spec.x == 1', 'false', 'object.spec.y')).toEqual({
      matches: false,
      failedCondition: 'c1',
      failures: 1,
    });
    expect(match('object.spec.x == 1')).toEqual({
      errors: ["expression 'object.spec.x == 1' resulted in error: no such key: spec"],
      failures: 1,
    });
  });

  it('have one budget together', () => {
    const loop = (depth: number): string =>
      depth === 0 ? 'true' : `[1,2,3,4,5,6,7,8,9,10].all(x${depth}, ${loop(depth - 1)})`;
    expect(match(loop(8))).toEqual({
      errors: [expect.stringContaining('operation cancelled: actual cost limit exceeded')],
      failures: 0,
    });
    expect(match(...Array<string>(60).fill(loop(4)))).toEqual({
      errors: ['validation failed due to running out of cost budget, no further validation rules will be run'],
      failures: 0,
    });
  });

  it('are checked before: what is no condition is told', () => {
    expect(expressionProblem('true', {})).toBeUndefined();
    expect(expressionProblem('1', {})).toBe('must evaluate to bool');
    expect(expressionProblem('params.x', {})).toContain(
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'",
    );
    expect(expressionProblem('request.nope == 1', {})).toContain("undefined field 'nope'");
  });
});
