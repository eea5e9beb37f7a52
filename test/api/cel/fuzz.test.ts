import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CelCompileError, compile, dynType, failureOf, readJson } from '../../../src/api/cel/index.ts';

const pieces = [
  'self',
  'self.a',
  'x',
  '1',
  '2u',
  '1.5',
  "'s'",
  'b"x"',
  'true',
  'null',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '.',
  ',',
  ':',
  '?',
  '+',
  '-',
  '*',
  '/',
  '%',
  '==',
  '!=',
  '<',
  '>=',
  '&&',
  '||',
  '!',
  ' in ',
  '.all(x, ',
  '.map(x, ',
  '.exists(k, v, ',
  'has(self.a)',
  '.size()',
  '.matches(',
  '.?a',
  '[?0]',
  'Object{',
  'dyn(',
  '.orValue(',
  '=',
  '|',
  "'",
  '"""',
  '`a`',
  '\\',
  '\n',
  '😀',
  '//',
  '.format(',
  'quantity(',
  'ip(',
  'timestamp(',
  'duration(',
  '.split(',
  '.find(',
  'type(',
  '9223372036854775808',
  '0x1F',
  '1e400',
];

const json = fc.jsonValue({ maxDepth: 3 });

function run(source: string, self: unknown): void {
  try {
    const program = compile(source, { variables: { self: dynType } });
    expect(program.costMax).toBeGreaterThanOrEqual(0);
    const evaluation = program.evaluate({ self: readJson(self, dynType) }, 10_000);
    if (failureOf(evaluation) === undefined) expect(evaluation.cost).toBeLessThanOrEqual(10_000);
  } catch (error) {
    expect(error).toBeInstanceOf(CelCompileError);
    expect((error as Error).message).toMatch(/^ERROR: <input>:/);
  }
}

describe('any text', () => {
  it('compiles, or is refused with a place; and what compiles ends with a value or an error', () => {
    const source = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, json, (text, self) => run(text, self)),
      { numRuns: 3000 },
    );
  });

  it('of arbitrary characters does so too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), json, (text, self) => run(text, self)),
      { numRuns: 1000 },
    );
  });
});
