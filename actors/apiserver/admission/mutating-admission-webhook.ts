/** MutatingAdmissionWebhook: webhooks that are registered may change what is written. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating */
import type { Server } from '../server.ts';
import { callMutatingHooks, createHookSource, type HookSource } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const CONFIGURATIONS = '/registry/mutatingwebhookconfigurations';

const sources = new WeakMap<Server, HookSource>();

export const mutatingAdmissionWebhook: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  handles: () => true,
  mutate(attributes, server) {
    let source = sources.get(server);
    if (source === undefined) {
      source = createHookSource(server, CONFIGURATIONS);
      sources.set(server, source);
    }
    if (source.isEmpty) return;
    const { kind, operation, subresource } = attributes;
    if (source.matching(kind, operation, subresource).length === 0) return;
    return callMutatingHooks(attributes, source, server);
  },
};
