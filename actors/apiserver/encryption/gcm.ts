/** AES-GCM as values are sealed with it: nonce (12) · encrypted · tag (16), bound to the value's place in the store. */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Random bytes, never given twice: asking the system for a few at a time costs as much as encrypting a Secret. */
export function freshBytes(count: number): Buffer {
  if (used + count > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  const bytes = pool.subarray(used, used + count);
  used += count;
  return bytes;
}

const NONCE = 12;
const TAG = 16;
const OPTIONS = { authTagLength: TAG };

/** What a key is for: found out once for one that seals often. */
export const algorithmOf = (key: KeyObject) => `aes-${(key.symmetricKeySize ?? 0) * 8}-gcm` as CipherGCMTypes;

/** The sealed value, behind `head`. */
export function sealGcm(
  key: KeyObject,
  value: Uint8Array,
  place: Buffer,
  head: Uint8Array,
  algorithm = algorithmOf(key),
): Buffer {
  const nonce = freshBytes(NONCE);
  const cipher = createCipheriv(algorithm, key, nonce, OPTIONS).setAAD(place);
  // Counters have no blocks to fill: all comes out at once, and the end adds nothing but the tag.
  const encrypted = cipher.update(value);
  cipher.final();
  const { length } = head;
  const sealed = Buffer.allocUnsafe(length + NONCE + encrypted.length + TAG);
  sealed.set(head);
  sealed.set(nonce, length);
  sealed.set(encrypted, length + NONCE);
  sealed.set(cipher.getAuthTag(), length + NONCE + encrypted.length);
  return sealed;
}

/** @throws Error for a value that was not sealed with this key, or at another place */
export function openGcm(key: KeyObject, sealed: Uint8Array, place: Buffer): Buffer {
  if (sealed.length < NONCE + TAG) throw new Error('the stored data was shorter than the required size');
  const decipher = createDecipheriv(algorithmOf(key), key, sealed.subarray(0, NONCE), OPTIONS).setAAD(place);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const value = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
  try {
    decipher.final();
  } catch {
    throw new Error('cipher: message authentication failed');
  }
  return value;
}
