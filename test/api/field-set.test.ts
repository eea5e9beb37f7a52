import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptySet,
  type FieldSet,
  intersectSets,
  isEmptySet,
  keyText,
  pathTexts,
  setOf,
  subtractSets,
  subtractSubtrees,
  unionSets,
  withNamedFields,
} from '../../src/api/field-set.ts';
import { schemaOf } from '../../src/api/index.ts';

const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 });
const paths = fc.array(path, { maxLength: 6 });
const texts = (set: FieldSet): Set<string> => new Set(pathTexts(set));

describe('field sets', () => {
  it('behave as sets of paths', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const one = setOf(...left);
        const other = setOf(...right);
        const [first, second] = [texts(one), texts(other)];
        expect(first).toEqual(new Set(left.map((steps) => `.${steps.join('.')}`)));
        expect(texts(unionSets(one, other))).toEqual(new Set([...first, ...second]));
        expect(texts(intersectSets(one, other))).toEqual(new Set([...first].filter((text) => second.has(text))));
        expect(texts(subtractSets(one, other))).toEqual(new Set([...first].filter((text) => !second.has(text))));
        const below = (text: string) => [...second].some((above) => text === above || text.startsWith(`${above}.`));
        expect(texts(subtractSubtrees(one, other))).toEqual(new Set([...first].filter((text) => !below(text))));
        expect(isEmptySet(subtractSets(one, one))).toBe(true);
      }),
    );
  });

  it('are stored as managedFields have them', () => {
    const set = unionSets(setOf(['data'], ['data', 'a']), setOf(['metadata', 'labels', 'x']));
    expect(set).toEqual({ 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } });
    expect(unionSets(set, emptySet)).toBe(set);
  });

  it('print keys as paths', () => {
    expect(keyText('k:{"port":80,"protocol":"TCP"}')).toBe('[port=80,protocol="TCP"]');
    expect(keyText('v:"e.com/a"')).toBe('[="e.com/a"]');
    expect(keyText('i:3')).toBe('[3]');
    expect(keyText('f:spec')).toBe('.spec');
  });

  it('make named fields above members members too, but not map entries or list items', () => {
    const schema = schemaOf('io.k8s.api.core.v1.Pod');
    const set: FieldSet = {
      'f:metadata': { 'f:labels': { 'f:x': {} } },
      'f:spec': { 'f:containers': { 'k:{"name":"c"}': { 'f:image': {} } } },
    };
    expect(pathTexts(withNamedFields(set, schema))).toEqual([
      '.metadata',
      '.metadata.labels',
      '.metadata.labels.x',
      '.spec',
      '.spec.containers',
      '.spec.containers[name="c"].image',
    ]);
  });
});
