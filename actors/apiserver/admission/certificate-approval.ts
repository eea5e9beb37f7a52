/** CertificateApproval: requests are approved by those who may do so for their signer. @see plugin/pkg/admission/certificates/approval */
import type { CertificateSigningRequest } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';
import { mayUseSigner } from './signers.ts';

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/certificatesigningrequests' &&
    operation === 'UPDATE' &&
    subresource === 'approval',
  async validate(attributes, server) {
    // What is there counts: an approval cannot name another signer.
    const signerName = (attributes.previous as CertificateSigningRequest | undefined)?.spec?.signerName ?? '';
    if (await mayUseSigner(server, attributes.call.user, 'approve', signerName)) return;
    throw refusal(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  },
};
