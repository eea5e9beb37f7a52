import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonNode, JsonSyntaxError, jsonNodeOf, parseJsonNode } from '../../src/api/json-text.ts';

/** The plain value of a node; of repeated keys the last. */
function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'array':
      return node.items.map(plain);
    case 'object': {
      const object: Record<string, unknown> = {};
      for (const [key, value] of node.members)
        Object.defineProperty(object, key, {
          value: plain(value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      return object;
    }
    case 'number':
      return Number(node.text);
    default:
      return node.value;
  }
}

describe('parseJsonNode', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, space) => {
        const spaced = JSON.stringify(JSON.parse(text), null, space);
        expect(plain(parseJsonNode(spaced))).toEqual(JSON.parse(spaced));
        expect(plain(jsonNodeOf(JSON.parse(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps repeated keys and the text of numbers', () => {
    expect(parseJsonNode('{"a":3e1,"a":2}')).toEqual({
      kind: 'object',
      members: [
        ['a', { kind: 'number', text: '3e1' }],
        ['a', { kind: 'number', text: '2' }],
      ],
    });
  });

  it.each([
    ['tru', 'unexpected end of JSON input'],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['"a', 'unexpected end of JSON input'],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
    ['['.repeat(5000), 'exceeded max depth'],
  ])('refuses %.20s', (text, message) => {
    expect(() => parseJsonNode(text)).toThrow(new JsonSyntaxError(message));
  });

  it('refuses exactly what JSON.parse refuses', () => {
    const letters = fc.constantFrom(...'{}[]",:01.-eE truefalsn\\u');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), (characters) => {
        const text = characters.join('');
        const accepts = (parse: (given: string) => unknown): boolean => {
          try {
            parse(text);
            return true;
          } catch {
            return false;
          }
        };
        expect(accepts(parseJsonNode)).toBe(accepts(JSON.parse));
      }),
      { numRuns: 2000 },
    );
  });
});
