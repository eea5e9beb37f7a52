/** Selections as spans of ordered keys. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeySelection } from '../../src/store/index.ts';
import { commonPrefix, prefixEnd, spanIncludes, spanOf } from '../../src/store/key-span.ts';

test.each([
  ['', undefined],
  ['/a/', '/a0'],
  ['a\uffff', 'b'],
  ['\uffff\uffff', undefined],
])('the end of prefix %j is %j', (prefix, end) => {
  expect(prefixEnd(prefix)).toBe(end);
});

test.each([
  [{ prefix: '/registry/pods/' }, '/registry/pods/'],
  [{ prefix: '/registry/pods/', startKey: '/registry/pods/default/x' }, '/registry/pods/'],
  [{ startKey: '/a/b', endKey: '/a/c' }, '/a/b'],
  [{ startKey: '/a/b5', endKey: '/a/d' }, '/a/'],
  [{ startKey: '/a', endKey: '/a/b' }, '/a'],
  [{ prefix: '' }, ''],
] as const)('a watch of %j is routed under %j', (selection, expected) => {
  expect(commonPrefix(spanOf(selection))).toBe(expected);
});

const unit = fc.constantFrom('/', 'a', 'b', '0', '\uffff', '\0');
const word = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''));

test('a key of a span always has the common prefix, whatever the span', () => {
  const selection: fc.Arbitrary<KeySelection> = fc.oneof(
    word.map((prefix) => ({ prefix })),
    fc.record({ prefix: word, startKey: word }),
    fc.record({ startKey: word, endKey: word }),
  );
  fc.assert(
    fc.property(selection, word, (wanted, key) => {
      const span = spanOf(wanted);
      if (spanIncludes(span, key)) expect(key.startsWith(commonPrefix(span))).toBe(true);
      if ('prefix' in wanted && !('startKey' in wanted))
        expect(spanIncludes(span, key)).toBe(key.startsWith(wanted.prefix));
    }),
    { numRuns: 3000 },
  );
});

test.each([{}, { key: '' }, { key: 7 }, { prefix: 7 }, { startKey: '/a' }, null, 'x', 7])('refuses %j', (selection) => {
  expect(() => spanOf(selection as never)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
});
