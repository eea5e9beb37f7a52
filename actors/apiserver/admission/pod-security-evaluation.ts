/** What is wrong with a pod at a level of the Pod Security Standards. @see staging/src/k8s.io/pod-security-admission/policy/registry.go */
import { securityChecks } from './pod-security-checks.ts';
import type { SecurityFinding, SecurityPod } from './pod-security-pods.ts';
import type { LevelVersion } from './pod-security-policy.ts';

export type { SecurityPod } from './pod-security-pods.ts';

/** Minor version of the latest standards. */
export const LATEST_MINOR = 36;

/** All that is wrong, in upstream's words; empty when the pod keeps to the level. */
export function violations(policy: LevelVersion, pod: SecurityPod): string {
  return findings(policy, pod)
    .map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`))
    .join(', ');
}

/** The same without saying where. */
export function violationReasons(policy: LevelVersion, pod: SecurityPod): string {
  return findings(policy, pod)
    .map(({ reason }) => reason)
    .join(', ');
}

function findings({ level, minor }: LevelVersion, pod: SecurityPod): SecurityFinding[] {
  if (level === 'privileged') return [];
  const at = minor ?? LATEST_MINOR;
  const made = securityChecks.filter(
    (check) => check.since <= at && (check.level === 'baseline' || level !== 'baseline'),
  );
  const replaced = new Set(made.flatMap(({ replaces = [] }) => replaces));
  return made.filter(({ id }) => !replaced.has(id)).flatMap((check) => check.run(pod, at) ?? []);
}
