/**
 * Reads the protobuf wire format: tags, varints, fixed numbers, and byte strings in place. One reader walks a whole body; a nested
 * message is read by narrowing {@link WireReader.end} and widening it again.
 *
 * A tag is `number << 3 | wire type`: 0 = varint, 1 = 8 bytes, 2 = length and bytes, 3 and 4 = group, 5 = 4 bytes.
 */
import { ProtobufError } from './errors.ts';

/**
 * ASCII strings up to this length are cut from the whole body's text, which is cheaper than a call into the runtime for each.
 * Longer cuts would keep the whole text alive.
 */
const SHORT_STRING_BYTES = 12;

/** Of larger bodies no text is made: they are few long strings. */
const TEXT_BYTES_MAX = 64 * 1024;

/** Groups nested deeper than this are refused. */
const GROUP_DEPTH_MAX = 100;

const TWO_28 = 2 ** 28;
const TWO_56 = 2 ** 56;

export class WireReader {
  readonly bytes: Buffer;
  /** Offset of the next byte. */
  at: number;
  /** Offset behind the current message. */
  end: number;
  /** All bytes, one character each. */
  readonly #text: string;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.byteLength;
    this.#text = bytes.byteLength <= TEXT_BYTES_MAX ? this.bytes.toString('latin1') : '';
  }

  /** An unsigned number; beyond 2^53 only nearly. For tags, lengths and booleans. */
  varint(): number {
    const first = this.bytes[this.at] as number;
    if (first < 0x80 && this.at < this.end) {
      this.at += 1;
      return first;
    }
    let byte = this.#byte();
    let value = byte & 0x7f;
    let scale = 128;
    for (let count = 1; count < 10; count++) {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new ProtobufError('proto: integer overflow');
  }

  /** A signed 64-bit integer as the nearest double, as `JSON.parse` would give it. */
  int64(): number {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (count < 4) low |= bits << (7 * count);
      else if (count < 8) middle |= bits << (7 * (count - 4));
      else high |= bits << (7 * (count - 8));
      if (byte < 0x80) {
        if ((high & 0x80) === 0) return low + middle * TWO_28 + (high & 0x7f) * TWO_56;
        return -((~low & 0xfffffff) + (~middle & 0xfffffff) * TWO_28 + (~high & 0x7f) * TWO_56 + 1);
      }
    }
    throw new ProtobufError('proto: integer overflow');
  }

  /** The low 32 bits of a varint, signed. */
  int32(): number {
    return this.int64() | 0;
  }

  double(): number {
    const start = this.take(8);
    return this.bytes.readDoubleLE(start);
  }

  /** A length and what it spans: returns the offset behind it, and leaves {@link at} at its first byte. */
  span(): number {
    const length = this.#length();
    const stop = this.at + length;
    if (stop > this.end) throw new ProtobufError('unexpected EOF');
    return stop;
  }

  /** Narrows the reader to a nested message and returns what {@link leave} widens it to again. */
  enter(): number {
    const { end } = this;
    this.end = this.span();
    return end;
  }

  /** Goes behind the nested message, whether or not all of it was read. */
  leave(outerEnd: number): void {
    this.at = this.end;
    this.end = outerEnd;
  }

  string(): string {
    const length = this.#length();
    const start = this.take(length);
    const { bytes, at } = this;
    if (length <= SHORT_STRING_BYTES && this.#text !== '') {
      let index = start;
      while (index < at && (bytes[index] as number) < 0x80) index += 1;
      if (index === at) return this.#text.slice(start, at);
    }
    return bytes.toString('utf8', start, at);
  }

  /** Bytes as base64, the form that they have in JSON. */
  base64(): string {
    const start = this.take(this.#length());
    return this.bytes.toString('base64', start, this.at);
  }

  /** Moves on by `length` and returns the offset before. */
  take(length: number): number {
    const start = this.at;
    if (length > this.end - start) throw new ProtobufError('unexpected EOF');
    this.at = start + length;
    return start;
  }

  /** Passes over the value of a field that is not known. */
  skip(wire: number, depth = 0): void {
    switch (wire) {
      case 0:
        this.varint();
        return;
      case 1:
        this.take(8);
        return;
      case 2:
        this.take(this.#length());
        return;
      case 3: {
        if (depth >= GROUP_DEPTH_MAX) throw new ProtobufError('proto: exceeded max depth');
        for (let inner = this.varint() % 8; inner !== 4; inner = this.varint() % 8) this.skip(inner, depth + 1);
        return;
      }
      case 5:
        this.take(4);
        return;
      default:
        throw new ProtobufError(`proto: illegal wireType ${wire}`);
    }
  }

  #byte(): number {
    if (this.at >= this.end) throw new ProtobufError('unexpected EOF');
    return this.bytes[this.at++] as number;
  }

  #length(): number {
    const length = this.varint();
    if (length >= 2 ** 63) throw new ProtobufError('proto: negative length found during unmarshaling');
    return length;
  }
}
