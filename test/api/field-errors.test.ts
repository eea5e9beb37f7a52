import { describe, expect, it } from 'vitest';
import { fieldErrors, fieldErrorText, fieldPath } from '../../src/api/index.ts';

const path = fieldPath('spec', 'x');

describe('fieldErrors', () => {
  it.each([
    [fieldErrors.required(path, 'must be set'), 'spec.x: Required value: must be set'],
    [fieldErrors.required(path), 'spec.x: Required value'],
    [fieldErrors.invalid(path, 'y"', 'no'), 'spec.x: Invalid value: "y\\"": no'],
    [fieldErrors.invalid(path, 70000, 'no'), 'spec.x: Invalid value: 70000: no'],
    [fieldErrors.invalid(path, { b: '<', a: 1 }, 'no'), 'spec.x: Invalid value: {"b":"\\u003c","a":1}: no'],
    [fieldErrors.invalid(path, undefined, 'no'), 'spec.x: Invalid value: "null": no'],
    [fieldErrors.invalid(path, null, 'no'), 'spec.x: Invalid value: null: no'],
    [fieldErrors.notSupported(path, 'z', ['a', 'b']), 'spec.x: Unsupported value: "z": supported values: "a", "b"'],
    [fieldErrors.duplicate(path, 'z'), 'spec.x: Duplicate value: "z"'],
    [fieldErrors.notFound(path, 'z'), 'spec.x: Not found: "z"'],
    [fieldErrors.forbidden(path, 'no'), 'spec.x: Forbidden: no'],
    [fieldErrors.tooLong(path, 63), 'spec.x: Too long: may not be more than 63 bytes'],
    [fieldErrors.tooMany(path, 3, 2), 'spec.x: Too many: 3: must have at most 2 items'],
    [fieldErrors.tooMany(path, 2, 1), 'spec.x: Too many: 2: must have at most 1 item'],
    [fieldErrors.internal(path, 'no'), 'spec.x: Internal error: no'],
  ])('%#', (error, text) => {
    expect(fieldErrorText(error)).toBe(text);
  });
});

describe('fieldPath', () => {
  it('prints members, indexes and keys', () => {
    expect(String(fieldPath('spec', 'containers').index(2).child('env', 'name'))).toBe('spec.containers[2].env.name');
    expect(String(fieldPath('metadata', 'labels').key('a/b'))).toBe('metadata.labels[a/b]');
  });
});
