/** ValidatingAdmissionWebhook: webhooks that are registered may refuse requests. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating */
import { callValidatingHooks, hooksFor } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const CONFIGURATIONS = '/registry/validatingwebhookconfigurations';

export const validatingAdmissionWebhook: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',
  handles: () => true,
  needs: [CONFIGURATIONS],
  validate(attributes, server) {
    const source = hooksFor(attributes, server, CONFIGURATIONS);
    return source && callValidatingHooks(attributes, source, server);
  },
};
