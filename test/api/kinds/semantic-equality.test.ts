import { expect, it } from 'vitest';
import { semanticEqual } from '../../../src/api/kinds/index.ts';

it.each([
  [undefined, null],
  [undefined, []],
  [null, []],
  [{ a: 1, b: undefined }, { a: 1 }],
  [{ a: [] }, {}],
  [[{ x: 1 }], [{ x: 1, y: null }]],
])('takes %j and %j for the same', (a, b) => {
  expect(semanticEqual(a, b)).toBe(true);
  expect(semanticEqual(b, a)).toBe(true);
});

it.each([
  [{ emptyDir: {} }, {}],
  [{}, []],
  [0, undefined],
  ['', undefined],
  [false, null],
  [
    [1, 2],
    [2, 1],
  ],
  [[1], [1, 2]],
  [{ a: 1 }, { a: '1' }],
])('tells %j from %j', (a, b) => {
  expect(semanticEqual(a, b)).toBe(false);
  expect(semanticEqual(b, a)).toBe(false);
});
