import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';

const errorOf = (source: string): string => {
  try {
    evaluate(source);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an expression that cannot be compiled', () => {
  it.each([
    ['self =', "ERROR: <input>:1:6: Syntax error: token recognition error at: '='\n | self =\n | .....^"],
    ['foo == 1', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^"],
    ['text.x == 1', "ERROR: <input>:1:5: type 'string' does not support field selection\n | text.x == 1\n | ....^"],
  ])('tells the place of its error: %s', (source, message) => {
    expect(errorOf(source)).toBe(message);
  });

  it.each([
    ['text + 1', "1:6: found no matching overload for '_+_' applied to '(string, int)'"],
    ['text.size(1)', "1:10: found no matching overload for 'size' applied to 'string.(int)'"],
    ['foo(1)', "1:4: undeclared reference to 'foo' (in container '')"],
    ["'a'.reverse()", "1:12: found no matching overload for 'reverse' applied to 'string.()'"],
    ['[1].flatten()', "1:12: found no matching overload for 'flatten' applied to 'list(int).()'"],
    ["[{'a': 1}].sort()", "1:16: found no matching overload for 'sort' applied to 'list(map(string, int)).()'"],
    [
      '1.sortBy(x, x)',
      '1:1: sortBy can only be applied to a list, identifier, comprehension, call or select expression',
    ],
    ['text.foo()', "1:9: undeclared reference to 'foo' (in container '')"],
    ["[1, 'a']", "1:5: expected type 'int' but found 'string'"],
    ['names.all(x, 5)', "1:10: found no matching overload for '_&&_' applied to '(bool, int)'"],
    ['count.all(x, true)', "1:1: expression of type 'int' cannot be range of a comprehension"],
    ['has(text)', '1:5: invalid argument to has() macro'],
    ['names.map(x.y, x)', '1:12: argument is not an identifier'],
    ["text.matches('(')", '1:14: invalid matches argument'],
    ["duration('x')", '1:10: invalid duration argument'],
    ['Foo{a: 1}', "1:4: undeclared reference to 'Foo' (in container '')"],
    ['(1 + 2', "1:7: Syntax error: missing ')' at '<EOF>'"],
    ['1 +', "1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!'"],
    ['1 + + 2', "1:5: Syntax error: extraneous input '+' expecting {"],
    ['a b', "1:3: Syntax error: extraneous input 'b' expecting <EOF>"],
    ['namespace == 1', '1:1: reserved identifier: namespace'],
    ['99999999999999999999', '1:1: invalid int literal'],
    ["true ? 1 : 'a'", "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
    ['text == 1', "1:6: found no matching overload for '_==_' applied to '(string, int)'"],
  ])('%s: %s', (source, message) => {
    expect(errorOf(source)).toContain(`ERROR: <input>:${message}`);
  });

  it('tells of several errors in the order of their places', () => {
    expect(
      errorOf('foo == 1 && text.x')
        .split('\n')
        .filter((line) => line.startsWith('ERROR')),
    ).toEqual([
      "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')",
      "ERROR: <input>:1:17: type 'string' does not support field selection",
    ]);
  });

  it('counts lines, and characters beyond the basic plane as one', () => {
    expect(errorOf("'😀' == 'x' &&\n  foo")).toBe(
      "ERROR: <input>:2:3: undeclared reference to 'foo' (in container '')\n |   foo\n | ..^",
    );
    expect(errorOf("'😀' == foo")).toContain('1:8:');
  });
});
