/**
 * The writing half of the codec: plain data as msgpack, the same format that msgpackr reads, at little more than half of its cost. Every
 * object is written several times on its way (request, store, watch), and nothing else costs the busy threads as much. What is not
 * plain data, such as a bigint, is left to msgpackr.
 *
 *     map     0x80+n | 0xde n:2 | 0xdf n:4, then n times key, value; members that are undefined are left out
 *     key     0x00-0x7f | 0xcc n:1, the number of a name in names.ts; a string for every other
 *     array   0x90+n | 0xdc n:2 | 0xdd n:4, then the items
 *     string  0xa0+n | 0xd9 n:1 | 0xda n:2 | 0xdb n:4, then UTF-8
 *     bytes   0xc4 n:1 | 0xc5 n:2 | 0xc6 n:4, then the bytes
 *     number  0x00-0x7f, 0xe0-0xff | 0xcc-0xce unsigned | 0xd0-0xd2 signed | 0xcb double
 *     null 0xc0, false 0xc2, true 0xc3
 */
import { numberOfName } from './names.ts';
import { MapReader } from './packed-value.ts';

/** A value and what was packed of it. */
export interface Earlier {
  readonly value: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

/** Messages share buffers of this size. */
const POOL_BYTES = 256 * 1024;
/** What a value may take beside its text or bytes, so that one look at the room does for it. */
const SPARE_BYTES = 16;
/** Shorter strings are copied in a loop: a call out of JavaScript costs more. */
const LOOP_CHARACTERS_MAX = 64;

type Json = Record<string, unknown>;

function isPlain(value: unknown): value is Json {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export class Encoder {
  #pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  #view = new DataView(this.#pool.buffer);
  /** Where the message under way begins, and where its next byte goes. */
  #start = 0;
  #at = 0;
  readonly #packOther: (value: unknown) => Uint8Array;

  /** `packOther` packs what is not plain data. */
  constructor(packOther: (value: unknown) => Uint8Array) {
    this.#packOther = packOther;
  }

  /** The bytes in a buffer of exactly their length. */
  exact(value: unknown): Uint8Array {
    const pooled = this.#encode(value);
    const bytes = new Uint8Array(pooled.length);
    bytes.set(pooled);
    // Nobody else has seen the pooled ones: the next message may go there.
    this.#at = this.#start;
    return bytes;
  }

  /**
   * The bytes behind `head` bytes left free and in front of `tail`, in a buffer of exactly the length of the three. Members of the
   * object, and members of these, that are the very objects which `earlier` has there are copied from its bytes.
   */
  between(head: number, value: unknown, tail: Uint8Array | undefined, earlier: Earlier | undefined): Uint8Array {
    this.#at = this.#start;
    if (earlier === undefined || !isPlain(value)) this.#value(value);
    else this.#objectAfter(value, earlier.value, earlier.bytes, 0, 1);
    const length = this.#at - this.#start;
    const bytes = new Uint8Array(head + length + (tail?.length ?? 0));
    bytes.set(this.#pool.subarray(this.#start, this.#at), head);
    if (tail !== undefined) bytes.set(tail, head + length);
    this.#at = this.#start;
    return bytes;
  }

  /** The bytes in a buffer that holds other messages too; they stay as they are. */
  pooled(value: unknown): Uint8Array {
    const bytes = this.#encode(value);
    this.#start = this.#at;
    return bytes;
  }

  #encode(value: unknown): Uint8Array {
    this.#at = this.#start;
    this.#value(value);
    return this.#pool.subarray(this.#start, this.#at);
  }

  #value(value: unknown): void {
    if (typeof value === 'string') {
      this.#string(value);
      return;
    }
    if (this.#at + SPARE_BYTES > this.#pool.length) this.#grow(SPARE_BYTES);
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return;
      case 'boolean':
        this.#pool[this.#at++] = value ? 0xc3 : 0xc2;
        return;
      case 'object':
        if (value === null) this.#pool[this.#at++] = 0xc0;
        else if (Array.isArray(value)) this.#array(value);
        else this.#object(value as Record<string, unknown>);
        return;
      default:
        this.#raw(this.#packOther(value));
    }
  }

  #object(value: Record<string, unknown>): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      if (value instanceof Uint8Array) this.#bytes(value);
      else this.#raw(this.#packOther(value));
      return;
    }
    const head = this.#at++ - this.#start;
    let members = 0;
    for (const name in value) {
      const member = value[name];
      if (member === undefined) continue;
      members++;
      this.#key(name);
      this.#value(member);
    }
    if (members < 16) this.#pool[this.#start + head] = 0x80 | members;
    else this.#widen(this.#start + head, members);
  }

  /** `before` is what was packed at `from` of `source`; `deeper`: levels below this one that are looked at like it. */
  #objectAfter(value: Json, before: Readonly<Json>, source: Uint8Array, from: number, deeper: number): void {
    if (this.#at + SPARE_BYTES > this.#pool.length) this.#grow(SPARE_BYTES);
    const head = this.#at++ - this.#start;
    const reader = new MapReader(source, from);
    let members = 0;
    for (const name in value) {
      const member = value[name];
      if (member === undefined) continue;
      members++;
      this.#key(name);
      const old = before[name];
      if (typeof member !== 'object' || member === null || typeof old !== 'object' || old === null) this.#value(member);
      else if (member === old) {
        const at = reader.find(name);
        if (at < 0) this.#value(member);
        else this.#raw(source.subarray(at, reader.end));
      } else if (deeper > 0 && isPlain(member) && isPlain(old)) {
        const at = reader.find(name);
        if (at < 0) this.#value(member);
        else this.#objectAfter(member, old, source, at, deeper - 1);
      } else this.#value(member);
    }
    if (members < 16) this.#pool[this.#start + head] = 0x80 | members;
    else this.#widen(this.#start + head, members);
  }

  /** Makes room for the count of a map with more members than the one byte before them tells. */
  #widen(head: number, members: number): void {
    const more = members < 0x1_0000 ? 2 : 4;
    const from = head - this.#start;
    if (this.#at + more > this.#pool.length) this.#grow(more);
    const place = this.#start + from;
    this.#pool.copyWithin(place + 1 + more, place + 1, this.#at);
    this.#at += more;
    this.#pool[place] = more === 2 ? 0xde : 0xdf;
    if (more === 2) this.#view.setUint16(place + 1, members);
    else this.#view.setUint32(place + 1, members);
  }

  #array(items: readonly unknown[]): void {
    const { length } = items;
    if (length < 16) this.#pool[this.#at++] = 0x90 | length;
    else this.#length(length, 0xdc - 1);
    for (let index = 0; index < length; index++) this.#value(items[index]);
  }

  /** A length behind its type: `type` is the one for a length of one byte, those for two and four follow it. */
  #length(length: number, type: number): void {
    const pool = this.#pool;
    if (length < 0x100 && type !== 0xdb) {
      pool[this.#at++] = type;
      pool[this.#at++] = length;
    } else if (length < 0x1_0000) {
      pool[this.#at] = type + 1;
      this.#view.setUint16(this.#at + 1, length);
      this.#at += 3;
    } else {
      pool[this.#at] = type + 2;
      this.#view.setUint32(this.#at + 1, length);
      this.#at += 5;
    }
  }

  #string(text: string): void {
    const { length } = text;
    if (this.#at + length * 3 + SPARE_BYTES > this.#pool.length) this.#grow(length * 3 + SPARE_BYTES);
    const pool = this.#pool;
    const start = this.#at;
    if (length < LOOP_CHARACTERS_MAX) {
      let at = start + (length < 32 ? 1 : 2);
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code >= 0x80) break;
        pool[at++] = code;
      }
      if (index === length) {
        if (length < 32) pool[start] = 0xa0 | length;
        else {
          pool[start] = 0xd9;
          pool[start + 1] = length;
        }
        this.#at = at;
        return;
      }
    }
    // The head is as long as the longest text of so many characters needs.
    const most = length * 3;
    const head = most < 0x100 ? 2 : most < 0x1_0000 ? 3 : 5;
    const bytes = pool.write(text, start + head, 'utf8');
    if (head === 2) {
      pool[start] = 0xd9;
      pool[start + 1] = bytes;
    } else if (head === 3) {
      pool[start] = 0xda;
      this.#view.setUint16(start + 1, bytes);
    } else {
      pool[start] = 0xdb;
      this.#view.setUint32(start + 1, bytes);
    }
    this.#at = start + head + bytes;
  }

  #key(name: string): void {
    const number = numberOfName.get(name);
    if (number === undefined) {
      this.#string(name);
      return;
    }
    if (this.#at + SPARE_BYTES > this.#pool.length) this.#grow(SPARE_BYTES);
    if (number >= 0x80) this.#pool[this.#at++] = 0xcc;
    this.#pool[this.#at++] = number;
  }

  #number(value: number): void {
    const pool = this.#pool;
    if (value >>> 0 === value) {
      if (value < 0x80) pool[this.#at++] = value;
      else if (value < 0x100) {
        pool[this.#at++] = 0xcc;
        pool[this.#at++] = value;
      } else if (value < 0x1_0000) {
        pool[this.#at] = 0xcd;
        this.#view.setUint16(this.#at + 1, value);
        this.#at += 3;
      } else {
        pool[this.#at] = 0xce;
        this.#view.setUint32(this.#at + 1, value);
        this.#at += 5;
      }
    } else if (value >> 0 === value) {
      if (value >= -32) pool[this.#at++] = 0x100 + value;
      else {
        pool[this.#at] = 0xd2;
        this.#view.setInt32(this.#at + 1, value);
        this.#at += 5;
      }
    } else {
      pool[this.#at] = 0xcb;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
    }
  }

  #bytes(value: Uint8Array): void {
    if (this.#at + value.length + SPARE_BYTES > this.#pool.length) this.#grow(value.length + SPARE_BYTES);
    this.#length(value.length, 0xc4);
    this.#pool.set(value, this.#at);
    this.#at += value.length;
  }

  /** What is packed already. */
  #raw(packed: Uint8Array): void {
    if (this.#at + packed.length > this.#pool.length) this.#grow(packed.length);
    this.#pool.set(packed, this.#at);
    this.#at += packed.length;
  }

  /** Goes on in another buffer with room for so many bytes more; messages that are done stay in theirs. */
  #grow(bytes: number): void {
    const written = this.#at - this.#start;
    const pool = Buffer.allocUnsafeSlow(Math.max(POOL_BYTES, (written + bytes) * 2));
    this.#pool.copy(pool, 0, this.#start, this.#at);
    this.#pool = pool;
    this.#view = new DataView(pool.buffer);
    this.#start = 0;
    this.#at = written;
  }
}
