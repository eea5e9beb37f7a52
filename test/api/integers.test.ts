import { describe, expect, it } from 'vitest';
import { parseInt64 } from '../../src/api/index.ts';

describe('parseInt64', () => {
  it.each([
    ['0', 0n],
    ['+007', 7n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['9223372036854775807', 2n ** 63n - 1n],
  ])('reads %s', (text, value) => expect(parseInt64(text)).toEqual({ value }));

  it.each([
    ['', 'invalid syntax'],
    ['1_000', 'invalid syntax'],
    [' 1', 'invalid syntax'],
    ['0x1', 'invalid syntax'],
    ['9223372036854775808', 'value out of range'],
  ])('says what is wrong with %j', (text, error) =>
    expect(parseInt64(text)).toEqual({ error: `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${error}` }),
  );
});
