/**
 * Leases and runtime classes: kinds of a few fields each.
 * @see pkg/apis/coordination/validation, pkg/apis/node/validation
 */
import { fieldPath } from '../field-errors.ts';
import type { Lease, RuntimeClass } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkTolerations } from './affinity.ts';
import { at, type Check, collect } from './check.ts';
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
