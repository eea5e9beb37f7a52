/**
 * Writes the protobuf wire format from its end to its beginning, as upstream's generated code does: what is nested is there before
 * its length is, so nothing is measured twice or moved. Fields are therefore written in descending order, lists from their last item.
 */

/** The buffer that encoders start with; it doubles as needed. */
const BYTES_AT_FIRST = 16 * 1024;

const TWO_32 = 2 ** 32;

export class WireWriter {
  #buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  #at = BYTES_AT_FIRST;

  /** Bytes written so far. Grows with every write. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** Makes the writer empty again. */
  reset(): void {
    this.#at = this.#buffer.length;
  }

  /** A copy of what was written, of exact size. */
  finish(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.length);
    this.#buffer.copy(bytes, 0, this.#at);
    return bytes;
  }

  /** An unsigned number up to 2^53. */
  varint(value: number): void {
    // Also true of what is no number, which would never end below.
    if (!(value >= 0x80)) {
      this.#room(1);
      this.#buffer[--this.#at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size += 1;
    this.#room(size);
    this.#at -= size;
    let rest = value;
    for (let index = this.#at; ; index++) {
      if (rest < 0x80) {
        this.#buffer[index] = rest;
        return;
      }
      this.#buffer[index] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
  }

  /** A signed integer of up to 64 bits; negative ones take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    const groups: number[] = [];
    for (; rest >= 0x80n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
    groups.push(Number(rest));
    this.#room(groups.length);
    this.#at -= groups.length;
    this.#buffer.set(groups, this.#at);
  }

  double(value: number): void {
    this.#room(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** The text as UTF-8, without a length. */
  text(value: string): void {
    const { length } = value;
    if (length > 48) {
      const size = Buffer.byteLength(value);
      this.#room(size);
      this.#at -= size;
      this.#buffer.write(value, this.#at, size, 'utf8');
      return;
    }
    this.#room(length * 3);
    const buffer = this.#buffer;
    const end = this.#at;
    let at = end;
    for (let index = length - 1; index >= 0; index--) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        const size = Buffer.byteLength(value);
        this.#at = end - size;
        buffer.write(value, this.#at, size, 'utf8');
        return;
      }
      buffer[--at] = code;
    }
    this.#at = at;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** Four bytes, the highest first: the length of a frame. */
  frameLength(length: number): void {
    this.#room(4);
    this.#at -= 4;
    this.#buffer.writeUInt32BE(length % TWO_32, this.#at);
  }

  /** The head of what was written since the writer had `before` bytes: its length, and the tag before that. */
  head(tag: number, before: number): void {
    this.varint(this.length - before);
    this.varint(tag);
  }

  #room(size: number): void {
    if (this.#at >= size) return;
    const used = this.length;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(larger, larger.length - used, this.#at);
    this.#buffer = larger;
    this.#at = larger.length - used;
  }
}
