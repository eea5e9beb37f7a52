/**
 * The kinds of the apps group.
 * @see pkg/apis/apps/validation/validation.go
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import { rollbackAnnotation } from '../former-fields.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  StatefulSet,
  StatefulSetSpec,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { labelSelectorOf } from '../selectors.ts';
import { at, Check, collect, immutableField, type Path } from './check.ts';
import { checkClaimSpec } from './claim-spec.ts';
import { checkAtMostAll, checkCount, countOf, type IntOrPercent } from './counts.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector, selectsEverything } from './label-selector.ts';
import { checkAnnotations, checkLabels, checkStandardFinalizers, nameIsDnsLabel } from './metadata.ts';
import { checkPodAnnotations } from './pod-annotations.ts';
import { checkPodTemplate } from './pod-spec.ts';
import { checkReplicaStatus, replicaStatusOf } from './replica-status.ts';

const specPath = fieldPath('spec');
const templatePath = fieldPath('spec', 'template');
const statusPath = fieldPath('status');
const mismatch = '`selector` does not match template `labels`';

/**
 * The selector is there, sound and not empty.
 * @returns false when nothing can be matched with it.
 */
function checkSelector(
  check: Check,
  selector: LabelSelector | undefined,
  emptyText: string,
  brokenText: string,
): boolean {
  if (!selector) {
    check.required(specPath, 'selector');
    return true;
  }
  const before = check.errors.length;
  checkLabelSelector(check, selector, specPath, 'selector');
  const broken = check.errors.length > before;
  if (selectsEverything(selector)) check.invalid(specPath, 'selector', selector, emptyText);
  if (broken) check.invalid(specPath, 'selector', selector, brokenText);
  return !broken;
}

function checkMatch(check: Check, selector: LabelSelector | undefined, template: PodTemplateSpec | undefined): void {
  const labels = template?.metadata?.labels;
  // A selector for everything is refused elsewhere; none matches nothing.
  if (selector && (selectsEverything(selector) || labelSelectorOf(selector).matches(labels ?? {}))) return;
  check.invalid(at(templatePath, 'metadata'), 'labels', labels ?? null, mismatch);
}

function checkTemplate(
  check: Check,
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  kind: string,
): void {
  checkMatch(check, selector, template);
  checkPodTemplate(check, templatePath, template);
  checkAlwaysRestarts(check, template, kind);
}

function checkAlwaysRestarts(check: Check, template: PodTemplateSpec | undefined, kind: string): void {
  const path = at(templatePath, 'spec');
  const policy = template?.spec?.restartPolicy;
  if (template?.spec && policy !== 'Always') check.notSupported(path, 'restartPolicy', policy ?? '', ['Always']);
  if (template?.spec?.activeDeadlineSeconds !== undefined)
    check.forbidden(path, 'activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`);
}

function checkDeployment(check: Check, deployment: Deployment): void {
  checkStandardFinalizers(check, deployment.metadata);
  const spec: Partial<NonNullable<Deployment['spec']>> = deployment.spec ?? {};
  check.nonNegative(specPath, 'replicas', spec.replicas);
  const sound = checkSelector(
    check,
    spec.selector,
    'empty selector is invalid for deployment',
    'invalid label selector',
  );
  if (sound) checkTemplate(check, spec.selector, spec.template, 'ReplicaSet');
  checkDeploymentStrategy(check, spec.strategy ?? {});
  check.nonNegative(specPath, 'minReadySeconds', spec.minReadySeconds);
  check.nonNegative(specPath, 'revisionHistoryLimit', spec.revisionHistoryLimit);
  const rollback = deployment.metadata?.annotations?.[rollbackAnnotation];
  if (rollback !== undefined) check.nonNegative(at(specPath, 'rollback'), 'version', Number(rollback));
  const deadline = spec.progressDeadlineSeconds;
  check.nonNegative(specPath, 'progressDeadlineSeconds', deadline);
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
    check.invalid(specPath, 'progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
}

type Rolling = { readonly maxUnavailable?: IntOrPercent | undefined; readonly maxSurge?: IntOrPercent | undefined };

function checkDeploymentStrategy(
  check: Check,
  strategy: { readonly type?: string | undefined; readonly rollingUpdate?: Rolling | undefined },
): void {
  const path = at(specPath, 'strategy');
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    if (rollingUpdate)
      check.forbidden(path, 'rollingUpdate', "may not be specified when strategy `type` is 'Recreate'");
  } else if (type === 'RollingUpdate') {
    if (!rollingUpdate) {
      check.required(path, 'rollingUpdate', 'this should be defaulted and never be nil');
      return;
    }
    const here = at(path, 'rollingUpdate');
    const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
    checkCount(check, here, 'maxUnavailable', maxUnavailable);
    checkCount(check, here, 'maxSurge', maxSurge);
    if (countOf(maxUnavailable) === 0 && countOf(maxSurge) === 0)
      check.invalid(here, 'maxUnavailable', maxUnavailable, 'may not be 0 when `maxSurge` is 0');
    checkAtMostAll(check, here, 'maxUnavailable', maxUnavailable);
  } else {
    const value = internalForm('DeploymentStrategy', strategy);
    check.notSupported(path, '', value, ['Recreate', 'RollingUpdate']);
  }
}

/** Selectors stay what they are. */
function checkSameSelector(check: Check, now: LabelSelector | undefined, before: LabelSelector | undefined): void {
  check.unchanged(specPath, 'selector', now, semanticEqual(now, before));
}

/** Counts that only grow. */
function checkCollisions(check: Check, now: number | undefined, before: number | undefined): void {
  if (before !== undefined && (now ?? -1) < before)
    check.invalid(statusPath, 'collisionCount', now ?? 0, 'cannot be decremented');
}

export const deploymentValidation = strategyOf<Deployment>({
  validate: (deployment: Deployment) => collect((check) => checkDeployment(check, deployment)),
  validateUpdate: (deployment: Deployment, previous: Deployment) =>
    collect((check) => {
      checkDeployment(check, deployment);
      checkSameSelector(check, deployment.spec?.selector, previous.spec?.selector);
    }),
  status: {
    validateUpdate: (deployment: Deployment, previous: Deployment) =>
      collect((check) => {
        const status = deployment.status ?? {};
        const fields = [
          'observedGeneration',
          'replicas',
          'updatedReplicas',
          'readyReplicas',
          'availableReplicas',
          'unavailableReplicas',
          'terminatingReplicas',
          'collisionCount',
        ] as const;
        for (const field of fields) check.nonNegative(statusPath, field, status[field]);
        for (const field of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
          const count = status[field] ?? 0;
          if (count > (status.replicas ?? 0))
            check.invalid(statusPath, field, count, 'cannot be greater than status.replicas');
        }
        const available = status.availableReplicas ?? 0;
        if (available > (status.readyReplicas ?? 0))
          check.invalid(statusPath, 'availableReplicas', available, 'cannot be greater than readyReplicas');
        checkCollisions(check, status.collisionCount, previous.status?.collisionCount);
      }),
  },
});

function checkReplicaSet(check: Check, replicaSet: ReplicaSet): void {
  checkStandardFinalizers(check, replicaSet.metadata);
  const spec: Partial<NonNullable<ReplicaSet['spec']>> = replicaSet.spec ?? {};
  check.nonNegative(specPath, 'replicas', spec.replicas);
  check.nonNegative(specPath, 'minReadySeconds', spec.minReadySeconds);
  const sound = checkSelector(
    check,
    spec.selector,
    'empty selector is invalid for deployment',
    'invalid label selector',
  );
  if (sound) checkTemplate(check, spec.selector, spec.template, 'ReplicaSet');
}

export const replicaSetValidation = strategyOf<ReplicaSet>({
  validate: (replicaSet: ReplicaSet) => collect((check) => checkReplicaSet(check, replicaSet)),
  // Upstream looks at a changed set as at a new one first, and tells of both.
  validateUpdate: (replicaSet: ReplicaSet, previous: ReplicaSet) =>
    collect((check) => {
      checkReplicaSet(check, replicaSet);
      checkReplicaSet(check, replicaSet);
      checkSameSelector(check, replicaSet.spec?.selector, previous.spec?.selector);
    }),
  metadataOnUpdate: ['whole', 'changes'],
  status: {
    validateUpdate: (replicaSet: ReplicaSet) =>
      collect((check) => checkReplicaStatus(check, replicaStatusOf(replicaSet.status))),
  },
});

function checkDaemonSet(check: Check, daemonSet: DaemonSet): void {
  checkStandardFinalizers(check, daemonSet.metadata);
  const spec: Partial<NonNullable<DaemonSet['spec']>> = daemonSet.spec ?? {};
  const before = check.errors.length;
  checkLabelSelector(check, spec.selector, specPath, 'selector');
  if (check.errors.length === before) checkMatch(check, spec.selector, spec.template);
  if (spec.selector && selectsEverything(spec.selector))
    check.invalid(specPath, 'selector', spec.selector, 'empty selector is invalid for daemonset');
  checkPodTemplate(check, templatePath, spec.template);
  checkAlwaysRestarts(check, spec.template, 'DaemonSet');
  check.nonNegative(specPath, 'minReadySeconds', spec.minReadySeconds);
  checkDaemonStrategy(check, spec.updateStrategy ?? {});
  check.nonNegative(specPath, 'revisionHistoryLimit', spec.revisionHistoryLimit);
}

function checkDaemonStrategy(
  check: Check,
  strategy: { readonly type?: string | undefined; readonly rollingUpdate?: Rolling | undefined },
): void {
  const path = at(specPath, 'updateStrategy');
  if (strategy.type === 'OnDelete') return;
  if (strategy.type !== 'RollingUpdate') {
    const value = internalForm('DaemonSetUpdateStrategy', strategy);
    check.notSupported(path, '', value, ['RollingUpdate', 'OnDelete']);
    return;
  }
  if (!strategy.rollingUpdate) {
    check.required(path, 'rollingUpdate');
    return;
  }
  const here = at(path, 'rollingUpdate');
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate;
  checkCount(check, here, 'maxUnavailable', maxUnavailable);
  checkCount(check, here, 'maxSurge', maxSurge);
  checkAtMostAll(check, here, 'maxUnavailable', maxUnavailable);
  checkAtMostAll(check, here, 'maxSurge', maxSurge);
  const unavailable = countOf(maxUnavailable);
  const surge = countOf(maxSurge);
  if (unavailable !== 0 && surge !== 0)
    check.invalid(here, 'maxSurge', maxSurge, 'may not be set when maxUnavailable is non-zero');
  else if (unavailable === 0 && surge === 0) check.required(here, 'maxUnavailable', 'cannot be 0 when maxSurge is 0');
}

export const daemonSetValidation = strategyOf<DaemonSet>({
  validate: (daemonSet: DaemonSet) => collect((check) => checkDaemonSet(check, daemonSet)),
  validateUpdate: (daemonSet: DaemonSet, previous: DaemonSet) =>
    collect((check) => {
      checkDaemonSet(check, daemonSet);
      checkSameSelector(check, daemonSet.spec?.selector, previous.spec?.selector);
      checkDaemonSet(check, daemonSet);
    }),
  metadataOnUpdate: ['whole', 'changes'],
  status: {
    validateUpdate: (daemonSet: DaemonSet, previous: DaemonSet) =>
      collect((check) => {
        const fields = [
          'currentNumberScheduled',
          'numberMisscheduled',
          'desiredNumberScheduled',
          'numberReady',
          'observedGeneration',
          'updatedNumberScheduled',
          'numberAvailable',
          'numberUnavailable',
          'collisionCount',
        ] as const;
        for (const field of fields) check.nonNegative(statusPath, field, daemonSet.status?.[field]);
        checkCollisions(check, daemonSet.status?.collisionCount, previous.status?.collisionCount);
      }),
  },
});

function checkStatefulStrategy(check: Check, strategy: NonNullable<StatefulSetSpec['updateStrategy']>): void {
  const path = at(specPath, 'updateStrategy');
  const { type, rollingUpdate } = strategy;
  const here = at(path, 'rollingUpdate');
  if (!type) check.required(path, '');
  else if (type === 'OnDelete') {
    if (!rollingUpdate) return;
    const value = internalForm('StatefulSetRollingUpdate', rollingUpdate);
    check.invalid(here, '', value, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (type === 'RollingUpdate') {
    check.nonNegative(here, 'partition', rollingUpdate?.partition);
    const unavailable = rollingUpdate?.maxUnavailable;
    if (unavailable === undefined) return;
    checkCount(check, here, 'maxUnavailable', unavailable);
    if (countOf(unavailable) === 0) check.invalid(here, 'maxUnavailable', unavailable, 'cannot be 0');
    checkAtMostAll(check, here, 'maxUnavailable', unavailable);
  } else {
    const value = internalForm('StatefulSetUpdateStrategy', strategy);
    check.invalid(path, '', value, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

/** What an update lets pass: parts that cannot change any more, and a template beside one that was stored although it is bad. */
interface Tolerance {
  readonly settled?: boolean;
  readonly template?: boolean;
}

function checkStatefulSet(check: Check, statefulSet: StatefulSet, tolerant: Tolerance = {}): void {
  checkStandardFinalizers(check, statefulSet.metadata);
  const spec: Partial<StatefulSetSpec> = statefulSet.spec ?? {};
  const management = spec.podManagementPolicy;
  if (!management) check.required(specPath, 'podManagementPolicy');
  else if (management !== 'OrderedReady' && management !== 'Parallel')
    check.invalid(specPath, 'podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'");
  checkStatefulStrategy(check, spec.updateStrategy ?? {});
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  if (retention)
    for (const field of ['whenDeleted', 'whenScaled'] as const)
      check.oneOf(at(specPath, 'persistentVolumeClaimRetentionPolicy'), field, retention[field], ['Retain', 'Delete']);
  if (!tolerant.settled)
    spec.volumeClaimTemplates?.forEach((claim, index) => {
      checkClaimSpec(check, at(at(at(specPath, 'volumeClaimTemplates'), index), 'spec'), claim.spec ?? {});
    });
  check.nonNegative(specPath, 'replicas', spec.replicas);
  check.nonNegative(specPath, 'minReadySeconds', spec.minReadySeconds);
  check.nonNegative(at(specPath, 'ordinals'), 'start', spec.ordinals?.start);
  if (spec.serviceName && !tolerant.settled) check.dnsLabel(specPath, 'serviceName', spec.serviceName);
  if (checkSelector(check, spec.selector, 'empty selector is invalid for statefulset', ''))
    checkStatefulTemplate(check, templatePath, spec, tolerant.template === true);
  checkAlwaysRestarts(check, spec.template, 'StatefulSet');
}

/**
 * The template with the volumes of the set's claims; names that the controller gives to pods are not looked at. `tolerant`: neither is
 * the rest of the pod, when what is stored would not pass.
 */
function checkStatefulTemplate(check: Check, path: Path, spec: Partial<StatefulSetSpec>, tolerant: boolean): void {
  if (spec.selector) checkMatch(check, spec.selector, spec.template);
  if (!tolerant) checkPodTemplate(check, path, withClaims(spec));
  const metadata = spec.template?.metadata;
  if (metadata?.labels) checkLabels(check, metadata.labels, path, 'labels');
  if (!metadata?.annotations) return;
  checkAnnotations(check, metadata.annotations, path, 'annotations');
  checkPodAnnotations(check, at(path, 'annotations'), metadata.annotations, spec.template?.spec ?? { containers: [] });
}

function withClaims({ template, volumeClaimTemplates = [] }: Partial<StatefulSetSpec>): PodTemplateSpec | undefined {
  if (template?.spec === undefined) return template;
  const { subdomain, hostname, volumes = [], ...rest } = template.spec;
  if (volumeClaimTemplates.length === 0 && subdomain === undefined && hostname === undefined) return template;
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''));
  const claims = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = volumes.filter(({ name }) => !names.has(name));
  return { ...template, spec: { ...rest, volumes: [...claims, ...others] } };
}

const statefulMutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

function validateStatefulSetUpdate(statefulSet: StatefulSet, previous: StatefulSet): FieldError[] {
  const check = new Check();
  const stored = collect((inner) => checkStatefulSet(inner, { spec: previous.spec } as StatefulSet, { settled: true }));
  checkStatefulSet(check, statefulSet, { settled: true, template: stored.length > 0 });
  const fixed = (spec: StatefulSetSpec | undefined): Record<string, unknown> => {
    const rest: Record<string, unknown> = { ...spec };
    for (const field of statefulMutable) delete rest[field];
    // The server fills in the status and form of claims, which is no change of the client's.
    rest['volumeClaimTemplates'] = spec?.volumeClaimTemplates?.map((claim) => ({
      metadata: claim.metadata,
      spec: claim.spec,
    }));
    return rest;
  };
  if (!semanticEqual(fixed(statefulSet.spec), fixed(previous.spec))) {
    const names = statefulMutable.map((field) => `'${field}'`);
    const text = `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1)} are forbidden`;
    check.forbidden(undefined, 'spec', text);
  }
  return check.errors;
}

export const statefulSetValidation = strategyOf<StatefulSet>({
  validateName: nameIsDnsLabel,
  validate: (statefulSet: StatefulSet) => collect((check) => checkStatefulSet(check, statefulSet)),
  validateUpdate: validateStatefulSetUpdate,
  status: {
    validateUpdate: (statefulSet: StatefulSet, previous: StatefulSet) =>
      collect((check) => {
        const { status } = statefulSet;
        const replicas = status?.replicas ?? 0;
        const counts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
        check.nonNegative(statusPath, 'replicas', replicas);
        for (const field of counts) check.nonNegative(statusPath, field, status?.[field]);
        check.nonNegative(statusPath, 'observedGeneration', status?.observedGeneration);
        check.nonNegative(statusPath, 'collisionCount', status?.collisionCount);
        for (const field of counts) {
          if ((status?.[field] ?? 0) > replicas)
            check.invalid(statusPath, field, status?.[field], 'cannot be greater than status.replicas');
        }
        if ((status?.availableReplicas ?? 0) > (status?.readyReplicas ?? 0))
          check.invalid(
            statusPath,
            'availableReplicas',
            status?.availableReplicas,
            'cannot be greater than status.readyReplicas',
          );
        checkCollisions(check, status?.collisionCount, previous.status?.collisionCount);
      }),
  },
});

function checkRevision(check: Check, revision: ControllerRevision): void {
  checkStandardFinalizers(check, revision.metadata);
  check.nonNegative(undefined, 'revision', revision.revision);
}

export const controllerRevisionValidation = strategyOf<ControllerRevision>({
  validate: (revision: ControllerRevision) =>
    collect((check) => {
      checkRevision(check, revision);
      const data: unknown = revision.data;
      if (data === undefined || data === null) check.required(undefined, 'data', 'data is mandatory');
      else if (typeof data !== 'object' || Array.isArray(data))
        check.required(undefined, 'data', 'data must be a valid JSON object');
    }),
  metadataOnUpdate: ['changes', 'whole'],
  validateUpdate: (revision: ControllerRevision, previous: ControllerRevision) =>
    collect((check) => {
      checkRevision(check, revision);
      if (!semanticEqual(revision.data, previous.data)) check.invalid(undefined, 'data', revision.data, immutableField);
    }),
});
