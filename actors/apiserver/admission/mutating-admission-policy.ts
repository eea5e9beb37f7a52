/** MutatingAdmissionPolicy: policies in CEL may change what is written. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating */
import {
  createPolicySource,
  type MutatingRules,
  mutateByPolicies,
  mutatingRules,
  type PolicySource,
} from '../policies/index.ts';
import type { Server } from '../server.ts';
import { isExempt } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const PREFIXES = {
  policies: '/registry/mutatingadmissionpolicies',
  bindings: '/registry/mutatingadmissionpolicybindings',
};

const sources = new WeakMap<Server, PolicySource<MutatingRules>>();

export const mutatingAdmissionPolicy: AdmissionPlugin = {
  name: 'MutatingAdmissionPolicy',
  handles: (kind, operation) => operation !== 'DELETE' && !isExempt(kind),
  needs: Object.values(PREFIXES),
  mutate(attributes, server) {
    let source = sources.get(server);
    if (source === undefined) {
      source = createPolicySource(server, PREFIXES, mutatingRules);
      sources.set(server, source);
    }
    const { kind, operation, subresource } = attributes;
    const known = source.known(kind, operation, subresource);
    if (known !== undefined) return known.length === 0 ? undefined : mutateByPolicies(known, attributes, server);
    return source
      .about(kind, operation, subresource)
      .then((policies) => mutateByPolicies(policies, attributes, server));
  },
};
