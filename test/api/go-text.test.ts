import { describe, expect, it } from 'vitest';
import { goJson, goValueText, quote } from '../../src/api/index.ts';

describe('texts as Go prints them', () => {
  it.each([
    ['a"b\\', '"a\\"b\\\\"'],
    ['\n\t\x07\x01\x7f', '"\\n\\t\\a\\x01\\x7f"'],
    ['üß😀', '"üß😀"'],
    ['\u200b\u2028', '"\\u200b\\u2028"'],
  ])('quotes %j', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('prints maps with sorted keys, lists in brackets and nothing as <nil>', () => {
    expect(goValueText({ b: [1, 'x'], a: { c: null }, d: true })).toBe('map[a:map[c:<nil>] b:[1 x] d:true]');
  });

  it('escapes JSON for HTML', () => {
    expect(goJson({ a: '<&>' })).toBe('{"a":"\\u003c\\u0026\\u003e"}');
  });
});
