/** The kinds of `admissionregistration.k8s.io/v1`. */
import {
  mutatingAdmissionPolicyTable,
  policyBindingTable,
  validatingAdmissionPolicyTable,
  webhookConfigurationTable,
} from '../tables/admission.ts';
import { rowsOf, STATUS } from './row.ts';
import {
  mutatingPolicyStrategy,
  mutatingWebhookStrategy,
  policyBindingStrategy,
  validatingPolicyStrategy,
  validatingWebhookStrategy,
} from './strategies/admissionregistration.ts';
import type { KindDefinition } from './types.ts';

const admission = rowsOf('admissionregistration.k8s.io', 'v1', 'io.k8s.api.admissionregistration.v1');
const categories: readonly string[] = ['api-extensions'];

/** All resources of admissionregistration.k8s.io/v1, in alphabetical order. */
export const admissionregistrationKinds: readonly KindDefinition[] = [
  admission('MutatingAdmissionPolicy', {
    plural: 'mutatingadmissionpolicies',
    namespaced: false,
    categories,
    strategy: mutatingPolicyStrategy,
    table: mutatingAdmissionPolicyTable,
  }),
  admission('MutatingAdmissionPolicyBinding', {
    plural: 'mutatingadmissionpolicybindings',
    namespaced: false,
    categories,
    strategy: policyBindingStrategy,
    table: policyBindingTable,
  }),
  admission('MutatingWebhookConfiguration', {
    plural: 'mutatingwebhookconfigurations',
    namespaced: false,
    categories,
    strategy: mutatingWebhookStrategy,
    table: webhookConfigurationTable,
  }),
  admission('ValidatingAdmissionPolicy', {
    plural: 'validatingadmissionpolicies',
    namespaced: false,
    categories,
    subresources: [STATUS],
    strategy: validatingPolicyStrategy,
    table: validatingAdmissionPolicyTable,
  }),
  admission('ValidatingAdmissionPolicyBinding', {
    plural: 'validatingadmissionpolicybindings',
    namespaced: false,
    categories,
    strategy: policyBindingStrategy,
    table: policyBindingTable,
  }),
  admission('ValidatingWebhookConfiguration', {
    plural: 'validatingwebhookconfigurations',
    namespaced: false,
    categories,
    strategy: validatingWebhookStrategy,
    table: webhookConfigurationTable,
  }),
];
