/**
 * The scheduling framework's public face: extension points, the columnar picture of the cluster, queue, configuration and
 * the scheduler that runs them. Plugins, in tree or out, import from here.
 */
export * from './cluster-cache.ts';
export * from './cluster-events.ts';
export * from './configuration.ts';
export { ConfigurationError, expectDurationMs } from './configuration-fields.ts';
export { type CsiVolume, csiProvisioner, csiVolumeOf, isMigratable } from './csi-volumes.ts';
export * from './cycle-state.ts';
export * from './devices/index.ts';
export * from './diagnosis.ts';
export * from './explanations.ts';
export { Extender } from './extender.ts';
export type { ExtenderConfiguration } from './extender-configuration.ts';
export { FeatureGates, parseFeatureGates } from './feature-gates.ts';
export { LabelColumn, RowCounter } from './label-column.ts';
export * from './node-affinity.ts';
export * from './node-table.ts';
export { Nominator } from './nominator.ts';
export * from './plugin.ts';
export type { PluginSets, WeightedPlugin } from './plugin-sets.ts';
export { type ConditionText, conditionPatch } from './pod-condition.ts';
export { groupKeyOf, groupNameOf, PodGroupMembers } from './pod-groups.ts';
export * from './pod-index.ts';
export * from './pod-info.ts';
export * from './preemption.ts';
export * from './profile.ts';
export { type QueuedPod, type QueueName, type QueueOptions, SchedulingQueue } from './queue.ts';
export { rememberLast } from './remember-last.ts';
export * from './requests.ts';
export { RowAnswerCache, RowAnswers } from './row-answers.ts';
export * from './scheduler.ts';
export type { Attempt, SchedulerDependencies } from './scheduler-dependencies.ts';
export * from './scoring.ts';
export { maxNodeScore } from './scoring-run.ts';
export * from './selectors.ts';
export * from './spread-constraints.ts';
export * from './taints.ts';
export { Tally } from './tally.ts';
export * from './verdict.ts';
export * from './volume-claims.ts';
export { WaitingPods } from './waiting-pods.ts';
