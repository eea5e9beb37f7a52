/**
 * The annotations by which a Deployment and its ReplicaSets remember revisions and sizes. `kubectl rollout history` and
 * `undo` read them. Functions change the objects that they are given, which must be the caller's own copies.
 *
 * @see kubernetes/pkg/controller/deployment/util/deployment_util.go
 */
import { type Deployment, type ReplicaSet, rollbackAnnotation } from '../api/index.ts';
import { maxSurgeOf, replicasOf } from './rolling-update.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations of the Deployment that its ReplicaSets do not take over. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  rollbackAnnotation,
]);

/** True for annotations that stay with the Deployment: its ReplicaSets have none or their own. */
export const isKeptByDeployment = (annotation: string): boolean => notCopied.has(annotation);

const revisionHistoryLengthMax = 2_000;

function integerAnnotation(object: ReplicaSet, name: string): number | undefined {
  const text = object.metadata?.annotations?.[name];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

export function revisionOf(replicaSet: ReplicaSet): number {
  return integerAnnotation(replicaSet, revisionAnnotation) ?? 0;
}

/** Size that the Deployment wanted when it last touched this ReplicaSet. */
export function desiredReplicasOf(replicaSet: ReplicaSet): number | undefined {
  return integerAnnotation(replicaSet, desiredReplicasAnnotation);
}

/** Size with surge that the Deployment allowed when it last touched this ReplicaSet. */
export function maxReplicasOf(replicaSet: ReplicaSet): number | undefined {
  return integerAnnotation(replicaSet, maxReplicasAnnotation);
}

function annotationsOf(object: ReplicaSet | Deployment): Record<string, string> {
  object.metadata ??= {};
  object.metadata.annotations ??= {};
  return object.metadata.annotations as Record<string, string>;
}

function setAnnotation(object: ReplicaSet | Deployment, name: string, value: string): boolean {
  const annotations = annotationsOf(object);
  if (annotations[name] === value) return false;
  annotations[name] = value;
  return true;
}

export function needsReplicasAnnotations(replicaSet: ReplicaSet, deployment: Deployment): boolean {
  const desired = replicasOf(deployment);
  return desiredReplicasOf(replicaSet) !== desired || maxReplicasOf(replicaSet) !== desired + maxSurgeOf(deployment);
}

/** True when something changed. */
export function setReplicasAnnotations(replicaSet: ReplicaSet, deployment: Deployment): boolean {
  const desired = replicasOf(deployment);
  const desiredChanged = setAnnotation(replicaSet, desiredReplicasAnnotation, String(desired));
  return setAnnotation(replicaSet, maxReplicasAnnotation, String(desired + maxSurgeOf(deployment))) || desiredChanged;
}

/** The Deployment carries the revision of its current ReplicaSet. True when it changed. */
export function setDeploymentRevision(deployment: Deployment, revision: string): boolean {
  return setAnnotation(deployment, revisionAnnotation, revision);
}

/**
 * Makes the ReplicaSet the one with `revision`, with the Deployment's annotations; a revision that it had before joins its
 * history. True when something changed.
 */
export function setNewReplicaSetAnnotations(
  deployment: Deployment,
  replicaSet: ReplicaSet,
  revision: number,
  exists: boolean,
): boolean {
  let changed = false;
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(name)) changed = setAnnotation(replicaSet, name, value) || changed;
  }
  const before = replicaSet.metadata?.annotations?.[revisionAnnotation];
  if (Number(before ?? 0) < revision) {
    setAnnotation(replicaSet, revisionAnnotation, String(revision));
    if (before !== undefined) addToHistory(replicaSet, before);
    changed = true;
  }
  if (!exists) changed = setReplicasAnnotations(replicaSet, deployment) || changed;
  return changed;
}

/** The oldest entries go when the list gets too long for an annotation. */
function addToHistory(replicaSet: ReplicaSet, revision: string): void {
  const text = annotationsOf(replicaSet)[revisionHistoryAnnotation] ?? '';
  const revisions = text === '' ? [] : text.split(',');
  let length = text.length + 1 + revision.length;
  while (length > revisionHistoryLengthMax && revisions.length > 0) length -= (revisions.shift()?.length ?? 0) + 1;
  setAnnotation(replicaSet, revisionHistoryAnnotation, [...revisions, revision].join(','));
}
