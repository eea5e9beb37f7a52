/** ClusterTrustBundleAttest: bundles of a signer are written by those who may attest for it. @see plugin/pkg/admission/certificates/ctbattest */
import type { ApiObject } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';
import { mayUseSigner } from './signers.ts';

export const clusterTrustBundleAttest: AdmissionPlugin = {
  name: 'ClusterTrustBundleAttest',
  handles: (kind, operation, subresource) =>
    kind.group === 'certificates.k8s.io' &&
    kind.plural === 'clustertrustbundles' &&
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE'),
  async validate(attributes, server) {
    const signerName = signerOf(attributes.object) || signerOf(attributes.previous);
    if (signerName === '' || (await mayUseSigner(server, attributes.call.user, 'attest', signerName))) return;
    throw refusal(attributes, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`);
  },
};

function signerOf(bundle: ApiObject | undefined): string {
  return (bundle?.['spec'] as { signerName?: string } | undefined)?.signerName ?? '';
}
