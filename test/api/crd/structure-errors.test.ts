import { describe, expect, it } from 'vitest';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';
import { structureErrors } from '../../../src/api/crd/structure-errors.ts';
import { fieldErrorText } from '../../../src/api/index.ts';

const embedded: CustomSchema = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
};
const typed = { apiVersion: 'v1', kind: 'Pod' };

describe('an embedded object', () => {
  it.each<[string, object, string[]]>([
    ['is in order', { ...typed, metadata: { name: 'a', namespace: 'b', labels: { c: 'd' } } }, []],
    ['needs no name', { ...typed, metadata: {} }, []],
    ['names its type', {}, ['o.apiVersion: Required value', 'o.kind: Required value']],
    [
      'names its type with more than nothing',
      { apiVersion: '', kind: '' },
      ['o.apiVersion: Required value', 'o.kind: Required value'],
    ],
    [
      'names its type in texts',
      { apiVersion: 1, kind: true },
      ['o.apiVersion: Invalid value: 1: must be a string', 'o.kind: Invalid value: true: must be a string'],
    ],
    [
      'has one version',
      { ...typed, apiVersion: 'a/b/c' },
      ['o.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    ],
    [
      'has a kind in letters',
      { ...typed, kind: 'A_b' },
      [
        expect.stringMatching(
          /^o\.kind: Invalid value: "A_b": may have mixed case, but should otherwise match: a DNS-1035 label must consist of/,
        ) as never,
      ],
    ],
    [
      'has a name for paths',
      { ...typed, metadata: { name: 'a/b%' } },
      [
        `o.metadata.name: Invalid value: "a/b%": may not contain '/'`,
        `o.metadata.name: Invalid value: "a/b%": may not contain '%'`,
      ],
    ],
    ['has a prefix for names', { ...typed, metadata: { generateName: '..' } }, []],
    [
      'has labels in form',
      { ...typed, metadata: { labels: { a: 'b!' } } },
      [
        expect.stringMatching(
          /^o\.metadata\.labels: Invalid value: "b!": a valid label must be an empty string/,
        ) as never,
      ],
    ],
  ])('%s', (_, value, expected) => {
    const { embedded: found } = structureErrors({ o: value }, { type: 'object', properties: { o: embedded } });
    expect(found.map(fieldErrorText)).toEqual(expected);
  });

  it('is found in lists and maps; the object around it is not one', () => {
    const schema: CustomSchema = {
      ...embedded,
      properties: { l: { type: 'array', items: embedded }, m: { type: 'object', additionalProperties: embedded } },
    };
    const found = structureErrors({ l: [typed, { kind: 'Pod' }], m: { k: { apiVersion: 'v1' } } }, schema).embedded;
    expect(found.map(({ field }) => field)).toEqual(['l[1].apiVersion', 'm[k].kind']);
  });
});

describe('a list', () => {
  const text: CustomSchema = { type: 'string' };
  const list = (type: string, ...keys: string[]): CustomSchema => ({
    type: 'array',
    'x-kubernetes-list-type': type,
    ...(keys.length > 0 ? { 'x-kubernetes-list-map-keys': keys } : {}),
    items: { type: 'object', properties: { a: text, b: text } },
  });
  it.each<[string, CustomSchema, unknown[], string[]]>([
    ['that is a set', list('set'), ['a', 1, '1', null], []],
    ['that is a set with an item twice', list('set'), ['a', 'b', 'a'], ['l[2]: Duplicate value: "a"']],
    ['with an item thrice is told once', list('set'), ['a', 'a', 'a'], ['l[1]: Duplicate value: "a"']],
    [
      'with members in another order',
      list('set'),
      [
        { a: 'x', b: 'y' },
        { b: 'y', a: 'x' },
      ],
      ['l[1]: Duplicate value: {"b":"y","a":"x"}'],
    ],
    ['that is a map', list('map', 'a'), [{ a: 'x' }, { a: 'y' }, {}], []],
    [
      'that is a map with a key twice',
      list('map', 'a'),
      [{ a: 'x' }, { a: 'x', b: 'y' }],
      ['l[1]: Duplicate value: {"a":"x"}'],
    ],
    ['that is a map without keys', list('map', 'a'), [{}, { b: 'x' }], ['l[1]: Duplicate value: {}']],
    [
      'that is a map by two keys',
      list('map', 'a', 'b'),
      [{ a: 'x', b: 'y' }, { a: 'x' }, { a: 'x' }],
      ['l[2]: Duplicate value: {"a":"x"}'],
    ],
    [
      'that is a map of texts',
      list('map', 'a'),
      [{ a: 'x' }, 'y', { a: 'x' }],
      ['l[1]: Invalid value: "y": must be an object for an array of list-type map'],
    ],
    ['that is neither', list('atomic'), ['a', 'a'], []],
  ])('%s', (_, schema, value, expected) => {
    const { lists } = structureErrors({ l: value }, { type: 'object', properties: { l: schema } });
    expect(lists.map(fieldErrorText)).toEqual(expected);
  });
});
