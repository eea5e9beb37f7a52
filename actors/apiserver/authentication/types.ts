/** What authenticators of tokens are given and answer. Every one is a file of its own; index.ts asks them in upstream's order. */
import type { Identity } from '../call.ts';
import type { BearerToken } from './bearer-token.ts';

/** Somebody, or what is wrong with the credential. Undefined: it is no credential of this authenticator's. */
export type Attempt =
  | { readonly user: Identity; readonly audiences?: readonly string[] }
  | { readonly error: string }
  | undefined;

/** What the client and the audit log are told of a credential besides whose it is. A Call is one. */
export interface Notes {
  readonly warnings: string[];
  /** For the audit log, whose record begins once the user is known. */
  annotations: Readonly<Record<string, string>> | undefined;
}

export interface TokenAuthenticator {
  /**
   * Whose token it is. `audiences` are those that it must be for one of; omitted: this server's own. An answer without audiences
   * holds for the server's own alone.
   */
  authenticate(
    token: BearerToken,
    audiences: readonly string[] | undefined,
    notes?: Notes | undefined,
  ): Attempt | Promise<Attempt>;
}

export const AUTHENTICATED = 'system:authenticated';
export const ANONYMOUS: Identity = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Everybody who shows a credential is in this group too, once. */
export function authenticated(user: Identity): Identity {
  if (user.user === ANONYMOUS.user || user.groups.includes(AUTHENTICATED)) return user;
  return { ...user, groups: [...user.groups, AUTHENTICATED] };
}

/** Both lists' members, in the order of the first. */
export function shared(first: readonly string[], second: readonly string[]): string[] {
  return first.filter((item) => second.includes(item));
}
