/**
 * First stage: who asks. A client certificate, a bearer token, the identity that composition gave an actor, or nobody.
 * A wrong token is refused even where anonymous requests are allowed, as upstream does.
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call, Credentials, Identity } from '../call.ts';
import type { Server } from '../server.ts';

const ANONYMOUS: Identity = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

export function authenticate(call: Call, server: Server): void {
  call.user = identityOf(call.credentials, server);
}

/** @throws StatusError 401 */
export function identityOf(credentials: Credentials, server: Server): Identity {
  if (credentials.type === 'bus') return credentials.identity;
  const { certificate, authorization } = credentials;
  const token = authorization === undefined ? undefined : /^bearer +(\S.*)$/i.exec(authorization)?.[1];
  // A connection has its certificate whatever is sent over it; who sends a token as well means the token.
  const byToken = token === undefined ? undefined : server.authenticator.byToken(token.trim());
  if (byToken !== undefined) return byToken;
  if (certificate !== undefined) {
    return { user: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] };
  }
  if (token !== undefined) throw StatusError.unauthorized();
  if (!credentials.secure) return server.options.httpUser;
  if (!server.options.anonymous) throw StatusError.unauthorized();
  return ANONYMOUS;
}
