/** Admission policies in CEL, validating and mutating: where they come from, whom they concern, what they say. */
export { type MutatingRules, mutateByPolicies, mutatingRules } from './mutating.ts';
export { createPolicySource, type Policy, type PolicySource } from './policies.ts';
export { type ValidatingRules, validateByPolicies, validatingRules } from './validating.ts';
