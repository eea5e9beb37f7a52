/** What is told of custom objects as they are made and changed, and what is let through because it was there before. */
import { describe, expect, it } from 'vitest';
import { validateCustomObject } from '../../../src/api/crd/object-validation.ts';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';

const object = (spec: unknown, status?: unknown): ApiObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Foo',
  metadata: { name: 'x' },
  spec,
  ...(status === undefined ? {} : { status }),
});
const schemaOf = (spec: CustomSchema, more: Partial<CustomSchema> = {}): CustomSchema => ({
  type: 'object',
  properties: { spec },
  ...more,
});
function errors(spec: CustomSchema, value: unknown, previous?: unknown, more: Partial<CustomSchema> = {}): string[] {
  const before = previous === undefined ? undefined : object(previous);
  const rules = { schema: schemaOf(spec, more), kind: 'Foo' };
  return validateCustomObject(object(value), before, rules).map(fieldErrorText);
}

const short: CustomSchema = { type: 'string', maxLength: 1 };
const integer: CustomSchema = { type: 'integer' };
const of = (properties: Record<string, CustomSchema>, more: CustomSchema = {}): CustomSchema => ({
  type: 'object',
  properties,
  ...more,
});
const tooLong = (path: string) => `${path}: Too long: may not be more than 1 bytes`;
const item = of({ k: { type: 'string' }, v: short });
const list = (type?: string): CustomSchema => ({
  type: 'array',
  items: type === 'set' ? { type: 'string' } : item,
  ...(type === undefined ? {} : { 'x-kubernetes-list-type': type }),
  ...(type === 'map' ? { 'x-kubernetes-list-map-keys': ['k'] } : {}),
});

describe('what was wrong before', () => {
  it.each<[string, CustomSchema, unknown, unknown, string[]]>([
    ['is let through', of({ a: short, b: short }), { a: 'xx', b: 'y' }, { a: 'xx' }, []],
    ['is told once it changes', of({ a: short }), { a: 'xxx' }, { a: 'xx' }, [tooLong('spec.a')]],
    ['is told where it is new', of({ a: short, b: short }), { a: 'xx', b: 'yy' }, { a: 'xx' }, [tooLong('spec.b')]],
    [
      'is told of a level that changed',
      of({ a: short, b: short }, { required: ['c'] }),
      { b: 'y' },
      { b: 'z' },
      ['spec.c: Required value'],
    ],
    ['is let through of a level that did not', of({ a: short }, { required: ['c'] }), { a: 'y' }, { a: 'y' }, []],
    [
      'is let through in a map list, wherever the item stands now',
      of({ l: list('map') }),
      {
        l: [
          { k: 'b', v: 'y' },
          { k: 'a', v: 'xx' },
        ],
      },
      { l: [{ k: 'a', v: 'xx' }] },
      [],
    ],
    [
      'is told in any other list when something of it changes',
      of({ l: list() }),
      { l: [{ k: 'a', v: 'xx' }, { k: 'b' }] },
      { l: [{ k: 'a', v: 'xx' }] },
      [tooLong('spec.l[0].v')],
    ],
    ['is let through in any other list', of({ l: list('atomic') }), { l: [{ v: 'xx' }] }, { l: [{ v: 'xx' }] }, []],
    [
      'is let through of a set with an item twice',
      of({ s: list('set') }),
      { s: ['a', 'a', 'b'] },
      { s: ['a', 'a'] },
      [],
    ],
    [
      'is told of a set that had each item once',
      of({ s: list('set') }),
      { s: ['a', 'b', 'a', 'a'] },
      { s: ['a', 'b'] },
      ['spec.s[2]: Duplicate value: "a"'],
    ],
  ])('%s', (_, schema, value, previous, expected) => {
    expect(errors(schema, value, previous)).toEqual(expected);
  });

  it('is told of the whole object, of which nobody can say that it is as it was', () => {
    expect(errors(of({}), {}, {}, { required: ['data'] })).toEqual(['data: Required value']);
  });
});

describe('an object with a scale', () => {
  const scale = {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  };
  const free: CustomSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const rules = { schema: schemaOf(free, { properties: { spec: free, status: free } }), kind: 'Foo', scale };
  const told = (value: ApiObject, isStatus = false) =>
    validateCustomObject(value, isStatus ? object({}) : undefined, rules, isStatus).map(fieldErrorText);

  it.each<[unknown, unknown, string[]]>([
    [{}, {}, []],
    [{ replicas: 0 }, { replicas: 3, selector: 'a=b' }, []],
    [{ replicas: -1 }, undefined, ['.spec.replicas: Invalid value: -1: should be a non-negative integer']],
    [
      { replicas: 2 ** 31 },
      undefined,
      ['.spec.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647'],
    ],
    [
      { replicas: 'x' },
      undefined,
      ['.spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected int64'],
    ],
    [
      { replicas: 1.5 },
      undefined,
      ['.spec.replicas: Invalid value: 0: .spec.replicas accessor error: 1.5 is of the type float64, expected int64'],
    ],
    [{}, { replicas: -1 }, ['.status.replicas: Invalid value: -1: should be a non-negative integer']],
    [
      {},
      { selector: { a: 1 } },
      [
        '.status.selector: Invalid value: "": .status.selector accessor error: map[a:1] is of the type map[string]interface {}, expected string',
      ],
    ],
  ])('has replicas and selector in order: %j %j', (spec, status, expected) => {
    expect(told(object(spec, status))).toEqual(expected);
  });

  it('does not look at what is wanted when its status changes', () => {
    expect(told(object({ replicas: -1 }, { replicas: -2 }), true)).toEqual([
      '.status.replicas: Invalid value: -2: should be a non-negative integer',
    ]);
  });
});

describe('rules of the kind', () => {
  it('name the kind that is wanted', () => {
    const rules = { schema: schemaOf(of({ a: integer })), kind: 'Bar' };
    expect(validateCustomObject(object({}), undefined, rules).map(fieldErrorText)).toEqual([
      'kind: Invalid value: "Foo": must be Bar',
    ]);
  });
});
