/** DenyServiceExternalIPs: no Service takes new external addresses. @see plugin/pkg/admission/network/denyserviceexternalips/admission.go */
import type { ApiObject } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';

export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.group === '' &&
    kind.plural === 'services' &&
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE'),
  validate(attributes) {
    const before = new Set(externalIps(attributes.previous));
    if (externalIps(attributes.object).every((address) => before.has(address))) return;
    throw refusal(attributes, 'Use of external IPs is denied by admission control');
  },
};

function externalIps(service: ApiObject | undefined): readonly string[] {
  return (service?.['spec'] as { externalIPs?: readonly string[] } | undefined)?.externalIPs ?? [];
}
