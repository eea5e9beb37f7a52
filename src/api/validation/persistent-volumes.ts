/**
 * Persistent volumes and claims: what they say and what stays once they are bound.
 * @see ValidatePersistentVolume, ValidatePersistentVolumeClaimUpdate
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { quantityValue } from '../quantity.ts';
import { checkNodeSelector } from './affinity.ts';
import { at, Check, immutableField, keyed, type Path } from './check.ts';
import { checkAccessModes, checkClaimSpec, volumeModes } from './claim-spec.ts';
import { internalForm } from './internal-form.ts';
import { checkStandardFinalizers } from './metadata.ts';
import {
  checkAmount,
  checkPositiveAmount,
  compareAmounts,
  isNativeResource,
  isNegativeAmount,
} from './resource-names.ts';
import { internalDiff } from './unified-diff.ts';
import { checkSources, persistentSourceRules } from './volume-sources.ts';

const specPath = fieldPath('spec');
const betaClass = 'volume.beta.kubernetes.io/storage-class';

/** `inline`: in a VolumeAttachment, where a volume without an object of its own stands. */
export function checkVolumeSpec(
  check: Check,
  path: Path,
  spec: PersistentVolumeSpec,
  name: string,
  inline: boolean,
): void {
  const context = 'in the context of inline volumes';
  const capacity = spec.capacity ?? {};
  const resources = Object.keys(capacity);
  if (inline) {
    if (spec.claimRef) check.forbidden(path, 'claimRef', `may not be specified ${context}`);
    if (resources.length > 0) check.forbidden(path, 'capacity', `may not be specified ${context}`);
    if (!spec.csi) check.required(path, 'csi', `has to be specified ${context}`);
  }
  if (!spec.accessModes?.length) check.required(path, 'accessModes');
  checkAccessModes(check, path, spec.accessModes ?? []);
  if (!inline) {
    if (resources.length === 0) check.required(path, 'capacity');
    if (capacity['storage'] === undefined || resources.length > 1)
      check.notSupported(path, 'capacity', spec.capacity ? byName(spec.capacity) : null, ['storage']);
    for (const [resource, amount] of Object.entries(capacity)) {
      const place = keyed(at(path, 'capacity'), resource);
      checkBasicAmount(check, place, amount);
      checkPositiveAmount(check, place, amount);
    }
  }
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy) {
    if (!inline) check.oneOf(path, 'persistentVolumeReclaimPolicy', policy, ['Delete', 'Recycle', 'Retain']);
    else if (policy !== 'Retain')
      check.forbidden(path, 'persistentVolumeReclaimPolicy', `may only be Retain ${context}`);
  }
  if (spec.nodeAffinity) {
    if (inline) check.forbidden(path, 'nodeAffinity', `may not be specified ${context}`);
    else if (spec.nodeAffinity.required)
      checkNodeSelector(check, at(at(path, 'nodeAffinity'), 'required'), spec.nodeAffinity.required);
    else check.required(at(path, 'nodeAffinity'), 'required', 'must specify required node constraints');
  }
  if (checkSources(check, path, spec, persistentSourceRules, name) === 0)
    check.required(path, '', 'must specify a volume type');
  if (spec.local && !spec.nodeAffinity) check.required(path, 'nodeAffinity', 'Local volume requires node affinity');
  if (spec.hostPath && /^[/.]*\/[/.]*$/.test(spec.hostPath.path ?? '') && policy === 'Recycle')
    check.forbidden(path, 'persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'");
  checkClasses(check, path, spec, inline);
}

function checkClasses(check: Check, path: Path, spec: PersistentVolumeSpec, inline: boolean): void {
  const context = 'in the context of inline volumes';
  if (spec.storageClassName) {
    if (inline) check.forbidden(path, 'storageClassName', `may not be specified ${context}`);
    else check.dnsSubdomain(path, 'storageClassName', spec.storageClassName);
  }
  if (spec.volumeMode !== undefined) {
    if (!inline) check.oneOf(path, 'volumeMode', spec.volumeMode, volumeModes);
    else if (spec.volumeMode !== 'Filesystem')
      check.forbidden(path, 'volumeMode', `may not specify volumeMode other than Filesystem ${context}`);
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return;
  if (attributes === '') check.required(path, 'volumeAttributesClassName', 'an empty string is disallowed');
  else check.dnsSubdomain(path, 'volumeAttributesClassName', attributes);
  if (!spec.csi) check.required(path, 'csi', 'has to be specified when using volumeAttributesClassName');
}

/** Maps print in the order of their keys. */
const byName = (amounts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1)));

function checkBasicAmount(check: Check, path: Path, amount: string): void {
  if (isNegativeAmount(amount)) check.invalid(path, '', quantityValue(amount), 'must be a valid resource quantity');
}

function checkVolume(check: Check, volume: PersistentVolume): void {
  checkStandardFinalizers(check, volume.metadata);
  checkVolumeSpec(check, specPath, volume.spec ?? {}, volume.metadata?.name ?? '', false);
}

const mountOptions = 'volume.beta.kubernetes.io/mount-options';
/** Sources that can be mounted with options of the user's. */
const withOptions = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const;

/** @see pkg/volume/validation/pv_validation.go */
function checkMountOptions(check: Check, { metadata, spec }: PersistentVolume): void {
  if (metadata?.annotations?.[mountOptions] === undefined || withOptions.some((field) => spec?.[field])) return;
  const text = 'may not specify mount options for this volume type';
  check.forbidden(fieldPath('metadata', 'annotations'), mountOptions, text);
}

function validateVolumeUpdate(volume: PersistentVolume, previous: PersistentVolume): FieldError[] {
  const check = new Check();
  // Upstream looks at a changed volume as at a new one first, and tells of both.
  checkVolume(check, volume);
  checkMountOptions(check, volume);
  checkVolume(check, volume);
  const before = previous.spec ?? {};
  let spec = volume.spec ?? {};
  // The secret for expanding may be named later.
  if (before.csi && !before.csi.controllerExpandSecretRef && spec.csi?.controllerExpandSecretRef)
    spec = { ...spec, csi: { ...spec.csi, controllerExpandSecretRef: undefined } };
  const sources = (of: object): Record<string, unknown> => {
    const all = of as Record<string, unknown>;
    return Object.fromEntries(persistentSourceRules.map(({ field }) => [field, all[field]]));
  };
  if (!semanticEqual(sources(spec), sources(before))) {
    const diff = internalDiff('PersistentVolumeSource', before, spec);
    const text = `spec.persistentvolumesource is immutable after creation\n${diff}`;
    check.forbidden(specPath, 'persistentvolumesource', text);
  }
  check.unchanged(undefined, 'volumeMode', spec.volumeMode, spec.volumeMode === before.volumeMode);
  if (before.nodeAffinity && !semanticEqual(before.nodeAffinity, spec.nodeAffinity))
    check.invalid(
      undefined,
      'nodeAffinity',
      spec.nodeAffinity && internalForm('VolumeNodeAffinity', spec.nodeAffinity),
      `${immutableField}, except for updating from beta label to GA`,
    );
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    check.forbidden(specPath, 'volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  return check.errors;
}

export const persistentVolumeValidation = strategyOf<PersistentVolume>({
  validate(volume: PersistentVolume) {
    const check = new Check();
    checkVolume(check, volume);
    checkMountOptions(check, volume);
    return check.errors;
  },
  validateUpdate: validateVolumeUpdate,
  metadataOnUpdate: ['whole', 'whole'],
});

/** The specification with the old values of what may change, so that what still differs may not. */
function maskClaim(
  check: Check,
  claim: PersistentVolumeClaim,
  previous: PersistentVolumeClaim,
): [PersistentVolumeClaimSpec, PersistentVolumeClaimSpec] {
  const spec: PersistentVolumeClaimSpec = { ...claim.spec };
  const before: PersistentVolumeClaimSpec = { ...previous.spec };
  if (!before.volumeName) before.volumeName = spec.volumeName;
  const annotation = claim.metadata?.annotations?.[betaClass];
  const oldAnnotation = previous.metadata?.annotations?.[betaClass];
  const fromAnnotation =
    oldAnnotation !== undefined &&
    before.storageClassName === undefined &&
    spec.storageClassName === oldAnnotation &&
    (annotation === undefined || annotation === oldAnnotation);
  if (fromAnnotation) spec.storageClassName = undefined;
  else {
    if ((annotation ?? '') !== (oldAnnotation ?? ''))
      check.invalid(fieldPath('metadata', 'annotations'), betaClass, annotation ?? '', immutableField);
    const fromNothing = before.storageClassName === undefined && spec.storageClassName !== undefined;
    if (fromNothing && (oldAnnotation === undefined || spec.storageClassName === oldAnnotation))
      spec.storageClassName = before.storageClassName;
  }
  if (claim.status?.phase === 'Bound') {
    const storage = before.resources?.requests?.['storage'];
    if (spec.resources?.requests && storage !== undefined)
      spec.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage } };
    if (spec.volumeAttributesClassName !== undefined) spec.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  return [spec, before];
}

function validateClaimUpdate(claim: PersistentVolumeClaim, previous: PersistentVolumeClaim): FieldError[] {
  const check = new Check();
  const anyGroup =
    typeof previous.spec?.dataSource?.apiGroup === 'string' ||
    typeof previous.spec?.dataSourceRef?.apiGroup === 'string';
  // Upstream looks at a changed claim as at a new one first, and tells of both.
  for (let times = 0; times < 2; times++) {
    checkStandardFinalizers(check, claim.metadata);
    checkClaimSpec(check, specPath, claim.spec ?? {}, anyGroup);
  }
  const [spec, before] = maskClaim(check, claim, previous);
  if (!semanticEqual(spec, before)) {
    const diff = internalDiff('ClaimSpec', before, spec);
    const text = `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${diff}`;
    check.forbidden(undefined, 'spec', text);
  }
  const size = claim.spec?.resources?.requests?.['storage'] ?? '0';
  const oldSize = previous.spec?.resources?.requests?.['storage'] ?? '0';
  if (compareAmounts(size, oldSize) < 0 && compareAmounts(size, previous.status?.capacity?.['storage'] ?? '0') <= 0)
    check.forbidden(
      fieldPath('spec', 'resources', 'requests'),
      'storage',
      'field can not be less than status.capacity',
    );
  const mode = claim.spec?.volumeMode;
  check.unchanged(undefined, 'volumeMode', mode, mode === previous.spec?.volumeMode);
  const attributes = claim.spec?.volumeAttributesClassName;
  const oldAttributes = previous.spec?.volumeAttributesClassName;
  if (oldAttributes !== undefined && !attributes && attributes !== oldAttributes) {
    const what = attributes === undefined ? 'nil' : 'an empty string';
    check.forbidden(specPath, 'volumeAttributesClassName', `update from non-nil value to ${what} is forbidden`);
  }
  return check.errors;
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

function checkClaimResource(check: Check, path: Path, name: string): boolean {
  const before = check.errors.length;
  check.qualifiedName(path, '', name);
  if (check.errors.length === before && isNativeResource(name)) check.oneOf(path, '', name, ['storage']);
  return check.errors.length === before;
}

function validateClaimStatus(claim: PersistentVolumeClaim): FieldError[] {
  const check = new Check();
  const { capacity, allocatedResources, allocatedResourceStatuses } = claim.status ?? {};
  if (!claim.spec?.accessModes?.length) check.required(fieldPath('Spec'), 'accessModes');
  for (const name in capacity)
    checkBasicAmount(check, keyed(fieldPath('status', 'capacity'), name), capacity[name] as string);
  const states = fieldPath('status', 'allocatedResourceStatus');
  for (const name in allocatedResourceStatuses) {
    checkClaimResource(check, states, name);
    if (!resizeStates.includes(allocatedResourceStatuses[name] as string))
      check.notSupported(states, '', name, resizeStates);
  }
  const amounts = fieldPath('status', 'allocatedResources');
  for (const name in allocatedResources) {
    if (!checkClaimResource(check, amounts, name)) continue;
    const amount = allocatedResources[name] as string;
    if (isNegativeAmount(amount)) checkBasicAmount(check, keyed(amounts, name), amount);
    else checkAmount(check, keyed(amounts, name), 'storage', amount);
  }
  return check.errors;
}

export const persistentVolumeClaimValidation = strategyOf<PersistentVolumeClaim>({
  validate(claim: PersistentVolumeClaim) {
    const check = new Check();
    checkStandardFinalizers(check, claim.metadata);
    checkClaimSpec(check, specPath, claim.spec ?? {});
    return check.errors;
  },
  validateUpdate: validateClaimUpdate,
  metadataOnUpdate: ['whole', 'changes', 'whole'],
  status: { validateUpdate: validateClaimStatus },
});
