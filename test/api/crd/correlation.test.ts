import { describe, expect, it } from 'vitest';
import { correlatedItems, isUnchanged } from '../../../src/api/crd/correlation.ts';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';

const text: CustomSchema = { type: 'string' };
const item: CustomSchema = { type: 'object', properties: { k: text, v: text } };
const map: CustomSchema = {
  type: 'array',
  items: item,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
};
const list: CustomSchema = { type: 'array', items: item };
const free: CustomSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const [a, b] = [
  { k: 'a', v: '1' },
  { k: 'b', v: '2' },
];

describe('a part of a custom object is as it was', () => {
  it.each<[string, unknown, unknown, CustomSchema, boolean]>([
    ['the same text', 'x', 'x', text, true],
    ['another text', 'x', 'y', text, false],
    ['without an old value', 'x', undefined, text, false],
    ['null, as before', null, null, text, true],
    ['null, other than before', null, 'x', text, false],
    ['the same members', { v: '1', k: 'a' }, a, item, true],
    ['a member more', { ...a, v: '1' }, { k: 'a' }, item, false],
    ['a member less', { k: 'a' }, a, item, false],
    ['another member', { k: 'a' }, { v: 'a' }, item, false],
    ['a member that the schema does not name', { z: 1 }, { z: 1 }, free, false],
    ['no members', {}, {}, free, true],
    ['members of a map', { z: 'x' }, { z: 'x' }, { type: 'object', additionalProperties: text }, true],
    ['a list in its order', [a, b], [a, b], list, true],
    ['a list in another order', [b, a], [a, b], list, false],
    ['a map list in another order', [b, a], [a, b], map, true],
    ['a map list with another item', [b, { k: 'a', v: '9' }], [a, b], map, false],
    ['a map list with another key', [a, { k: 'c', v: '2' }], [a, b], map, false],
    ['a longer list', [a, b], [a], map, false],
    ['no longer a list', { 0: a }, [a], map, false],
    ['no items', [], [], map, true],
  ])('%s', (_, value, previous, schema, expected) => {
    expect(isUnchanged(value, previous, schema)).toBe(expected);
  });
});

describe('old items', () => {
  it('are found by all keys of a map list, the first of several', () => {
    const two = { ...map, 'x-kubernetes-list-map-keys': ['k', 'v'] };
    const find = correlatedItems(two, [a, { ...a, more: 1 }, { k: 'c' }])!;
    expect(find({ v: '1', k: 'a', x: 2 })).toBe(a);
    expect(find({ k: 'a', v: '2' })).toBeUndefined();
    expect(find({ k: 'c' })).toBeUndefined();
    expect(find('a')).toBeUndefined();
  });

  it('are not found in other lists', () => {
    expect(correlatedItems(list, [a])).toBeUndefined();
    expect(correlatedItems({ ...map, 'x-kubernetes-list-type': 'set' }, [a])).toBeUndefined();
    expect(correlatedItems(map, undefined)).toBeUndefined();
  });
});
