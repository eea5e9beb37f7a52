/** The kinds of `certificates.k8s.io/v1`. */
import { certificateSigningRequestTable } from '../tables/access.ts';
import { rowsOf, STATUS } from './row.ts';
import { certificateSelectableFields, certificateSigningRequestStrategy } from './strategies/certificates.ts';
import type { KindDefinition } from './types.ts';

const certificates = rowsOf('certificates.k8s.io', 'v1', 'io.k8s.api.certificates.v1');

/** All resources of certificates.k8s.io/v1. */
export const certificatesKinds: readonly KindDefinition[] = [
  certificates('CertificateSigningRequest', {
    plural: 'certificatesigningrequests',
    namespaced: false,
    shortNames: ['csr'],
    subresources: [{ name: 'approval', verbs: ['get', 'patch', 'update'] }, STATUS],
    strategy: certificateSigningRequestStrategy,
    selectableFields: certificateSelectableFields,
    table: certificateSigningRequestTable,
  }),
];
