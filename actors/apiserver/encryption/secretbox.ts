/**
 * NaCl's secretbox: XSalsa20 with Poly1305, which Node's OpenSSL does not have. Small values only (Secrets), so plainness counts
 * more than speed. @see https://nacl.cr.yp.to/secretbox.html
 */
import { timingSafeEqual } from 'node:crypto';

const SIGMA = new Uint32Array(new Uint8Array(Buffer.from('expand 32-byte k')).buffer);
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const NONCE_BYTES = 24;

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer);

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Twenty rounds over sixteen words, in place. */
function rounds(x: Uint32Array): void {
  const mix = (a: number, b: number, c: number, by: number) => {
    x[a] = (x[a] as number) ^ rotated(((x[b] as number) + (x[c] as number)) | 0, by);
  };
  const quarter = (a: number, b: number, c: number, d: number) => {
    mix(b, a, d, 7);
    mix(c, b, a, 9);
    mix(d, c, b, 13);
    mix(a, d, c, 18);
  };
  for (let round = 0; round < 20; round += 2) {
    quarter(0, 4, 8, 12);
    quarter(5, 9, 13, 1);
    quarter(10, 14, 2, 6);
    quarter(15, 3, 7, 11);
    quarter(0, 1, 2, 3);
    quarter(5, 6, 7, 4);
    quarter(10, 11, 8, 9);
    quarter(15, 12, 13, 14);
  }
}

function inputOf(key: Uint32Array, middle: readonly number[]): Uint32Array {
  const state = new Uint32Array(16);
  for (let index = 0; index < 4; index++) {
    state[index * 5] = SIGMA[index] as number;
    state[1 + index] = key[index] as number;
    state[11 + index] = key[4 + index] as number;
    state[6 + index] = middle[index] as number;
  }
  return state;
}

/** The key of Salsa20 for the rest of the nonce. */
function hsalsa(key: Uint32Array, nonce: Uint32Array): Uint32Array {
  const state = inputOf(key, [...nonce.subarray(0, 4)]);
  rounds(state);
  return Uint32Array.from([0, 5, 10, 15, 6, 7, 8, 9].map((index) => state[index] as number));
}

function keystream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const wide = words(nonce);
  const sub = hsalsa(words(key), wide);
  const stream = new Uint32Array(Math.ceil(length / 64) * 16);
  for (let block = 0; block * 64 < length; block++) {
    const input = inputOf(sub, [wide[4] as number, wide[5] as number, block, 0]);
    const state = input.slice();
    rounds(state);
    for (let index = 0; index < 16; index++) {
      stream[block * 16 + index] = (state[index] as number) + (input[index] as number);
    }
  }
  return new Uint8Array(stream.buffer).subarray(0, length);
}

const P = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const r = littleEndian(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + littleEndian(block) + (1n << BigInt(block.length * 8))) * r) % P;
  }
  const tag = (sum + littleEndian(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

/** The tag, then the encrypted message. */
export function seal(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer {
  const stream = keystream(key, nonce, 32 + message.length);
  const encrypted = message.map((byte, index) => byte ^ (stream[32 + index] as number));
  return Buffer.concat([poly1305(stream.subarray(0, 32), encrypted), encrypted]);
}

/** Undefined when the box was not sealed with this key and nonce. */
export function open(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (box.length < TAG_BYTES) return undefined;
  const encrypted = box.subarray(TAG_BYTES);
  const stream = keystream(key, nonce, 32 + encrypted.length);
  if (!timingSafeEqual(poly1305(stream.subarray(0, 32), encrypted), box.subarray(0, TAG_BYTES))) return undefined;
  return encrypted.map((byte, index) => byte ^ (stream[32 + index] as number));
}
