/**
 * Leases, runtime classes and classes of storage: kinds of a few fields each.
 * @see pkg/apis/coordination/validation, pkg/apis/node/validation, pkg/apis/storage/validation
 */
import { fieldPath } from '../field-errors.ts';
import type { CSIDriver, Lease, RuntimeClass, StorageClass } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkTolerations } from './affinity.ts';
import { at, type Check, collect, immutableField } from './check.ts';
import { checkLabels, checkStandardFinalizers } from './metadata.ts';
import { checkResourceRequirements } from './resource-names.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const specPath = fieldPath('spec');

function checkLease(check: Check, lease: Lease): void {
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0)
    check.invalid(specPath, 'leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
  check.nonNegative(specPath, 'leaseTransitions', leaseTransitions);
}

const validateLease = (lease: Lease) => collect((check) => checkLease(check, lease));

export const leaseValidation = strategyOf<Lease>({ validate: validateLease, validateUpdate: validateLease });

export const runtimeClassValidation = strategyOf<RuntimeClass>({
  validate: (runtimeClass: RuntimeClass) =>
    collect((check) => {
      checkStandardFinalizers(check, runtimeClass.metadata);
      check.dnsLabel(undefined, 'handler', runtimeClass.handler ?? '');
      const { overhead, scheduling } = runtimeClass;
      if (overhead?.podFixed)
        checkResourceRequirements(check, fieldPath('overhead', 'podFixed'), { limits: overhead.podFixed }, undefined);
      const path = fieldPath('scheduling');
      if (scheduling?.nodeSelector) checkLabels(check, scheduling.nodeSelector, path, 'nodeSelector');
      const tolerations = scheduling?.tolerations ?? [];
      tolerations.forEach((toleration, index) => {
        const place = at(path, 'tolerations');
        if (tolerations.findIndex((other) => semanticEqual(other, toleration)) < index)
          check.duplicate(place, index, toleration);
      });
      checkTolerations(check, at(path, 'tolerations'), tolerations);
    }),
  validateUpdate: (runtimeClass: RuntimeClass, previous: RuntimeClass) =>
    collect((check) => {
      const handler = runtimeClass.handler ?? '';
      check.unchanged(undefined, 'handler', handler, handler === (previous.handler ?? ''));
    }),
});

function checkStorageClass(check: Check, storageClass: StorageClass): void {
  checkStandardFinalizers(check, storageClass.metadata);
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies } = storageClass;
  if (!provisioner) check.required(undefined, 'provisioner');
  else check.qualifiedName(undefined, 'provisioner', provisioner.toLowerCase());
  const keys = Object.keys(parameters ?? {});
  if (keys.length > 512) check.tooLong(fieldPath('parameters'), '', 512);
  if (keys.includes('')) check.invalid(undefined, 'parameters', '', 'field can not be empty.');
  if (reclaimPolicy) check.oneOf(undefined, 'reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
  if (volumeBindingMode === undefined) check.required(undefined, 'volumeBindingMode');
  else check.oneOf(undefined, 'volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
  allowedTopologies?.forEach((term, index) => {
    const path = at(at(fieldPath('allowedTopologies'), index), 'matchLabelExpressions');
    const seen = new Set<string>();
    term.matchLabelExpressions?.forEach((requirement, order) => {
      const { key } = requirement;
      const values = requirement.values ?? [];
      const place = at(path, order);
      if (values.length === 0) check.required(place, 'values');
      values.forEach((value, rank) => {
        if (values.indexOf(value) < rank) check.duplicate(at(place, 'values'), rank, value);
      });
      check.qualifiedName(place, 'key', key);
      if (seen.has(key)) check.duplicate(place, 'key', key);
      seen.add(key);
    });
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

function checkDriver(check: Check, driver: CSIDriver): void {
  checkCsiDriverName(check, undefined, 'name', driver.metadata?.name ?? '');
  const { fsGroupPolicy, volumeLifecycleModes = [], tokenRequests = [], attachRequired } = driver.spec ?? {};
  if (attachRequired === undefined) check.required(specPath, 'attachedRequired');
  if (fsGroupPolicy !== undefined)
    check.oneOf(specPath, 'fsGroupPolicy', fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  tokenRequests.forEach(({ audience = '', expirationSeconds }, index) => {
    const place = at(at(specPath, 'tokenRequests'), index);
    if (tokenRequests.findIndex((other) => (other.audience ?? '') === audience) < index)
      check.duplicate(place, 'audience', audience);
    if (expirationSeconds === undefined) return;
    if (expirationSeconds < 600)
      check.invalid(place, 'expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes');
    if (expirationSeconds > 2 ** 32)
      check.invalid(
        place,
        'expirationSeconds',
        expirationSeconds,
        'may not specify a duration larger than 2^32 seconds',
      );
  });
  for (const mode of volumeLifecycleModes)
    check.oneOf(specPath, 'volumeLifecycleModes', mode, ['Ephemeral', 'Persistent']);
}

export const csiDriverValidation = strategyOf<CSIDriver>({
  validate: (driver: CSIDriver) => collect((check) => checkDriver(check, driver)),
  validateUpdate: (driver: CSIDriver, previous: CSIDriver) =>
    collect((check) => {
      checkDriver(check, driver);
      for (const field of ['attachRequired', 'volumeLifecycleModes'] as const) {
        const value = driver.spec?.[field];
        if (!semanticEqual(value, previous.spec?.[field])) check.invalid(specPath, field, value, immutableField);
      }
    }),
});
