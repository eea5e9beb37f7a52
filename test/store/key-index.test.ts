/** The key index against a sorted array: enough keys that chunks split, empty and go. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyIndex } from '../../src/store/key-index.ts';
import { type KeySpan, spanOf } from '../../src/store/key-span.ts';
import { LogRecord } from '../../src/store/record.ts';

const value = new Uint8Array(0);
const putAt = (key: string, revision: number): LogRecord => new LogRecord(key, revision, 0, revision, 1, 0, value);
const deleteAt = (key: string, revision: number): LogRecord => new LogRecord(key, revision, 0, 0, 0, 0, value);
const name = (n: number): string => `/k/${String(n).padStart(5, '0')}`;

function scanned(index: KeyIndex, span: KeySpan, revision: number, limit = Number.POSITIVE_INFINITY): string[] {
  const keys: string[] = [];
  index.scan(span, revision, (record) => keys.push(record.key) < limit);
  return keys;
}

describe('the key index', () => {
  test.each(['ascending', 'descending', 'scattered'])('holds thousands of keys in order when they come %s', (order) => {
    const index = new KeyIndex();
    const count = 5003;
    for (let n = 0; n < count; n++) {
      const number = order === 'ascending' ? n : order === 'descending' ? count - 1 - n : (n * 3571) % count;
      index.add(putAt(name(number), n + 2));
    }
    expect(index.size).toBe(count);
    const newest = count + 1;
    expect(scanned(index, spanOf({ prefix: '/k/' }), newest)).toEqual(Array.from({ length: count }, (_, n) => name(n)));
    expect(scanned(index, spanOf({ prefix: '/k/', startKey: name(2500) }), newest, 3)).toEqual(
      [2500, 2501, 2502].map(name),
    );
    expect(index.count(spanOf({ prefix: '/k/' }), newest)).toBe(count);
    expect(index.count(spanOf({ startKey: name(100), endKey: name(4100) }), newest)).toBe(4000);
    expect(index.count(spanOf({ prefix: '/k/01' }), newest)).toBe(1000);
    expect(index.count(spanOf({ prefix: '/l' }), newest)).toBe(0);
    expect(index.count(spanOf({ prefix: '/k/' }), 1001)).toBe(1000);
  });

  test('forgets keys that compaction drops, and whole chunks of them', () => {
    const index = new KeyIndex();
    for (let n = 0; n < 3000; n++) index.add(putAt(name(n), 2 + n));
    for (let n = 0; n < 3000; n++) if (n % 1000 !== 0) index.add(deleteAt(name(n), 4000 + n));
    expect(index.size).toBe(3);
    expect(index.count(spanOf({ prefix: '' }), 7000)).toBe(3);
    let dropped = 0;
    for (let n = 0; n < 3000; n++) dropped += index.compact(name(n), 9000).length;
    expect(dropped).toBe(2997 * 2);
    expect([...index.versions()].map((record) => record.key)).toEqual([0, 1000, 2000].map(name));
    index.add(putAt(name(1500), 9001));
    expect(scanned(index, spanOf({ prefix: '' }), 9001)).toEqual([0, 1000, 1500, 2000].map(name));
  });

  test('compaction keeps the version in force, and a delete only at the very revision', () => {
    const index = new KeyIndex();
    for (const record of [putAt('/a', 2), putAt('/a', 5), deleteAt('/a', 7), putAt('/a', 9)]) index.add(record);
    const compact = (revision: number): number[] => index.compact('/a', revision).map((record) => record.revision);
    expect(compact(4)).toEqual([]);
    expect(compact(6)).toEqual([2]);
    expect(index.at('/a', 6)?.revision).toBe(5);
    expect(compact(7)).toEqual([5]);
    expect(index.at('/a', 7)).toBeUndefined();
    expect(compact(8)).toEqual([7]);
    expect(index.at('/a', 9)?.revision).toBe(9);
    expect(index.compact('/none', 9)).toEqual([]);
  });

  test('answers like an array of all changes would', () => {
    const change = fc.record({ n: fc.nat({ max: 1500 }), isDelete: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 3000, size: 'max' }),
        fc.array(fc.tuple(fc.nat({ max: 1500 }), fc.nat({ max: 1500 }), fc.nat({ max: 1000 })), {
          minLength: 5,
          maxLength: 10,
        }),
        (changes, questions) => {
          const index = new KeyIndex();
          for (const [at, { n, isDelete }] of changes.entries()) {
            index.add(isDelete ? deleteAt(name(n), at + 2) : putAt(name(n), at + 2));
          }
          for (const [from, to, thousandths] of questions) {
            const revision = 2 + Math.floor((thousandths / 1000) * changes.length);
            const live = new Map<string, boolean>();
            for (const { n, isDelete } of changes.slice(0, revision - 1)) live.set(name(n), !isDelete);
            const expected = [...live]
              .filter(([key, isLive]) => isLive && key >= name(from) && key < name(to))
              .map(([key]) => key)
              .sort();
            const span = spanOf({ startKey: name(from), endKey: name(to) });
            expect(scanned(index, span, revision)).toEqual(expected);
            expect(index.count(span, revision)).toBe(expected.length);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
