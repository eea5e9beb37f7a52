import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FieldSet, inOrder, setOf } from '../../src/api/field-set.ts';
import { packSet, unpackSet } from '../../src/api/field-set-bytes.ts';
import {
  type ApiObject,
  createKindRegistry,
  decodeValue,
  encodeOwners,
  type FieldWriter,
  type KindDefinition,
  packCreator,
  packOwners,
  resetFieldsOf,
  type Schema,
  schemaOf,
  trackCreate,
  trackUpdate,
  unpackOwners,
} from '../../src/api/index.ts';

const pod = schemaOf('io.k8s.api.core.v1.Pod');
const name = fc.constantFrom(
  'metadata',
  'spec',
  'labels',
  'containers',
  'volumes',
  'configMap',
  'ähnlich',
  'x'.repeat(200),
  '__proto__x',
);
const paths = fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { maxLength: 8 });

const roundTrip = (set: FieldSet, schema: Schema | undefined): FieldSet => {
  const bytes = packSet(set, schema);
  return unpackSet(bytes, 0, bytes.length, schema);
};

describe('packed field sets', () => {
  it('come back as they were, with a schema and without', () => {
    fc.assert(
      fc.property(paths, (given) => {
        const set = setOf(...given);
        expect(roundTrip(set, pod)).toEqual(set);
        expect(roundTrip(set, undefined)).toEqual(set);
      }),
    );
  });

  it('are a tenth of their JSON where fields have numbers, and shared where they are equal', () => {
    const set = setOf(['spec', 'terminationGracePeriodSeconds'], ['spec', 'dnsPolicy'], ['status', 'hostIP']);
    const bytes = packSet(set, pod);
    expect(bytes.length * 7).toBeLessThan(JSON.stringify(set).length);
    expect(unpackSet(bytes, 0, bytes.length, pod)).toBe(unpackSet(packSet(set, pod), 0, bytes.length, pod));
  });

  it('name the fields of embedded messages', () => {
    const set: FieldSet = {
      'f:spec': { 'f:volumes': { 'k:{"name":"v"}': { '.': {}, 'f:configMap': {}, 'f:name': {} } } },
    };
    expect(roundTrip(set, pod)).toEqual(set);
    expect(Buffer.from(packSet(set, pod)).toString('latin1')).not.toContain('configMap');
  });

  it('refuse bytes that end too early', () => {
    const bytes = packSet(setOf(['spec', 'nodeName']), undefined);
    expect(() => unpackSet(bytes.subarray(0, -1), 0, bytes.length - 1, undefined)).toThrow('end in the middle');
    expect(() => unpackSet(bytes.subarray(0, 3), 0, 3, undefined)).toThrow('end in the middle');
  });
});

/** Values of any schema, a few levels deep. */
function anyOf(schema: Schema | undefined, depth: number): fc.Arbitrary<unknown> {
  switch (schema?.kind) {
    case 'string':
      return fc.constantFrom('a', 'b', '');
    case 'boolean':
      return fc.boolean();
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return fc.constantFrom(0, 1, 80);
    case 'bytes':
      return fc.constantFrom('', 'YQ==');
    case 'time':
      return fc.constant('2026-01-01T00:00:00Z');
    case 'microtime':
      return fc.constant('2026-01-01T00:00:00.000000Z');
    case 'quantity':
      return fc.constantFrom('1', '100m');
    case 'array':
      return depth === 0 ? fc.constant([]) : fc.array(anyOf(schema.element, depth - 1), { maxLength: 3 });
    case 'map':
      return fc.dictionary(fc.constantFrom('a', 'b', 'e.com/c'), anyOf(schema.element, depth - 1), { maxKeys: 2 });
    case 'object': {
      if (depth <= 0) return fc.constant({});
      const fields = [...(schema.object?.fields.values() ?? [])].filter(
        (field) => field.name !== 'apiVersion' && field.name !== 'kind' && field.name !== 'managedFields',
      );
      return fc.record(Object.fromEntries(fields.map((field) => [field.name, anyOf(field.schema, depth - 1)])), {
        requiredKeys: [],
      });
    }
    default:
      return fc.constantFrom({}, { a: [1], b: { c: null } });
  }
}

const writer = (kind: KindDefinition, schema: Schema): FieldWriter => ({
  manager: 'm',
  apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
  schema,
  now: '2026-01-01T00:00:00Z',
  resetFields: 'drop' in resetFieldsOf(kind) ? (resetFieldsOf(kind) as { drop: string[][] }).drop : [],
});

describe('what a creator owns', () => {
  const kinds = createKindRegistry()
    .all()
    .filter((kind) => kind.conversion === undefined && kind.definition !== '');

  it.each(kinds.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    'is the same written straight away as worked out by comparing: %s',
    (_, kind) => {
      const schema = schemaOf(kind.definition);
      const by = writer(kind, schema);
      fc.assert(
        fc.property(anyOf(schema, 6), (value) => {
          const object = decodeValue(value, { ...kind, schema }).object as ApiObject;
          object.metadata ??= {};
          const slow = trackUpdate(new Map(), undefined, object, by);
          const fast = trackCreate(object, by);
          const expected = encodeOwners(slow);
          expect(fast && encodeOwners(unpackOwners(packCreator(by, fast), schema))).toEqual(expected);
          expect(encodeOwners(unpackOwners(packOwners(slow, schema), schema))).toEqual(expected);
          expect(encodeOwners(unpackOwners(packOwners(slow, undefined), undefined))).toEqual(expected);
        }),
        { numRuns: 25 },
      );
    },
  );
});

describe('what a creator owns of an object that is stored in another version', () => {
  const registry = createKindRegistry();
  const kinds = registry.all().filter(({ conversion, definition }) => conversion !== undefined && definition !== '');

  it.each(kinds.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    'is written with the codes of the stored one: %s',
    (_, kind) => {
      const schema = schemaOf(kind.definition);
      const { storedGroup, storedVersion } = kind.conversion as NonNullable<KindDefinition['conversion']>;
      const stored = registry.byResource(storedGroup ?? kind.group, storedVersion, kind.plural) as KindDefinition;
      const storedSchema = schemaOf(stored.definition);
      const by = writer(kind, schema);
      fc.assert(
        fc.property(anyOf(schema, 6), (value) => {
          const object = decodeValue(value, { ...kind, schema }).object as ApiObject;
          object.metadata ??= {};
          const slow = packOwners(trackUpdate(new Map(), undefined, object, by), storedSchema);
          const fast = trackCreate(object, by, storedSchema);
          const read = (bytes: Uint8Array | undefined) => encodeOwners(unpackOwners(bytes, storedSchema));
          expect(read(fast && packCreator(by, fast))).toEqual(read(slow));
        }),
        { numRuns: 25 },
      );
    },
  );
});

describe('owners', () => {
  it('are none in no bytes, and unknown in bytes of another form', () => {
    expect(unpackOwners(undefined, pod).size).toBe(0);
    expect(() => unpackOwners(new Uint8Array([9]), pod)).toThrow('does not know');
    expect(packOwners(new Map(), pod)).toBeUndefined();
    expect(inOrder({})).toEqual({});
  });
});
