/** What the store holds under an object's key: the object, alone or with the owners of its fields. */
import { expect, test } from 'vitest';
import { markStored, STORED_HEAD_BYTES, storedObject, storedOwners } from '../../src/api/index.ts';
import { pack, packBetween, unpack } from '../../src/runtime/index.ts';

const object = pack({ a: 1 });

test('without owners it is plain msgpack', () => {
  expect(storedOwners(object)).toBeUndefined();
  expect(unpack(storedObject(object))).toEqual({ a: 1 });
});

test('owners stand behind the object and come back apart from it', () => {
  const value = packBetween(STORED_HEAD_BYTES, { a: 1 }, new Uint8Array([1, 2, 3]), undefined);
  markStored(value, value.length - STORED_HEAD_BYTES - 3);
  expect(unpack(storedObject(value))).toEqual({ a: 1 });
  expect(storedOwners(value)).toEqual(new Uint8Array([1, 2, 3]));
});
