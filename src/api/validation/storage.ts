/**
 * The kinds of storage.k8s.io: classes, drivers, what nodes and attachments say of volumes.
 * @see pkg/apis/storage/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  StorageClass,
  TopologySelectorTerm,
  VolumeAttachment,
  VolumeAttributesClass,
  VolumeError,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { at, between, type Check, collect, immutableField, type Path } from './check.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { checkVolumeSpec } from './persistent-volumes.ts';
import { isNegativeAmount } from './resource-names.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const specPath = fieldPath('spec');
const statusPath = fieldPath('status');
const parametersMax = 512;
/** Of all parameters of a class, or all metadata of an attachment, in bytes. */
const parameterBytesMax = 256 * 1024;
const errorBytesMax = 1024;
const nodeIdMax = 256;

function checkProvisioner(check: Check, step: string, name: string | undefined): void {
  if (!name) check.required(undefined, step);
  else check.qualifiedName(undefined, step, name.toLowerCase());
}

function bytesOf(entries: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in entries) bytes += Buffer.byteLength(key) + Buffer.byteLength(entries[key] ?? '');
  return bytes;
}

function checkParameters(check: Check, parameters: Readonly<Record<string, string>> = {}, needed = false): void {
  const keys = Object.keys(parameters);
  if (keys.length > parametersMax) {
    check.tooLong(undefined, 'parameters', parametersMax);
    return;
  }
  if (keys.includes('')) check.invalid(undefined, 'parameters', '', 'field can not be empty.');
  if (bytesOf(parameters) > parameterBytesMax) check.tooLong(undefined, 'parameters', parameterBytesMax);
  if (needed && keys.length === 0) check.required(undefined, 'parameters', 'must contain at least one key/value pair');
}

function checkStorageClass(check: Check, storageClass: StorageClass): void {
  checkStandardFinalizers(check, storageClass.metadata);
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = storageClass;
  checkProvisioner(check, 'provisioner', provisioner);
  checkParameters(check, parameters);
  if (reclaimPolicy) check.oneOf(undefined, 'reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
  if (volumeBindingMode === undefined) check.required(undefined, 'volumeBindingMode');
  else check.oneOf(undefined, 'volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
  allowedTopologies.forEach((term, index) => {
    const path = at(at(fieldPath('allowedTopologies'), index), 'matchLabelExpressions');
    checkTopology(check, path, term);
    const form = topologyForm(term);
    let same = allowedTopologies.slice(0, index).filter((other) => topologyForm(other) === form).length;
    // Upstream compares with as many empty terms as there are terms at all.
    if (form === '') same += allowedTopologies.length;
    for (; same > 0; same--) check.duplicate(path, '', '');
  });
}

/** A term as text that is the same for terms of the same meaning; empty for one that asks for nothing, which counts as a repetition. */
function topologyForm({ matchLabelExpressions = [] }: TopologySelectorTerm): string {
  return matchLabelExpressions
    .map(({ key, values }) => `${key} ${[...new Set(values)].sort().join(' ')}`)
    .sort()
    .join('\n');
}

function checkTopology(check: Check, path: Path, term: TopologySelectorTerm): void {
  const seen = new Set<string>();
  term.matchLabelExpressions?.forEach(({ key, values: given }, order) => {
    const place = at(path, order);
    const values = given ?? [];
    if (values.length === 0) check.required(place, 'values');
    values.forEach((value, rank) => {
      if (values.indexOf(value) < rank) check.duplicate(at(place, 'values'), rank, value);
    });
    check.qualifiedName(place, 'key', key);
    if (seen.has(key)) check.duplicate(place, 'key', key);
    seen.add(key);
  });
}

export const storageClassValidation = strategyOf<StorageClass>({
  validate: (storageClass: StorageClass) => collect((check) => checkStorageClass(check, storageClass)),
  validateUpdate: (storageClass: StorageClass, previous: StorageClass) =>
    collect((check) => {
      if (!semanticEqual(storageClass.parameters ?? {}, previous.parameters ?? {}))
        check.forbidden(undefined, 'parameters', 'updates to parameters are forbidden.');
      if (storageClass.provisioner !== previous.provisioner)
        check.forbidden(undefined, 'provisioner', 'updates to provisioner are forbidden.');
      if (storageClass.reclaimPolicy !== previous.reclaimPolicy)
        check.forbidden(undefined, 'reclaimPolicy', 'updates to reclaimPolicy are forbidden.');
      const mode = storageClass.volumeBindingMode;
      check.unchanged(undefined, 'volumeBindingMode', mode, mode === previous.volumeBindingMode);
    }),
});

function checkAttributesClass(check: Check, attributesClass: VolumeAttributesClass): void {
  checkStandardFinalizers(check, attributesClass.metadata);
  checkProvisioner(check, 'driverName', attributesClass.driverName);
  checkParameters(check, attributesClass.parameters, true);
}

export const volumeAttributesClassValidation = strategyOf<VolumeAttributesClass>({
  validate: (attributesClass: VolumeAttributesClass) =>
    collect((check) => checkAttributesClass(check, attributesClass)),
  validateUpdate: (attributesClass: VolumeAttributesClass, previous: VolumeAttributesClass) =>
    collect((check) => {
      if (attributesClass.driverName !== previous.driverName)
        check.forbidden(undefined, 'driverName', 'updates to driverName are forbidden.');
      if (!semanticEqual(attributesClass.parameters ?? {}, previous.parameters ?? {}))
        check.forbidden(undefined, 'parameters', 'updates to parameters are forbidden.');
      checkAttributesClass(check, attributesClass);
    }),
});

function checkDriver(check: Check, spec: Partial<CSIDriverSpec>): void {
  const { fsGroupPolicy, volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period } = spec;
  if (spec.attachRequired === undefined) check.required(specPath, 'attachedRequired');
  if (spec.podInfoOnMount === undefined) check.required(specPath, 'podInfoOnMount');
  if (spec.storageCapacity === undefined) check.required(specPath, 'storageCapacity');
  if (fsGroupPolicy !== undefined)
    check.oneOf(specPath, 'fsGroupPolicy', fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  checkTokenRequests(check, spec.tokenRequests ?? []);
  for (const mode of volumeLifecycleModes)
    check.oneOf(specPath, 'volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']);
  if (spec.seLinuxMount === undefined) check.required(specPath, 'seLinuxMount');
  if (period !== undefined && period < 10)
    check.invalid(
      specPath,
      'nodeAllocatableUpdatePeriodSeconds',
      period,
      'must be greater than or equal to 10 seconds',
    );
  if (spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length)
    check.invalid(
      specPath,
      'serviceAccountTokenInSecrets',
      spec.serviceAccountTokenInSecrets,
      'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    );
}

function checkTokenRequests(check: Check, requests: NonNullable<CSIDriverSpec['tokenRequests']>): void {
  requests.forEach(({ audience = '', expirationSeconds: seconds }, index) => {
    const place = at(at(specPath, 'tokenRequests'), index);
    if (requests.findIndex((other) => (other.audience ?? '') === audience) < index) {
      check.duplicate(place, 'audience', audience);
      return;
    }
    if (seconds === undefined) return;
    if (seconds < 600)
      check.invalid(place, 'expirationSeconds', seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > 2 ** 32)
      check.invalid(place, 'expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds');
  });
}

export const csiDriverValidation = strategyOf<CSIDriver>({
  validate: (driver: CSIDriver) =>
    collect((check) => {
      checkStandardFinalizers(check, driver.metadata);
      checkDriver(check, driver.spec ?? {});
    }),
  validateUpdate: (driver: CSIDriver, previous: CSIDriver) =>
    collect((check) => {
      checkDriver(check, driver.spec ?? {});
      const { attachRequired, volumeLifecycleModes } = driver.spec ?? {};
      // Upstream's own spelling of the field.
      check.unchanged(specPath, 'attachedRequired', attachRequired, attachRequired === previous.spec?.attachRequired);
      check.unchanged(
        specPath,
        'volumeLifecycleModes',
        volumeLifecycleModes,
        semanticEqual(volumeLifecycleModes, previous.spec?.volumeLifecycleModes),
      );
    }),
});

function checkNode(check: Check, node: CSINode): void {
  checkStandardFinalizers(check, node.metadata);
  const drivers = node.spec?.drivers ?? [];
  drivers.forEach((driver, index) => {
    const place = at(at(specPath, 'drivers'), index);
    const { name = '', nodeID = '' } = driver;
    // Null, when there are none.
    const topologyKeys = driver.topologyKeys ?? [];
    checkCsiDriverName(check, place, 'name', name);
    if (nodeID === '') check.required(place, 'nodeID');
    if (nodeID.length > nodeIdMax) check.invalid(place, 'nodeID', nodeID, `must be ${nodeIdMax} characters or less`);
    check.nonNegative(at(place, 'allocatable'), 'count', driver.allocatable?.count);
    if (drivers.findIndex((other) => other.name === name) < index) check.duplicate(place, 'name', name);
    topologyKeys.forEach((key, order) => {
      if (key === '') check.required(place, '');
      if (topologyKeys.indexOf(key) < order) check.duplicate(place, '', key);
      check.qualifiedName(place, '', key);
    });
  });
}

/** What a driver said of its node stays, but for how many volumes it takes. */
const withoutCount = ({ allocatable: _, ...driver }: CSINodeDriver): unknown => driver;

export const csiNodeValidation = strategyOf<CSINode>({
  validate: (node: CSINode) => collect((check) => checkNode(check, node)),
  validateUpdate: (node: CSINode, previous: CSINode) =>
    collect((check) => {
      checkNode(check, node);
      for (const before of previous.spec?.drivers ?? [])
        for (const driver of node.spec?.drivers ?? [])
          if (driver.name === before.name && !semanticEqual(withoutCount(driver), withoutCount(before)))
            check.invalid(specPath, 'drivers', internalForm('CSINodeDriver', withoutCount(driver)), immutableField);
    }),
});

function checkAttachment(check: Check, attachment: VolumeAttachment): void {
  checkStandardFinalizers(check, attachment.metadata);
  const { attacher, nodeName, source = {} } = attachment.spec ?? {};
  check.present(specPath, 'attacher', attacher);
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source;
  const path = at(specPath, 'source');
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (!inline && name === undefined) check.required(path, '', exactlyOne);
  else if (inline && name !== undefined) check.forbidden(path, '', exactlyOne);
  else if (name === '') check.required(path, 'persistentVolumeName', 'must specify non empty persistentVolumeName');
  else if (inline) checkVolumeSpec(check, at(path, 'inlineVolumeSpec'), inline, '', true);
  check.dnsSubdomain(specPath, 'nodeName', nodeName ?? '');
  const { attachmentMetadata, attachError, detachError } = attachment.status ?? {};
  if (attachmentMetadata && bytesOf(attachmentMetadata) > parameterBytesMax)
    check.tooLong(statusPath, 'attachmentMetadata', parameterBytesMax);
  checkVolumeError(check, at(statusPath, 'attachError'), attachError);
  checkVolumeError(check, at(statusPath, 'detachError'), detachError);
}

function checkVolumeError(check: Check, path: Path, error: VolumeError | undefined): void {
  // The bound that is told is not the one that is asked for, as upstream.
  if (Buffer.byteLength(error?.message ?? '') > errorBytesMax) check.tooLong(path, 'message', parameterBytesMax);
  const code = error?.errorCode;
  if (code !== undefined && code < 0) check.invalid(path, 'errorCode', code, between(0, 2 ** 31 - 1));
}

function validateAttachmentUpdate(attachment: VolumeAttachment, previous: VolumeAttachment) {
  return collect((check) => {
    checkAttachment(check, attachment);
    if (!semanticEqual(attachment.spec, previous.spec))
      check.invalid(undefined, 'spec', internalForm('VolumeAttachmentSpec', attachment.spec), immutableField);
  });
}

export const volumeAttachmentValidation = strategyOf<VolumeAttachment>({
  validate: (attachment: VolumeAttachment) =>
    collect((check) => {
      checkAttachment(check, attachment);
      checkCsiDriverName(check, specPath, 'attacher', attachment.spec?.attacher ?? '');
      const name = attachment.spec?.source?.persistentVolumeName;
      if (name !== undefined) check.dnsSubdomain(at(specPath, 'source'), 'persistentVolumeName', name);
    }),
  validateUpdate: validateAttachmentUpdate,
  status: { validateUpdate: validateAttachmentUpdate },
});

export const csiStorageCapacityValidation = strategyOf<CSIStorageCapacity>({
  validate: (capacity: CSIStorageCapacity) =>
    collect((check) => {
      checkStandardFinalizers(check, capacity.metadata);
      checkLabelSelector(check, capacity.nodeTopology, undefined, 'nodeTopology');
      check.dnsSubdomain(undefined, 'storageClassName', capacity.storageClassName ?? '');
      const amount = capacity.capacity;
      if (amount !== undefined && isNegativeAmount(amount))
        check.invalid(undefined, 'capacity', amount, 'must be greater than or equal to 0');
    }),
  validateUpdate: (capacity: CSIStorageCapacity, previous: CSIStorageCapacity) =>
    collect((check) => {
      for (const field of ['nodeTopology', 'storageClassName'] as const)
        check.unchanged(undefined, field, capacity[field], semanticEqual(capacity[field], previous[field]));
    }),
});
