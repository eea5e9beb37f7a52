/** Tables of the kinds that have no stable version. @see pkg/printers/internalversion/printers.go */
import type {
  CertificatesV1beta1ClusterTrustBundle,
  CoordinationV1beta1LeaseCandidate,
  StorageVersion,
} from '../generated/types.ts';
import { ageColumn, ageOf, column, nameColumn, nameOf, tableOf } from './columns.ts';

export const trustBundleTable = tableOf<CertificatesV1beta1ClusterTrustBundle>({
  columns: [
    nameColumn,
    column('SignerName', 'string', ['io.k8s.api.certificates.v1alpha1.ClusterTrustBundleSpec', 'signerName']),
  ],
  row: (bundle) => [nameOf(bundle), bundle.spec?.signerName || '<none>'],
});

export const leaseCandidateTable = tableOf<CoordinationV1beta1LeaseCandidate>({
  columns: [
    nameColumn,
    column('LeaseName', 'string', ['io.k8s.api.coordination.v1alpha2.LeaseCandidateSpec', 'leaseName']),
    // Upstream looks these descriptions up in the wrong type, where there is none.
    column('BinaryVersion', 'string', ''),
    column('EmulationVersion', 'string', ''),
    ageColumn,
  ],
  row: (candidate, context) => [
    nameOf(candidate),
    candidate.spec?.leaseName ?? '',
    candidate.spec?.binaryVersion ?? '',
    candidate.spec?.emulationVersion ?? '',
    ageOf(candidate, context),
  ],
});

const STORAGE_VERSION_STATUS = 'io.k8s.api.apiserverinternal.v1alpha1.StorageVersionStatus';

export const storageVersionTable = tableOf<StorageVersion>({
  columns: [
    nameColumn,
    column('CommonEncodingVersion', 'string', [STORAGE_VERSION_STATUS, 'commonEncodingVersion']),
    column('StorageVersions', 'string', [STORAGE_VERSION_STATUS, 'storageVersions']),
    ageColumn,
  ],
  row(version, context) {
    const servers = version.status?.storageVersions ?? [];
    const shown = servers
      .slice(0, 3)
      .map(({ apiServerID = '', encodingVersion = '' }) => `${apiServerID}=${encodingVersion}`);
    const text = shown.length === 0 ? '<unset>' : shown.join(',');
    return [
      nameOf(version),
      version.status?.commonEncodingVersion ?? '<unset>',
      servers.length > 3 ? `${text} + ${servers.length - 3} more...` : text,
      ageOf(version, context),
    ];
  },
});
