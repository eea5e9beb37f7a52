/**
 * Leases and runtime classes: kinds of a few fields each.
 * @see pkg/apis/coordination/validation, pkg/apis/node/validation
 */
import { fieldPath } from '../field-errors.ts';
import type { Lease, RuntimeClass, Toleration } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkTolerations } from './affinity.ts';
import { at, type Check, collect } from './check.ts';
import { internalForm } from './internal-form.ts';
import { checkLabels, checkStandardFinalizers } from './metadata.ts';
import { checkResourceRequirements } from './resource-names.ts';

const specPath = fieldPath('spec');

function checkLease(check: Check, lease: Lease): void {
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0)
    check.invalid(specPath, 'leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
  check.nonNegative(specPath, 'leaseTransitions', leaseTransitions);
}

const validateLease = (lease: Lease) => collect((check) => checkLease(check, lease));

export const leaseValidation = strategyOf<Lease>({ validate: validateLease, validateUpdate: validateLease });

/** What makes tolerations the same: all but for how long. */
const tolerationKey = ({ key = '', operator = '', value = '', effect = '' }: Toleration): string =>
  [key, operator, value, effect].join('\n');

export const runtimeClassValidation = strategyOf<RuntimeClass>({
  validate: (runtimeClass: RuntimeClass) =>
    collect((check) => {
      checkStandardFinalizers(check, runtimeClass.metadata);
      if (!runtimeClass.handler) check.required(undefined, 'handler');
      else check.dnsLabel(undefined, 'handler', runtimeClass.handler);
      const { overhead, scheduling } = runtimeClass;
      // Looked at as the limits of a container, and named so.
      if (overhead?.podFixed)
        checkResourceRequirements(check, fieldPath('overhead'), { limits: overhead.podFixed }, undefined);
      const path = fieldPath('scheduling');
      if (scheduling?.nodeSelector) checkLabels(check, scheduling.nodeSelector, path, 'nodeSelector');
      const tolerations = scheduling?.tolerations ?? [];
      const place = at(path, 'tolerations');
      checkTolerations(check, place, tolerations);
      const keys = tolerations.map(tolerationKey);
      tolerations.forEach((toleration, index) => {
        if (keys.indexOf(keys[index] ?? '') < index)
          check.duplicate(place, index, internalForm('Toleration', toleration));
      });
    }),
  validateUpdate: (runtimeClass: RuntimeClass, previous: RuntimeClass) =>
    collect((check) => {
      const handler = runtimeClass.handler ?? '';
      check.unchanged(undefined, 'handler', handler, handler === (previous.handler ?? ''));
    }),
});
