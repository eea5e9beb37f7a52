import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  customKinds,
  type Definition,
  decodeValue,
  type KindDefinition,
} from '../../../src/api/index.ts';

const spec = (properties: object, extra: object = {}) => ({
  type: 'object',
  properties: {
    spec: { type: 'object', properties },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
  ...extra,
});

function definition(schema: object, version: object = {}, more: object[] = []): Definition {
  return {
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList', shortNames: ['fo'] },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }, ...more],
    },
  } as unknown as Definition;
}

const foo = (body: object): ApiObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Foo',
  metadata: { name: 'x' },
  ...body,
});

function decode(kind: KindDefinition, body: object, validation: 'Warn' | 'Strict' = 'Warn') {
  const { group, version, custom } = kind;
  return decodeValue(body, { group, version, kind: kind.kind, schema: custom!.schema, custom }, validation);
}

describe('the kinds of a CustomResourceDefinition', () => {
  it('has names, subresources and storage place of the definition', () => {
    const [kind] = customKinds(definition(spec({}), { subresources: { status: {} } }));
    expect(kind).toMatchObject({
      kind: 'Foo',
      plural: 'foos',
      shortNames: ['fo'],
      storagePrefix: '/registry/example.com/foos',
    });
    expect(kind!.subresources).toEqual([{ name: 'status', verbs: ['get', 'patch', 'update'] }]);
  });

  it('serves only served versions, and stores in one that need not be served', () => {
    const hidden = { name: 'v2', served: false, storage: true, schema: { openAPIV3Schema: spec({}) } };
    const kinds = customKinds(definition(spec({}), { storage: false }, [hidden]));
    expect(kinds.map(({ version }) => version)).toEqual(['v1']);
    expect(kinds[0]!.conversion!.storedKind!().version).toBe('v2');
    expect(kinds[0]!.conversion!.toStored(foo({})).apiVersion).toBe('example.com/v2');
  });

  it('warns of unknown fields, drops them, and refuses them in strict mode', () => {
    const [kind] = customKinds(definition(spec({ a: { type: 'integer' } })));
    const body = foo({ spec: { zz: 1, a: 1 }, top: 2 });
    const { object, warnings } = decode(kind!, body);
    expect(object['spec']).toEqual({ a: 1 });
    expect(warnings).toEqual(['unknown field "spec.zz"', 'unknown field "top"']);
    expect(() => decode(kind!, body, 'Strict')).toThrow('strict decoding error: unknown field "spec.zz"');
  });

  it('keeps what is preserved, and only there', () => {
    const free = {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { known: { type: 'object' } },
    };
    const [kind] = customKinds(definition(spec({ free })));
    const { object } = decode(kind!, foo({ spec: { free: { any: [{ b: 2 }], known: { pruned: 1 } } } }));
    expect(object['spec']).toEqual({ free: { any: [{ b: 2 }], known: {} } });
  });

  it('sets defaults, also inside lists and maps, and drops nulls that are not allowed', () => {
    const item = { type: 'object', properties: { d: { type: 'string', default: 'x' } } };
    const [kind] = customKinds(
      definition(
        spec({
          list: { type: 'array', items: item },
          map: { type: 'object', additionalProperties: item },
          n: { type: 'integer' },
          y: { type: 'integer', nullable: true },
        }),
      ),
    );
    const object = foo({ spec: { list: [{}, { d: 'own' }], map: { k: {} }, n: null, y: null } });
    kind!.strategy!.defaults!(object);
    expect(object['spec']).toEqual({ list: [{ d: 'x' }, { d: 'own' }], map: { k: { d: 'x' } }, y: null });
  });

  it('counts a generation for everything but metadata, and not for status where that is a subresource', () => {
    const changed = (kind: KindDefinition, next: object) =>
      (kind.strategy!.generation as (a: ApiObject, b: ApiObject) => boolean)(foo(next), foo({ status: { a: 1 } }));
    const [plain] = customKinds(definition(spec({})));
    const [withStatus] = customKinds(definition(spec({}), { subresources: { status: {} } }));
    expect(changed(plain!, { status: { a: 2 } })).toBe(true);
    expect(changed(withStatus!, { status: { a: 2 } })).toBe(false);
  });
});

describe('validation of custom objects', () => {
  const errorsOf = (properties: object, value: object, previous?: object): string[] => {
    const [kind] = customKinds(definition(spec(properties)));
    const { strategy } = kind!;
    const errors =
      previous === undefined
        ? strategy!.validate!(foo({ spec: value }), {} as never)
        : strategy!.validateUpdate!(foo({ spec: value }), foo({ spec: previous }), {} as never);
    return errors.map(({ field, detail }) => `${field}: ${detail}`);
  };

  it('names what is of a wrong type, too long, or not allowed', () => {
    expect(errorsOf({ i: { type: 'integer' } }, { i: 'x' })).toEqual([
      'spec.i: spec.i in body must be of type integer: "string"',
    ]);
    expect(errorsOf({ s: { type: 'string', maxLength: 2 } }, { s: 'abc' })).toEqual([
      'spec.s: may not be more than 2 bytes',
    ]);
    expect(errorsOf({ e: { type: 'string', enum: ['A'] } }, { e: 'B' })).toEqual(['spec.e: supported values: "A"']);
    expect(errorsOf({ x: { 'x-kubernetes-int-or-string': true } }, { x: 1.5 })).toHaveLength(1);
    expect(errorsOf({ x: { 'x-kubernetes-int-or-string': true } }, { x: '10%' })).toEqual([]);
  });

  it('refuses items that a set or a map has twice', () => {
    const set = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } };
    expect(errorsOf({ u: set }, { u: ['a', 'b', 'a'] })).toEqual(['spec.u[2]: ']);
  });

  it('lets an old error through while it does not change, and no longer', () => {
    const a = { type: 'integer', minimum: 0 };
    expect(errorsOf({ a, b: { type: 'string' } }, { a: -5, b: 'new' }, { a: -5 })).toEqual([]);
    expect(errorsOf({ a }, { a: -6 }, { a: -5 })).toHaveLength(1);
  });
});
