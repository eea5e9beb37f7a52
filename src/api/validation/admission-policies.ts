/**
 * Admission policies and their bindings, of both kinds. Expressions are handed on to {@link checkExpression}.
 * @see pkg/apis/admissionregistration/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicySpec,
  Validation,
  Variable,
} from '../generated/types.ts';
import { parseJsonPath } from '../jsonpath.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDns1035Label, validateDnsSubdomain, validatePathSegmentName } from '../names.ts';
import { checkMatchConditions, checkMatchResources, failurePolicies, reinvocationPolicies } from './admission-rules.ts';
import { at, type Check, collect, type Path } from './check.ts';
import { checkConditions } from './conditions.ts';
import { checkExpression, type ExpressionSurroundings } from './expressions.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector } from './label-selector.ts';

const specPath = fieldPath('spec');
const annotationsMax = 20;
const annotationExpressionBytesMax = 5 * 1024;
/** A policy that changes objects sees no deletions. */
const mutatingOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

type PolicySpec = Pick<
  ValidatingAdmissionPolicySpec,
  'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'
>;

/** What both kinds of policies have, in the order of its errors. */
function checkPolicy(check: Check, spec: PolicySpec, before: PolicySpec | undefined, mutating: boolean): void {
  const { failurePolicy, paramKind, matchConstraints, variables = [] } = spec;
  if (failurePolicy === undefined) check.required(specPath, 'failurePolicy');
  else check.oneOf(specPath, 'failurePolicy', failurePolicy, failurePolicies);
  if (paramKind) checkParamKind(check, at(specPath, 'paramKind'), paramKind);
  const place = at(specPath, 'matchConstraints');
  if (!matchConstraints) check.required(place, '');
  else {
    checkMatchResources(check, place, matchConstraints);
    if ((matchConstraints.resourceRules?.length ?? 0) === 0) check.required(place, 'resourceRules');
    if (mutating) checkMutatingOperations(check, place, matchConstraints);
  }
  const same =
    before !== undefined &&
    semanticEqual(before.paramKind, paramKind) &&
    semanticEqual(before.matchConditions, spec.matchConditions);
  if (!same)
    checkMatchConditions(check, at(specPath, 'matchConditions'), spec.matchConditions, paramKind !== undefined);
  variables.forEach((variable, index) => {
    const surroundings = {
      use: 'variable',
      params: paramKind !== undefined,
      variables: variables.slice(0, index),
    } as const;
    checkVariable(check, at(at(specPath, 'variables'), index), variable, surroundings);
  });
}

function checkMutatingOperations(check: Check, path: Path, match: MatchResources): void {
  for (const { operations = [] } of match.resourceRules ?? [])
    for (const operation of operations)
      check.oneOf(at(path, 'resourceRules'), 'operations', operation, mutatingOperations);
}

function checkParamKind(check: Check, path: Path, { apiVersion = '', kind = '' }: ParamKind): void {
  const [first = '', second, third] = apiVersion.split('/');
  if (apiVersion === '') check.required(path, 'apiVersion');
  else if (third !== undefined)
    check.invalid(path, 'apiVersion', apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const [group, version] = second === undefined ? ['', first] : [first, second];
    const groupMessages = group === '' ? [] : validateDnsSubdomain(group);
    if (groupMessages.length > 0) check.invalid(path, 'apiVersion', group, groupMessages.join(','));
    const versionMessages = validateDns1035Label(version);
    if (version === '') check.invalid(path, 'apiVersion', apiVersion, 'version must be specified');
    else if (versionMessages.length > 0) check.invalid(path, 'apiVersion', version, versionMessages.join(','));
  }
  const messages = validateDns1035Label(kind.toLowerCase());
  if (kind === '') check.required(path, 'kind');
  else if (messages.length > 0)
    check.invalid(path, 'kind', kind, `may have mixed case, but should otherwise match: ${messages.join(',')}`);
}

const reserved: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

function checkVariable(check: Check, path: Path, variable: Variable, surroundings: ExpressionSurroundings): void {
  const { name = '', expression = '' } = variable;
  if (name.trim() === '') check.required(path, 'name', 'name is not specified');
  else if (!identifier.test(name) || reserved.has(name))
    check.invalid(path, 'name', name, 'must be a valid CEL identifier');
  if (expression.trim() === '') check.required(path, 'expression', 'expression is not specified');
  else checkExpression(check, path, 'expression', expression, surroundings);
}

function checkRules(check: Check, policy: ValidatingAdmissionPolicy): void {
  const { validations = [], auditAnnotations = [], paramKind, variables = [] } = policy.spec ?? {};
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const text = 'validations or auditAnnotations must contain at least one item';
    check.required(specPath, 'validations', text);
    check.required(specPath, 'auditAnnotations', text);
    return;
  }
  const surroundings = { params: paramKind !== undefined, variables };
  validations.forEach((validation, index) => {
    checkValidation(check, at(at(specPath, 'validations'), index), validation, surroundings);
  });
  const path = at(specPath, 'auditAnnotations');
  if (auditAnnotations.length > annotationsMax)
    check.invalid(
      path,
      '',
      auditAnnotations.map((one) => internalForm('AuditAnnotation', one)),
      `must not have more than ${annotationsMax} auditAnnotations`,
    );
  auditAnnotations.forEach((annotation, index) => {
    checkAnnotation(check, at(path, index), annotation, policy.metadata?.name ?? '', surroundings);
    if (auditAnnotations.findIndex(({ key }) => key === annotation.key) < index)
      check.duplicate(at(path, index), 'key', annotation.key);
  });
}

type Surroundings = Omit<ExpressionSurroundings, 'use'>;

function checkValidation(check: Check, path: Path, validation: Validation, surroundings: Surroundings): void {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  if (expression.trim() === '') check.required(path, 'expression', 'expression is not specified');
  else checkExpression(check, path, 'expression', expression, { ...surroundings, use: 'validation' });
  if (messageExpression !== '' && messageExpression.trim() === '')
    check.invalid(path, 'messageExpression', messageExpression, 'must be non-empty if specified');
  else if (messageExpression !== '')
    checkExpression(check, path, 'messageExpression', messageExpression, { ...surroundings, use: 'messageExpression' });
  if (message !== '' && message.trim() === '')
    check.invalid(path, 'message', message, 'must be non-empty if specified');
  else if (/[\n\r]/.test(message.trim())) check.invalid(path, 'message', message, 'must not contain line breaks');
  if (reason !== undefined) check.oneOf(path, 'reason', reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
}

function checkAnnotation(
  check: Check,
  path: Path,
  annotation: AuditAnnotation,
  policy: string,
  surroundings: Surroundings,
): void {
  const { key = '', valueExpression = '' } = annotation;
  if (policy === '') check.invalid(path, 'key', key, 'requires metadata.name be non-empty');
  else check.qualifiedName(path, 'key', `${policy}/${key}`);
  const trimmed = valueExpression.trim();
  if (trimmed === '') check.required(path, 'valueExpression', 'valueExpression is not specified');
  else if (Buffer.byteLength(trimmed) > annotationExpressionBytesMax)
    check.required(path, 'valueExpression', `must not exceed ${annotationExpressionBytesMax} bytes in length`);
  else checkExpression(check, path, 'valueExpression', trimmed, { ...surroundings, use: 'auditAnnotation' });
}

function checkValidating(
  check: Check,
  policy: ValidatingAdmissionPolicy,
  previous: ValidatingAdmissionPolicy | undefined,
): void {
  checkPolicy(check, policy.spec ?? {}, previous?.spec, false);
  checkRules(check, policy);
}

function checkPolicyStatus(check: Check, { status }: ValidatingAdmissionPolicy): void {
  const path = fieldPath('status');
  status?.typeChecking?.expressionWarnings?.forEach(({ warning, fieldRef = '' }, index) => {
    const place = at(at(at(path, 'typeChecking'), 'expressionWarnings'), index);
    check.present(place, 'warning', warning);
    const reference = fieldRef.trim();
    if (reference === '') check.required(place, 'fieldRef');
    else {
      const refusal = jsonPathRefusal(reference);
      if (refusal !== undefined) check.invalid(place, 'fieldRef', reference, `invalid JSONPath: ${refusal}`);
    }
  });
  checkConditions(check, at(path, 'conditions'), status?.conditions);
}

function jsonPathRefusal(path: string): string | undefined {
  try {
    parseJsonPath(path);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const validatingPolicyValidation = strategyOf<ValidatingAdmissionPolicy>({
  usesExpressions: () => true,
  validate: (policy: ValidatingAdmissionPolicy) => collect((check) => checkValidating(check, policy, undefined)),
  validateUpdate: (policy: ValidatingAdmissionPolicy, previous: ValidatingAdmissionPolicy) =>
    collect((check) => checkValidating(check, policy, previous)),
  status: {
    validateUpdate: (policy: ValidatingAdmissionPolicy) => collect((check) => checkPolicyStatus(check, policy)),
  },
});

function checkMutating(
  check: Check,
  { spec = {} }: MutatingAdmissionPolicy,
  previous: MutatingAdmissionPolicy | undefined,
): void {
  checkPolicy(check, spec, previous?.spec, true);
  const { mutations = [], reinvocationPolicy } = spec;
  if (mutations.length === 0) check.required(specPath, 'mutations', 'mutations must contain at least one item');
  const surroundings = { params: spec.paramKind !== undefined, variables: spec.variables ?? [] };
  mutations.forEach((mutation, index) => {
    checkMutation(check, at(at(specPath, 'mutations'), index), mutation, surroundings);
  });
  if (!reinvocationPolicy) check.required(specPath, 'reinvocationPolicy');
  else check.oneOf(specPath, 'reinvocationPolicy', reinvocationPolicy, reinvocationPolicies);
}

const patchTypes = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function checkMutation(check: Check, path: Path, mutation: Mutation, surroundings: Surroundings): void {
  const { patchType = '' } = mutation;
  const own = patchTypes[patchType as keyof typeof patchTypes];
  if (patchType === '') check.required(path, 'patchType');
  else if (own === undefined) check.notSupported(path, 'patchType', patchType, Object.keys(patchTypes));
  if (own === undefined) return;
  const other = own === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const patch = mutation[own];
  const expression = (patch?.expression ?? '').trim();
  if (!patch) check.required(path, own, `must be specified when patchType is ${patchType}`);
  else if (expression === '') check.required(at(path, own), 'expression');
  else checkExpression(check, at(path, own), 'expression', expression, { ...surroundings, use: own });
  if (mutation[other]) check.invalid(path, other, `{${other}}`, `must not be specified when patchType is ${patchType}`);
}

export const mutatingPolicyValidation = strategyOf<MutatingAdmissionPolicy>({
  usesExpressions: () => true,
  validate: (policy: MutatingAdmissionPolicy) => collect((check) => checkMutating(check, policy, undefined)),
  validateUpdate: (policy: MutatingAdmissionPolicy, previous: MutatingAdmissionPolicy) =>
    collect((check) => checkMutating(check, policy, previous)),
});

function checkParamReference(check: Check, path: Path, reference: ParamRef | undefined): void {
  if (!reference) return;
  const { name = '', selector, parameterNotFoundAction: action } = reference;
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    check.all(path, 'name', name, validatePathSegmentName(name));
    if (selector) check.forbidden(path, 'name', exclusive);
  }
  if (selector) {
    checkLabelSelector(check, selector, path, 'selector');
    if (name !== '') check.forbidden(path, 'selector', exclusive);
  }
  if (name === '' && !selector) check.required(path, '', 'one of name or selector must be specified');
  check.requiredOneOf(path, 'parameterNotFoundAction', action, ['Deny', 'Allow']);
}

function checkPolicyName(check: Check, name: string | undefined): void {
  if (!name) check.required(specPath, 'policyName');
  else check.dnsSubdomain(specPath, 'policyName', name);
}

function checkActions(check: Check, path: Path, actions: readonly string[]): void {
  actions.forEach((action, index) => {
    check.oneOf(path, index, action, ['Audit', 'Deny', 'Warn']);
    if (actions.indexOf(action) < index) check.duplicate(path, index, action);
  });
  if (actions.includes('Deny') && actions.includes('Warn'))
    check.invalid(
      path,
      '',
      actions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    );
  if (actions.length === 0) check.required(path, '', 'at least one validation action is required');
}

const validateBinding = ({ spec }: ValidatingAdmissionPolicyBinding) =>
  collect((check) => {
    checkPolicyName(check, spec?.policyName);
    checkParamReference(check, at(specPath, 'paramRef'), spec?.paramRef);
    checkMatchResources(check, at(specPath, 'matchResources'), spec?.matchResources);
    checkActions(check, at(specPath, 'validationActions'), spec?.validationActions ?? []);
  });

export const validatingPolicyBindingValidation = strategyOf<ValidatingAdmissionPolicyBinding>({
  validate: validateBinding,
  validateUpdate: validateBinding,
});

const validateMutatingBinding = ({ spec }: MutatingAdmissionPolicyBinding) =>
  collect((check) => {
    const place = at(specPath, 'matchResources');
    checkPolicyName(check, spec?.policyName);
    checkParamReference(check, at(specPath, 'paramRef'), spec?.paramRef);
    checkMatchResources(check, place, spec?.matchResources);
    if (spec?.matchResources) checkMutatingOperations(check, place, spec.matchResources);
  });

export const mutatingPolicyBindingValidation = strategyOf<MutatingAdmissionPolicyBinding>({
  validate: validateMutatingBinding,
  validateUpdate: validateMutatingBinding,
});
