/** Whether a user may approve, sign or attest for a signer. @see pkg/registry/certificates/certificates authorization helpers */
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';

/** Asked for the signer by its name, then for all of its domain: `example.com/*`. */
export async function mayUseSigner(server: Server, user: Identity, verb: string, signerName: string): Promise<boolean> {
  const [domain = ''] = signerName.split('/', 1);
  for (const name of [signerName, `${domain}/*`]) {
    const { allowed } = await server.authorization.ask({
      user,
      verb,
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    });
    if (allowed) return true;
  }
  return false;
}
