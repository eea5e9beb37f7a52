import { describe, expect, it } from 'vitest';
import {
  decodeProtobuf,
  definitionNames,
  encodeMessage,
  normalize,
  objectSchema,
  protobufMessageOf,
  schemaOf,
} from '../../../src/api/index.ts';
import { rowNameOf } from '../../../src/api/protobuf/messages.ts';
import { protobufNumbersUnknown } from '../../../src/api/protobuf/numbers.ts';
import { chanceOf, sampleObject } from './samples.ts';

const SAMPLES = 12;

const unknown = new Map(
  protobufNumbersUnknown
    .trim()
    .split('\n')
    .map((line) => [line.split(' ')[0], line.split(' ').slice(1)] as const),
);

const definitions = definitionNames().filter(
  (name) => objectSchema(name)?.groupVersionKind !== undefined && protobufMessageOf(name) !== undefined,
);

describe('JSON to protobuf and back', () => {
  it('is tried with every built-in kind', () => {
    expect(definitions.length).toBeGreaterThan(100);
  });

  it.each(definitions)('%s stays as it is', (name) => {
    const object = objectSchema(name)!;
    const message = protobufMessageOf(name)!;
    const chance = chanceOf(42);
    const isKnown = (definition: string, field: string) => unknown.get(rowNameOf(definition))?.includes(field) !== true;
    for (let count = 0; count < SAMPLES; count++) {
      const given = normalize(sampleObject(object, chance, isKnown), schemaOf(name));
      const decoded = decodeProtobuf(encodeMessage(given, message), object);
      expect(JSON.parse(JSON.stringify(normalize(decoded, schemaOf(name))))).toEqual(JSON.parse(JSON.stringify(given)));
    }
  });
});
