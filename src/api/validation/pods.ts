/**
 * Pods: what a new one may be, and what each way of updating one may change.
 * @see ValidatePodCreate, ValidatePodUpdate, ValidatePodStatusUpdate, ValidatePodEphemeralContainersUpdate, ValidatePodResize
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { Container, NodeAffinity, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkTolerations } from './affinity.ts';
import { at, between, Check, keyed } from './check.ts';
import { checkImageBlanks } from './containers.ts';
import { internalForm } from './internal-form.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { appArmorContainer, checkPodAnnotations, checkProfilesMatch, mirrorAnnotation } from './pod-annotations.ts';
import { checkResize } from './pod-resize.ts';
import { checkPodSpec } from './pod-spec.ts';
import { checkPodStatus } from './pod-status.ts';
import { internalDiff } from './unified-diff.ts';

const specPath = fieldPath('spec');
const annotationsPath = fieldPath('metadata', 'annotations');
const secondsMax = 2 ** 31 - 1;
const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');
const none: readonly never[] = [];

const specOf = (pod: Pod): PodSpec => pod.spec ?? { containers: [] };

/** What holds for every pod, new or changed. */
function checkPod(check: Check, pod: Pod): void {
  const metadata = pod.metadata ?? {};
  const spec = specOf(pod);
  checkStandardFinalizers(check, metadata);
  if (metadata.annotations !== undefined) checkPodAnnotations(check, annotationsPath, metadata.annotations, spec);
  checkPodSpec(check, specPath, spec, metadata);
  if (!spec.serviceAccountName) checkNoTokens(check, spec);
  for (const list of ['containers', 'initContainers'] as const) {
    const containers: readonly Container[] = spec[list] ?? none;
    for (let index = 0; index < containers.length; index++) {
      const image = containers[index]?.image;
      if (image !== undefined && image.trim() !== image) checkImageBlanks(check, at(at(specPath, list), index), image);
    }
  }
}

function checkNoTokens(check: Check, spec: PodSpec): void {
  spec.volumes?.forEach((volume, index) => {
    volume.projected?.sources?.forEach((source, order) => {
      if (!source.serviceAccountToken) return;
      const place = at(at(at(at(at(specPath, 'volumes'), index), 'projected'), 'sources'), order);
      check.forbidden(place, 'serviceAccountToken', 'must not be specified when serviceAccountName is not set');
    });
  });
}

function validatePod(pod: Pod): FieldError[] {
  const check = new Check();
  checkPod(check, pod);
  const spec = specOf(pod);
  if (spec.ephemeralContainers?.length) check.forbidden(specPath, 'ephemeralContainers', 'cannot be set on create');
  if (spec.nodeName && spec.schedulingGates?.length)
    check.forbidden(specPath, 'nodeName', 'cannot be set until all schedulingGates have been cleared');
  checkProfilesMatch(check, specPath, pod.metadata?.annotations, spec);
  return check.errors;
}

/** Annotations that are fixed once a pod exists. */
function checkAnnotationUpdate(check: Check, pod: Pod, previous: Pod): void {
  const annotations = pod.metadata?.annotations ?? {};
  const before = previous.metadata?.annotations ?? {};
  for (const key in before) {
    if (annotations[key] === before[key]) continue;
    if (key.startsWith(appArmorContainer))
      check.forbidden(keyed(annotationsPath, key), '', 'may not remove or update AppArmor annotations');
    if (key === mirrorAnnotation)
      check.forbidden(keyed(annotationsPath, key), '', 'may not remove or update mirror pod annotation');
  }
  for (const key in annotations) {
    if (key in before) continue;
    if (key.startsWith(appArmorContainer))
      check.forbidden(keyed(annotationsPath, key), '', 'may not add AppArmor annotations');
    if (key === mirrorAnnotation) check.forbidden(keyed(annotationsPath, key), '', 'may not add mirror pod annotation');
  }
  if (pod.metadata?.annotations !== undefined)
    checkPodAnnotations(check, annotationsPath, pod.metadata.annotations, specOf(pod));
}

function validatePodUpdate(pod: Pod, previous: Pod): FieldError[] {
  const check = new Check();
  checkPod(check, pod);
  checkAnnotationUpdate(check, pod, previous);
  const spec = specOf(pod);
  const before = specOf(previous);
  for (const list of ['containers', 'initContainers'] as const) {
    if (!checkImages(check, list, spec[list] ?? none, before[list] ?? none)) return check.errors;
  }
  if (!checkDeadline(check, spec.activeDeadlineSeconds, before.activeDeadlineSeconds)) return check.errors;
  checkAddedTolerations(check, spec.tolerations ?? none, before.tolerations ?? none);
  checkRemovedGates(check, spec, before);
  if (semanticEqual(spec, before)) return check.errors;
  const masked = maskUpdatable(check, spec, before);
  if (!semanticEqual(masked, before)) {
    const diff = internalDiff('PodSpec', before, masked);
    const text = `pod updates may not change fields other than ${updatable}\n${diff}`;
    check.forbidden(undefined, 'spec', text);
  }
  return check.errors;
}

function checkImages(
  check: Check,
  list: string,
  containers: readonly Container[],
  before: readonly Container[],
): boolean {
  if (containers.length !== before.length) {
    check.forbidden(specPath, list, 'pod updates may not add or remove containers');
    return false;
  }
  containers.forEach(({ image }, index) => {
    if (!image) check.required(at(at(specPath, list), index), 'image');
    checkImageBlanks(check, at(at(specPath, list), index), image);
  });
  return true;
}

/** A deadline may be set once and come nearer. */
function checkDeadline(check: Check, seconds: number | undefined, before: number | undefined): boolean {
  const field = 'activeDeadlineSeconds';
  if (seconds === undefined) {
    if (before !== undefined)
      check.invalid(specPath, field, undefined, 'must not update from a positive integer to nil value');
    return true;
  }
  if (seconds < 0 || seconds > secondsMax) check.invalid(specPath, field, seconds, between(0, secondsMax));
  else if (before !== undefined && before < seconds)
    check.invalid(specPath, field, seconds, 'must be less than or equal to previous value');
  else return true;
  return false;
}

function checkAddedTolerations(check: Check, now: readonly Toleration[], before: readonly Toleration[]): void {
  for (const old of before) {
    const kept = now.some((toleration) =>
      semanticEqual({ ...old, tolerationSeconds: toleration.tolerationSeconds }, toleration),
    );
    if (kept) continue;
    const text = 'existing toleration can not be modified except its tolerationSeconds';
    check.forbidden(specPath, 'tolerations', text);
    return;
  }
  checkTolerations(check, at(specPath, 'tolerations'), now);
}

function checkRemovedGates(check: Check, spec: PodSpec, before: PodSpec): void {
  spec.schedulingGates?.forEach(({ name }, index) => {
    if (before.schedulingGates?.some((gate) => gate.name === name)) return;
    const text = `only deletion is allowed, but found new scheduling gate '${name}'`;
    check.forbidden(at(at(specPath, 'schedulingGates'), index), 'name', text);
  });
}

/** The new specification with the old values of all that may change, so that what still differs may not. */
function maskUpdatable(check: Check, spec: PodSpec, before: PodSpec): PodSpec {
  const withImages = (containers: readonly Container[], old: readonly Container[] | undefined): Container[] =>
    containers.map((container, index) => ({ ...container, image: old?.[index]?.image }));
  const masked: PodSpec = {
    ...spec,
    containers: withImages(spec.containers ?? none, before.containers),
    initContainers: spec.initContainers && withImages(spec.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
  };
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    masked.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds;
  if (before.schedulingGates?.length) maskPlacement(check, masked, before);
  return masked;
}

/** While a pod waits behind gates, where it may run can be narrowed. */
function maskPlacement(check: Check, masked: PodSpec, before: PodSpec): void {
  const selector = masked.nodeSelector ?? {};
  for (const key in before.nodeSelector) {
    if (selector[key] === before.nodeSelector[key]) continue;
    const text = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    check.invalid(specPath, 'nodeSelector', masked.nodeSelector ?? null, text);
    break;
  }
  masked.nodeSelector = before.nodeSelector;
  const old = before.affinity?.nodeAffinity;
  const now = masked.affinity?.nodeAffinity;
  if (semanticEqual(old, now)) return;
  checkNarrowedAffinity(check, now, old);
  if (masked.affinity === undefined) masked.affinity = old && { nodeAffinity: old };
  else if (before.affinity === undefined && !masked.affinity.podAffinity && !masked.affinity.podAntiAffinity)
    masked.affinity = undefined;
  else masked.affinity = { ...masked.affinity, nodeAffinity: old };
}

function checkNarrowedAffinity(check: Check, now: NodeAffinity | undefined, old: NodeAffinity | undefined): void {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const before = old?.[required]?.nodeSelectorTerms ?? none;
  const terms = now?.[required]?.nodeSelectorTerms ?? none;
  const path = at(at(at(specPath, 'affinity'), 'nodeAffinity'), required);
  const form = (term: NodeSelectorTerm): unknown => internalForm('NodeSelectorTerm', term);
  if (before.length > 0 && before.length !== terms.length) {
    const value = terms.length === 0 ? null : terms.map(form);
    const text = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    check.invalid(path, 'nodeSelectorTerms', value, text);
    return;
  }
  before.forEach((term, index) => {
    const changed = terms[index] as NodeSelectorTerm;
    if (onlyAdds(changed, term)) return;
    const text = 'only additions are allowed (no mutations or deletions)';
    check.invalid(at(path, 'nodeSelectorTerms'), index, form(changed), text);
  });
}

function onlyAdds(now: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const length = (term: NodeSelectorTerm): number => lists.reduce((sum, list) => sum + (term[list]?.length ?? 0), 0);
  if (length(old) === 0) return length(now) === 0;
  return lists.every((list) => semanticEqual((now[list] ?? []).slice(0, old[list]?.length ?? 0), old[list] ?? []));
}

function validateEphemeralContainers(pod: Pod, previous: Pod): FieldError[] {
  const check = new Check();
  checkPod(check, pod);
  checkAnnotationUpdate(check, pod, previous);
  if (previous.metadata?.annotations?.[mirrorAnnotation] !== undefined) {
    const refused = new Check();
    refused.forbidden(undefined, '', 'static pods do not support ephemeral containers');
    return refused.errors;
  }
  for (const old of specOf(previous).ephemeralContainers ?? []) {
    const now = specOf(pod).ephemeralContainers?.find(({ name }) => name === old.name);
    const which = `existing ephemeral containers ${JSON.stringify(old.name)}`;
    if (now === undefined) check.forbidden(specPath, 'ephemeralContainers', `${which} may not be removed\n`);
    else if (!semanticEqual(old, now)) {
      const diff = internalDiff('EphemeralContainer', old, now);
      check.forbidden(specPath, 'ephemeralContainers', `${which} may not be changed\n${diff}`);
    }
  }
  return check.errors;
}

export const podValidation = strategyOf<Pod>({
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  metadataOnUpdate: ['changes', 'whole'],
  status: {
    validateUpdate(pod: Pod, previous: Pod) {
      const check = new Check();
      checkAnnotationUpdate(check, pod, previous);
      checkPodStatus(check, pod, previous);
      return check.errors;
    },
  },
  subresources: {
    ephemeralcontainers: { validateUpdate: validateEphemeralContainers },
    resize: {
      validateUpdate(pod: Pod, previous: Pod) {
        const check = new Check();
        checkPod(check, pod);
        return checkResize(check, pod, previous);
      },
    },
  },
});
