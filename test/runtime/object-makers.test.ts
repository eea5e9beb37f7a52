/** Objects that are made in one piece equal those that are made a member at a time, and the tree of names stays bounded. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ObjectMakers, type Row } from '../../src/runtime/object-makers.ts';

/** Goes down the tree; undefined where it leads no further. */
function rowOf(makers: ObjectMakers, names: readonly string[]): Row | undefined {
  let row: Row | undefined = makers.root;
  for (const name of names) row = row === undefined ? undefined : makers.next(row, name);
  return row;
}

it('makes what assignments make, whatever the names are, from the first time on', () => {
  const anyNames = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 12 });
  fc.assert(
    fc.property(anyNames, (names) => {
      fc.pre(!names.includes('__proto__'));
      const makers = new ObjectMakers();
      const values = names.map((_, at) => ({ at }));
      const expected = Object.fromEntries(names.map((name, at) => [name, values[at]]));
      for (let round = 0; round < 20; round++) {
        const made = makers.objectOf(rowOf(makers, names) as Row, [undefined, ...values], 1);
        expect(Object.entries(made)).toEqual(Object.entries(expected));
      }
    }),
    { numRuns: 200 },
  );
});

it('makes objects of their own each time', () => {
  const makers = new ObjectMakers();
  const row = rowOf(makers, ['a', 'b']) as Row;
  const made = Array.from({ length: 30 }, (_, at) => makers.objectOf(row, [at, at + 1], 0));
  expect(new Set(made).size).toBe(30);
  expect(made.map((object) => object['b'])).toEqual(made.map((_, at) => at + 1));
});

it('leads no further where names have no end, and begins anew when it is full', () => {
  const makers = new ObjectMakers();
  const { root } = makers;
  const ways = Array.from({ length: 2_000 }, (_, at) => makers.next(root, `n${at}`));
  expect(ways.filter((way) => way !== undefined)).toHaveLength(512);
  expect(makers.next(root, 'n7')).toBe(ways[7]);
  for (let at = 0; makers.root === root && at < 100_000; at++) rowOf(makers, [`n${at % 512}`, `m${at}`]);
  expect(makers.root).not.toBe(root);
  expect(rowOf(makers, ['a', 'b'])).toBeDefined();
});
