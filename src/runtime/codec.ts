/**
 * The one codec of the runtime: msgpack, maps only (no shared records, which two threads could read differently), read by decoder.ts
 * and written by encoder.ts, with msgpackr for what these leave to it.
 * Everything that crosses from one actor to another passes through here, also inside one thread, so no two actors ever
 * share an object.
 *
 * Kept: null, booleans, strings, finite and non-finite numbers, bigint within 64 bits, bytes, arrays, plain objects.
 * Members whose value is undefined are dropped. Integers beyond 2^53 - 1 that were packed from a bigint come back as bigint,
 * smaller ones as number. A key `__proto__` comes back as `__proto_` and never touches a prototype.
 * Bytes come back as views of the packed message: copy what outlives it when the message is large.
 */
import type { Options } from 'msgpackr';
import { Packr } from 'msgpackr/pack';
import { Decoder } from './decoder.ts';
import { type Earlier, Encoder } from './encoder.ts';

export type { Earlier } from './encoder.ts';

// msgpackr knows `skipValues`, and 'auto' (a number where it is exact, a bigint beyond); its types know neither.
const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'auto', skipValues: [undefined] };
const packr = new Packr(options as Options);
const encoder = new Encoder((value) => packr.pack(value));
const decoder = new Decoder(false, unpackOther);

/** Encodes to bytes whose buffer is exactly as long as they are, so that the buffer may be transferred or kept. */
export function pack(value: unknown): Uint8Array {
  return encoder.exact(value);
}

/**
 * Encodes to bytes between `head` bytes left free and those of `tail`, in a buffer of exactly the length of the three. What the object,
 * or a member of it, shares with `earlier` is copied from its bytes, so it must be as it was when they were packed.
 */
export function packBetween(
  head: number,
  value: unknown,
  tail: Uint8Array | undefined,
  earlier: Earlier | undefined,
): Uint8Array {
  return encoder.between(head, value, tail, earlier);
}

/** Decodes what {@link pack} encoded. Throws on malformed input. */
export function unpack<Value = unknown>(bytes: Uint8Array): Value {
  return decoder.decode(bytes, 0, bytes.length) as Value;
}

/**
 * Encodes into the encoder's pool, without the copy of {@link pack}. The bytes stay valid and unchanged, but their buffer holds
 * other messages too: it must never be transferred.
 * @internal
 */
export function packPooled(value: unknown): Uint8Array {
  return encoder.pooled(value);
}

/**
 * Decodes the part of `bytes` from `start` to `end` without making a view of it first.
 * @internal
 */
export function unpackRange(bytes: Uint8Array, start: number, end: number): unknown {
  return decoder.decode(bytes, start, end);
}

/**
 * What decoders leave: values that are no plain data, and malformed ones, of which it throws.
 * @internal
 */
export function unpackOther(bytes: Uint8Array, start: number, end: number): unknown {
  return packr.unpack(bytes.subarray(start, end));
}
