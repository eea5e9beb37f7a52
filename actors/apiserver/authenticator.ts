/** Bearer tokens: the configured static ones, and service account tokens that this cluster signed. */
import { createHash } from 'node:crypto';
import type { Identity } from './call.ts';
import type { TokenOption } from './options.ts';
import type { TokenSigner } from './token-signer.ts';

export interface Authenticator {
  /** The user that a token stands for; undefined for an unknown, expired or forged one. */
  byToken(token: string): Identity | undefined;
}

export function createAuthenticator(tokens: readonly TokenOption[], signer: TokenSigner): Authenticator {
  // Looking up digests, not tokens, keeps the time that a lookup takes independent of how much of a guess is right.
  const users = new Map(
    tokens.map(({ token, user, uid, groups }) => [
      digest(token),
      { user, uid, groups: [...(groups ?? []), 'system:authenticated'] } satisfies Identity,
    ]),
  );
  return {
    byToken(token) {
      const user = users.get(digest(token));
      if (user !== undefined) return user;
      return token.split('.').length === 3 ? signer.verify(token) : undefined;
    },
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
