/**
 * A token as authenticators are given it. A connection mostly sends one token over and over: it is read once, and what is worked
 * out about it (its digest, by which tokens are looked up) stays with it.
 */
import { createHash } from 'node:crypto';

export class BearerToken {
  readonly text: string;
  #digest: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Looking up digests, not tokens, keeps the time that a lookup takes independent of how much of a guess is right. */
  get digest(): string {
    this.#digest ??= createHash('sha256').update(this.text).digest('base64');
    return this.#digest;
  }
}

interface Sent {
  readonly authorization: string;
  readonly token: BearerToken | undefined;
}

/** By connection: the header that it sent last. */
const last = new WeakMap<object, Sent>();

/** The token of an Authorization header; undefined when it holds something else. */
export function bearerTokenOf(connection: object, authorization: string): BearerToken | undefined {
  const known = last.get(connection);
  if (known !== undefined && known.authorization === authorization) return known.token;
  const text = /^bearer +(\S.*)$/i.exec(authorization)?.[1]?.trim();
  const token = text === undefined ? undefined : new BearerToken(text);
  last.set(connection, { authorization, token });
  return token;
}
