/** MutatingAdmissionWebhook: webhooks that are registered may change what is written. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating */
import { callMutatingHooks, hooksFor } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const CONFIGURATIONS = '/registry/mutatingwebhookconfigurations';

export const mutatingAdmissionWebhook: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  handles: () => true,
  needs: [CONFIGURATIONS],
  mutate(attributes, server) {
    const source = hooksFor(attributes, server, CONFIGURATIONS);
    return source && callMutatingHooks(attributes, source, server);
  },
};
