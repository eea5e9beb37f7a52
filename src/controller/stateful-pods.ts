/**
 * Names, labels, storage and claims of a StatefulSet's pods. Pure functions.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_utils.go
 */
import type { OwnerReference, PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '../api/index.ts';
import { type Resource, statefulSets } from '../client/index.ts';
import { controllerReferenceTo } from './owner-references.ts';
import { podFromTemplate } from './pod-control.ts';

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

/** -1 for a pod whose name is not of the form `<set>-<ordinal>`. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  const prefix = `${set.metadata?.name}-`;
  const name = pod.metadata?.name ?? '';
  const text = name.slice(prefix.length);
  return name.startsWith(prefix) && /^\d+$/.test(text) ? Number(text) : -1;
}

export function startOrdinal(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

export function revisionNameOf(pod: Pod): string {
  return pod.metadata?.labels?.[revisionLabel] ?? '';
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata?.name}-${set.metadata?.name}-${ordinal}`;
}

/** The labels by which a pod of a set is known. */
export function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

/** The pod of an ordinal, made from a revision's template. */
export function statefulPod(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const pod = podFromTemplate(set, statefulSets as Resource, template);
  const name = `${set.metadata?.name}-${ordinal}`;
  const { generateName: _prefix, ...metadata } = pod.metadata ?? {};
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal), readOnly: false },
  }));
  const others = (pod.spec?.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name));
  const labels = { ...metadata.labels, ...identityLabels(name, ordinal), [revisionLabel]: revision };
  const spec = { ...pod.spec, containers: pod.spec?.containers ?? [], hostname: name };
  if (set.spec?.serviceName) spec.subdomain = set.spec.serviceName;
  if (claims.length + others.length > 0) spec.volumes = [...claims, ...others];
  return { ...pod, metadata: { ...metadata, name, labels }, spec };
}

/** The claims of an ordinal, as they are created. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata?.namespace,
      labels: { ...template.metadata?.labels, ...set.spec?.selector?.matchLabels },
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  }));
}

/**
 * The owner that the retention policy gives a claim: the pod when it is scaled away and claims go with pods, else the set
 * when claims go with it, else none.
 */
export function claimOwner(set: StatefulSet, pod: Pod | undefined, condemned: boolean): OwnerReference | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled === 'Delete' && condemned && pod !== undefined) {
    const { name = '', uid = '' } = pod.metadata ?? {};
    return { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true };
  }
  return whenDeleted === 'Delete' ? controllerReferenceTo(set, statefulSets as Resource) : undefined;
}

/** References without those that this controller sets, and with the wanted one. */
export function withClaimOwner(
  references: readonly OwnerReference[] | undefined,
  set: StatefulSet,
  owner: OwnerReference | undefined,
): OwnerReference[] {
  const isOurs = ({ kind, name, uid }: OwnerReference) =>
    uid === set.metadata?.uid || (kind === 'Pod' && name.startsWith(`${set.metadata?.name}-`));
  const others = (references ?? []).filter((reference) => !isOurs(reference));
  return owner === undefined ? others : [...others, owner];
}
