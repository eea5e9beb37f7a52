/** What upstream's validator says of values whose schema has a type and a format. */
import { describe, expect, it } from 'vitest';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';
import { validateValue } from '../../../src/api/crd/value-validation.ts';
import { type FieldError, fieldErrorText } from '../../../src/api/index.ts';

function errorsOf(value: unknown, schema: CustomSchema): string[] {
  const errors: FieldError[] = [];
  validateValue(value, schema, 'a', undefined, errors);
  return errors.map(fieldErrorText);
}
const typed = (expected: string, given: string) =>
  `a: Invalid value: ${JSON.stringify(given)}: a in body must be of type ${expected}: ${JSON.stringify(given)}`;

describe('a value', () => {
  it.each<[string, unknown, CustomSchema, string[]]>([
    ['of another type', 'x', { type: 'integer' }, [typed('integer', 'string')]],
    ['that is null', null, { type: 'string', format: 'date' }, [typed('string', 'null')]],
    [
      'beyond 32 bits',
      2 ** 31,
      { type: 'integer', format: 'int32' },
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a'],
    ],
    ['within 32 bits', -(2 ** 31), { type: 'integer', format: 'int32' }, []],
    [
      'beyond a float',
      1e39,
      { type: 'number', format: 'float' },
      ['<nil>: Invalid value: "": Checked value must be of type number with format float in a'],
    ],
    [
      'with a fraction for 32 bits',
      1.5,
      { type: 'integer', format: 'int32' },
      [
        typed('int32', 'float64'),
        '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a',
      ],
    ],
    ['that is a condition for 64 bits', true, { type: 'integer', format: 'int64' }, [typed('int64', '')]],
    ['that is a number for a date', 5, { type: 'string', format: 'date' }, [typed('date', 'int64')]],
    ['that is an object for a date', {}, { type: 'string', format: 'date' }, [typed('date', '')]],
    ['that is a list for a date, which nobody looks at', [], { type: 'string', format: 'date' }, []],
    ['that is a text for 32 bits', 'x', { type: 'integer', format: 'int32' }, [typed('integer', 'string')]],
    ['that is no date', 'x', { type: 'string', format: 'date' }, [typed('date', 'x')]],
  ])('%s', (_name, value, schema, expected) => {
    expect(errorsOf(value, schema)).toEqual(expected);
  });
});
