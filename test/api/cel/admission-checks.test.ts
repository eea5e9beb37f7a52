import { describe, expect, it } from 'vitest';
import { admissionExpressionIssue, type CheckedSurroundings } from '../../../src/api/cel/index.ts';

const issue = (use: CheckedSurroundings['use'], expression: string, more: Partial<CheckedSurroundings> = {}) =>
  admissionExpressionIssue(expression, { use, ...more })?.detail;

describe('an expression of admission', () => {
  it.each([
    ['validation', "object.spec.replicas <= 5 && request.name != ''", undefined],
    ['validation', "'text'", 'must evaluate to bool'],
    ['matchCondition', "authorizer.requestResource.check('get').allowed()", undefined],
    ['messageExpression', "'a' + object.metadata.name", undefined],
    ['messageExpression', '5', 'must evaluate to string'],
    ['auditAnnotation', 'null', undefined],
    ['auditAnnotation', '1', 'must evaluate to one of [string null_type]'],
    ['validation', 'object.spec.hostNetwork', 'must evaluate to bool'],
    ['matchCondition', 'object.spec.?hostNetwork.orValue(false)', 'must evaluate to bool'],
    ['messageExpression', 'object.metadata.name', 'must evaluate to string'],
    ['auditAnnotation', 'object.metadata.name', 'must evaluate to one of [string null_type]'],
    ['applyConfiguration', 'object', 'must evaluate to Object'],
    ['jsonPatch', '[]', 'must evaluate to list(JSONPatch)'],
    ['jsonPatch', "object.x == 1 ? [] : [JSONPatch{op: 'remove', path: '/x'}]", undefined],
    ['variable', '[1, 2]', undefined],
    ['applyConfiguration', 'Object{spec: Object.spec{replicas: 3}}', undefined],
    ['applyConfiguration', 'Object.spec{replicas: 3}', 'must evaluate to Object'],
    ['jsonPatch', "[JSONPatch{op: 'add', path: '/x', value: {'a': 1}}]", undefined],
    ['jsonPatch', "JSONPatch{op: 'add', path: '/x'}", 'must evaluate to list(JSONPatch)'],
    ['deviceSelector', "device.driver == 'x'", undefined],
    [
      'deviceSelector',
      'device.attributes["a"].b.exists(x, device.attributes["a"].b.exists(y, x == y))',
      'too complex, exceeds cost limit',
    ],
  ] as const)('%s %s: %s', (use, expression, detail) => {
    expect(issue(use, expression)).toBe(detail);
  });

  it('sees params and variables only when there are some, and variables with their types', () => {
    expect(issue('validation', 'params.x == 1')).toContain("undeclared reference to 'params'");
    expect(issue('validation', 'params.x == 1', { params: true })).toBeUndefined();
    const variables = [
      { name: 'a', expression: '1' },
      { name: 'b', expression: 'variables.a + 1' },
    ];
    expect(issue('validation', 'variables.b == 2', { variables })).toBeUndefined();
    expect(issue('validation', "variables.b == 'x'", { variables })).toContain("applied to '(int, string)'");
    expect(issue('validation', 'variables.c', { variables })).toContain("undefined field 'c'");
    expect(issue('messageExpression', "string(authorizer.path('/x').check('get').allowed())")).toContain(
      "undeclared reference to 'authorizer'",
    );
    expect(issue('jsonPatch', "[JSONPatch{op: 1, path: '/x'}]")).toContain(
      "expected type of field 'op' is 'string' but provided type is 'int'",
    );
  });
});
