/** Whether a user may approve, sign or attest for a signer. @see pkg/registry/certificates/certificates authorization helpers */
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';

/** Asked for the signer by its name, then for all of its domain: `example.com/*`. */
export function mayUseSigner(server: Server, user: Identity, verb: string, signerName: string): boolean {
  const [domain = ''] = signerName.split('/', 1);
  return [signerName, `${domain}/*`].some(
    (name) =>
      server.authorization.decide({
        user,
        verb,
        group: 'certificates.k8s.io',
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).allowed,
  );
}
