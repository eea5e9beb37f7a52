/**
 * What the store holds under an object's key: the packed object, and behind it who owns its fields. Watchers on the bus, the
 * controllers, get the object's bytes alone and never decode the owners; HTTP readers see them as `metadata.managedFields`.
 *
 *     0xc1 | length of the object, 4 bytes big-endian | object, msgpack | owners (owners-bytes.ts)
 *
 * No msgpack begins with 0xc1, so an object without owners is its msgpack alone.
 */
const MARK = 0xc1;
const HEAD_BYTES = 5;

export function joinStored(object: Uint8Array, owners: Uint8Array | undefined): Uint8Array {
  if (owners === undefined || owners.length === 0) return object;
  const value = new Uint8Array(HEAD_BYTES + object.length + owners.length);
  value[0] = MARK;
  value[1] = object.length >>> 24;
  value[2] = object.length >>> 16;
  value[3] = object.length >>> 8;
  value[4] = object.length;
  value.set(object, HEAD_BYTES);
  value.set(owners, HEAD_BYTES + object.length);
  return value;
}

/** The object's bytes: a view of the value. */
export function storedObject(value: Uint8Array): Uint8Array {
  return value[0] === MARK ? value.subarray(HEAD_BYTES, HEAD_BYTES + lengthOf(value)) : value;
}

/** The owners' bytes: a view of the value; undefined when there are none. */
export function storedOwners(value: Uint8Array): Uint8Array | undefined {
  return value[0] === MARK ? value.subarray(HEAD_BYTES + lengthOf(value)) : undefined;
}

function lengthOf(value: Uint8Array): number {
  const [, a = 0, b = 0, c = 0, d = 0] = value;
  return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
}
