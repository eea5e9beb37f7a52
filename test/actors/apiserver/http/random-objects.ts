// Objects of every kind, made by chance from the schemas that the server reads: fields of the right type with values that mean
// something, and now and then a value that does not belong. For the tests that send them.
import fc from 'fast-check';
import { type KindDefinition, type ObjectSchema, type Schema, schemaOf } from '../../../../src/api/index.ts';

export type Json = Record<string, unknown>;

/** Texts that fields of one kind or another make something of. */
const texts = [
  '',
  'a',
  'one',
  'two',
  'default',
  'a.b.c',
  'A',
  '-',
  '_',
  '1',
  '0',
  '-1',
  '10%',
  '101%',
  '1Gi',
  '1e3',
  '100m',
  'x=y',
  'a/b',
  '/x',
  '../x',
  '*',
  '*.a.b',
  '10.0.0.1',
  '10.0.0.0/8',
  '::1',
  'fd00::/64',
  '::ffff:1.2.3.4',
  '1.2.3.4.5',
  'http://a/b',
  'https://a:99999',
  'TCP',
  'UDP',
  'SCTP',
  'ClusterIP',
  'NodePort',
  'ExternalName',
  'Always',
  'Never',
  'OnFailure',
  'RollingUpdate',
  'Recreate',
  'In',
  'NotIn',
  'Exists',
  'DoesNotExist',
  'Gt',
  'Lt',
  'Equal',
  'NoSchedule',
  'NoExecute',
  'Cluster',
  'Namespaced',
  'Webhook',
  'None',
  'Fail',
  'Ignore',
  'Exact',
  'Equivalent',
  'CONNECT',
  'v1',
  'apps/v1',
  'pods',
  'secrets',
  'Pod',
  'Role',
  'ClusterRole',
  'ServiceAccount',
  'User',
  'system:node:one',
  'system:masters',
  'kubernetes.io/x',
  'kubernetes.io/tls',
  'kubernetes.io/kube-apiserver-client',
  'cpu',
  'memory',
  'requests.storage',
  'Resource',
  'Pods',
  'Utilization',
  '@every 1h',
  '* * * * *',
  '0 0 31 2 *',
  'Europe/Berlin',
  '2026-01-01T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T00:00:00.000000Z',
  'true',
  'object.spec',
  'self',
  'self.x == 1',
  '1 + ',
  'Object{}',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\ud800',
  '$(HOME)',
  '$(A)$(',
  '{.spec',
  '.spec.x',
  '^(',
  '[',
  'a'.repeat(64),
  'b'.repeat(254),
] as const;

const text = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20, unit: 'binary' }) },
);
const numbers = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, 80, 65535, 65536, 99999, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 1e19, 1e308, 0.5),
  fc.integer({ min: -3, max: 100 }),
);
/** What belongs nowhere. */
export const odd = fc.oneof(
  fc.constantFrom<unknown>(null, '', 0, -1, 1e308, true, [], {}, [null], [[]], { '': 0 }, [{}], '__proto__', '\ud800'),
  text,
  fc.jsonValue({ maxDepth: 2 }),
);

function leafOf(schema: Schema): fc.Arbitrary<unknown> {
  switch (schema.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int32':
    case 'int64':
    case 'double':
      return numbers;
    case 'intOrString':
      return fc.oneof(numbers, text);
    case 'quantity':
      return fc.oneof(fc.constantFrom<unknown>('1', '100m', '1Gi', '-1', '1e400', '0.0000000001', 'x', 5), text);
    case 'bytes':
      return fc.oneof(fc.constantFrom('', 'YQ==', 'YQ', '!'), text);
    case 'any':
    case 'raw':
      return fc.jsonValue({ maxDepth: 3 });
    default:
      return text;
  }
}

/** A value for the schema; one in `fault` is of any shape instead. */
function anyOf(schema: Schema, depth: number, fault: number): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: fault, arbitrary: fc.constant(undefined).chain(() => rightOf(schema, depth, fault)) },
    { weight: 1, arbitrary: odd },
  );
}

function rightOf(schema: Schema, depth: number, fault: number): fc.Arbitrary<unknown> {
  if (schema.kind === 'array') {
    if (depth <= 0) return fc.constant([]);
    return fc.array(anyOf(schema.element as Schema, depth - 1, fault), { maxLength: 2 });
  }
  if (schema.kind === 'map') {
    if (depth <= 0) return fc.constant({});
    return fc.dictionary(text, anyOf(schema.element as Schema, depth - 1, fault), { maxKeys: 2 });
  }
  if (schema.kind === 'object') return objectOf(schema.object as ObjectSchema, depth, fault);
  return leafOf(schema);
}

/** Required fields nearly always, up to four others. */
function objectOf(object: ObjectSchema, depth: number, fault: number): fc.Arbitrary<Json> {
  if (depth <= 0) return fc.constant({});
  const fields = [...object.fields.values()];
  if (fields.length === 0) return fc.dictionary(text, odd, { maxKeys: 1 });
  return fc
    .tuple(
      fc.subarray(
        fields.filter(({ required }) => !required),
        { maxLength: Math.min(4, fields.filter(({ required }) => !required).length) },
      ),
      fc.constantFrom(true, true, true, true, false),
    )
    .chain(([some, complete]) => {
      const chosen = [...(complete ? fields.filter(({ required }) => required) : []), ...some];
      return fc.tuple(...chosen.map(({ schema }) => anyOf(schema, depth - 1, fault))).map((values) => {
        const made: Json = {};
        for (const [at, value] of values.entries())
          Object.defineProperty(made, (chosen[at] as { name: string }).name, {
            value,
            enumerable: true,
            configurable: true,
            writable: true,
          });
        return made;
      });
    });
}

const schemaOfKind = (kind: KindDefinition): Schema => kind.custom?.schema ?? schemaOf(kind.definition);

/** An object of the kind, named `one`, with chance in everything else. `fault`: one value in so many is out of place. */
export function randomObject(kind: KindDefinition, fault = 25): fc.Arbitrary<Json> {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const { object } = schemaOfKind(kind);
  return objectOf(object as ObjectSchema, 7, fault).chain((made) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant('one') }, { weight: 1, arbitrary: odd }).map((name) => ({
      ...made,
      apiVersion,
      kind: kind.kind,
      metadata:
        typeof made['metadata'] === 'object' && !Array.isArray(made['metadata'])
          ? { ...made['metadata'], name }
          : { name },
    })),
  );
}

/** Where the kind's objects stand. */
export function collectionOf(kind: KindDefinition, namespace = 'default'): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return kind.namespaced ? `${root}/namespaces/${namespace}/${kind.plural}` : `${root}/${kind.plural}`;
}

/** JSON Pointers into the value, the root's among them. */
export function pointersOf(value: unknown, path = '', found: string[] = ['']): string[] {
  if (typeof value !== 'object' || value === null || found.length > 60) return found;
  for (const [name, member] of Object.entries(value)) {
    const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    found.push(at);
    pointersOf(member, at, found);
  }
  return found;
}
