/** Who asks: actors are known by their link, everybody else by what they show. @see authentication/index.ts */
import { StatusError } from '../../../src/api/index.ts';
import type { Notes } from '../authentication/types.ts';
import type { Call, Credentials, Identity } from '../call.ts';
import type { Server } from '../server.ts';

export function authenticate(call: Call, server: Server): void | Promise<void> {
  const user = identityOf(call.credentials, server, call);
  if (!(user instanceof Promise)) {
    call.user = user;
    return;
  }
  return user.then((identity) => {
    call.user = identity;
  });
}

/** @throws StatusError 401 */
export function identityOf(credentials: Credentials, server: Server, notes?: Notes): Identity | Promise<Identity> {
  const { access } = server.metrics;
  if (credentials.type === 'bus') {
    access.authenticated(credentials.identity.user, 0);
    return credentials.identity;
  }
  const { clock } = server.context;
  const startedMs = clock.monotonic();
  const seconds = () => (clock.monotonic() - startedMs) / 1000;
  const known = (identity: Identity | undefined): Identity => {
    if (identity === undefined) {
      access.unauthenticated('failure', seconds());
      throw StatusError.unauthorized();
    }
    access.authenticated(identity.user, seconds());
    return identity;
  };
  const refused = (error: unknown): never => {
    access.unauthenticated('error', seconds());
    throw error;
  };
  let identity: ReturnType<typeof server.authenticator.identify>;
  try {
    identity = server.authenticator.identify(credentials, notes);
  } catch (error) {
    return refused(error);
  }
  return identity instanceof Promise ? identity.then(known, refused) : known(identity);
}
