/**
 * Configurations of admission webhooks, of both kinds.
 * @see pkg/apis/admissionregistration/validation/validation.go
 */

import { fieldPath } from '../field-errors.ts';
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDns1035Label, validateDnsSubdomain } from '../names.ts';
import {
  checkMatchConditions,
  checkRule,
  failurePolicies,
  matchPolicies,
  reinvocationPolicies,
} from './admission-rules.ts';
import { at, Check, collect, type Path } from './check.ts';
import { hasMember } from './expressions.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkServiceReference, checkWebhookUrl } from './service-references.ts';

type Webhook = Partial<ValidatingWebhook> & Pick<Partial<MutatingWebhook>, 'reinvocationPolicy'>;

/** What is asked of webhooks, unless those that are stored did not keep to it either. */
interface Demands {
  readonly matchConditions: boolean;
  readonly noSideEffects: boolean;
  readonly knownVersion: boolean;
  readonly uniqueNames: boolean;
  readonly selectorValues: boolean;
}

const everything: Demands = {
  matchConditions: true,
  noSideEffects: true,
  knownVersion: true,
  uniqueNames: true,
  selectorValues: true,
};
const sideEffects = ['None', 'NoneOnDryRun'];
const allSideEffects = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const reviewVersions = ['v1', 'v1beta1'];

function checkWebhooks(check: Check, webhooks: readonly Webhook[], demands: Demands): void {
  const names = new Set<string>();
  webhooks.forEach((webhook, index) => {
    const path = at(fieldPath('webhooks'), index);
    checkWebhook(check, path, webhook, demands);
    checkReviewVersions(check, at(path, 'admissionReviewVersions'), webhook.admissionReviewVersions ?? [], demands);
    const name = webhook.name ?? '';
    if (demands.uniqueNames && name !== '' && names.has(name)) check.duplicate(path, 'name', name);
    names.add(name);
  });
}

function checkWebhook(check: Check, path: Path, webhook: Webhook, demands: Demands): void {
  const { rules, failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy } = webhook;
  checkFullName(check, path, webhook.name ?? '');
  rules?.forEach((rule, order) => {
    checkRule(check, at(at(path, 'rules'), order), rule);
  });
  if (failurePolicy !== undefined) check.oneOf(path, 'failurePolicy', failurePolicy, failurePolicies);
  if (matchPolicy !== undefined) check.oneOf(path, 'matchPolicy', matchPolicy, matchPolicies);
  const allowed = demands.noSideEffects ? sideEffects : allSideEffects;
  if ((webhook.sideEffects ?? undefined) === undefined)
    check.required(path, 'sideEffects', `must specify one of ${allowed.join(', ')}`);
  else check.oneOf(path, 'sideEffects', webhook.sideEffects, allowed);
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1))
    check.invalid(path, 'timeoutSeconds', timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
  checkLabelSelector(check, webhook.namespaceSelector, path, 'namespaceSelector', demands.selectorValues);
  checkLabelSelector(check, webhook.objectSelector, path, 'objectSelector', demands.selectorValues);
  if (reinvocationPolicy !== undefined)
    check.oneOf(path, 'reinvocationPolicy', reinvocationPolicy, reinvocationPolicies);
  const { url, service } = webhook.clientConfig ?? {};
  const client = at(path, 'clientConfig');
  if ((url === undefined) === (service === undefined))
    check.required(client, '', 'exactly one of url or service is required');
  else if (url !== undefined) checkWebhookUrl(check, at(client, 'url'), url);
  else checkServiceReference(check, at(client, 'service'), service ?? {});
  if (demands.matchConditions) checkMatchConditions(check, at(path, 'matchConditions'), webhook.matchConditions);
}

/** A name with at least two dots; the first rule that it breaks is the one that is told. */
function checkFullName(check: Check, path: Path, name: string): void {
  const messages = validateDnsSubdomain(name);
  if (name === '') check.required(path, 'name');
  else if (messages.length > 0) check.invalid(path, 'name', name, messages.join(','));
  else if (name.split('.').length < 3)
    check.invalid(path, 'name', name, 'should be a domain with at least three segments separated by dots');
}

function checkReviewVersions(check: Check, path: Path, versions: readonly string[], demands: Demands): void {
  if (versions.length === 0) {
    check.required(path, '', `must specify one of ${reviewVersions.join(', ')}`);
    return;
  }
  versions.forEach((version, index) => {
    if (versions.indexOf(version) < index) check.invalid(path, index, version, 'duplicate version');
    else check.all(path, index, version, validateDns1035Label(version));
  });
  if (demands.knownVersion && !hasKnownVersion(versions))
    check.invalid(path, '', versions, `must include at least one of ${reviewVersions.join(', ')}`);
}

const hasKnownVersion = (versions: readonly string[]): boolean => versions.some((one) => reviewVersions.includes(one));

/** What was stored is asked no more of than it was then. */
function demandsAfter(webhooks: readonly Webhook[], before: readonly Webhook[]): Demands {
  const names = before.map(({ name }) => name);
  return {
    matchConditions:
      webhooks.length !== before.length ||
      webhooks.some((webhook, index) => !semanticEqual(webhook.matchConditions, before[index]?.matchConditions)),
    noSideEffects: before.every((webhook) => sideEffects.includes(webhook.sideEffects ?? '')),
    knownVersion: before.every(
      ({ admissionReviewVersions: versions = [] }) => versions.length === 0 || hasKnownVersion(versions),
    ),
    uniqueNames: new Set(names).size === names.length,
    selectorValues: !before.some(hasBadSelector),
  };
}

function hasBadSelector(webhook: Webhook): boolean {
  const check = new Check();
  checkLabelSelector(check, webhook.namespaceSelector, undefined, 'namespaceSelector');
  checkLabelSelector(check, webhook.objectSelector, undefined, 'objectSelector');
  return check.errors.length > 0;
}

/** Of both kinds of webhook configurations. */
export const webhookConfigurationValidation = strategyOf<MutatingWebhookConfiguration>({
  usesExpressions: (configuration: MutatingWebhookConfiguration) => hasMember(configuration, 'matchConditions'),
  validate: ({ webhooks = [] }: MutatingWebhookConfiguration) =>
    collect((check) => checkWebhooks(check, webhooks, everything)),
  validateUpdate: ({ webhooks = [] }: MutatingWebhookConfiguration, previous: MutatingWebhookConfiguration) =>
    collect((check) => checkWebhooks(check, webhooks, demandsAfter(webhooks, previous.webhooks ?? []))),
});
