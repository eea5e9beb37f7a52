/** ValidatingAdmissionPolicy: policies in CEL may refuse what is written. @see staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating */
import {
  createPolicySource,
  type PolicySource,
  type ValidatingRules,
  validateByPolicies,
  validatingRules,
} from '../policies/index.ts';
import type { Server } from '../server.ts';
import { isExempt } from '../webhooks/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const PREFIXES = {
  policies: '/registry/validatingadmissionpolicies',
  bindings: '/registry/validatingadmissionpolicybindings',
};

const sources = new WeakMap<Server, PolicySource<ValidatingRules>>();

export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',
  handles: (kind) => !isExempt(kind),
  needs: Object.values(PREFIXES),
  validate(attributes, server) {
    let source = sources.get(server);
    if (source === undefined) {
      source = createPolicySource(server, PREFIXES, validatingRules);
      sources.set(server, source);
    }
    const { kind, operation, subresource } = attributes;
    const known = source.known(kind, operation, subresource);
    if (known !== undefined) return known.length === 0 ? undefined : validateByPolicies(known, attributes, server);
    return source
      .about(kind, operation, subresource)
      .then((policies) => validateByPolicies(policies, attributes, server));
  },
};
