import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatYaml, parseYaml } from '../../src/api/index.ts';
import { inNaturalOrder } from '../../src/api/yaml-write.ts';

describe('formatYaml', () => {
  it('sorts keys and does not indent lists', () => {
    const value = {
      versions: ['v1'],
      kind: 'APIVersions',
      code: 404,
      text: 'configmaps "none" not found',
      metadata: {},
    };
    expect(formatYaml(value)).toBe(
      'code: 404\nkind: APIVersions\nmetadata: {}\ntext: configmaps "none" not found\nversions:\n- v1\n',
    );
  });

  it('quotes text that would be read as something else', () => {
    expect(formatYaml({ a: 'yes', b: '1', c: 'x\ny\n' })).toBe('a: "yes"\nb: "1"\nc: |\n  x\n  y\n');
  });

  it.each([
    ['', '""'],
    ['y', '"y"'],
    ['null', '"null"'],
    ['1:30', '"1:30"'],
    ['0x1F', '"0x1F"'],
    ['089', '"089"'],
    ['1_000', '"1_000"'],
    ['1.5e3', '"1.5e3"'],
    ['1e999', '1e999'],
    ['2026-01-01T00:00:00Z', '"2026-01-01T00:00:00Z"'],
    ['2026-02-30', '2026-02-30'],
    ['10.96.0.1', '10.96.0.1'],
    ['100m', '100m'],
    ['<<', '<<'],
    ['a: b', "'a: b'"],
    ["it's: x", "'it''s: x'"],
    ['# x', "'# x'"],
    ['a #b', "'a #b'"],
    ['- x', "'- x'"],
    ['-x', '-x'],
    ['*', "'*'"],
    [' x', "' x'"],
    ['a\tb', '"a\\tb"'],
    ['\u{1f600}', '"\\U0001F600"'],
    ['é', 'é'],
    ['\u0001', '"\\x01"'],
  ])('writes %j as %s', (text, written) => {
    expect(formatYaml({ k: text })).toBe(`k: ${written}\n`);
  });

  it('folds long texts after column 80, in every style', () => {
    const words = (count: number, word = 'word') => Array.from({ length: count }, () => word).join(' ');
    expect(formatYaml({ m: words(20) })).toBe(`m: ${words(16)}\n  ${words(4)}\n`);
    expect(formatYaml({ m: `a: ${words(20)}` })).toBe(`m: 'a: ${words(15)}\n  ${words(5)}'\n`);
    expect(formatYaml([{ a: { m: `\t${words(20)}` } }])).toBe(`- a:\n    m: "\\t${words(15)}\n      ${words(5)}"\n`);
    expect(formatYaml({ m: `${'x'.repeat(90)}  y` })).toBe(`m: ${'x'.repeat(90)}  y\n`);
  });

  it('writes several lines as a block, with its hints', () => {
    expect(formatYaml({ a: 'x\n y' })).toBe('a: |-\n  x\n   y\n');
    expect(formatYaml({ a: 'x\n\n' })).toBe('a: |+\n  x\n\n');
    expect(formatYaml({ a: ' x\ny\n' })).toBe('a: |2\n   x\n  y\n');
    expect(formatYaml({ a: 'x \ny' })).toBe('a: "x \\ny"\n');
    expect(formatYaml({ a: 'x\n\ty' })).toBe('a: "x\\n\\ty"\n');
  });

  it('nests lists and mappings', () => {
    expect(formatYaml({ a: [[1, 2], { b: [true, null], c: [] }], d: [] })).toBe(
      'a:\n- - 1\n  - 2\n- b:\n  - true\n  - null\n  c: []\nd: []\n',
    );
    expect(formatYaml({})).toBe('{}\n');
  });

  it('puts long keys behind a question mark', () => {
    const key = 'k'.repeat(130);
    expect(formatYaml({ [key]: 'v', b: { [key]: [1] } })).toBe(`b:\n  ? ${key}\n  : - 1\n? ${key}\n: v\n`);
  });

  it('is read back as it was', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'B', '1', ' ', ':', '-', '#', "'", '"', '\n', '\t', '.', '~', 'é'),
    });
    const value = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.string({ unit: fc.constantFrom('a', 'k', '/', '.', '1', '~'), maxLength: 5 }), tie('node'), {
          maxKeys: 3,
        }),
      ),
    })).node;
    fc.assert(
      fc.property(value, (given) => {
        expect(parseYaml(formatYaml({ given })).value).toEqual({ given });
      }),
      { numRuns: 500 },
    );
  });

  it('orders numbers in keys by their value', () => {
    const keys = ['a10', 'a2', 'a', 'B', 'a-b', 'a.b', 'a02', 'app.kubernetes.io/name', 'app'];
    expect(keys.sort(inNaturalOrder)).toEqual([
      'B',
      'a',
      'a-b',
      'a.b',
      'a2',
      'a02',
      'a10',
      'app',
      'app.kubernetes.io/name',
    ]);
  });
});
