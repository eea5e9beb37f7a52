/**
 * Where the pods of a DaemonSet belong and how they are made: one for each node that its template fits, bound to the node
 * by affinity, with tolerations for what befalls nodes. Pure functions.
 *
 * @see kubernetes/pkg/controller/daemon/util
 */
import type { DaemonSet, Node, Pod, PodTemplateSpec, Toleration } from '../api/index.ts';
import { fitsNodeAffinity } from './node-affinity.ts';
import { scaledValue } from './rolling-update.ts';
import { tolerates } from './taints.ts';

export const daemonHashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

const tolerated = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
] as const;

/** Whether they are for the same taints, whatever their times. */
const isSame = (left: Toleration, right: Toleration): boolean =>
  left.key === right.key &&
  left.effect === right.effect &&
  left.operator === right.operator &&
  (left.value ?? '') === (right.value ?? '');

/** The template's tolerations and those that every daemon pod gets. */
function tolerationsOf(template: PodTemplateSpec | undefined): Toleration[] {
  const own = template?.spec?.tolerations ?? [];
  const added = tolerated.map(([key, effect]): Toleration => ({ key, operator: 'Exists', effect }));
  if (template?.spec?.hostNetwork) {
    added.push({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' });
  }
  const tolerations = [...own];
  for (const toleration of added) {
    const at = tolerations.findIndex((other) => isSame(other, toleration));
    if (at < 0) tolerations.push(toleration);
    else tolerations[at] = toleration;
  }
  return tolerations;
}

/** The template for the pod of one node. */
export function daemonTemplate(set: DaemonSet, node: string, hash: string): PodTemplateSpec {
  const template = set.spec?.template ?? {};
  const generation = set.metadata?.annotations?.[generationAnnotation];
  const labels = {
    ...template.metadata?.labels,
    ...(generation === undefined ? {} : { [generationLabel]: generation }),
    [daemonHashLabel]: hash,
  };
  const { spec } = template;
  const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }];
  const nodeAffinity = {
    ...spec?.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return {
    metadata: { ...template.metadata, labels },
    spec: {
      ...spec,
      containers: spec?.containers ?? [],
      affinity: { ...spec?.affinity, nodeAffinity },
      tolerations: tolerationsOf(template),
    },
  };
}

/** The node that a daemon pod is on, or is meant for. */
export function targetNodeOf(pod: Pod): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0] ?? '';
    }
  }
  return '';
}

export interface Placement {
  /** A pod should be made for the node when it has none. */
  readonly run: boolean;
  /** A pod that is there may stay. */
  readonly stay: boolean;
}

export function placementOf(set: DaemonSet, node: Node): Placement {
  const spec = set.spec?.template?.spec;
  const named = spec?.nodeName === undefined || spec.nodeName === '' || spec.nodeName === node.metadata?.name;
  if (!named || !fitsNodeAffinity(spec, node)) return { run: false, stay: false };
  const tolerations = tolerationsOf(set.spec?.template);
  const untolerated = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  return { run: untolerated.length === 0, stay: !untolerated.some((taint) => taint.effect === 'NoExecute') };
}

/** How many nodes may have two pods, and how many none that is available, during an update over `desired` nodes. */
export function daemonFenceposts(
  set: DaemonSet,
  desired: number,
): { readonly surge: number; readonly unavailable: number } {
  const { maxSurge, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, 'up');
  const unavailable = scaledValue(maxUnavailable ?? 1, desired, 'up');
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}
