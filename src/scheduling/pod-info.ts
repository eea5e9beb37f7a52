/**
 * A pod as the scheduler sees it: requests as numbers, affinity terms compiled, labels interned. Made once when a pod
 * arrives and again when its spec or labels change; status changes only swap {@link PodInfo.pod}.
 */
import type { Affinity, LabelSelector, Pod, PodAffinityTerm, Toleration } from '../api/index.ts';
import type { LabelClass, PodIndex, SelectorPart, SelectorSpec } from './pod-index.ts';
import { podRequests, type Requests } from './requests.ts';
import { compileLabelSelector } from './selectors.ts';

/** A compiled pod affinity term of one pod. */
export interface AffinityTerm {
  readonly selector: SelectorSpec;
  readonly topologyKey: string;
  /** 1 to 100 for preferred terms; 0 for required ones. */
  readonly weight: number;
}

export interface AffinityTerms {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly preferred: readonly AffinityTerm[];
  readonly preferredAnti: readonly AffinityTerm[];
}

const noTerms: AffinityTerms = { required: [], requiredAnti: [], preferred: [], preferredAnti: [] };

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  /** The latest object. Shared with the informer: never changed. */
  pod: Pod;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly priority: number;
  readonly schedulerName: string;
  readonly requests: Requests;
  readonly labelClass: LabelClass;
  readonly terms: AffinityTerms;
  readonly tolerations: readonly Toleration[];
  readonly hostPorts: readonly HostPort[];
  /** `spec.affinity`, for node affinity. */
  readonly affinity: Affinity | undefined;
  /** Has a deletion timestamp. */
  readonly terminating: boolean;
  /** What tells its kind from others; see `row-answers.ts`. Set by the profile on the first attempt. */
  signature: string | undefined;
  /** Row of the node that the pod counts on, -1 while on none. Kept by the node table. */
  row: number;
  /** Place in that row's list of pods. Kept by the node table. */
  slot: number;
}

/**
 * The label selector that a term or constraint means for this pod. The API server merges `matchLabelKeys` of affinity
 * terms into the selector when a pod is created; a term that was not merged is merged here.
 */
export function mergeLabelKeys(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
  matchKeys: readonly string[] | undefined,
  mismatchKeys?: readonly string[],
): LabelSelector | undefined {
  if (!selector || (!matchKeys?.length && !mismatchKeys?.length)) return selector;
  const expressions = [...(selector.matchExpressions ?? [])];
  const extend = (keys: readonly string[] | undefined, operator: 'In' | 'NotIn') => {
    for (const key of keys ?? []) {
      const value = labels[key];
      if (value === undefined) continue;
      const merged = expressions.some(
        (one) => one.key === key && one.operator === operator && one.values?.length === 1 && one.values[0] === value,
      );
      if (!merged) expressions.push({ key, operator, values: [value] });
    }
  };
  extend(matchKeys, 'In');
  extend(mismatchKeys, 'NotIn');
  return { ...selector, matchExpressions: expressions };
}

function compileTerm(pod: Pod, term: PodAffinityTerm, weight: number): AffinityTerm {
  const labels = pod.metadata?.labels ?? {};
  const selector = mergeLabelKeys(term.labelSelector, labels, term.matchLabelKeys, term.mismatchLabelKeys);
  // Neither namespaces nor a selector for them: the pod's own namespace. An empty selector for them: all.
  const own = !term.namespaces?.length && !term.namespaceSelector;
  const names = own ? [pod.metadata?.namespace ?? ''] : (term.namespaces ?? []);
  const namespaceSelector = term.namespaceSelector;
  const everywhere =
    namespaceSelector !== undefined &&
    Object.keys(namespaceSelector.matchLabels ?? {}).length === 0 &&
    (namespaceSelector.matchExpressions ?? []).length === 0;
  const part: SelectorPart = {
    namespaces: everywhere ? null : new Set(names),
    namespaceMatcher: namespaceSelector && !everywhere ? compileLabelSelector(namespaceSelector) : undefined,
    matcher: compileLabelSelector(selector),
  };
  const key = JSON.stringify([everywhere ? '*' : names, namespaceSelector, selector]);
  return { selector: { key, parts: [part] }, topologyKey: term.topologyKey, weight };
}

function compileTerms(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return noTerms;
  const required = (list: readonly PodAffinityTerm[] | undefined) =>
    (list ?? []).map((term) => compileTerm(pod, term, 0));
  const preferred = (list: readonly { podAffinityTerm: PodAffinityTerm; weight: number }[] | undefined) =>
    (list ?? []).map((term) => compileTerm(pod, term.podAffinityTerm, term.weight));
  return {
    required: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

const noPorts: readonly HostPort[] = [];

/** The node that the pod is on, or for which it was nominated: where others had to leave room for it. */
export const countedOn = ({ spec, status }: Pod): string | undefined =>
  spec?.nodeName || status?.nominatedNodeName || undefined;

/** Host ports of containers and sidecars. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const collect = (container: {
    ports?: { hostPort?: number | undefined; hostIP?: string | undefined; protocol?: string | undefined }[] | undefined;
  }) => {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (!hostPort || hostPort <= 0) continue;
      ports ??= [];
      ports.push({ ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP', port: hostPort });
    }
  };
  for (const container of pod.spec?.containers ?? []) collect(container);
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') collect(container);
  }
  return ports ?? noPorts;
}

const none: readonly never[] = [];

export function makePodInfo(pod: Pod, index: PodIndex): PodInfo {
  const namespace = pod.metadata?.namespace ?? '';
  const name = pod.metadata?.name ?? '';
  return {
    pod,
    uid: pod.metadata?.uid ?? `${namespace}/${name}`,
    namespace,
    name,
    key: `${namespace}/${name}`,
    priority: pod.spec?.priority ?? 0,
    schedulerName: pod.spec?.schedulerName || 'default-scheduler',
    requests: podRequests(pod),
    labelClass: index.classOf(namespace, pod.metadata?.labels ?? {}),
    terms: compileTerms(pod),
    tolerations: pod.spec?.tolerations ?? none,
    hostPorts: hostPortsOf(pod),
    affinity: pod.spec?.affinity,
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    signature: undefined,
    row: -1,
    slot: -1,
  };
}
