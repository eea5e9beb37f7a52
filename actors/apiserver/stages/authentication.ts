/**
 * First stage: who asks. A client certificate, a bearer token, the identity that composition gave an actor, or nobody.
 * A wrong token is refused even where anonymous requests are allowed, as upstream does.
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export function authenticate(call: Call, server: Server): void | Promise<void> {
  const { credentials } = call;
  if (credentials.type === 'bus') {
    call.user = credentials.identity;
    return;
  }
  const { certificate, authorization } = credentials;
  if (certificate !== undefined) {
    call.user = {
      user: certificate.commonName,
      groups: [...certificate.organizations, 'system:authenticated'],
    };
    return;
  }
  const token = authorization === undefined ? undefined : /^bearer +(\S.*)$/i.exec(authorization)?.[1];
  if (token !== undefined) {
    const user = server.authenticator.byToken(token.trim());
    if (user === undefined) throw StatusError.unauthorized();
    call.user = user;
    return;
  }
  if (!credentials.secure) {
    call.user = server.options.httpUser;
    return;
  }
  if (!server.options.anonymous) throw StatusError.unauthorized();
  call.user = { user: 'system:anonymous', groups: ['system:unauthenticated'] };
}
