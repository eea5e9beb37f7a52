import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  labelSelectorOf,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
  selectorFromSet,
} from '../../src/api/index.ts';

describe('parseLabelSelector', () => {
  it.each([
    ['app=web', { app: 'web' }, true],
    ['app==web', { app: 'db' }, false],
    ['app!=web', {}, true],
    ['app in (web, db)', { app: 'db' }, true],
    ['app notin (web,db)', {}, true],
    ['app', { app: '' }, true],
    ['!app', { app: 'x' }, false],
    ['n>2', { n: '3' }, true],
    ['n<2', { n: 'x' }, false],
    ['app in ()', { app: '' }, true],
    ['in in (in)', { in: 'in' }, true],
    ['a=,b', { a: '', b: '1' }, true],
    ['example.com/x=1', { 'example.com/x': '1' }, true],
    ['', {}, true],
  ])('%s of %j is %s', (text, labels, matches) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(matches);
  });

  it.each([
    ['n in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['n ~ a', "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"],
    ['n=bad value', "found 'value', expected: ',' or 'end of string'"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['n=a,,t', "found ',', expected: identifier after ','"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['n in a', "unable to parse requirement: found 'a' expected: '('"],
    ['bad(', "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt"],
    [
      'n>x',
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ])('refuses %s', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(new SelectorError(message));
  });

  it('prints what parses to the same', () => {
    const key = fc.constantFrom('a', 'b', 'x.io/c');
    const value = fc.constantFrom('1', 'v', 'w-w');
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom('=', '!='), value).map(([k, o, v]) => `${k}${o}${v}`),
      fc.tuple(key, fc.uniqueArray(value, { minLength: 1 })).map(([k, v]) => `${k} in (${v.join(',')})`),
      key.map((k) => `!${k}`),
    );
    fc.assert(
      fc.property(fc.array(term, { minLength: 1 }), (terms) => {
        const selector = parseLabelSelector(terms.join(','));
        expect(parseLabelSelector(selector.toString()).toString()).toBe(selector.toString());
      }),
    );
  });

  it('does not see inherited members as labels', () => {
    expect(parseLabelSelector('constructor').matches({})).toBe(false);
    expect(parseLabelSelector('toString').matches({})).toBe(false);
  });
});

describe('labelSelectorOf', () => {
  it('matches nothing when missing and everything when empty', () => {
    expect(labelSelectorOf(undefined).matches({ a: 'b' })).toBe(false);
    expect(labelSelectorOf({}).matches(undefined)).toBe(true);
  });

  it('joins labels and expressions', () => {
    const selector = labelSelectorOf({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['old'] }],
    });
    expect(selector.matches({ app: 'web' })).toBe(true);
    expect(selector.matches({ app: 'web', tier: 'old' })).toBe(false);
  });

  it('refuses an unknown operator', () => {
    expect(() => labelSelectorOf({ matchExpressions: [{ key: 'a', operator: 'Like' }] })).toThrow(SelectorError);
  });

  it('selects by a set of exact labels', () => {
    expect(selectorFromSet({ a: '1', b: '2' }).toString()).toBe('a=1,b=2');
    expect(selectorFromSet({ a: '1' }).matches({ a: '1', b: '2' })).toBe(true);
  });
});

describe('parseFieldSelector', () => {
  const read = (fields: Record<string, string>) => (field: string) => fields[field] ?? '';

  it('matches terms by the fields of the object', () => {
    const selector = parseFieldSelector('status.phase=Running,metadata.name!=x');
    expect(selector.matches(read({ 'status.phase': 'Running', 'metadata.name': 'y' }))).toBe(true);
    expect(selector.matches(read({ 'status.phase': 'Running', 'metadata.name': 'x' }))).toBe(false);
    expect(selector.requires('status.phase')).toBe('Running');
    expect(selector.requires('metadata.name')).toBeUndefined();
  });

  it('unescapes values and refuses other escapes', () => {
    expect(parseFieldSelector('a=b\\,c\\=d').requirements[0]?.value).toBe('b,c=d');
    expect(() => parseFieldSelector('a=\\b')).toThrow('invalid field selector: invalid escape sequence: \\b');
    expect(() => parseFieldSelector('nothing')).toThrow("invalid selector: 'nothing'; can't understand 'nothing'");
  });
});
