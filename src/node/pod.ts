/** A pod as the kubelet holds it, and small facts about it that several files need. Pure. */
import type { Container, ContainerStatus, ObjectMeta, Pod, PodSpec } from '../api/index.ts';
import type { ContainerKind } from './runtime.ts';

/** A pod that came from the API server: it has a name, a namespace, a UID and a spec. Never changed in place. */
export interface BoundPod extends Pod {
  metadata: ObjectMeta & { name: string; namespace: string; uid: string };
  spec: PodSpec;
}

export const configMirrorAnnotation = 'kubernetes.io/config.mirror';
export const configHashAnnotation = 'kubernetes.io/config.hash';
export const configSourceAnnotation = 'kubernetes.io/config.source';

/** True for the API's image of a static pod: its kubelet runs the original, never the mirror. */
export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata?.annotations?.[configMirrorAnnotation] !== undefined;
}

export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata?.annotations?.[configSourceAnnotation];
  return source !== undefined && source !== 'api';
}

export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** `name_namespace(uid)`, as the kubelet's messages name a pod. */
export function podText({ metadata }: BoundPod): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** Path of a container in its pod, as events' involvedObject says it: `spec.containers{web}`. */
export function fieldPath(kind: ContainerKind, name: string): string {
  const list = kind === 'main' ? 'containers' : kind === 'ephemeral' ? 'ephemeralContainers' : 'initContainers';
  return `spec.${list}{${name}}`;
}

/** The status that the API holds of a container, wherever it stands. */
export function knownStatus(pod: Pod, kind: ContainerKind, name: string): ContainerStatus | undefined {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {};
  const list =
    kind === 'main' ? containerStatuses : kind === 'ephemeral' ? ephemeralContainerStatuses : initContainerStatuses;
  return list?.find((status) => status.name === name);
}

/** Whether a container that ended so is to be started again: its own rules, then its own policy, then the pod's. */
export function restartsAfter(spec: PodSpec, container: Container, kind: ContainerKind, exitCode: number): boolean {
  if (kind === 'ephemeral') return false;
  if (kind === 'sidecar') return true;
  for (const rule of container.restartPolicyRules ?? []) {
    const listed = rule.exitCodes?.values?.includes(exitCode) ?? false;
    if (rule.exitCodes !== undefined && (rule.exitCodes.operator === 'In') === listed) return rule.action === 'Restart';
  }
  const policy = container.restartPolicy ?? spec.restartPolicy ?? 'Always';
  // An init container that is done is done, whatever the policy; a failed one is tried again under Always too.
  if (kind === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether two maps of texts, such as annotations, say the same. */
export function sameRecord(
  left: Readonly<Record<string, string>> | undefined,
  right: Readonly<Record<string, string>> | undefined,
): boolean {
  if (left === right) return true;
  const keys = Object.keys(left ?? {});
  return keys.length === Object.keys(right ?? {}).length && keys.every((key) => left?.[key] === right?.[key]);
}
