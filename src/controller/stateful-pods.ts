/**
 * Names, labels, storage and claims of a StatefulSet's pods. Pure functions.
 *
 * @see kubernetes/pkg/controller/statefulset/stateful_set_utils.go
 */
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '../api/index.ts';
import { type Resource, statefulSets } from '../client/index.ts';
import { podFromTemplate } from './pod-control.ts';

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

const ordinalMost = 2_147_483_647;

/** Whether the pod's name is of the form `<set>-<number>`. */
export function isMemberOf(set: StatefulSet, pod: Pod): boolean {
  const prefix = `${set.metadata?.name}-`;
  const name = pod.metadata?.name ?? '';
  return name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length));
}

/** -1 for a pod whose name is not of the form `<set>-<ordinal>`. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  if (!isMemberOf(set, pod)) return -1;
  const ordinal = Number(pod.metadata?.name?.slice((set.metadata?.name ?? '').length + 1));
  return ordinal <= ordinalMost ? ordinal : -1;
}

export function startOrdinal(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

/** The ordinal after the last that the set is to have. */
export function endOrdinal(set: StatefulSet): number {
  return startOrdinal(set) + (set.spec?.replicas ?? 1);
}

/** Whether the set is to have a pod of that ordinal: it was not scaled away. */
export function isWanted(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod);
  return ordinal >= startOrdinal(set) && ordinal < endOrdinal(set);
}

export function revisionNameOf(pod: Pod): string {
  return pod.metadata?.labels?.[revisionLabel] ?? '';
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata?.name}-${set.metadata?.name}-${ordinal}`;
}

/** Stands for a pod that is still to be made: its name and its revision. */
export function absentPod(set: StatefulSet, revision: string, ordinal: number): Pod {
  return { metadata: { name: `${set.metadata?.name}-${ordinal}`, labels: { [revisionLabel]: revision } } };
}

/** The labels by which a pod of a set is known. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [podNameLabel]: `${set.metadata?.name}-${ordinal}`, [podIndexLabel]: String(ordinal) };
}

/** Whether the pod says which one it is. That the label of its index is missing is let pass, as upstream does. */
export function hasIdentity(pod: Pod): boolean {
  return pod.metadata?.labels?.[podNameLabel] === pod.metadata?.name;
}

/** Whether the pod mounts the claims of its ordinal. */
export function hasStorage(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod);
  return (set.spec?.volumeClaimTemplates ?? []).every((template) => {
    const volume = pod.spec?.volumes?.findLast(({ name }) => name === template.metadata?.name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, template, ordinal);
  });
}

/** The volumes with those of the set's claims, which take the place of others by their names. */
export function volumesOf(set: StatefulSet, ordinal: number, volumes: readonly Volume[] = []): Volume[] {
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal), readOnly: false },
  }));
  return [...claims, ...volumes.filter((volume) => !claims.some((claim) => claim.name === volume.name))];
}

/** The pod of an ordinal, made from a revision's template; with the prefix of generated names, as upstream leaves it. */
export function statefulPod(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const pod = podFromTemplate(set, statefulSets as Resource, template);
  const name = `${set.metadata?.name}-${ordinal}`;
  const labels = { ...pod.metadata?.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision };
  const spec = { ...pod.spec, containers: pod.spec?.containers ?? [], hostname: name };
  if (set.spec?.serviceName) spec.subdomain = set.spec.serviceName;
  const volumes = volumesOf(set, ordinal, pod.spec?.volumes);
  if (volumes.length > 0) spec.volumes = volumes;
  return { ...pod, metadata: { ...pod.metadata, name, labels }, spec };
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
