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

describe('alternatives', () => {
  const none = (rule: string) => `<nil>: Invalid value: "": "a" must validate ${rule}`;

  it('that all fail are followed by what the most thorough one says', () => {
    const properties = { x: { minLength: 3 } };
    const schema: CustomSchema = { type: 'object', anyOf: [{ required: ['y'] }, { properties }] };
    expect(errorsOf({ x: 'z' }, schema)).toEqual([
      none('at least one schema (anyOf)'),
      'a.x: Invalid value: "z": a.x in body should be at least 3 chars long',
    ]);
    expect(errorsOf({}, { type: 'object', oneOf: [{ required: ['y'] }, { required: ['z'] }] })).toEqual([
      none('one and only one schema (oneOf). Found none valid'),
      'a.y: Required value',
    ]);
    expect(errorsOf({ y: 1, z: 1 }, { type: 'object', oneOf: [{ required: ['y'] }, { required: ['z'] }] })).toEqual([
      none('one and only one schema (oneOf). Found 2 valid alternatives'),
    ]);
  });

  it('come before the bounds of the value itself, and all of them say what they have to', () => {
    expect(errorsOf('zz', { type: 'string', maxLength: 1, allOf: [{ minLength: 3 }, { pattern: '^a' }] })).toEqual([
      'a: Invalid value: "zz": a in body should be at least 3 chars long',
      'a: Invalid value: "zz": a in body should match \'^a\'',
      `${none('all the schemas (allOf)')}. None validated`,
      'a: Too long: may not be more than 1 bytes',
    ]);
    expect(errorsOf('az', { type: 'string', allOf: [{ minLength: 3 }, { pattern: '^a' }] })[1]).toBe(
      none('all the schemas (allOf)'),
    );
    expect(errorsOf('a', { type: 'string', not: { pattern: '^a' } })).toEqual([
      '<nil>: Invalid value: "": "a" must not validate the schema (not)',
    ]);
  });

  it('do not have null among them', () => {
    expect(errorsOf(null, { type: 'string', nullable: true, enum: ['x', null] })).toEqual([
      'a: Unsupported value: "null": supported values: "x", "null"',
    ]);
    expect(errorsOf(null, { type: 'string', nullable: true })).toEqual([]);
  });
});

describe('a pattern', () => {
  // With backtracking this takes longer than anybody waits.
  it.each(['^(a+)+$', '^(a|a)*$', '^(.*)*b$', '^a*a*a*a*a*a*a*a*a*a*a*a*$', '^((a{1,30}){1,30})+$'])(
    '%s is matched in the time that its text takes',
    (pattern) => {
      expect(errorsOf(`${'a'.repeat(500)}!`, { type: 'string', pattern })).toHaveLength(1);
      expect(errorsOf('b', { type: 'string', pattern: `${pattern}|b` })).toEqual([]);
    },
  );

  it.each(['((((){1000}){1000}){1000}){1000}', '(((a{1000}){1000}){1000}){1000}', '('.repeat(100_000), '(?=a)'])(
    'that Go does not read lets everything through, at once (%#)',
    (pattern) => {
      expect(errorsOf('b', { type: 'string', pattern })).toEqual([]);
    },
  );

  it.each([
    ['^\\d{2}\\z', '12', '123'],
    ['\\Aé+$', 'éé', 'e'],
    ['^(?P<year>\\d{4})$', '2026', '26'],
    ['^[[:alpha:]]+$', 'ab', 'a1'],
    ['^(?i)yes$', 'YES', 'NO'],
    ['^.$', '😀', '😀😀'],
  ])('%s is read as Go reads it', (pattern, good, bad) => {
    expect(errorsOf(good, { type: 'string', pattern })).toEqual([]);
    expect(errorsOf(bad, { type: 'string', pattern })).toHaveLength(1);
  });
});
