import { describe, expect, it } from 'vitest';
import { definitionNames, objectSchema } from '../../src/api/index.ts';
import { fieldMarkers } from '../../src/api/markers.ts';

/** Lists to which upstream gives no list type: they are replaced as a whole. */
const unmarked = new Set(['ListMeta', 'items']);

describe('fieldMarkers', () => {
  const lines = fieldMarkers.split('\n').filter((line) => line !== '');

  it('names definitions and fields that exist, with marks that are known', () => {
    const known =
      /^(\*:atomic|[\w$-]+:(atomic|set|map\([\w,]+\)|map-atomic|map-granular|merge(\+retainKeys)?(\(\w+\))?|retainKeys|replace)(\/(merge(\+retainKeys)?(\(\w+\))?))?)$/;
    for (const line of lines) {
      const [name = '', ...fields] = line.split(' ');
      const schema = objectSchema(name);
      expect(schema, name).toBeDefined();
      for (const mark of fields) {
        expect(mark).toMatch(known);
        const field = mark.slice(0, mark.indexOf(':'));
        if (field !== '*') expect(schema?.fields.has(field), `${name}.${field}`).toBe(true);
      }
    }
  });

  it('covers every list field but the items of lists and the few that upstream leaves unmarked', () => {
    const missing: string[] = [];
    for (const name of definitionNames()) {
      if (name.endsWith('List')) continue;
      for (const { name: field, schema } of objectSchema(name)?.fields.values() ?? []) {
        if (schema.kind === 'array' && schema.listType === undefined && !unmarked.has(field)) {
          missing.push(`${name.split('.').slice(-2).join('.')}.${field}`);
        }
      }
    }
    expect(missing).toMatchInlineSnapshot(`
      [
        "v1.APIResource.verbs",
      ]
    `);
  });

  it('gives every list map its keys, and the keys are fields of its items', () => {
    for (const name of definitionNames()) {
      for (const { name: field, schema } of objectSchema(name)?.fields.values() ?? []) {
        if (schema.listType !== 'map') continue;
        for (const key of schema.listMapKeys ?? ['']) {
          expect(schema.element?.object?.fields.has(key), `${name}.${field}: ${key}`).toBe(true);
        }
      }
    }
  });
});
