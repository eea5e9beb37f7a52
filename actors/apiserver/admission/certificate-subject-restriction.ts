/**
 * CertificateSubjectRestriction: nobody asks for a client certificate of the administrators' group.
 * @see plugin/pkg/admission/certificates/subjectrestriction/admission.go
 */
import type { CertificateSigningRequest } from '../../../src/api/index.ts';
import { messageOf } from '../failures.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';
import { organizationsOf } from './request-subject.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-client';
const MASTERS = 'system:masters';

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/certificatesigningrequests' && operation === 'CREATE' && subresource === '',
  validate(attributes) {
    const { spec } = attributes.object as unknown as CertificateSigningRequest;
    if (spec.signerName !== SIGNER) return;
    let groups: string[];
    try {
      const pem = Buffer.from(String(spec.request), 'base64').toString('utf8');
      groups = organizationsOf(pem);
    } catch (error) {
      throw refusal(attributes, `failed to parse CSR: ${messageOf(error)}`);
    }
    if (!groups.includes(MASTERS)) return;
    throw refusal(attributes, `use of ${SIGNER} signer with ${MASTERS} group is not allowed`);
  },
};
