/** Tokens of the token file: they are valid as long as the server runs. @see staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile */
import type { TokenOption } from '../options.ts';
import { BearerToken } from './bearer-token.ts';
import { authenticated, type TokenAuthenticator } from './types.ts';

export function createStaticTokens(tokens: readonly TokenOption[]): TokenAuthenticator {
  // The same identity each time: what others work out about it is kept by it.
  const users = new Map(
    tokens.map(({ token, user, uid, groups }) => {
      const identity = authenticated({ user, uid, groups: groups ?? [] });
      return [new BearerToken(token).digest, { user: identity }] as const;
    }),
  );
  return { authenticate: ({ digest }) => users.get(digest) };
}
