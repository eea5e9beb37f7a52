/**
 * Decodes values that are only read: parts that were met before, byte for byte under the same key, are not decoded again but shared.
 * Replicas differ in name, uid and node; what they share is most of their bytes, so a cache of fifty thousand pods holds their
 * containers once. Informers decode with it; see decision 0056, and decoder.ts for how.
 *
 * Always: equal to what {@link unpack} makes of the same bytes. Whoever changes it changes what others hold, but for `metadata` and the
 * value as a whole, which are never shared.
 */
import { unpackOther } from './codec.ts';
import { Decoder, type WantedMembers } from './decoder.ts';

export type { WantedMembers } from './decoder.ts';

export class SharingDecoder {
  readonly #decoder = new Decoder(true, unpackOther);

  /** With `wanted`, maps and arrays of an object that are not among them are left out. Throws on malformed input, as the codec does. */
  decode(bytes: Uint8Array, wanted?: WantedMembers): unknown {
    return this.#decoder.decode(bytes, 0, bytes.length, wanted);
  }
}
