/** What a way of encrypting values is, for those that are configured (providers.ts) and the store in front of the store (index.ts). */

/** A value that was read, and what it was sealed with. */
export interface Opened {
  readonly value: Uint8Array;
  /** That of the {@link Cipher} that would seal it so today; of any other one, the value is written anew when it is updated. */
  readonly mark: string;
}

export interface Cipher {
  readonly mark: string;
  /** With the prefix. `place` is the value's key in the store. @throws Error when it cannot be done now */
  seal(value: Uint8Array, place: Buffer): Buffer;
}

/** An entry of `providers`. */
export interface Provider {
  /** What its values begin with; empty for plain ones. */
  readonly prefix: Buffer;
  /** Undefined: values are written as they are. */
  readonly writer: Cipher | undefined;
  /** `sealed` begins after the prefix. @throws KeyNeeded; Error for a value that was not sealed by it */
  open(sealed: Uint8Array, place: Buffer): Opened;
}

/** The key of a value is being asked for: it is to be tried again then. Never leaves the encryption. */
export class KeyNeeded extends Error {
  /** Resolves when there is an answer, whatever it is. */
  constructor(readonly fetched: Promise<void>) {
    super('the key of the value is being asked for');
  }
}
