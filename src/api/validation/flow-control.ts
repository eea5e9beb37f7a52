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
  ServiceAccountSubject,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDnsLabel } from '../names.ts';
import { at, type Check, collect, type Path } from './check.ts';
import { mandatoryLevels, mandatorySchemas } from './flow-control-mandatory.ts';
import { internalForm } from './internal-form.ts';

const specPath = fieldPath('spec');
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
/** Of an older version, where it kept a share of zero apart from none given. */
const zeroSharesAnnotation = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';
const distinguishers = ['ByNamespace', 'ByUser'];
const subjectFields: Readonly<Record<string, 'group' | 'serviceAccount' | 'user'>> = {
  Group: 'group',
  ServiceAccount: 'serviceAccount',
  User: 'user',
};
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
  if (distinguisherMethod && !distinguishers.includes(distinguisherMethod.type ?? '')) {
    const form = internalForm('FlowDistinguisherMethod', distinguisherMethod);
    check.notSupported(at(specPath, 'distinguisherMethod'), 'type', form, distinguishers);
  }
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
  const fixed = mandatorySchemas[name];
  if (fixed !== undefined && !semanticEqual(spec, fixed))
    check.invalid(specPath, '', internalForm('FlowSchemaSpec', spec), `spec of '${name}' must equal the fixed value`);
  checkConditionTypes(check, schema.status?.conditions);
}

function checkSubject(check: Check, path: Path, subject: Subject): void {
  const kind = subject.kind ?? '';
  const own = subjectFields[kind];
  if (own === undefined) {
    check.notSupported(path, 'kind', kind, Object.keys(subjectFields));
    return;
  }
  if (!subject[own]) check.required(path, own, `${own} is required when subject kind is '${kind}'`);
  else if (own === 'serviceAccount') checkServiceAccount(check, at(path, own), subject[own]);
  else check.present(at(path, own), 'name', subject[own]?.name);
  for (const field of ['serviceAccount', 'user', 'group'] as const) {
    if (field === own || !subject[field]) continue;
    const needed = `${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    check.forbidden(path, field, `${field} is forbidden when subject kind is not '${needed}'`);
  }
}

function checkServiceAccount(check: Check, path: Path, { name, namespace }: Partial<ServiceAccountSubject>): void {
  if (!name) check.required(path, 'name');
  else if (name !== '*') check.dnsSubdomain(path, 'name', name);
  if (!namespace) check.required(path, 'namespace', 'must specify namespace for service account');
  else check.dnsLabel(path, 'namespace', namespace);
}

/** Verbs that are known, or all of them. */
function checkVerbs(check: Check, path: Path, given: readonly string[]): void {
  if (given.length === 0) check.required(path, 'verbs');
  else if (given.includes('*')) {
    if (given.length > 1) check.invalid(path, 'verbs', given, "if '*' is present, must not specify other verbs");
  } else if (given.some((verb) => !verbs.includes(verb))) check.notSupported(path, 'verbs', given, verbs);
}

/** A list that holds something, and with `*` nothing else. */
function checkList(
  check: Check,
  path: Path,
  field: string,
  values: readonly string[],
  missing: string,
  what: string,
): void {
  if (values.length === 0) check.required(path, field, missing);
  else if (values.includes('*') && values.length > 1)
    check.invalid(path, field, values, `if '*' is present, must not specify other ${what}`);
}

const namespaceText = "each member of this list must be '*' or a DNS-1123 label; ";

function checkResourceRule(check: Check, path: Path, rule: ResourcePolicyRule): void {
  const namespaces = rule.namespaces ?? [];
  checkVerbs(check, path, rule.verbs ?? []);
  const noGroup = 'resource rules must supply at least one api group';
  checkList(check, path, 'apiGroups', rule.apiGroups ?? [], noGroup, 'api groups');
  const noResource = 'resource rules must supply at least one resource';
  checkList(check, path, 'resources', rule.resources ?? [], noResource, 'resources');
  if (namespaces.length === 0 && !rule.clusterScope)
    check.required(path, 'namespaces', 'resource rules that are not cluster scoped must supply at least one namespace');
  else if (namespaces.includes('*')) {
    if (namespaces.length > 1)
      check.invalid(path, 'namespaces', namespaces, "if '*' is present, must not specify other namespaces");
  } else
    namespaces.forEach((namespace, index) => {
      const messages = validateDnsLabel(namespace).map((message) => `${namespaceText}${message}`);
      check.all(at(path, 'namespaces'), index, namespace, messages);
    });
}

function checkUrlRule(check: Check, path: Path, rule: NonResourcePolicyRule): void {
  checkVerbs(check, path, rule.verbs ?? []);
  const urls = rule.nonResourceURLs ?? [];
  checkList(check, path, 'nonResourceURLs', urls, '', 'non-resource URLs');
  if (urls.includes('*')) return;
  urls.forEach((url, index) => {
    const refusal = urlRefusal(url);
    if (refusal !== undefined) check.invalid(at(path, 'nonResourceURLs'), index, url, refusal);
  });
}

function urlRefusal(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
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
  const { type = '', limited, exempt } = spec;
  if (level.metadata?.annotations?.[zeroSharesAnnotation] !== undefined)
    check.forbidden(fieldPath('metadata'), 'annotations', `annotation '${zeroSharesAnnotation}' is forbidden`);
  if ((name === 'exempt') !== (type === 'Exempt'))
    check.invalid(specPath, 'type', type, "must be 'Exempt' if and only if `name` is 'exempt'");
  if (type === 'Exempt') {
    if (limited) check.forbidden(specPath, 'limited', 'must be nil if the type is not Limited');
    if (exempt) checkExempt(check, at(specPath, 'exempt'), exempt);
  } else if (type === 'Limited') {
    if (exempt) check.forbidden(specPath, 'exempt', 'must be nil if the type is Limited');
    if (!limited) check.required(specPath, 'limited', 'must not be empty when type is Limited');
    else checkLimited(check, at(specPath, 'limited'), limited);
  } else check.notSupported(specPath, 'type', type, ['Exempt', 'Limited']);
  checkMandatoryLevel(check, name, spec);
  checkConditionTypes(check, level.status?.conditions);
}

type Exempt = NonNullable<PriorityLevelConfigurationSpec['exempt']>;
type Limited = NonNullable<PriorityLevelConfigurationSpec['limited']>;

function checkExempt(check: Check, path: Path, { nominalConcurrencyShares: shares, lendablePercent }: Exempt): void {
  if (shares !== undefined && shares < 0)
    check.invalid(path, 'nominalConcurrencyShares', shares, 'must be a non-negative integer');
  check.inRange(path, 'lendablePercent', lendablePercent, 0, 100);
}

function checkLimited(check: Check, path: Path, limited: Limited): void {
  const { nominalConcurrencyShares: shares = 0, limitResponse, borrowingLimitPercent, lendablePercent } = limited;
  if (shares <= 0) check.invalid(path, 'nominalConcurrencyShares', shares, 'must be positive');
  checkResponse(check, at(path, 'limitResponse'), limitResponse);
  check.inRange(path, 'lendablePercent', lendablePercent, 0, 100);
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0)
    check.invalid(path, 'borrowingLimitPercent', borrowingLimitPercent, 'if specified, must be a non-negative integer');
}

/** The levels that must be there: of the exempt one, its own part may be changed. */
function checkMandatoryLevel(check: Check, name: string, spec: Partial<PriorityLevelConfigurationSpec>): void {
  const fixed = mandatoryLevels[name];
  if (fixed === undefined) return;
  const wanted = name === 'exempt' ? { ...fixed, exempt: spec.exempt } : fixed;
  if (semanticEqual(spec, wanted)) return;
  const but = name === 'exempt' ? " except the 'spec.exempt' field" : '';
  check.invalid(
    specPath,
    '',
    internalForm('PriorityLevelSpec', spec),
    `spec of '${name}'${but} must equal the fixed value`,
  );
}

type Response = NonNullable<Limited['limitResponse']>;

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
  } else if (entropyBits(queues, handSize) > hashBitsMax) {
    const text = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBitsMax}`;
    check.invalid(here, 'handSize', handSize, text);
  }
}

/** Of the hash that hands are dealt by. */
const hashBitsMax = 60;

/** How many bits it takes to deal a hand from a deck, reckoned as if each card came from a whole one. */
const entropyBits = (deck: number, hand: number): number => Math.ceil(Math.log2(deck) * hand);

export const priorityLevelValidation = strategyOf<PriorityLevelConfiguration>({
  validate: (level: PriorityLevelConfiguration) => collect((check) => checkLevel(check, level)),
  validateUpdate: (level: PriorityLevelConfiguration) => collect((check) => checkLevel(check, level)),
  status: {
    validateUpdate: ({ status }: PriorityLevelConfiguration) =>
      collect((check) => checkConditionTypes(check, status?.conditions)),
  },
});
