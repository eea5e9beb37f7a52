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
  packFirstStatus,
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

describe('the first status that somebody writes', () => {
  const kinds = createKindRegistry()
    .all()
    .filter(({ definition }) => definition !== '' && schemaOf(definition).object?.fields.has('status'));
  const writerOf = (kind: KindDefinition, manager: string, subresource?: string): FieldWriter => {
    const { group, version } = kind;
    const schema = schemaOf(kind.definition);
    const reset = resetFieldsOf(kind, subresource);
    const resetFields = 'drop' in reset ? reset.drop : [];
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return { manager, apiVersion, schema, subresource, now: '2026-01-01T00:00:00Z', resetFields };
  };
  const created = (kind: KindDefinition, object: ApiObject): Uint8Array => {
    const writer = writerOf(kind, 'creator');
    const bare = { ...object, status: undefined } as unknown as ApiObject;
    return packCreator(writer, trackCreate(bare, writer) ?? new Uint8Array([0]));
  };

  it('is owned as the comparison says, for every kind with a status', () => {
    let quick = 0;
    for (const kind of kinds) {
      const schema = schemaOf(kind.definition);
      const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
      const status = anyOf(schema.object?.fields.get('status')?.schema, 5);
      fc.assert(
        fc.property(status, status, (before, after) => {
          const base = { apiVersion, kind: kind.kind, metadata: { name: 'x', labels: { a: 'b' } } };
          const expected = { group: kind.group, version: kind.version, kind: kind.kind, schema };
          const objectOf = (value: unknown) => decodeValue({ ...base, status: value }, expected, 'Ignore').object;
          const [live, updated] = [objectOf(before), objectOf(after)];
          const owners = created(kind, live);
          const writer = writerOf(kind, 'writer', 'status');
          const quickly = packFirstStatus(unpackOwners(owners, schema), owners, live, updated, writer);
          const slowly = trackUpdate(unpackOwners(owners, schema), live, updated, writer);
          if (quickly === undefined) return;
          quick++;
          const shown = (bytes: Uint8Array | undefined) => encodeOwners(unpackOwners(bytes, schema));
          expect(shown(quickly)).toEqual(shown(packOwners(slowly, schema)));
        }),
        { numRuns: 20 },
      );
    }
    expect(quick).toBeGreaterThan(kinds.length);
  });

  it('is left to the comparison when the status has owners, more than the status differs, or nothing does', () => {
    const kind = kinds.find(({ kind, group }) => kind === 'Pod' && group === '') as KindDefinition;
    const base = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' } } };
    const live = { ...base, spec: {}, status: { phase: 'Pending' } } as unknown as ApiObject;
    const packed = created(kind, live);
    const owners = () => unpackOwners(packed, pod);
    const writer = writerOf(kind, 'kubelet', 'status');
    const updated = { ...live, status: { phase: 'Running' } } as unknown as ApiObject;
    const labelled = { ...updated, metadata: { name: 'x', labels: { a: 'c' } } } as unknown as ApiObject;
    const quickly = (after: ApiObject, by: FieldWriter = writer) => packFirstStatus(owners(), packed, live, after, by);
    expect(unpackOwners(quickly(updated), pod).size).toBe(2);
    expect(quickly(labelled)).toBeUndefined();
    expect(quickly(live)).toBeUndefined();
    expect(packFirstStatus(new Map(), undefined, live, updated, writer)).toBeUndefined();
    expect(quickly(updated, { ...writer, subresource: '' })).toBeUndefined();
    // Who wrote earlier, by a clock that goes otherwise, would stand in front.
    expect(quickly(updated, { ...writer, now: '2025-12-31T23:59:59Z' })).toBeUndefined();
    const owned = trackUpdate(owners(), live, updated, writer);
    const other = { ...writer, manager: 'other' };
    expect(packFirstStatus(owned, packOwners(owned, pod), updated, live, other)).toBeUndefined();
  });
});
