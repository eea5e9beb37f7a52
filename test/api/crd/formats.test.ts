import { describe, expect, it } from 'vitest';
import { findUnknownFormats, formatHolds } from '../../../src/api/crd/formats.ts';

describe('formats of texts', () => {
  it.each<[string, string[], string[]]>([
    ['date', ['2024-02-29'], ['2023-02-29', '2021-02-31', '2021-13-01', '2021-1-1', '2021-00-10']],
    ['date-time', ['2024-02-29T10:00:00Z', '2024-02-29t10:00:00.5+01:00'], ['2021-02-31T00:00:00Z', '2021-01-01', 'x']],
    ['creditcard', ['4111 1111 1111 1111', '378282246310005'], ['4111111111111112', '1234']],
    ['isbn', ['3836221195', '978-3-16-148410-0'], ['3836221196', '9783161484101', 'x']],
    ['isbn10', ['3-8362-2119-5', '080442957X'], ['9783161484100']],
    ['isbn13', ['9783161484100'], ['3836221195']],
    ['rgbcolor', ['rgb(0,12,255)', 'rgb( 1 , 2 , 3 )'], ['rgb(256,0,0)', 'rgb(1,2)', '#fff']],
    ['hexcolor', ['#fff', 'A0B1C2'], ['#ff', 'red']],
    ['ssn', ['111-22-3333', '111223333'], ['11-22-3333']],
    ['cidr', ['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0', '10.0.0.0/33']],
    ['k8s-short-name', ['a-1'], ['A', 'a.b', 'a'.repeat(64)]],
    ['k8s-long-name', ['a-1.b'], ['A', 'a..b']],
    ['no-such-format', ['anything'], []],
  ])('%s', (format, good, bad) => {
    for (const text of good) expect(formatHolds(format, text), text).toBe(true);
    for (const text of bad) expect(formatHolds(format, text), text).toBe(false);
  });
});

describe('formats that nobody looks at', () => {
  it.each<[string, object, string[]]>([
    ['of texts', { type: 'string', format: 'odd' }, ['odd']],
    ['that texts have', { type: 'string', format: 'date-time' }, []],
    ['in another spelling', { type: 'string', format: 'datetime' }, []],
    ['without a type', { format: 'password' }, []],
    ['of integers', { type: 'integer', format: 'uint8' }, ['uint8']],
    ['that integers have', { type: 'integer', format: 'int64' }, []],
    ['that only integers have', { type: 'number', format: 'int32' }, ['int32']],
    ['of objects', { type: 'object', format: 'date' }, ['date']],
    [
      'anywhere below, each once',
      {
        type: 'object',
        properties: { a: { format: 'x1' } },
        additionalProperties: { type: 'array', items: { format: 'x2' } },
        anyOf: [{ not: { format: 'x3' } }, { properties: { b: { format: 'x1' } } }],
      },
      ['x1', 'x2', 'x3'],
    ],
  ])('%s', (_, schema, expected) => {
    const found = new Set<string>();
    findUnknownFormats(schema, found);
    expect([...found]).toEqual(expected);
  });
});
