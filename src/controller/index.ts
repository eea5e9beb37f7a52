/**
 * The controller framework: the contract of a controller as data, the runner, and what controllers share: claiming by owner
 * references, expectations, pod control, conditions.
 */
export * from './batches.ts';
export * from './certificate-requests.ts';
export * from './cloud.ts';
export * from './conditions.ts';
export * from './controller-actor.ts';
export * from './controller-revisions.ts';
export * from './cron-schedule.ts';
export * from './custom-metrics.ts';
export * from './daemon-pods.ts';
export * from './deployment-status.ts';
export * from './disruption-zones.ts';
export * from './endpoint-pods.ts';
export * from './endpoint-slices.ts';
export * from './endpoint-subsets.ts';
export * from './equality.ts';
export * from './expectations.ts';
export * from './job-pods.ts';
export * from './job-policies.ts';
export * from './keys.ts';
export * from './label-selectors.ts';
export * from './leadership.ts';
export * from './node-affinity.ts';
export * from './own-writes.ts';
export * from './owner-graph.ts';
export * from './owner-references.ts';
export * from './pod-control.ts';
export * from './pod-disruption.ts';
export * from './pod-metrics.ts';
export * from './pods.ts';
export * from './proportional-scaling.ts';
export * from './quota-usage.ts';
export * from './replicas.ts';
export * from './resource-catalog.ts';
export * from './revisions.ts';
export * from './rolling-update.ts';
export * from './runner.ts';
export * from './scaling-behavior.ts';
export * from './simulated-cloud.ts';
export * from './stateful-pods.ts';
export * from './subnets.ts';
export * from './taints.ts';
export * from './times.ts';
export type * from './types.ts';
export * from './volume-matching.ts';
