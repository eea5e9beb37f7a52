import { describe, expect, it } from 'vitest';
import { safeAlphabet, stableJson, templateHash } from '../../src/api/index.ts';

describe('templateHash', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } };

  it('does not depend on the order of keys, and does on content and collisions', () => {
    const other = { spec: { containers: [{ name: 'c' }] }, metadata: { labels: { a: 'b' } } };
    expect(templateHash(other)).toBe(templateHash(template));
    expect(templateHash({ ...template, spec: {} })).not.toBe(templateHash(template));
    expect(templateHash(template, 1)).not.toBe(templateHash(template));
  });

  it('is short and made of safe characters', () => {
    expect(templateHash(template)).toMatch(new RegExp(`^[${safeAlphabet}]{1,10}$`));
  });

  it('leaves undefined members out', () => {
    expect(stableJson({ b: undefined, a: [1, { d: 1, c: null }] })).toBe('{"a":[1,{"c":null,"d":1}]}');
  });
});
