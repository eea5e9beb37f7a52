/**
 * What the store holds under an object's key: the packed object, and behind it who owns its fields. Watchers on the bus, the
 * controllers, get the object's bytes alone and never decode the owners; HTTP readers see them as `metadata.managedFields`.
 *
 *     0xc1 | length of the object, 4 bytes big-endian | object, msgpack | owners (owners-bytes.ts)
 *
 * No msgpack begins with 0xc1, so an object without owners is its msgpack alone.
 */
const MARK = 0xc1;
/** Bytes in front of an object that owners follow. */
export const STORED_HEAD_BYTES = 5;

/** Fills the head of a value whose object and owners are in their places. */
export function markStored(value: Uint8Array, objectBytes: number): void {
  value[0] = MARK;
  value[1] = objectBytes >>> 24;
  value[2] = objectBytes >>> 16;
  value[3] = objectBytes >>> 8;
  value[4] = objectBytes;
}

/** The object's bytes: a view of the value. */
export function storedObject(value: Uint8Array): Uint8Array {
  return value[0] === MARK ? value.subarray(STORED_HEAD_BYTES, STORED_HEAD_BYTES + lengthOf(value)) : value;
}

/** The owners' bytes: a view of the value; undefined when there are none. */
export function storedOwners(value: Uint8Array): Uint8Array | undefined {
  return value[0] === MARK ? value.subarray(STORED_HEAD_BYTES + lengthOf(value)) : undefined;
}

function lengthOf(value: Uint8Array): number {
  const byte = (at: number): number => value[at] ?? 0;
  return byte(1) * 2 ** 24 + byte(2) * 2 ** 16 + byte(3) * 2 ** 8 + byte(4);
}
