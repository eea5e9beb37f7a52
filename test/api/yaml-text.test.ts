import { describe, expect, it } from 'vitest';
import { parseYaml, YamlSyntaxError } from '../../src/api/index.ts';

describe('parseYaml', () => {
  it.each([
    ['a: yes', { a: true }],
    ['a: off', { a: false }],
    ['a: y', { a: 'y' }],
    ['a: 012', { a: 10 }],
    ['a: 0x1f', { a: 31 }],
    ['a: 1:30', { a: '1:30' }],
    ['a: 2024-01-01', { a: '2024-01-01' }],
    ['a: ~', { a: null }],
    ['a: &x {b: 1}\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x {b: 1}\nc:\n  <<: *x\n  d: 2', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['1: x', { '1': 'x' }],
    ['.: {}', { '.': {} }],
    ['a: +.', { a: '+.' }],
    ['', null],
  ])('%j is %j', (text, value) => {
    expect(parseYaml(text).value).toEqual(value);
  });

  it('takes the first of several documents', () => {
    expect(parseYaml('a: 1\n---\na: 2\n').value).toEqual({ a: 1 });
  });

  it('names repeated keys with their lines', () => {
    expect(parseYaml('a: 1\nb:\n  c: 1\n  c: 2\n')).toEqual({
      value: { a: 1, b: { c: 2 } },
      repeated: ['line 4: key "c" already set in map'],
    });
  });

  it('refuses broken text and bombs of aliases', () => {
    expect(() => parseYaml('a: [1, 2')).toThrow(YamlSyntaxError);
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level += 1) {
      const alias = `*a${level - 1}`;
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => alias).join(', ')}]`);
    }
    expect(() => parseYaml(lines.join('\n'))).toThrow(YamlSyntaxError);
  });
});
