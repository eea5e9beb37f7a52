/** Tokens of the token file: they are valid as long as the server runs. @see staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile */
import { createHash } from 'node:crypto';
import type { Identity } from '../call.ts';
import type { TokenOption } from '../options.ts';
import type { TokenAuthenticator } from './types.ts';

export function createStaticTokens(tokens: readonly TokenOption[]): TokenAuthenticator {
  // Looking up digests, not tokens, keeps the time that a lookup takes independent of how much of a guess is right.
  const users = new Map<string, Identity>(
    tokens.map(({ token, user, uid, groups }) => [digest(token), { user, uid, groups: groups ?? [] }]),
  );
  return {
    authenticate(token) {
      const user = users.get(digest(token));
      return user === undefined ? undefined : { user };
    },
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
