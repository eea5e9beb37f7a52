/** What PodSecurity counts, by upstream's names. Used by that plugin alone. @see staging/src/k8s.io/pod-security-admission/metrics/metrics.go */
import type { Server } from '../server.ts';
import type { Attributes } from './plugin.ts';
import { LATEST_MINOR } from './pod-security-evaluation.ts';
import type { LevelVersion } from './pod-security-policy.ts';

export function countEvaluation(
  attributes: Attributes,
  server: Server,
  mode: 'enforce' | 'audit' | 'warn',
  { level, minor }: LevelVersion,
  decision: 'allow' | 'deny',
): void {
  const isLatest = minor === undefined || level === 'privileged';
  const version = isLatest ? 'latest' : minor > LATEST_MINOR ? 'future' : `v1.${minor}`;
  const labels = { decision, policy_level: level, policy_version: version, mode, ...requestLabels(attributes) };
  server.context.metrics
    .counter(
      'pod_security_evaluations_total',
      'Number of policy evaluations that occurred, not counting ignored or exempt requests.',
      labels,
    )
    .add(1);
}

export function countExemption(attributes: Attributes, server: Server): void {
  server.context.metrics
    .counter(
      'pod_security_exemptions_total',
      'Number of exempt requests, not counting ignored or out of scope requests.',
      requestLabels(attributes),
    )
    .add(1);
}

/** Labels of the namespace that cannot be read: what was looked at instead is the strictest level. */
export function countError(attributes: Attributes, server: Server): void {
  server.context.metrics
    .counter(
      'pod_security_errors_total',
      'Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile being used for evaluation.',
      { fatal: 'false', ...requestLabels(attributes) },
    )
    .add(1);
}

function requestLabels({ operation, kind, subresource }: Attributes): Readonly<Record<string, string>> {
  return {
    request_operation: operation.toLowerCase(),
    resource: kind.storagePrefix === '/registry/pods' ? 'pod' : 'controller',
    subresource,
  };
}
