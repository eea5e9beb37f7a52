/**
 * Remembers what members of objects were decoded to, and from which bytes. A pod comes again within seconds: bound, running, deleted;
 * its spec is then the same, byte for byte. Used by decoder.ts when it shares. The bytes lie in a ring, one part after the other:
 *
 *     │ spec of web-1 │ status of web-1 │ spec of web-2 │ …      the oldest are written over
 *
 * A part is found by a number that stands for its object and its member. Two of one number take each other's place, which harms
 * nobody: whoever finds a part compares its bytes with those at hand. Nothing is allocated for a part.
 */

/** Powers of two. */
const PLACES = 8_192;
const RING_BYTES = 4 * 1024 * 1024;
/** Larger ones would push out too many others. */
const PART_BYTES_MAX = 32 * 1024;

const compare = Buffer.prototype.compare as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
  start: number,
  end: number,
) => number;

export class RecentParts {
  readonly #ring = new Uint8Array(RING_BYTES);
  /** Where the next part begins, counted from the first byte that was ever written. */
  #written = 0;
  /** By place: where the part begins, counted as above, how long it is (0: none is here), and what it was decoded to. */
  readonly #starts = new Float64Array(PLACES);
  readonly #lengths = new Int32Array(PLACES);
  readonly #values = new Array<unknown>(PLACES).fill(undefined);

  /** Where the part of this number is kept, or -1. */
  find(number: number): number {
    const place = number & (PLACES - 1);
    return this.#lengths[place] === 0 || this.#written - this.#starts[place]! > RING_BYTES ? -1 : place;
  }

  lengthOf(place: number): number {
    return this.#lengths[place]!;
  }

  valueOf(place: number): unknown {
    return this.#values[place];
  }

  /** The first byte of a part. */
  firstByteOf(place: number): number {
    return this.#ring[this.#starts[place]! % RING_BYTES]!;
  }

  /** Whether the part, without its first `from` bytes, is what `bytes` go on with at `start`. */
  isAt(place: number, from: number, bytes: Uint8Array, start: number): boolean {
    const length = this.#lengths[place]!;
    const at = this.#starts[place]! % RING_BYTES;
    const end = start + length - from;
    // Names, which differ most often, are not at the beginning.
    if (end > bytes.length || this.#ring[at + length - 1] !== bytes[end - 1]) return false;
    return compare.call(bytes, this.#ring, at + from, at + length, start, end) === 0;
  }

  remember(number: number, bytes: Uint8Array, start: number, end: number, value: unknown): void {
    const length = end - start;
    if (length > PART_BYTES_MAX) return;
    const left = RING_BYTES - (this.#written % RING_BYTES);
    // No part goes over the end of the ring.
    if (length > left) this.#written += left;
    // Not `subarray`, which of a Buffer makes another Buffer.
    this.#ring.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length), this.#written % RING_BYTES);
    const place = number & (PLACES - 1);
    this.#starts[place] = this.#written;
    this.#lengths[place] = length;
    this.#values[place] = value;
    this.#written += length;
  }
}
