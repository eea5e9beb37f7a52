/**
 * Strategies of the core group's smaller kinds. Pods, services and volumes have files of their own.
 * @see pkg/apis/core/v1/defaults.go, pkg/registry/core
 */
import type {
  Endpoints,
  LimitRange,
  LimitRangeItem,
  Namespace,
  Node,
  PodTemplate,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '../../generated/types.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import { dropPodFields } from './pod-dropped-fields.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { podTemplateWarnings } from './pod-warnings.ts';
import { fillResources, roundUpResources } from './resource-list.ts';

const nameLabel = 'kubernetes.io/metadata.name';

export const namespaceStrategy = strategyOf<Namespace>({
  defaults(namespace: Namespace) {
    labelWithName(namespace);
    if (namespace.status !== undefined) namespace.status.phase ||= 'Active';
  },
  generation: false,
  initialStatus: () => ({ phase: 'Active' }),
  prepareForCreate(namespace: Namespace) {
    labelWithName(namespace);
    namespace.spec ??= {};
    const finalizers = namespace.spec.finalizers ?? [];
    if (!finalizers.includes('kubernetes')) namespace.spec.finalizers = [...finalizers, 'kubernetes'];
  },
  prepareForUpdate(namespace: Namespace, previous: Namespace) {
    namespace.spec ??= {};
    keepFinalizers(namespace, previous);
  },
  status: { keptMetadata: [] },
  subresources: {
    finalize: {
      prepareForUpdate(namespace: Namespace, previous: Namespace) {
        if (previous.status === undefined) delete namespace.status;
        else namespace.status = previous.status;
        if (namespace.metadata === undefined) return;
        const finalizers = previous.metadata?.finalizers;
        if (finalizers === undefined) delete namespace.metadata.finalizers;
        else namespace.metadata.finalizers = finalizers;
      },
    },
  },
  hasFinalizers: (namespace: Namespace) => (namespace.spec?.finalizers?.length ?? 0) > 0,
});

/** A namespace whose name is still to be generated gets its label when it has one. */
function labelWithName(namespace: Namespace): void {
  const name = namespace.metadata?.name;
  if (!name) return;
  namespace.metadata!.labels ??= {};
  namespace.metadata!.labels[nameLabel] = name;
}

function keepFinalizers(namespace: Namespace, previous: Namespace): void {
  const finalizers = previous.spec?.finalizers;
  if (finalizers === undefined) delete namespace.spec!.finalizers;
  else namespace.spec!.finalizers = finalizers;
}

export const namespaceSelectableFields = selectableFieldsOf<Namespace>({
  'status.phase': (namespace: Namespace) => namespace.status?.phase ?? '',
});

export const nodeStrategy = strategyOf<Node>({
  defaults(node: Node) {
    const status = node.status;
    if (status?.capacity !== undefined) {
      roundUpResources(status.capacity);
      status.allocatable ??= { ...status.capacity };
    }
    if (status?.allocatable !== undefined) roundUpResources(status.allocatable);
    const spec = node.spec;
    if (spec === undefined) return;
    // Of two that differ the single one counts, as it is what older clients set.
    if (spec.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
    else if (!spec.podCIDR && spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
  },
  generation: false,
  keepStatusOnCreate: true,
  status: { keptMetadata: [] },
  warnings(node: Node) {
    const warnings: string[] = [];
    if (node.spec?.configSource !== undefined) {
      warnings.push('spec.configSource: the feature is removed');
    }
    if (node.spec?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
    return warnings;
  },
});

export const nodeSelectableFields = selectableFieldsOf<Node>({
  'spec.unschedulable': (node: Node) => String(node.spec?.unschedulable === true),
});

export const secretStrategy = strategyOf<Secret>({
  defaults(secret: Secret) {
    secret.type ||= 'Opaque';
    const plain = secret.stringData;
    if (plain === undefined) return;
    // What is written as text is stored as bytes; it wins over bytes of the same key.
    if (plain !== null && Object.keys(plain).length > 0) {
      secret.data ??= {};
      for (const key in plain) secret.data[key] = Buffer.from(plain[key] as string, 'utf8').toString('base64');
    }
    delete secret.stringData;
  },
});

export const secretSelectableFields = selectableFieldsOf<Secret>({ type: (secret: Secret) => secret.type ?? '' });

export const serviceAccountStrategy = strategyOf<ServiceAccount>({
  prepareForCreate: keepOnlySecretNames,
  prepareForUpdate: keepOnlySecretNames,
  allowUnconditionalUpdate: false,
  warnings(account: ServiceAccount) {
    if (account.metadata?.annotations?.['kubernetes.io/enforce-mountable-secrets'] === undefined) return [];
    return [
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ];
  },
});

function keepOnlySecretNames(account: ServiceAccount): void {
  if (account.secrets !== undefined)
    account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

export const limitRangeStrategy = strategyOf<LimitRange>({
  defaults(range: LimitRange) {
    for (const item of range.spec?.limits ?? []) defaultLimit(item);
  },
  prepareForCreate(range: LimitRange, context) {
    range.metadata ??= {};
    range.metadata.name ||= context.uuid();
  },
  allowCreateOnUpdate: true,
});

/** For containers: default limits from maxima, default requests from default limits and then from minima. */
function defaultLimit(item: LimitRangeItem): void {
  for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) {
    if (list !== undefined) roundUpResources(list);
  }
  if (item.type !== 'Container') return;
  if (item.max !== undefined) item.default = fillResources(item.default, item.max);
  if (item.default !== undefined) item.defaultRequest = fillResources(item.defaultRequest, item.default);
  if (item.min !== undefined) item.defaultRequest = fillResources(item.defaultRequest, item.min);
}

export const resourceQuotaStrategy = strategyOf<ResourceQuota>({
  defaults(quota: ResourceQuota) {
    if (quota.spec?.hard !== undefined) roundUpResources(quota.spec.hard);
    if (quota.status?.hard !== undefined) roundUpResources(quota.status.hard);
    if (quota.status?.used !== undefined) roundUpResources(quota.status.used);
  },
  generation: false,
  status: { keptMetadata: [] },
});

export const endpointsStrategy = strategyOf<Endpoints>({
  defaults(endpoints: Endpoints) {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  allowCreateOnUpdate: true,
});

export const podTemplateStrategy = strategyOf<PodTemplate>({
  defaults(template: PodTemplate) {
    defaultPodTemplate(template.template);
  },
  prepareForCreate: ({ template }: PodTemplate) => dropPodFields(template?.spec, undefined),
  prepareForUpdate: ({ template }: PodTemplate, previous: PodTemplate) =>
    dropPodFields(template?.spec, previous.template?.spec),
  generation: (template, previous) => !semanticEqual(template.template, previous.template),
  warnings(template: PodTemplate, previous: PodTemplate | undefined) {
    return podTemplateWarnings('template', template.template, previous?.template);
  },
});
