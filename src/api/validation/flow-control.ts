/**
 * Flow schemas and priority levels.
 * @see pkg/apis/flowcontrol/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validatePathSegmentName } from '../names.ts';
import { at, type Check, collect, type Path } from './check.ts';

const specPath = fieldPath('spec');
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const urlVerbs = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'];
const distinguishers = ['ByNamespace', 'ByUser'];
type Subject = NonNullable<NonNullable<FlowSchemaSpec['rules']>[number]['subjects']>[number];

function checkFlowSchema(check: Check, schema: FlowSchema): void {
  const spec: Partial<FlowSchemaSpec> = schema.spec ?? {};
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec;
  const name = schema.metadata?.name ?? '';
  if (matchingPrecedence <= 0)
    check.invalid(specPath, 'matchingPrecedence', matchingPrecedence, 'must be a positive value');
  if (matchingPrecedence > 10_000)
    check.invalid(specPath, 'matchingPrecedence', matchingPrecedence, 'must not be greater than 10000');
  if (matchingPrecedence === 1 && name !== 'exempt')
    check.invalid(
      specPath,
      'matchingPrecedence',
      matchingPrecedence,
      "only the schema named 'exempt' may have matchingPrecedence 1",
    );
  if (distinguisherMethod)
    check.oneOf(at(specPath, 'distinguisherMethod'), 'type', distinguisherMethod.type, distinguishers);
  const level = priorityLevelConfiguration?.name;
  const place = at(specPath, 'priorityLevelConfiguration');
  if (!level) check.required(place, 'name', 'must reference a priority level');
  else check.dnsSubdomain(place, 'name', level);
  rules.forEach((rule, index) => {
    const path = at(at(specPath, 'rules'), index);
    const subjects = rule.subjects ?? [];
    if (subjects.length === 0) check.required(path, 'subjects', 'subjects must contain at least one value');
    subjects.forEach((subject, order) => {
      checkSubject(check, at(at(path, 'subjects'), order), subject);
    });
    const { resourceRules = [], nonResourceRules = [] } = rule;
    if (resourceRules.length === 0 && nonResourceRules.length === 0)
      check.required(path, '', 'at least one of resourceRules and nonResourceRules has to be non-empty');
    resourceRules.forEach((one, order) => {
      checkResourceRule(check, at(at(path, 'resourceRules'), order), one);
    });
    nonResourceRules.forEach((one, order) => {
      checkUrlRule(check, at(at(path, 'nonResourceRules'), order), one);
    });
  });
}

function checkSubject(check: Check, path: Path, subject: Subject): void {
  const { kind, serviceAccount, user, group } = subject;
  const texts: Readonly<Record<string, readonly [string, unknown]>> = {
    ServiceAccount: ['serviceAccount', serviceAccount],
    User: ['user', user],
    Group: ['group', group],
  };
  const expected = texts[kind];
  if (expected === undefined) {
    check.notSupported(path, 'kind', kind ?? '', ['Group', 'ServiceAccount', 'User']);
    return;
  }
  if (!expected[1]) check.required(path, expected[0], `${expected[0]} is required when subject kind is '${kind}'`);
  for (const [field, value] of Object.values(texts)) {
    if (field === expected[0] || !value) continue;
    check.forbidden(
      path,
      field,
      `${field} is forbidden when subject kind is not '${field.charAt(0).toUpperCase()}${field.slice(1)}'`,
    );
  }
  if (kind === 'ServiceAccount' && serviceAccount) {
    const here = at(path, 'serviceAccount');
    if (!serviceAccount.name) check.required(here, 'name');
    else if (serviceAccount.name !== '*') check.dnsSubdomain(here, 'name', serviceAccount.name);
    if (!serviceAccount.namespace) check.required(here, 'namespace', 'must specify namespace for service account');
    else check.dnsLabel(here, 'namespace', serviceAccount.namespace);
  }
  if (kind === 'User' && user && !user.name) check.required(at(path, 'user'), 'name');
  if (kind === 'Group' && group && !group.name) check.required(at(path, 'group'), 'name');
}

/** A list that holds something, and with `*` nothing else. */
function checkList(check: Check, path: Path, field: string, values: readonly string[], missing: string): void {
  if (values.length === 0) check.required(path, field, missing);
  if (values.includes('*') && values.length > 1)
    check.invalid(path, field, values, "if '*' is present, must not specify other values");
}

function checkResourceRule(check: Check, path: Path, rule: ResourcePolicyRule): void {
  const { clusterScope } = rule;
  const apiGroups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  const namespaces = rule.namespaces ?? [];
  const given = rule.verbs ?? [];
  if (given.length === 0) check.required(path, 'verbs', 'verbs must contain at least one value');
  else if (given.includes('*')) {
    if (given.length > 1) check.invalid(path, 'verbs', given, "if '*' is present, must not specify other verbs");
  } else if (given.some((verb) => !verbs.includes(verb))) check.notSupported(path, 'verbs', given, verbs);
  checkList(check, path, 'apiGroups', apiGroups, 'resource rules must supply at least one api group');
  checkList(check, path, 'resources', resources, 'resource rules must supply at least one resource');
  if (namespaces.length === 0 && !clusterScope)
    check.required(path, 'namespaces', 'resource rules that are not cluster scoped must supply at least one namespace');
  else if (namespaces.includes('*')) {
    if (namespaces.length > 1)
      check.invalid(path, 'namespaces', namespaces, "if '*' is present, must not specify other namespaces");
  } else
    namespaces.forEach((namespace, index) => {
      check.dnsLabel(at(path, 'namespaces'), index, namespace);
    });
}

function checkUrlRule(check: Check, path: Path, rule: NonResourcePolicyRule): void {
  const given = rule.verbs ?? [];
  if (given.length === 0) check.required(path, 'verbs', 'verbs must contain at least one value');
  else if (given.includes('*')) {
    if (given.length > 1) check.invalid(path, 'verbs', given, "if '*' is present, must not specify other verbs");
  } else if (given.some((verb) => !urlVerbs.includes(verb))) check.notSupported(path, 'verbs', given, urlVerbs);
  const urls = rule.nonResourceURLs ?? [];
  if (urls.length === 0) check.required(path, 'nonResourceURLs', 'nonResourceURLs must contain at least one value');
  else if (urls.includes('*')) {
    if (urls.length > 1)
      check.invalid(path, 'nonResourceURLs', urls, "if '*' is present, must not specify other non-resource URLs");
  } else
    urls.forEach((url, index) => {
      const place = at(path, 'nonResourceURLs');
      if (url === '') check.invalid(place, index, url, 'non-resource URL path must not be empty');
      else if (!url.startsWith('/')) check.invalid(place, index, url, 'must start with slash');
      else if (url.includes(' ')) check.invalid(place, index, url, 'must not contain white-space');
      else if (url.slice(0, -1).includes('*')) check.invalid(place, index, url, 'wildcard can only do suffix matching');
    });
}

/** Of the status of both kinds: a type each, and none twice. */
function checkConditionTypes(check: Check, conditions: readonly { readonly type?: string | undefined }[] = []): void {
  conditions.forEach(({ type = '' }, index) => {
    const place = at(at(fieldPath('status'), 'conditions'), index);
    if (conditions.findIndex((other) => (other.type ?? '') === type) < index) check.duplicate(place, 'type', type);
    check.present(place, 'type', type);
  });
}

const validateSchema = (schema: FlowSchema) => collect((check) => checkFlowSchema(check, schema));

export const flowSchemaValidation = strategyOf<FlowSchema>({
  validate: validateSchema,
  validateUpdate: validateSchema,
  status: {
    validateUpdate: ({ status }: FlowSchema) => collect((check) => checkConditionTypes(check, status?.conditions)),
  },
});

function checkLevel(check: Check, level: PriorityLevelConfiguration): void {
  const name = level.metadata?.name ?? '';
  const spec: Partial<PriorityLevelConfigurationSpec> = level.spec ?? {};
  check.all(fieldPath('metadata'), 'name', name, validatePathSegmentName(name));
  const { type, limited, exempt } = spec;
  if ((name === 'exempt') !== (type === 'Exempt')) {
    const text = "type must be 'Exempt' if and only if name is 'exempt'";
    check.invalid(specPath, 'type', type ?? '', text);
  }
  if (type === 'Exempt') {
    if (limited) check.forbidden(specPath, 'limited', 'must be nil if the type is not Limited');
    check.nonNegative(at(specPath, 'exempt'), 'nominalConcurrencyShares', exempt?.nominalConcurrencyShares);
    return;
  }
  if (type !== 'Limited') {
    check.notSupported(specPath, 'type', type ?? '', ['Exempt', 'Limited']);
    return;
  }
  if (exempt) check.forbidden(specPath, 'exempt', 'must be nil if the type is Limited');
  if (!limited) {
    check.required(specPath, 'limited', 'must not be empty when type is Limited');
    return;
  }
  const path = at(specPath, 'limited');
  const { nominalConcurrencyShares: shares, limitResponse, borrowingLimitPercent, lendablePercent } = limited;
  if (shares !== undefined && shares < 0)
    check.invalid(path, 'nominalConcurrencyShares', shares, 'must be a non-negative integer');
  checkResponse(check, at(path, 'limitResponse'), limitResponse);
  if (lendablePercent !== undefined && (lendablePercent < 0 || lendablePercent > 100))
    check.invalid(path, 'lendablePercent', lendablePercent, 'must be between 0 and 100, inclusive');
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0)
    check.invalid(path, 'borrowingLimitPercent', borrowingLimitPercent, 'if specified, must be a non-negative integer');
}

type Response = NonNullable<NonNullable<PriorityLevelConfigurationSpec['limited']>['limitResponse']>;

function checkResponse(check: Check, path: Path, response: Response | undefined): void {
  const queuing = response?.queuing;
  if (response?.type === 'Reject') {
    if (queuing) check.forbidden(path, 'queuing', 'must be nil if limited.limitResponse.type is not Limited');
    return;
  }
  if (response?.type !== 'Queue') {
    check.notSupported(path, 'type', response?.type ?? '', ['Queue', 'Reject']);
    return;
  }
  if (!queuing) {
    check.required(path, 'queuing', 'must not be empty if limited.limitResponse.type is Limited');
    return;
  }
  const here = at(path, 'queuing');
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  if (queueLengthLimit <= 0) check.invalid(here, 'queueLengthLimit', queueLengthLimit, 'must be positive');
  if (queues <= 0) check.invalid(here, 'queues', queues, 'must be positive');
  else if (queues > 10_000_000) check.invalid(here, 'queues', queues, 'must not be greater than 10000000');
  if (handSize <= 0) check.invalid(here, 'handSize', handSize, 'must be positive');
  else if (handSize > queues) {
    const text = `should not be greater than queues (${queues})`;
    check.invalid(here, 'handSize', handSize, text);
  }
}

export const priorityLevelValidation = strategyOf<PriorityLevelConfiguration>({
  validate: (level: PriorityLevelConfiguration) => collect((check) => checkLevel(check, level)),
  validateUpdate: (level: PriorityLevelConfiguration, previous: PriorityLevelConfiguration) =>
    collect((check) => {
      if (!semanticEqual(level.spec, previous.spec)) checkLevel(check, level);
    }),
  status: {
    validateUpdate: ({ status }: PriorityLevelConfiguration) =>
      collect((check) => checkConditionTypes(check, status?.conditions)),
  },
});
