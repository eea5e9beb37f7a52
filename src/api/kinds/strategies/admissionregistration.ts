/**
 * Strategies of webhook configurations, admission policies and their bindings.
 * @see pkg/apis/admissionregistration/v1/defaults.go
 */
import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../generated/types.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { strategyOf } from '../strategy-of.ts';

const webhooksChanged = (object: { webhooks?: unknown }, previous: { webhooks?: unknown }) =>
  !semanticEqual(object.webhooks, previous.webhooks);

export const mutatingWebhookStrategy = strategyOf<MutatingWebhookConfiguration>({
  defaults(configuration: MutatingWebhookConfiguration) {
    for (const webhook of configuration.webhooks ?? []) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  generation: webhooksChanged,
  allowUnconditionalUpdate: false,
});

export const validatingWebhookStrategy = strategyOf<ValidatingWebhookConfiguration>({
  defaults(configuration: ValidatingWebhookConfiguration) {
    for (const webhook of configuration.webhooks ?? []) defaultWebhook(webhook);
  },
  generation: webhooksChanged,
  allowUnconditionalUpdate: false,
});

/** Of ValidatingAdmissionPolicy. */
export const validatingPolicyStrategy = strategyOf<ValidatingAdmissionPolicy>({
  defaults(policy: ValidatingAdmissionPolicy) {
    policy.spec ??= {};
    policy.spec.failurePolicy ??= 'Fail';
    if (policy.spec.matchConstraints !== undefined) defaultMatch(policy.spec.matchConstraints);
  },
  generation: true,
  allowUnconditionalUpdate: false,
});

/** Of MutatingAdmissionPolicy, which has no status. */
export const mutatingPolicyStrategy = strategyOf<MutatingAdmissionPolicy>({
  defaults(policy: MutatingAdmissionPolicy) {
    if (policy.spec === undefined) return;
    policy.spec.failurePolicy ??= 'Fail';
    if (policy.spec.matchConstraints !== undefined) defaultMatch(policy.spec.matchConstraints);
  },
  generation: true,
  allowUnconditionalUpdate: false,
});

/** Of the bindings of both kinds of policy. */
export const policyBindingStrategy = strategyOf<ValidatingAdmissionPolicyBinding>({
  defaults(binding: ValidatingAdmissionPolicyBinding) {
    if (binding.spec?.matchResources !== undefined) defaultMatch(binding.spec.matchResources);
  },
  generation: true,
  allowUnconditionalUpdate: false,
});

function defaultWebhook(webhook: MutatingWebhook | ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= 443;
  defaultRules(webhook.rules);
}

function defaultMatch(match: MatchResources): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

function defaultRules(rules: readonly Pick<RuleWithOperations, 'scope'>[] | undefined): void {
  for (const rule of rules ?? []) (rule as RuleWithOperations).scope ??= '*';
}
