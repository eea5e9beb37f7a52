/**
 * The ways in which values are encrypted before they are stored, with upstream's prefixes and layouts:
 *
 *     k8s:enc:aesgcm:v1:<key>:     nonce (12) · encrypted · tag (16)        bound to the value's key in the store
 *     k8s:enc:aescbc:v1:<key>:     start (16) · encrypted, padded
 *     k8s:enc:secretbox:v1:<key>:  nonce (24) · tag (16) · encrypted
 *
 * @see staging/src/k8s.io/apiserver/pkg/storage/value/encrypt
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { KEY_BYTES, NONCE_BYTES, open as openBox, seal as sealBox } from './secretbox.ts';

export interface EncryptionKey {
  readonly name: string;
  /** base64 */
  readonly secret: string;
}

/** An entry of `providers` in upstream's EncryptionConfiguration: one member is set. */
export interface ProviderOption {
  readonly aesgcm?: { readonly keys: readonly EncryptionKey[] };
  readonly aescbc?: { readonly keys: readonly EncryptionKey[] };
  readonly secretbox?: { readonly keys: readonly EncryptionKey[] };
  readonly identity?: object;
}

/** One key of one provider. */
export interface Cipher {
  /** What its values begin with; empty for plain ones. */
  readonly prefix: Buffer;
  /** With the prefix. */
  seal(value: Uint8Array, place: Buffer): Buffer;
  /** `sealed` begins after the prefix. @throws Error for a value that was not sealed with this key */
  open(sealed: Uint8Array, place: Buffer): Uint8Array;
}

export const ENCRYPTED = Buffer.from('k8s:enc:');

const IDENTITY: Cipher = {
  prefix: Buffer.alloc(0),
  seal: (value) => Buffer.from(value.buffer, value.byteOffset, value.length),
  open: (value) => value,
};

const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Random bytes, never given twice: asking the system for a few at a time costs as much as encrypting a Secret. */
function freshBytes(count: number): Buffer {
  if (used + count > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  const bytes = pool.subarray(used, used + count);
  used += count;
  return bytes;
}

/** The ciphers of a provider, the one that writes first. @throws Error for a key of a wrong length */
export function ciphersOf(provider: ProviderOption): Cipher[] {
  if (provider.aesgcm !== undefined) return provider.aesgcm.keys.map((key) => aesgcm(key));
  if (provider.aescbc !== undefined) return provider.aescbc.keys.map((key) => aescbc(key));
  if (provider.secretbox !== undefined) return provider.secretbox.keys.map((key) => secretbox(key));
  if (provider.identity !== undefined) return [IDENTITY];
  throw new Error('a provider is one of aesgcm, aescbc, secretbox and identity');
}

function bytesOf({ name, secret }: EncryptionKey, lengths: readonly number[]): Buffer {
  const bytes = Buffer.from(secret, 'base64');
  if (lengths.includes(bytes.length)) return bytes;
  const allowed = lengths.length === 1 ? String(lengths[0]) : `${lengths.slice(0, -1).join(', ')} or ${lengths.at(-1)}`;
  throw new Error(`the secret of key "${name}" has ${bytes.length} bytes; it takes ${allowed}`);
}

const prefixOf = (provider: string, { name }: EncryptionKey): Buffer => Buffer.from(`k8s:enc:${provider}:v1:${name}:`);

/** A key that the library takes over once, and not for every value. */
const keyOf = (bytes: Buffer): KeyObject => createSecretKey(bytes);

const GCM_NONCE = 12;
const GCM_TAG = 16;
const GCM_OPTIONS = { authTagLength: GCM_TAG };

function aesgcm(option: EncryptionKey): Cipher {
  const bytes = bytesOf(option, [16, 24, 32]);
  const key = keyOf(bytes);
  const algorithm = `aes-${bytes.length * 8}-gcm` as 'aes-256-gcm';
  const prefix = prefixOf('aesgcm', option);
  return {
    prefix,
    seal(value, place) {
      const nonce = freshBytes(GCM_NONCE);
      const cipher = createCipheriv(algorithm, key, nonce, GCM_OPTIONS).setAAD(place);
      // Counters have no blocks to fill: all comes out at once, and the end adds nothing but the tag.
      const encrypted = cipher.update(value);
      cipher.final();
      const { length } = prefix;
      const sealed = Buffer.allocUnsafe(length + GCM_NONCE + encrypted.length + GCM_TAG);
      sealed.set(prefix);
      sealed.set(nonce, length);
      sealed.set(encrypted, length + GCM_NONCE);
      sealed.set(cipher.getAuthTag(), length + GCM_NONCE + encrypted.length);
      return sealed;
    },
    open(sealed, place) {
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, GCM_NONCE), GCM_OPTIONS).setAAD(place);
      decipher.setAuthTag(sealed.subarray(sealed.length - GCM_TAG));
      const encrypted = sealed.subarray(GCM_NONCE, sealed.length - GCM_TAG);
      return Buffer.concat([decipher.update(encrypted), decipher.final()]);
    },
  };
}

const CBC_START = 16;

function aescbc(option: EncryptionKey): Cipher {
  const bytes = bytesOf(option, [16, 24, 32]);
  const key = keyOf(bytes);
  const algorithm = `aes-${bytes.length * 8}-cbc`;
  const prefix = prefixOf('aescbc', option);
  return {
    prefix,
    seal(value) {
      const start = freshBytes(CBC_START);
      const cipher = createCipheriv(algorithm, key, start);
      return Buffer.concat([prefix, start, cipher.update(value), cipher.final()]);
    },
    open(sealed) {
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, CBC_START));
      return Buffer.concat([decipher.update(sealed.subarray(CBC_START)), decipher.final()]);
    },
  };
}

function secretbox(option: EncryptionKey): Cipher {
  const key = bytesOf(option, [KEY_BYTES]);
  const prefix = prefixOf('secretbox', option);
  return {
    prefix,
    seal(value) {
      const nonce = freshBytes(NONCE_BYTES);
      return Buffer.concat([prefix, nonce, sealBox(value, nonce, key)]);
    },
    open(sealed) {
      const value = openBox(sealed.subarray(NONCE_BYTES), sealed.subarray(0, NONCE_BYTES), key);
      if (value === undefined) throw new Error('the value was not sealed with this key');
      return value;
    },
  };
}
