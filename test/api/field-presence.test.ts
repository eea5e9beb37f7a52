import { describe, expect, it } from 'vitest';
import { fieldPresence, inheritedFields, typeNames } from '../../src/api/field-presence.ts';
import { objectSchema } from '../../src/api/index.ts';

describe('the facts about fields', () => {
  it.each([
    ['fieldPresence', fieldPresence, /^[-psadnxz]$/],
    ['typeNames', typeNames, /^(\[\]|map\[string\])*[\w.[\]]+$/],
  ])('%s names fields that exist, with codes that are known', (_, table, known) => {
    for (const line of table.split('\n').filter((text) => text !== '')) {
      const [name = '', ...fields] = line.split(' ');
      for (const fact of fields) {
        const colon = fact.indexOf(':');
        expect(objectSchema(name)?.fields.has(fact.slice(0, colon)), `${name} ${fact}`).toBe(true);
        expect(fact.slice(colon + 1)).toMatch(known);
      }
    }
  });

  it('inheritedFields names fields that exist', () => {
    for (const line of inheritedFields.split('\n').filter((text) => text !== '')) {
      const [name = '', ...parts] = line.split(' ');
      for (const field of parts.flatMap((part) => part.slice(part.indexOf(':') + 1).split(','))) {
        expect(objectSchema(name)?.fields.has(field), `${name}.${field}`).toBe(true);
      }
    }
  });
});
