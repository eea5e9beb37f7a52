/**
 * The reading half of the codec: what encoder.ts writes, without the arrays of character codes and the views that msgpackr makes for
 * every text and every message. A value that it does not know, such as a bigint, it leaves to msgpackr.
 *
 * Keys and short texts come again and again: each is looked up by its number (names.ts) or its bytes and made once. So do maps with the
 * same keys in the same order: object-makers.ts makes them in one piece. A decoder that *shares* does the same with whole parts
 * (sharing-decoder.ts says for whom), and with members of an object that are as they were in the version before (recent-parts.ts):
 *
 *     … "containers" [ 412 bytes ]     seen under "containers"?  ──►  the same array again, 412 bytes on
 *                                      no                        ──►  decode it, remember its bytes and its value
 */

import { names } from './names.ts';
import { ObjectMakers, type Row } from './object-makers.ts';
import { endOfValue } from './packed-value.ts';
import { RecentParts } from './recent-parts.ts';

/** Members of an object, each with those of its own members that are wanted; undefined: all of it. Texts and numbers are always wanted. */
export type WantedMembers = ReadonlyMap<string, ReadonlySet<string> | undefined>;

/** Parts remembered for each key. */
const PARTS_MAX = 4;
/** Shorter parts are decoded as quickly as compared; longer ones are not worth keeping a copy of their bytes. */
const PART_BYTES_MIN = 8;
const PART_BYTES_MAX = 8_192;
/** A key whose parts hardly ever come again is left alone for so many parts. */
const PAUSE_PARTS = 512;
const MISSES_MAX = 32;
/** Places for keys and for short strings, powers of two; a newcomer takes the place of who was there. */
const KEY_PLACES = 2_048;
const TEXT_PLACES = 4_096;
/** Longer texts are made anew, by the function that decodes UTF-8. */
const TEXT_BYTES_MAX = 64;
/** Maps with more members are taken for data, such as those of a ConfigMap, and made a member at a time. */
const MADE_MEMBERS_MAX = 40;

/** Who decodes no more than these remembers nothing of single objects, and has no room for it. */
const OBJECTS_FEW = 64;
/** Before the metadata of an object have come. */
const NO_OBJECT = -1;

interface Part {
  readonly bytes: Uint8Array;
  readonly value: unknown;
}

/** A key of maps, and what was seen under it. */
interface Key {
  readonly text: string;
  /** How the text is encoded. */
  readonly bytes: Uint8Array;
  readonly parts: Part[];
  misses: number;
  pause: number;
  /** Tells it from other keys of the same object. */
  readonly number: number;
}

/** A message of so many bytes may hold much: nothing of it is kept. */
const LARGE_BYTES = 4096;

const malformed = () => new Error('a packed value is malformed or ends in the middle');

const latin1Slice = Buffer.prototype.latin1Slice as (this: Uint8Array, start: number, end: number) => string;
const utf8Slice = Buffer.prototype.utf8Slice as (this: Uint8Array, start: number, end: number) => string;
const nothing = new Uint8Array(0);
const scratch = new DataView(new ArrayBuffer(8));

export class Decoder {
  readonly #shares: boolean;
  #recent: RecentParts | undefined;
  #objects = 0;
  readonly #unpackOther: (bytes: Uint8Array, start: number, end: number) => unknown;
  #bytes: Uint8Array = nothing;
  #at = 0;
  #end = 0;
  readonly #keys: (Key | undefined)[] = new Array<Key | undefined>(KEY_PLACES).fill(undefined);
  readonly #texts: string[] = new Array<string>(TEXT_PLACES).fill('');
  /** The keys that have numbers. */
  readonly #named: readonly Key[] = names.map((name, at) => keyOf(name, nothing, Math.imul(at + 1, 0x9e3779b1) >>> 12));
  readonly #makers = new ObjectMakers();
  /** Members of the maps under way, those of the innermost last. */
  #values: unknown[] = [];
  #top = 0;

  /** `unpackOther` decodes a value that this decoder does not know, and throws on malformed input. */
  constructor(shares: boolean, unpackOther: (bytes: Uint8Array, start: number, end: number) => unknown) {
    this.#shares = shares;
    this.#unpackOther = unpackOther;
  }

  /**
   * The value at `start` of `bytes`, which ends at `end`; of an object the `wanted` members, where it is said which. Throws on malformed
   * input.
   */
  decode(bytes: Uint8Array, start: number, end: number, wanted?: WantedMembers): unknown {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#top = 0;
    try {
      const value = wanted !== undefined ? this.#wantedObject(wanted) : this.#shares ? this.#object() : this.#value();
      if (this.#at !== end) throw malformed();
      return value;
    } finally {
      this.#bytes = nothing;
      if (end - start >= LARGE_BYTES) this.#values = [];
    }
  }

  #value(): unknown {
    const type = this.#bytes[this.#at++]!;
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f);
    if (type < 0xa0) return this.#array(type & 0x0f);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#view(this.#unsigned(1));
      case 0xc5:
        return this.#view(this.#unsigned(2));
      case 0xc6:
        return this.#view(this.#unsigned(4));
      case 0xcb:
        return this.#double();
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xd2:
        return this.#unsigned(4) | 0;
      case 0xd9:
        return this.#text(this.#unsigned(1));
      case 0xda:
        return this.#text(this.#unsigned(2));
      case 0xdb:
        return this.#text(this.#unsigned(4));
      case 0xdc:
        return this.#array(this.#unsigned(2));
      case 0xdd:
        return this.#array(this.#unsigned(4));
      case 0xde:
        return this.#map(this.#unsigned(2));
      case 0xdf:
        return this.#map(this.#unsigned(4));
      default:
        return this.#other();
    }
  }

  #other(): unknown {
    const start = this.#at - 1;
    const end = endOfValue(this.#bytes, start);
    if (end > this.#end) throw malformed();
    this.#at = end;
    return this.#unpackOther(this.#bytes, start, end);
  }

  #unsigned(width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 0x100 + this.#bytes[this.#at++]!;
    return value;
  }

  #double(): number {
    if (this.#at + 8 > this.#end) throw malformed();
    for (let i = 0; i < 8; i++) scratch.setUint8(i, this.#bytes[this.#at++]!);
    return scratch.getFloat64(0);
  }

  #view(length: number): Uint8Array {
    const start = this.#at;
    const end = start + length;
    if (!(end <= this.#end)) throw malformed();
    this.#at = end;
    // Not `subarray`, which of a Buffer makes another Buffer, at several times the cost.
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + start, length);
  }

  #array(length: number): unknown[] {
    if (!(length <= this.#end - this.#at)) throw malformed();
    // An array that grows by pushing has room for seventeen items when it has one.
    if (length === 1) return [this.#value()];
    const items = new Array<unknown>(length);
    for (let i = 0; i < length; i++) items[i] = this.#value();
    return items;
  }

  #map(members: number): Record<string, unknown> {
    if (members === 0 || members > MADE_MEMBERS_MAX) return this.#addMembers({}, members);
    const values = this.#values;
    const base = this.#top;
    this.#top = base + members;
    let row: Row = this.#makers.root;
    for (let i = 0; i < members; i++) {
      const key = this.#key();
      const next = row.lastName === key.text ? row.last : this.#makers.next(row, key.text);
      if (next === undefined) {
        const object = this.#makers.objectOf(row, values, base);
        object[key.text] = this.#shares ? this.#member(key) : this.#value();
        this.#top = base;
        return this.#addMembers(object, members - i - 1);
      }
      row = next;
      values[base + i] = this.#shares ? this.#member(key) : this.#value();
    }
    this.#top = base;
    return row.make !== undefined ? row.make(values, base) : this.#makers.objectOf(row, values, base);
  }

  #addMembers(object: Record<string, unknown>, members: number): Record<string, unknown> {
    for (let i = 0; i < members; i++) {
      const key = this.#key();
      object[key.text] = this.#shares ? this.#member(key) : this.#value();
    }
    return object;
  }

  /** The value as a whole: of an object, what came of it before is looked for among what is remembered of it. */
  #object(): unknown {
    const type = this.#bytes[this.#at]!;
    if (type <= 0x80 || type >= 0x90) return this.#value();
    if (this.#recent === undefined && ++this.#objects > OBJECTS_FEW) this.#recent = new RecentParts();
    const recent = this.#recent;
    this.#at++;
    const object: Record<string, unknown> = {};
    let number = NO_OBJECT;
    for (let i = 0; i < (type & 0x0f); i++) {
      const key = this.#key();
      if (recent !== undefined && number !== NO_OBJECT)
        object[key.text] = this.#recentMember(recent, key, number + key.number);
      else if (key.text === 'metadata') {
        number = this.#number();
        object[key.text] = this.#member(key);
      } else object[key.text] = this.#member(key);
    }
    return object;
  }

  /** The value as a whole, without the maps and arrays that nobody wants: those are passed over. */
  #wantedObject(wanted: WantedMembers): unknown {
    const type = this.#bytes[this.#at]!;
    if (type <= 0x80 || type >= 0x90) return this.#value();
    this.#at++;
    const object: Record<string, unknown> = {};
    for (let i = 0; i < (type & 0x0f); i++) {
      const key = this.#key();
      if (!isComposed(this.#bytes[this.#at]!)) object[key.text] = this.#value();
      else if (!wanted.has(key.text)) this.#pass();
      else {
        const some = wanted.get(key.text);
        object[key.text] = some === undefined ? this.#member(key) : this.#wantedMembers(some);
      }
    }
    return object;
  }

  #wantedMembers(wanted: ReadonlySet<string>): unknown {
    const type = this.#bytes[this.#at]!;
    if (type !== 0xde && (type <= 0x80 || type >= 0x90)) return this.#value();
    this.#at++;
    const object: Record<string, unknown> = {};
    for (let left = type === 0xde ? this.#unsigned(2) : type & 0x0f; left > 0; left--) {
      const key = this.#key();
      if (wanted.has(key.text)) object[key.text] = this.#member(key);
      else this.#pass();
    }
    return object;
  }

  #pass(): void {
    this.#at = endOfValue(this.#bytes, this.#at);
    if (this.#at > this.#end) throw malformed();
  }

  /** Stands for the object whose metadata come next: from their first member, the name. {@link NO_OBJECT} where that is no text. */
  #number(): number {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const first = bytes[start]!;
    const value = start + (first < 0x80 ? 1 : first === 0xcc ? 2 : 1 + (first & 0x1f));
    const type = bytes[value]!;
    const end =
      type >= 0xa0 && type < 0xc0 ? value + 1 + (type & 0x1f) : type === 0xd9 ? value + 2 + bytes[value + 1]! : 0;
    if (end === 0 || !(end <= this.#end)) return NO_OBJECT;
    let number = 0;
    for (let at = value; at < end; at++) number = (Math.imul(number, 31) + bytes[at]!) | 0;
    return Math.imul(number ^ (number >>> 16), 0x9e3779b1) >>> 12;
  }

  #recentMember(recent: RecentParts, key: Key, number: number): unknown {
    const start = this.#at;
    if (!isComposed(this.#bytes[start]!)) return this.#value();
    const place = recent.find(number);
    let value: unknown;
    if (place >= 0) {
      if (recent.isAt(place, 0, this.#bytes, start)) {
        this.#at += recent.lengthOf(place);
        return recent.valueOf(place);
      }
      value = this.#extended(recent, place);
    }
    value ??= this.#member(key);
    recent.remember(number, this.#bytes, start, this.#at, value);
    return value;
  }

  /** A map that begins with all that a part has and goes on with more, such as a spec whose pod is bound now; or undefined. */
  #extended(recent: RecentParts, place: number): unknown {
    const start = this.#at;
    const type = this.#bytes[start]!;
    const before = recent.firstByteOf(place);
    // With more than fifteen members the count takes two more bytes: those are decoded as a whole.
    if (before <= 0x80 || before >= type || type >= 0x90) return undefined;
    if (!recent.isAt(place, 1, this.#bytes, start + 1)) return undefined;
    this.#at += recent.lengthOf(place);
    const object = Object.assign({}, recent.valueOf(place)) as Record<string, unknown>;
    for (let more = type - before; more > 0; more--) {
      const key = this.#key();
      object[key.text] = this.#member(key);
    }
    return object;
  }

  /** The value under the key: one seen before when its bytes are the same. */
  #member(key: Key): unknown {
    const type = this.#bytes[this.#at]!;
    if (!isComposed(type)) return this.#value();
    if (key.pause > 0) {
      key.pause--;
      return this.#value();
    }
    const { parts } = key;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (!sameBytes(part.bytes, this.#bytes, this.#at, this.#end)) continue;
      this.#at += part.bytes.length;
      key.misses = 0;
      if (i > 0) {
        parts[i] = parts[0]!;
        parts[0] = part;
      }
      return part.value;
    }
    const start = this.#at;
    const value = this.#value();
    const length = this.#at - start;
    if (++key.misses > MISSES_MAX) {
      key.misses = 0;
      key.pause = PAUSE_PARTS;
      parts.length = 0;
    } else if (length >= PART_BYTES_MIN && length <= PART_BYTES_MAX) {
      const part = { bytes: copyOf(this.#bytes, start, this.#at), value };
      if (parts.length < PARTS_MAX) parts.push(part);
      else parts[PARTS_MAX - 1] = part;
    }
    return value;
  }

  #key(): Key {
    const type = this.#bytes[this.#at++]!;
    if (type < 0x80) return this.#named[type]!;
    let length: number;
    if (type === 0xcc) {
      const key = this.#named[this.#bytes[this.#at++]!];
      if (key === undefined) throw malformed();
      return key;
    }
    if (type >= 0xa0 && type < 0xc0) length = type & 0x1f;
    else if (type === 0xd9) length = this.#unsigned(1);
    else if (type === 0xda) length = this.#unsigned(2);
    else throw malformed();
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    if (!(end <= this.#end)) throw malformed();
    this.#at = end;
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const place = (hash ^ (hash >>> 11)) & (KEY_PLACES - 1);
    const known = this.#keys[place];
    if (known?.bytes.length === length && sameBytes(known.bytes, bytes, start, end)) return known;
    const number = Math.imul(hash, 0x9e3779b1) >>> 12;
    const key = keyOf(utf8Slice.call(bytes, start, end), copyOf(bytes, start, end), number);
    this.#keys[place] = key;
    return key;
  }

  #text(length: number): string {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    if (!(end <= this.#end)) throw malformed();
    this.#at = end;
    if (length === 0) return '';
    if (length > TEXT_BYTES_MAX) return utf8Slice.call(bytes, start, end);
    let hash = length;
    let all = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      all |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (all >= 0x80) return utf8Slice.call(bytes, start, end);
    const place = (hash ^ (hash >>> 12)) & (TEXT_PLACES - 1);
    const known = this.#texts[place]!;
    if (known.length === length && sameText(known, bytes, start)) return known;
    const text = latin1Slice.call(bytes, start, end);
    this.#texts[place] = text;
    return text;
  }
}

/** Maps and arrays with members. */
function isComposed(type: number): boolean {
  return (type > 0x80 && type < 0xa0 && type !== 0x90) || type === 0xdc || type === 0xde;
}

function keyOf(text: string, bytes: Uint8Array, number: number): Key {
  return {
    // As msgpackr: no key touches a prototype.
    text: text === '__proto__' ? '__proto_' : text,
    bytes,
    parts: [],
    misses: 0,
    number,
    // Whoever decodes an object sets its resourceVersion: metadata are each object's own.
    pause: text === 'metadata' ? Number.POSITIVE_INFINITY : 0,
  };
}

/** Not `bytes.slice`, which for a Buffer is a view that keeps the whole message. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

function sameBytes(part: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  const { length } = part;
  if (at + length > end) return false;
  for (let i = 0; i < length; i++) if (part[i] !== bytes[at + i]) return false;
  return true;
}

function sameText(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}
