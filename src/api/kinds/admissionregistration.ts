/** The kinds of `admissionregistration.k8s.io/v1`. */
import { rowsOf, STATUS } from './row.ts';
import type { KindDefinition } from './types.ts';

const admission = rowsOf('admissionregistration.k8s.io', 'v1', 'io.k8s.api.admissionregistration.v1');
const categories: readonly string[] = ['api-extensions'];

/** All resources of admissionregistration.k8s.io/v1, in alphabetical order. */
export const admissionregistrationKinds: readonly KindDefinition[] = [
  admission('MutatingAdmissionPolicy', { plural: 'mutatingadmissionpolicies', namespaced: false, categories }),
  admission('MutatingAdmissionPolicyBinding', {
    plural: 'mutatingadmissionpolicybindings',
    namespaced: false,
    categories,
  }),
  admission('MutatingWebhookConfiguration', { plural: 'mutatingwebhookconfigurations', namespaced: false, categories }),
  admission('ValidatingAdmissionPolicy', {
    plural: 'validatingadmissionpolicies',
    namespaced: false,
    categories,
    subresources: [STATUS],
  }),
  admission('ValidatingAdmissionPolicyBinding', {
    plural: 'validatingadmissionpolicybindings',
    namespaced: false,
    categories,
  }),
  admission('ValidatingWebhookConfiguration', {
    plural: 'validatingwebhookconfigurations',
    namespaced: false,
    categories,
  }),
];
