/**
 * Rollback of a Deployment by annotation, which apps/v1 keeps from the days when it was a field: what is asked for, the revision
 * that is meant, and the Deployment as that revision had it. The Deployment controller calls these.
 *
 * @see kubernetes/pkg/controller/deployment/rollback.go
 */
import { type Deployment, parseInt64, type ReplicaSet, rollbackAnnotation } from '../api/index.ts';
import { isKeptByDeployment, revisionOf } from './revisions.ts';

const hashLabel = 'pod-template-hash';

/** The revision that is asked for, 0 meaning the one before the current. Undefined when none is asked for. */
export function rollbackRevisionOf(deployment: Deployment): bigint | undefined {
  const text = deployment.metadata?.annotations?.[rollbackAnnotation];
  const parsed = text === undefined ? undefined : parseInt64(text);
  return parsed === undefined || 'error' in parsed ? undefined : parsed.value;
}

/** The second highest revision, or 0 when there is none. */
export function lastRevision(sets: readonly ReplicaSet[]): bigint {
  let highest = 0n;
  let second = 0n;
  for (const set of sets) {
    const revision = BigInt(revisionOf(set));
    if (revision >= highest) [second, highest] = [highest, revision];
    else if (revision > second) second = revision;
  }
  return second;
}

/** The Deployment as it stands, with nothing asked for any more. */
export function withoutRollback(deployment: Deployment): Deployment {
  const { [rollbackAnnotation]: _asked, ...annotations } = deployment.metadata?.annotations ?? {};
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

/**
 * The Deployment with the ReplicaSet's template, and with its annotations but for those that the Deployment alone has: whoever
 * looks at the history then sees what was said of that revision, such as `kubernetes.io/change-cause`.
 */
export function rolledBackTo(deployment: Deployment, replicaSet: ReplicaSet): Deployment {
  const annotations: Record<string, string> = {};
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (isKeptByDeployment(name)) annotations[name] = value;
  }
  for (const [name, value] of Object.entries(replicaSet.metadata?.annotations ?? {})) {
    if (!isKeptByDeployment(name)) annotations[name] = value;
  }
  const { template = {} } = replicaSet.spec ?? {};
  const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  return {
    ...deployment,
    metadata: { ...deployment.metadata, annotations },
    spec: {
      ...deployment.spec,
      selector: deployment.spec?.selector ?? {},
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
