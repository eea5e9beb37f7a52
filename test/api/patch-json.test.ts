import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch, isStatusError, jsonPatchOperationsMax } from '../../src/api/index.ts';

const code = (run: () => unknown): number => {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return error.code;
    throw error;
  }
  return 200;
};

describe('applyJsonPatch', () => {
  const document = { data: { a: '1', b: '2' }, list: ['x', 'y'] };

  it.each([
    [[{ op: 'add', path: '/list/1', value: 'mid' }], { list: ['x', 'mid', 'y'] }],
    [[{ op: 'add', path: '/list/-', value: 'end' }], { list: ['x', 'y', 'end'] }],
    [[{ op: 'replace', path: '/list/-1', value: 'z' }], { list: ['x', 'z'] }],
    [[{ op: 'remove', path: '/list/0' }], { list: ['y'] }],
    [[{ op: 'replace', path: '/data/zz', value: '1' }], { data: { a: '1', b: '2', zz: '1' } }],
    [[{ op: 'add', path: '/data/q' }], { data: { a: '1', b: '2', q: null } }],
    [[{ op: 'copy', from: '/data/none', path: '/data/x' }], { data: { a: '1', b: '2', x: null } }],
    [[{ op: 'move', from: '/data/a', path: '/data/c' }], { data: { b: '2', c: '1' } }],
    [[{ op: 'add', path: 'data/a', value: 'x' }], { a: 'x' }],
    [[{ op: 'add', path: '/data/a~1b~0', value: 'x' }], { data: { a: '1', b: '2', 'a/b~': 'x' } }],
    [[{ op: 'test', path: '/data/a', value: '1' }], {}],
  ])('applies %j', (patch, changed) => {
    const before = structuredClone(document);
    expect(applyJsonPatch(document, patch)).toEqual({ ...document, ...changed });
    expect(document).toEqual(before);
  });

  it.each([
    { op: 'add', path: '/list/9', value: {} },
    { op: 'remove', path: '/list/9' },
    { op: 'replace', path: '/list/x', value: {} },
    { op: 'remove', path: '/data/zz' },
    { op: 'add', path: '/spec/x/y', value: 1 },
    { op: 'bogus', path: '/data/a' },
    { op: 'add', value: 1 },
    { op: 'remove', path: '' },
    { op: 'test', path: '/data/a', value: '2' },
    { op: 'add', path: '/constructor/prototype/x', value: 1 },
    { op: 'add', path: '/__proto__/x', value: 1 },
    null,
  ])('refuses %j without saying why', (operation) => {
    expect(code(() => applyJsonPatch(document, [operation ?? {}]))).toBe(422);
  });

  it('refuses too many operations', () => {
    const patch = Array.from({ length: jsonPatchOperationsMax + 1 }, () => ({
      op: 'test',
      path: '/data/a',
      value: '1',
    }));
    expect(code(() => applyJsonPatch(document, patch))).toBe(413);
  });

  it('sets a member named __proto__ without touching prototypes', () => {
    const result = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: 1 } }]);
    expect(Object.keys(result as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('removing what was added gives the document back', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.jsonValue()), fc.jsonValue(), (object, value) => {
        const patch = [
          { op: 'add', path: '/new-one', value },
          { op: 'test', path: '/new-one', value },
          { op: 'remove', path: '/new-one' },
        ];
        expect(applyJsonPatch(object, patch)).toEqual({ ...object });
      }),
    );
  });
});

describe('copies', () => {
  it('are values of their own', () => {
    const grown = applyJsonPatch({ a: { x: 1 } }, [
      { op: 'add', path: '/a/y', value: 2 },
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'add', path: '/b/z', value: 3 },
    ]);
    expect(grown).toEqual({ a: { x: 1, y: 2 }, b: { x: 1, y: 2, z: 3 } });
    const inside = applyJsonPatch({ a: [{ b: 1 }] }, [
      { op: 'copy', from: '/a/0', path: '/a/0/b' },
      { op: 'copy', from: '/a', path: '/a/0/c' },
    ]);
    expect(inside).toEqual({ a: [{ b: { b: 1 }, c: [{ b: { b: 1 } }] }] });
  });

  it('of copies are refused before they fill the memory', () => {
    const doubling = Array.from({ length: 40 }, (_, at) => ({ op: 'copy', from: '', path: `/c${at}` }));
    expect(code(() => applyJsonPatch({ data: 'x'.repeat(1000) }, doubling))).toBe(422);
  });
});
