import { describe, expect, it } from 'vitest';
import { patternOf } from '../../../src/api/cel/regex.ts';

describe('a pattern', () => {
  it.each([
    ['^a+$', 'aaa', true],
    ['^a+$', 'aab', false],
    ['b', 'abc', true],
    ['^$', '', true],
    ['a|b|c', 'xc', true],
    ['^(foo|ba[rz])+$', 'foobarbaz', true],
    ['^[^0-9]+$', 'abc', true],
    ['^\\d{2,3}$', '1234', false],
    ['(?i)hello', 'HeLLo', true],
    ['^.$', '\n', false],
    ['(?s)^.$', '\n', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['\\bfoo\\b', 'a foo b', true],
    ['\\bfoo\\b', 'afoob', false],
    ['^\\p{L}+$', 'äöü', true],
    ['^[[:alpha:]]+$', 'abc', true],
    ['\\Qa.b\\E', 'axb', false],
    ['^😀{2}$', '😀😀', true],
    ['a{0}', '', true],
    ['^[a-z]([-a-z0-9]*[a-z0-9])?$', 'my-name1', true],
  ])('%s on %s: %s', (pattern, text, result) => {
    expect(patternOf(pattern).test(text)).toBe(result);
  });

  it.each([
    ['(', 'error parsing regexp: missing closing ): `(`'],
    ['*', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['a**', 'error parsing regexp: invalid nested repetition operator: `**`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ['a{1001}', 'error parsing regexp: invalid repeat count: `{1001}`'],
    ['\\1', 'error parsing regexp: invalid escape sequence: `\\1`'],
  ])('%s is refused', (pattern, message) => {
    expect(() => patternOf(pattern)).toThrow(message);
  });

  it('finds what Go finds: the leftmost, and of those the preferred', () => {
    expect(patternOf('a+?').find('aaa', -1)).toEqual(['a', 'a', 'a']);
    expect(patternOf('a|ab').find('ab', -1)).toEqual(['a']);
    expect(patternOf('a*').find('baac', -1)).toEqual(['', 'aa', '']);
    expect(patternOf('[0-9]+').find('1 22 333', 2)).toEqual(['1', '22']);
    expect(patternOf('^a').find('aaa', -1)).toEqual(['a']);
  });
});
