/** Who asks: actors are known by their link, everybody else by what they show. @see authentication/index.ts */
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
  return credentials.type === 'bus' ? credentials.identity : server.authenticator.identify(credentials, notes);
}
