/** CertificateSigning: certificates are issued by those who may sign for the signer. @see plugin/pkg/admission/certificates/signing */
import type { CertificateSigningRequest } from '../../../src/api/index.ts';
import { sameValue } from '../stages/defaulting.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';
import { mayUseSigner } from './signers.ts';

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/certificatesigningrequests' && operation === 'UPDATE' && subresource === 'status',
  async validate(attributes, server) {
    const before = attributes.previous as CertificateSigningRequest | undefined;
    const { status } = attributes.object as unknown as CertificateSigningRequest;
    const sameCertificate = status?.certificate === before?.status?.certificate;
    if (sameCertificate && sameValue(status?.conditions, before?.status?.conditions)) return;
    const signerName = before?.spec?.signerName ?? '';
    if (await mayUseSigner(server, attributes.call.user, 'sign', signerName)) return;
    throw refusal(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
  },
};
