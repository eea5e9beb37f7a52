/** Random objects of any definition, the same for the same seed: every field is given, or not, by chance. */
import type { ObjectSchema, Schema } from '../../../src/api/index.ts';

/** Objects nested deeper than this get no optional members. */
const DEPTH_MAX = 6;

/** A small linear congruential generator: 0 ≤ x < 1. */
export function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What an envelope says of an object, and its message does not. */
const typeMeta = new Set(['apiVersion', 'kind']);

const texts = ['', 'a', 'web-0', 'größe ☃', 'x'.repeat(200), '𝒳 in two units', '__proto__'];
const times = ['2026-01-02T03:04:05Z', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z'];
const jsonSchema = { type: 'object', properties: { a: { type: 'string', maxLength: 3 } }, minimum: 1.5 };

/** `isKnown` says which fields of which definitions may be given. */
export type FieldFilter = (definition: string, field: string) => boolean;

export function sampleObject(
  object: ObjectSchema,
  chance: () => number,
  isKnown: FieldFilter,
  depth = 0,
): Record<string, unknown> {
  const sample: Record<string, unknown> = {};
  for (const { name, schema, required } of object.fields.values()) {
    if ((object.groupVersionKind !== undefined || object.shortName === 'DeleteOptions') && typeMeta.has(name)) continue;
    if (!isKnown(object.name, name)) continue;
    if (depth >= DEPTH_MAX ? !required : chance() < 0.5) continue;
    sample[name] = special(object, name, chance) ?? sampleValue(schema, chance, isKnown, depth);
  }
  return sample;
}

/** Fields whose form the schema tables leave open. */
function special(object: ObjectSchema, name: string, chance: () => number): unknown {
  if (object.shortName !== 'JSONSchemaProps') return undefined;
  switch (name) {
    case 'items':
      return chance() < 0.5 ? jsonSchema : [jsonSchema, {}];
    case 'additionalItems':
    case 'additionalProperties':
      return chance() < 0.3 ? false : chance() < 0.5 ? true : jsonSchema;
    case 'dependencies':
      return { a: ['b', 'c'], d: jsonSchema };
    default:
      return undefined;
  }
}

function sampleValue(schema: Schema, chance: () => number, isKnown: FieldFilter, depth: number): unknown {
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(chance() * values.length)] as Value;
  // Protobuf cannot tell an empty list or map from none, so none is made.
  const several = <Value>(make: () => Value): Value[] => Array.from({ length: 1 + Math.floor(chance() * 2) }, make);
  switch (schema.kind) {
    case 'string':
      return pick(texts);
    case 'boolean':
      return chance() < 0.5;
    case 'int32':
      return pick([0, 1, -1, 80, 127, 128, 300, 2 ** 31 - 1, -(2 ** 31)]);
    case 'int64':
      return pick([0, 1, -1, 16383, 16384, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
    case 'double':
      return pick([0, 0.5, -1.25, 1e300]);
    case 'bytes':
      return pick(['', 'AQI=', 'aGVsbG8gd29ybGQ=']);
    case 'time':
      return pick(times);
    case 'microtime':
      return pick(['2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.000001Z']);
    case 'quantity':
      return pick(['0', '500m', '1Gi', '-3', '1500']);
    case 'intOrString':
      return pick([0, 8080, -1, '25%', '']);
    case 'any':
      return pick([1, 'a', true, [1, 'b'], { a: { b: [] } }]);
    case 'raw':
      return pick([{}, { kind: 'X', a: [1, 2, { b: 'ü' }] }]);
    case 'object':
      return sampleObject(schema.object!, chance, isKnown, depth + 1);
    case 'array':
      return several(() => sampleValue(schema.element!, chance, isKnown, depth + 1));
    case 'map':
      return Object.fromEntries(
        several(() => [pick(['a', 'b/c', 'ü']), sampleValue(schema.element!, chance, isKnown, depth + 1)]),
      );
  }
}
