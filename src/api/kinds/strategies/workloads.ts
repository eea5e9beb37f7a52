/**
 * Strategies of the apps group and of replication controllers: defaults of replicas, update strategies and templates, first status,
 * and generations.
 * @see pkg/apis/apps/v1/defaults.go, pkg/registry/apps
 */
import { rollbackAnnotation, templateGenerationAnnotation } from '../../former-fields.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  PersistentVolumeClaim,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../../generated/types.ts';
import { parseInt64 } from '../../integers.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import type { StrategyContext } from '../types.ts';
import { dropPodFields, templateHooks } from './pod-dropped-fields.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { namedTemplateWarnings, templateWarnings } from './pod-warnings.ts';
import { defaultClaimSpec } from './volume-defaults.ts';

export const deploymentStrategy = strategyOf<Deployment>({
  defaults(deployment: Deployment) {
    normalizeRollback(deployment);
    const spec = deployment.spec;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    const strategy = spec.strategy;
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= '25%';
      strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    defaultPodTemplate(spec.template);
  },
  ...templateHooks<Deployment>(),
  // Upstream counts changed annotations too, because rollbacks were once annotations.
  generation: (object, previous) =>
    !semanticEqual(object.spec, previous.spec) ||
    !semanticEqual(object.metadata?.annotations, previous.metadata?.annotations),
  status: { keptMetadata: ['labels'], prepareForUpdate: keepRollback },
  warnings: namedTemplateWarnings,
});

/** A part of the spec once, it is no more written with the status than the rest of it. */
function keepRollback({ metadata }: Deployment, previous: Deployment): void {
  if (metadata === undefined) return;
  const { [rollbackAnnotation]: _asked, ...annotations } = metadata.annotations ?? {};
  const kept = previous.metadata?.annotations?.[rollbackAnnotation];
  if (kept !== undefined) annotations[rollbackAnnotation] = kept;
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
}

/** Asked for as an annotation, kept as a number: `+1` becomes `1`, and nothing stays nothing. */
function normalizeRollback({ metadata }: Deployment): void {
  const { [rollbackAnnotation]: asked, ...annotations } = metadata?.annotations ?? {};
  if (metadata === undefined || asked === undefined) return;
  const parsed = parseInt64(asked);
  const kept = 'error' in parsed ? undefined : String(parsed.value);
  if (kept === asked) return;
  if (kept !== undefined) annotations[rollbackAnnotation] = kept;
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
}

export const replicaSetStrategy = strategyOf<ReplicaSet>({
  defaults(replicaSet: ReplicaSet) {
    const spec = replicaSet.spec;
    if (spec === undefined) return;
    spec.replicas ??= 1;
    defaultPodTemplate(spec.template);
  },
  ...templateHooks<ReplicaSet>(),
  initialStatus: () => ({ replicas: 0 }),
  generation: true,
  status: { keptMetadata: [] },
  warnings: namedTemplateWarnings,
});

export const statefulSetStrategy = strategyOf<StatefulSet>({
  defaults(statefulSet: StatefulSet) {
    const spec = statefulSet.spec;
    if (spec === undefined) return;
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    const update = spec.updateStrategy;
    if (!update.type) {
      update.type = 'RollingUpdate';
      update.rollingUpdate ??= {};
    }
    if (update.type === 'RollingUpdate' && update.rollingUpdate !== undefined) update.rollingUpdate.partition ??= 0;
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    defaultPodTemplate(spec.template);
    if (spec.volumeClaimTemplates !== undefined) for (const claim of spec.volumeClaimTemplates) defaultClaim(claim);
  },
  initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  generation: true,
  prepareForCreate: (statefulSet: StatefulSet, context) => dropSetFields(statefulSet, undefined, context),
  prepareForUpdate: dropSetFields,
  status: { keptMetadata: [] },
  warnings: templateWarnings,
});

/** How many pods may be missing in an update is a feature that is off by default. @see dropStatefulSetDisabledFields */
function dropSetFields(
  statefulSet: StatefulSet,
  previous: StatefulSet | undefined,
  { features }: StrategyContext,
): void {
  const rolling = statefulSet.spec?.updateStrategy?.rollingUpdate;
  if (features?.has('MaxUnavailableStatefulSet')) {
    if (rolling) rolling.maxUnavailable ??= 1;
  } else if (rolling && previous?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
    delete rolling.maxUnavailable;
  dropPodFields(statefulSet.spec?.template?.spec, previous?.spec?.template?.spec);
}

/** Claims in a template are stored with their type and the status that a new claim would have. */
function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.apiVersion = 'v1';
  claim.kind = 'PersistentVolumeClaim';
  claim.metadata ??= {};
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
  claim.status ??= {};
  claim.status.phase ??= 'Pending';
}

export const daemonSetStrategy = strategyOf<DaemonSet>({
  defaults(daemonSet: DaemonSet) {
    const spec = daemonSet.spec;
    if (spec === undefined) return;
    spec.updateStrategy ??= {};
    const update = spec.updateStrategy;
    update.type ||= 'RollingUpdate';
    if (update.type === 'RollingUpdate') {
      update.rollingUpdate ??= {};
      update.rollingUpdate.maxUnavailable ??= 1;
      update.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    defaultPodTemplate(spec.template);
  },
  initialStatus: () => ({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  }),
  generation: true,
  prepareForCreate(daemonSet: DaemonSet) {
    setTemplateGeneration(daemonSet, 1);
    dropPodFields(daemonSet.spec?.template?.spec, undefined);
  },
  prepareForUpdate(daemonSet: DaemonSet, previous: DaemonSet) {
    dropPodFields(daemonSet.spec?.template?.spec, previous.spec?.template?.spec);
    const before = templateGenerationOf(previous);
    const changed = !semanticEqual(daemonSet.spec?.template, previous.spec?.template);
    setTemplateGeneration(daemonSet, changed ? before + 1 : before);
  },
  status: {
    keptMetadata: [],
    prepareForUpdate: (daemonSet: DaemonSet, previous: DaemonSet) =>
      setTemplateGeneration(daemonSet, templateGenerationOf(previous)),
  },
  warnings: templateWarnings,
});

/** What was a field before apps/v1 lives on as an annotation. @see pkg/apis/apps/v1/conversion.go */
function templateGenerationOf(daemonSet: DaemonSet): number {
  return Number(daemonSet.metadata?.annotations?.[templateGenerationAnnotation] ?? 0) || 0;
}

function setTemplateGeneration(daemonSet: DaemonSet, generation: number): void {
  daemonSet.metadata ??= {};
  daemonSet.metadata.annotations ??= {};
  daemonSet.metadata.annotations[templateGenerationAnnotation] = String(generation);
}

export const replicationControllerStrategy = strategyOf<ReplicationController>({
  defaults(controller: ReplicationController) {
    const spec = controller.spec;
    if (spec === undefined) return;
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined && Object.keys(labels).length > 0) {
      if (spec.selector === undefined || Object.keys(spec.selector).length === 0) spec.selector = { ...labels };
      controller.metadata ??= {};
      const own = controller.metadata.labels;
      if (own === undefined || Object.keys(own).length === 0) controller.metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
    defaultPodTemplate(spec.template);
  },
  initialStatus: () => ({ replicas: 0 }),
  generation: true,
  status: { keptMetadata: [] },
  defaultPropagation: 'orphan',
  ...templateHooks<ReplicationController>(),
  warnings: namedTemplateWarnings,
});

export const controllerRevisionStrategy = strategyOf<ControllerRevision>({
  defaults(revision: ControllerRevision) {
    revision.revision ??= 0;
  },
});

/** Field labels of replication controllers. Replica sets have none. */
export const replicationControllerSelectableFields = selectableFieldsOf<ReplicationController>({
  'status.replicas': (controller) => String(controller.status?.replicas ?? 0),
});
