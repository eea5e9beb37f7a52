/**
 * The ways in which values are encrypted before they are stored, with upstream's prefixes and layouts:
 *
 *     k8s:enc:aesgcm:v1:<key>:     nonce (12) · encrypted · tag (16)        bound to the value's key in the store
 *     k8s:enc:aescbc:v1:<key>:     start (16) · encrypted, padded
 *     k8s:enc:secretbox:v1:<key>:  nonce (24) · tag (16) · encrypted
 *     k8s:enc:kms:v2:<provider>:   see kms.ts
 *
 * @see staging/src/k8s.io/apiserver/pkg/storage/value/encrypt
 */
import { createCipheriv, createDecipheriv, createHash, createSecretKey } from 'node:crypto';
import { messageOf } from '../failures.ts';
import { algorithmOf, freshBytes, openGcm, sealGcm } from './gcm.ts';
import type { KmsOption } from './kms.ts';
import { KeyNeeded, type Opened, type Provider } from './provider.ts';
import { NONCE_BYTES, open as openBox, seal as sealBox } from './secretbox.ts';

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
  readonly kms?: KmsOption;
  readonly identity?: object;
}

const ENCRYPTED = Buffer.from('k8s:enc:');

const IDENTITY: Provider = {
  prefix: Buffer.alloc(0),
  writer: undefined,
  open(value) {
    if (startsWith(value, ENCRYPTED)) throw new Error('identity transformer tried to read encrypted data');
    return { value, mark: '' };
  },
};

/** A provider with keys of its own. Of KMS there is one for each name, made beforehand. */
export function providerOf(option: ProviderOption, kms: ReadonlyMap<string, Provider>): Provider {
  if (option.aesgcm !== undefined) return keyed('aesgcm', option.aesgcm.keys, aesgcm, 'AES');
  if (option.aescbc !== undefined) return keyed('aescbc', option.aescbc.keys, aescbc, 'AES');
  if (option.secretbox !== undefined) return keyed('secretbox', option.secretbox.keys, secretbox, 'Secretbox');
  if (option.kms !== undefined) return kms.get(option.kms.name) as Provider;
  return IDENTITY;
}

function startsWith(value: Uint8Array, prefix: Buffer): boolean {
  return value.length >= prefix.length && prefix.equals(value.subarray(0, prefix.length));
}

/** What one key does, its prefix given or taken off. */
interface Sealing {
  seal(value: Uint8Array, place: Buffer): Buffer;
  open(sealed: Uint8Array, place: Buffer): Uint8Array;
}

/**
 * What the first that fits makes of a value. Several may fit, of which a later one has the right key.
 * @throws Error with `otherwise` when none fits; with what each that does says
 */
export function firstOf<Item extends { readonly prefix: Buffer }>(
  items: readonly Item[],
  value: Uint8Array,
  open: (item: Item, rest: Uint8Array) => Opened,
  otherwise: string,
): Opened {
  const failures = new Set<string>();
  for (const item of items) {
    if (!startsWith(value, item.prefix)) continue;
    try {
      return open(item, value.subarray(item.prefix.length));
    } catch (error) {
      if (error instanceof KeyNeeded) throw error;
      // Plain values are tried among others: what is encrypted is for those.
      if (item.prefix.length > 0) failures.add(messageOf(error));
    }
  }
  const [first = otherwise, ...others] = failures;
  throw new Error(others.length === 0 ? first : `[${[first, ...others].join(', ')}]`);
}

function keyed(
  name: string,
  keys: readonly EncryptionKey[],
  sealingOf: (key: Buffer, head: Buffer) => Sealing,
  word: string,
): Provider {
  const prefix = Buffer.from(`k8s:enc:${name}:v1:`);
  const items = keys.map((key) => {
    const bytes = Buffer.from(key.secret, 'base64');
    const head = Buffer.concat([prefix, Buffer.from(`${key.name}:`)]);
    const { seal, open } = sealingOf(bytes, head);
    // Keys of one name may differ: a value of another one is old.
    const mark = `${head}${createHash('sha256').update(bytes).digest('base64url')}`;
    return { prefix: Buffer.from(`${key.name}:`), mark, seal, open };
  });
  const otherwise = `no matching key was found for the provided ${word} transformer`;
  return {
    prefix,
    writer: items[0],
    open: (sealed, place) =>
      firstOf(items, sealed, ({ open, mark }, rest) => ({ value: open(rest, place), mark }), otherwise),
  };
}

/** The library takes the key over once, and not for every value. */
function aesgcm(bytes: Buffer, head: Buffer): Sealing {
  const key = createSecretKey(bytes);
  const algorithm = algorithmOf(key);
  return {
    seal: (value, place) => sealGcm(key, value, place, head, algorithm),
    open: (sealed, place) => openGcm(key, sealed, place),
  };
}

const CBC_START = 16;

function aescbc(bytes: Buffer, head: Buffer): Sealing {
  const key = createSecretKey(bytes);
  const algorithm = `aes-${bytes.length * 8}-cbc`;
  return {
    seal(value) {
      const start = freshBytes(CBC_START);
      const cipher = createCipheriv(algorithm, key, start);
      return Buffer.concat([head, start, cipher.update(value), cipher.final()]);
    },
    open(sealed) {
      const encrypted = sealed.subarray(CBC_START);
      if (sealed.length < CBC_START) throw new Error('the stored data was shorter than the required size');
      if (encrypted.length % CBC_START !== 0) throw new Error('the stored data was not a multiple of the block size');
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, CBC_START));
      try {
        return Buffer.concat([decipher.update(encrypted), decipher.final()]);
      } catch {
        throw new Error('invalid padding on input');
      }
    },
  };
}

function secretbox(key: Buffer, head: Buffer): Sealing {
  return {
    seal(value) {
      const nonce = freshBytes(NONCE_BYTES);
      return Buffer.concat([head, nonce, sealBox(value, nonce, key)]);
    },
    open(sealed) {
      const value = openBox(sealed.subarray(NONCE_BYTES), sealed.subarray(0, NONCE_BYTES), key);
      if (value === undefined) throw new Error('output array was not large enough for encryption');
      return value;
    },
  };
}
