/**
 * Finds its way in packed bytes without decoding them: where a value ends, and where a member of a map is. The encoder uses it to take
 * over members that have not changed since they were packed. Bytes are those of this runtime's own codec.
 */

import { numberOfName } from './names.ts';

/** Where the value that begins at `at` ends. Throws where there is none. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  let place = at;
  // Values still to be passed: a container adds its members, so nothing here recurses.
  for (let left = 1; left > 0; left--) {
    const type = bytes[place++];
    if (type === undefined) throw new Error('a packed value ends in the middle');
    if (type < 0x80 || type >= 0xe0) continue;
    if (type < 0x90) left += (type & 0x0f) * 2;
    else if (type < 0xa0) left += type & 0x0f;
    else if (type < 0xc0) place += type & 0x1f;
    else if (type === 0xdc || type === 0xdd) {
      left += lengthAt(bytes, place, type === 0xdc ? 2 : 4);
      place += type === 0xdc ? 2 : 4;
    } else if (type >= 0xde) {
      left += lengthAt(bytes, place, type === 0xde ? 2 : 4) * 2;
      place += type === 0xde ? 2 : 4;
    } else place = endOfScalar(bytes, place, type);
  }
  if (!(place <= bytes.length)) throw new Error('a packed value ends in the middle');
  return place;
}

/** Bytes behind the type of scalars of a fixed size, by type from 0xc0 on. */
const FIXED = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
]);

function endOfScalar(bytes: Uint8Array, at: number, type: number): number {
  // Texts by far most often.
  if (type === 0xd9) return at + 1 + (bytes[at] as number);
  const size = FIXED.get(type);
  if (size !== undefined) return at + size;
  if (type === 0xc4) return at + 1 + lengthAt(bytes, at, 1);
  if (type === 0xc5 || type === 0xda) return at + 2 + lengthAt(bytes, at, 2);
  if (type === 0xc6 || type === 0xdb) return at + 4 + lengthAt(bytes, at, 4);
  // An extension has a byte of its own kind behind the length.
  if (type >= 0xc7 && type <= 0xc9) {
    const width = 1 << (type - 0xc7);
    return at + width + 1 + lengthAt(bytes, at, width);
  }
  throw new Error(`no packed value begins with ${type}`);
}

function lengthAt(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let index = 0; index < width; index++) length = length * 256 + (bytes[at + index] ?? 0);
  return length;
}

/** Looks for members of one packed map, fastest in the order in which they are packed. */
export class MapReader {
  readonly #bytes: Uint8Array;
  readonly #first: number;
  readonly #members: number;
  /** The next member to look at, and how many there are from it on. */
  #at: number;
  #left: number;

  /** `at`: where the map begins. Anything else has no members. */
  constructor(bytes: Uint8Array, at: number) {
    const type = bytes[at] as number;
    const width = type === 0xde ? 2 : type === 0xdf ? 4 : 0;
    this.#bytes = bytes;
    this.#members = width > 0 ? lengthAt(bytes, at + 1, width) : type >= 0x80 && type < 0x90 ? type & 0x0f : 0;
    this.#first = at + 1 + width;
    this.#at = this.#first;
    this.#left = this.#members;
  }

  /** Where the value that was found last ends. */
  get end(): number {
    return this.#at;
  }

  /** Where the value of the member begins; -1 when there is none of that name, or its name is long or not ASCII. */
  find(name: string): number {
    const number = numberOfName.get(name) ?? -1;
    for (let looked = 0; looked < this.#members; looked++) {
      if (this.#left === 0) {
        this.#at = this.#first;
        this.#left = this.#members;
      }
      const key = this.#at;
      const value = endOfValue(this.#bytes, key);
      this.#at = endOfValue(this.#bytes, value);
      this.#left--;
      if (isNumber(this.#bytes, key, number) || isName(this.#bytes, key, name)) return value;
    }
    return -1;
  }
}

function isNumber(bytes: Uint8Array, at: number, number: number): boolean {
  return bytes[at] === number || (bytes[at] === 0xcc && bytes[at + 1] === number);
}

/** What was stored before a name had a number has its text. */
function isName(bytes: Uint8Array, at: number, name: string): boolean {
  const { length } = name;
  if (length > 31 || bytes[at] !== (0xa0 | length)) return false;
  for (let index = 0; index < length; index++) if (bytes[at + 1 + index] !== name.charCodeAt(index)) return false;
  return true;
}
