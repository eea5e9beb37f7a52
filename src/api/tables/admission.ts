/** Tables of webhooks, admission policies, API services and priority and fairness. @see pkg/printers/internalversion/printers.go */
import type {
  APIService,
  FlowSchema,
  LabelSelector,
  MutatingAdmissionPolicy,
  MutatingWebhookConfiguration,
  PriorityLevelConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../generated/types.ts';
import { ageColumn, ageOf, column, nameColumn, nameOf, tableOf } from './columns.ts';

/** Of both kinds of webhook configuration. */
export const webhookConfigurationTable = tableOf<MutatingWebhookConfiguration>({
  columns: [
    nameColumn,
    column('Webhooks', 'integer', 'Webhooks indicates the number of webhooks registered in this configuration'),
    ageColumn,
  ],
  row: (configuration, context) => [
    nameOf(configuration),
    configuration.webhooks?.length ?? 0,
    ageOf(configuration, context),
  ],
});

const paramKindColumn = column(
  'ParamKind',
  'string',
  'ParamKind specifies the kind of resources used to parameterize this policy',
);

export const validatingAdmissionPolicyTable = tableOf<ValidatingAdmissionPolicy>({
  columns: [
    nameColumn,
    column(
      'Validations',
      'integer',
      'Validations indicates the number of validation rules defined in this configuration',
    ),
    paramKindColumn,
    ageColumn,
  ],
  row: (policy, context) => [
    nameOf(policy),
    policy.spec?.validations?.length ?? 0,
    paramKind(policy.spec?.paramKind),
    ageOf(policy, context),
  ],
});

export const mutatingAdmissionPolicyTable = tableOf<MutatingAdmissionPolicy>({
  columns: [
    nameColumn,
    column('Mutations', 'integer', 'Mutation indicates the number of mutations rules defined in this configuration'),
    paramKindColumn,
    ageColumn,
  ],
  row: (policy, context) => [
    nameOf(policy),
    policy.spec?.mutations?.length ?? 0,
    paramKind(policy.spec?.paramKind),
    ageOf(policy, context),
  ],
});

function paramKind(kind: { apiVersion?: string | undefined; kind?: string | undefined } | undefined): string {
  return kind === undefined ? '<unset>' : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

/** Of the bindings of both kinds of policy. */
export const policyBindingTable = tableOf<ValidatingAdmissionPolicyBinding>({
  columns: [
    nameColumn,
    column('PolicyName', 'string', 'PolicyName indicates the policy definition which the policy binding binded to'),
    column('ParamRef', 'string', 'ParamRef indicates the param resource which sets the configration param'),
    ageColumn,
  ],
  row: (binding, context) => [
    nameOf(binding),
    binding.spec?.policyName ?? '',
    paramRef(binding),
    ageOf(binding, context),
  ],
});

function paramRef(binding: ValidatingAdmissionPolicyBinding): string {
  const reference = binding.spec?.paramRef;
  if (reference?.name) return `${reference.namespace || '*'}/${reference.name}`;
  return reference?.selector === undefined ? '<unset>' : goSelector(reference.selector);
}

/** A LabelSelector as Go's generated String method writes it. */
export function goSelector(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector?.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}

export const apiServiceTable = tableOf<APIService>({
  columns: [
    nameColumn,
    column('Service', 'string', 'The reference to the service that hosts this API endpoint.'),
    column('Available', 'string', 'Whether this service is available.'),
    ageColumn,
  ],
  row(service, context) {
    const target = service.spec?.service;
    const available = service.status?.conditions?.find(({ type }) => type === 'Available');
    let text = 'Unknown';
    if (available !== undefined) {
      text = available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
    }
    return [
      nameOf(service),
      target === undefined ? 'Local' : `${target.namespace ?? ''}/${target.name ?? ''}`,
      text,
      ageOf(service, context),
    ];
  },
});

const flowcontrol = (type: string) => `io.k8s.api.flowcontrol.v1.${type}`;

export const flowSchemaTable = tableOf<FlowSchema>({
  columns: [
    nameColumn,
    column('PriorityLevel', 'string', [flowcontrol('PriorityLevelConfigurationReference'), 'name']),
    column('MatchingPrecedence', 'string', [flowcontrol('FlowSchemaSpec'), 'matchingPrecedence']),
    column('DistinguisherMethod', 'string', [flowcontrol('FlowSchemaSpec'), 'distinguisherMethod']),
    ageColumn,
    column('MissingPL', 'string', 'references a broken or non-existent PriorityLevelConfiguration'),
  ],
  row: (schema, context) => [
    nameOf(schema),
    schema.spec?.priorityLevelConfiguration?.name ?? '',
    schema.spec?.matchingPrecedence ?? 0,
    schema.spec?.distinguisherMethod?.type ?? '<none>',
    ageOf(schema, context),
    schema.status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
  ],
  // In the order in which they are tried.
  compare(a, b) {
    const difference = (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0);
    return difference !== 0 ? difference : nameOf(a) < nameOf(b) ? -1 : 1;
  },
});

export const priorityLevelTable = tableOf<PriorityLevelConfiguration>({
  columns: [
    nameColumn,
    column('Type', 'string', [flowcontrol('PriorityLevelConfigurationSpec'), 'type']),
    column('NominalConcurrencyShares', 'string', [
      flowcontrol('LimitedPriorityLevelConfiguration'),
      'nominalConcurrencyShares',
    ]),
    column('Queues', 'string', [flowcontrol('QueuingConfiguration'), 'queues']),
    column('HandSize', 'string', [flowcontrol('QueuingConfiguration'), 'handSize']),
    column('QueueLengthLimit', 'string', [flowcontrol('QueuingConfiguration'), 'queueLengthLimit']),
    ageColumn,
  ],
  row(level, context) {
    const limited = level.spec?.limited;
    const queuing = limited?.limitResponse?.queuing;
    return [
      nameOf(level),
      level.spec?.type ?? '',
      limited?.nominalConcurrencyShares ?? '<none>',
      queuing?.queues ?? '<none>',
      queuing?.handSize ?? '<none>',
      queuing?.queueLengthLimit ?? '<none>',
      ageOf(level, context),
    ];
  },
});
