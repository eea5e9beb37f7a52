import { describe, expect, it } from 'vitest';
import { type CelType, compile, intType, type ListType, readJson, stringType } from '../../../src/api/cel/index.ts';

const text: CelType = { ...stringType, elementsMax: 100 };
const list: ListType = { kind: 'list', element: text, elementsMax: 10 };
const variables: Record<string, CelType> = { text, list, open: { kind: 'list', element: stringType }, count: intType };

const costOf = (source: string): number => compile(source, { variables }).costMax;

describe('the estimated cost', () => {
  it.each([
    ['true', 0],
    ['count == 1', 2],
    ["text == 'abc'", 2],
    ['text == text', 12],
    ["text.startsWith('abc')", 2],
    ["text.contains('abcdefghijkl')", 21],
    ["text.matches('abcdefgh')", 23],
    ["text + 'ab' == 'x'", 13],
    ['list.size() > 1', 3],
    ['list.all(x, x.size() > 1)', 62],
    ["list.exists(x, x == 'a')", 62],
    ['list.map(x, x).size()', 143],
    ["'a' in list", 11],
    ['[1, 2, 3].sum()', 13],
    ['list.isSorted()', 111],
    ["list.join(',')", 102],
  ])('of %s is bounded by what the schema says', (source, cost) => {
    expect(costOf(source)).toBe(cost);
  });

  it('of a loop over a list without a bound is beyond all limits', () => {
    expect(costOf('open.all(x, x == x)')).toBe(2 ** 64);
  });

  it('is never below what an evaluation costs', () => {
    const program = compile("list.all(x, x.contains('b') && list.exists(y, y == x))", { variables });
    const given = {
      list: readJson(
        Array.from({ length: 10 }, (_, at) => `${at}${'b'.repeat(90)}`),
        list,
      ),
    };
    const { value, cost } = program.evaluate(given);
    expect(value).toBe(true);
    expect(cost).toBeGreaterThan(100);
    expect(cost).toBeLessThanOrEqual(program.costMax);
  });
});
