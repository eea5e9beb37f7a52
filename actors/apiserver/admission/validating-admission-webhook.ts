/** ValidatingAdmissionWebhook: webhooks that are registered may refuse requests. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating */
import type { Server } from '../server.ts';
import { callValidatingHooks, createHookSource, type HookSource } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const CONFIGURATIONS = '/registry/validatingwebhookconfigurations';

const sources = new WeakMap<Server, HookSource>();

export const validatingAdmissionWebhook: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',
  handles: () => true,
  validate(attributes, server) {
    let source = sources.get(server);
    if (source === undefined) {
      source = createHookSource(server, CONFIGURATIONS);
      sources.set(server, source);
    }
    if (source.isEmpty) return;
    const { kind, operation, subresource } = attributes;
    if (source.matching(kind, operation, subresource).length === 0) return;
    return callValidatingHooks(attributes, source, server);
  },
};
