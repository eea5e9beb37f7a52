import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiObject,
  customKinds,
  type Definition,
  fieldErrorText,
  loadExpressions,
  type StrategyContext,
} from '../../../src/api/index.ts';

beforeAll(async () => {
  await loadExpressions();
});

const context = {} as StrategyContext;

function kindOf(spec: object, root: object = {}) {
  const schema = { type: 'object', properties: { spec }, ...root };
  const definition = {
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  } as unknown as Definition;
  return customKinds(definition)[0]!;
}

const foo = (spec: unknown, name = 'x'): ApiObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Foo',
  metadata: { name },
  spec,
});

function errors(schema: object, spec: unknown, previous?: unknown, root: object = {}): string[] {
  const { strategy } = kindOf(schema, root);
  const found =
    previous === undefined
      ? strategy!.validate!(foo(spec), context)
      : strategy!.validateUpdate!(foo(spec), foo(previous), context);
  return found.map(fieldErrorText);
}

const rule = (text: string, more: object = {}) => ({ 'x-kubernetes-validations': [{ rule: text, ...more }] });
const text = { type: 'string' };
const integer = { type: 'integer' };
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

describe('a rule that does not hold', () => {
  it('is told with its text, its message, or what its message expression says', () => {
    const schema = (more: object) => object({ a: integer, b: integer }, rule('self.a < self.b', more));
    const spec = { a: 2, b: 1 };
    expect(errors(schema({}), spec)).toEqual(['spec: Invalid value: "object": failed rule: self.a < self.b']);
    expect(errors(schema({ message: 'a first' }), spec)).toEqual(['spec: Invalid value: "object": a first']);
    expect(errors(schema({ messageExpression: "'a is ' + string(self.a)" }), spec)).toEqual([
      'spec: Invalid value: "object": a is 2',
    ]);
    expect(errors(schema({ message: 'm', messageExpression: 'string(self.a / 0)' }), spec)).toEqual([
      'spec: Invalid value: "object": m',
    ]);
    expect(errors(schema({}), { a: 1, b: 2 })).toEqual([]);
  });

  it('has the reason and the path that it names', () => {
    const schema = (more: object) => object({ a: text, 'b.c': text }, rule("self.a != 'x'", more));
    expect(errors(schema({ reason: 'FieldValueForbidden', fieldPath: '.a' }), { a: 'x' })).toEqual([
      "spec.a: Forbidden: failed rule: self.a != 'x'",
    ]);
    expect(errors(schema({ reason: 'FieldValueRequired' }), { a: 'x' })).toEqual([
      "spec: Required value: failed rule: self.a != 'x'",
    ]);
    expect(errors(schema({ reason: 'FieldValueDuplicate', fieldPath: "['b.c']" }), { a: 'x' })).toEqual([
      'spec.b.c: Duplicate value: "object"',
    ]);
  });

  it('is told of items, entries and the root', () => {
    const list = { type: 'array', items: { ...integer, ...rule('self > 0') } };
    const map = { type: 'object', additionalProperties: { ...text, ...rule("self != ''") } };
    expect(errors(object({ list, map }), { list: [1, 0], map: { k: '' } })).toEqual([
      'spec.list[1]: Invalid value: "integer": failed rule: self > 0',
      'spec.map[k]: Invalid value: "string": failed rule: self != \'\'',
    ]);
    expect(errors(object({}), {}, undefined, rule("self.metadata.name == 'y' && self.kind == 'Foo'"))).toEqual([
      `<nil>: Invalid value: "object": failed rule: self.metadata.name == 'y' && self.kind == 'Foo'`,
    ]);
  });

  it('can fail, and says how', () => {
    expect(errors(object({ a: text }, rule("self.a == 'x'")), {})).toEqual([
      `spec: Invalid value: "object": no such key: a evaluating rule: self.a == 'x'`,
    ]);
    const either = { 'x-kubernetes-int-or-string': true };
    expect(errors(object({ a: either }, rule('self.a > 1')), { a: 'x' })[0]).toContain(
      'call arguments did not match a supported operator, function or macro signature for rule: self.a > 1',
    );
  });
});

describe('values', () => {
  it.each([
    [
      'integers are int, numbers double',
      { i: integer, n: { type: 'number' } },
      'self.i == 1 && self.n == 2.0',
      { i: 1, n: 2 },
    ],
    ['nulls are as if absent', { a: { ...text, nullable: true } }, '!has(self.a)', { a: null }],
    [
      'names are escaped',
      { namespace: text, 'a-b.c/d': text, a__b: text },
      "self.__namespace__ == 'n' && self.a__dash__b__dot__c__slash__d == 'x' && self.a__underscores__b == 'u'",
      { namespace: 'n', 'a-b.c/d': 'x', a__b: 'u' },
    ],
    [
      'formats have types',
      { t: { ...text, format: 'date-time' }, d: { ...text, format: 'duration' }, b: { ...text, format: 'byte' } },
      "self.t.getFullYear() == 2024 && self.d > duration('1m') && self.b == b'ab'",
      { t: '2024-01-01T00:00:00Z', d: '1h', b: 'YWI=' },
    ],
    [
      'sets have no order',
      { s: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' } },
      "self.s == ['b', 'a'] && (self.s + ['a', 'c']).size() == 3",
      { s: ['a', 'b'] },
    ],
    [
      'maps are objects with any names',
      { m: { type: 'object', additionalProperties: integer } },
      "self.m.all(k, self.m[k] > 0) && 'x' in self.m",
      { m: { x: 1 } },
    ],
    [
      'int-or-string is either',
      { p: { 'x-kubernetes-int-or-string': true } },
      "type(self.p) == string && self.p.endsWith('%')",
      { p: '5%' },
    ],
  ])('%s', (_, properties, source, spec) => {
    expect(errors(object(properties, rule(source)), spec)).toEqual([]);
  });
});

describe('transition rules', () => {
  const immutable = object({ a: { ...text, ...rule('self == oldSelf', { message: 'immutable' }) } });

  it('run only where there is an old value', () => {
    expect(errors(immutable, { a: 'x' })).toEqual([]);
    expect(errors(immutable, { a: 'x' }, {})).toEqual([]);
    expect(errors(immutable, { a: 'y' }, { a: 'x' })).toEqual(['spec.a: Invalid value: "string": immutable']);
    expect(errors(immutable, { a: 'x' }, { a: 'x' })).toEqual([]);
  });

  it('find the old items of map lists by their keys', () => {
    const items = object({ k: text, v: { ...integer, ...rule('self >= oldSelf') } }, { required: ['k'] });
    const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };
    const old = {
      list: [
        { k: 'a', v: 1 },
        { k: 'b', v: 5 },
      ],
    };
    expect(
      errors(
        object({ list }),
        {
          list: [
            { k: 'b', v: 4 },
            { k: 'c', v: 0 },
            { k: 'a', v: 2 },
          ],
        },
        old,
      ),
    ).toEqual(['spec.list[0].v: Invalid value: "integer": failed rule: self >= oldSelf']);
  });

  it('run always when the old value is optional', () => {
    const optional = rule("oldSelf.orValue('none') != 'none' || self == 'first'", { optionalOldSelf: true });
    const schema = object({ a: { ...text, ...optional } });
    expect(errors(schema, { a: 'second' })).toHaveLength(1);
    expect(errors(schema, { a: 'first' })).toEqual([]);
    expect(errors(schema, { a: 'second' }, { a: 'first' })).toEqual([]);
  });
});

describe('what did not change', () => {
  it('is let through with a warning', () => {
    const { strategy } = kindOf(object({ a: { ...text, ...rule("self != 'x'") }, b: text }));
    const updated = foo({ a: 'x', b: 'new' });
    expect(strategy!.validateUpdate!(updated, foo({ a: 'x' }), context)).toEqual([]);
    expect(strategy!.warnings!(updated, undefined)).toEqual([
      `spec.a: Invalid value: "string": failed rule: self != 'x'`,
    ]);
    expect(errors(object({ a: { ...text, ...rule("self != 'x'") } }), { a: 'x' }, { a: 'y' })).toHaveLength(1);
  });
});

describe('an object that is wrong in itself', () => {
  it('is not measured by rules', () => {
    const schema = object({ a: integer, b: text }, { ...rule('self.a > 0'), required: ['b'] });
    expect(errors(schema, { a: 0 })).toEqual([
      'spec.b: Required value',
      '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ]);
  });
});

describe('hostile rules', () => {
  it('end at the cost limit of one rule', () => {
    const loops = 'self.l.all(a, self.l.all(b, self.l.all(c, self.l.all(d, a == b || c == d || true))))';
    const schema = object({ l: { type: 'array', items: integer } }, rule(loops));
    const l = Array.from({ length: 60 }, (_, at) => at);
    expect(errors(schema, { l })).toEqual([
      `spec: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${loops}`,
    ]);
  });
});
