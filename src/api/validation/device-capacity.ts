/**
 * Capacities of devices that several requests share, and what requests may ask of them.
 * @see pkg/apis/resource/validation/validation.go validateRequestPolicy
 */
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../generated/types.ts';
import { formatQuantity, parseQuantity, quantityValue } from '../quantity.ts';
import { at, type Check, notPositive, type Path } from './check.ts';
import { checkSet } from './devices.ts';
import { compareAmounts } from './resource-names.ts';

const optionsMax = 10;

/** `shared`: the device may be allocated more than once. */
export function checkCapacity(check: Check, path: Path, capacity: DeviceCapacity, shared: boolean): void {
  const policy = capacity.requestPolicy;
  if (!policy) return;
  if (shared) checkPolicy(check, at(path, 'requestPolicy'), policy, capacity.value ?? '0');
  else check.forbidden(path, 'requestPolicy', 'allowMultipleAllocations must be true');
}

function checkPolicy(check: Check, path: Path, policy: CapacityRequestPolicy, most: string): void {
  const { validValues = [], validRange, default: standard } = policy;
  if (validValues.length > 0 && validRange)
    check.forbidden(
      path,
      '',
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
    );
  else if (validValues.length > 0) {
    if (standard === undefined) check.required(path, 'default', 'required when validValues is defined');
    else checkValues(check, at(path, 'validValues'), validValues, standard, most);
  } else if (validRange) {
    if (standard === undefined) check.required(path, 'default', 'required when validRange is defined');
    else checkRange(check, at(path, 'validRange'), validRange, standard, most);
  }
}

function checkValues(check: Check, path: Path, values: readonly string[], standard: string, most: string): void {
  values.forEach((value, index) => {
    if (index > 0 && compareAmounts(values[index - 1] as string, value) > 0)
      check.invalid(path, index, value, 'values must be sorted in ascending order');
  });
  checkSet(
    check,
    path,
    values,
    optionsMax,
    (value, place) => {
      if (compareAmounts(value, most) > 0)
        check.invalid(place, '', value, `option is larger than capacity value: ${most}`);
    },
    (value) => String(quantityValue(value)),
  );
  if (!values.some((value) => compareAmounts(value, standard) === 0))
    check.invalid(path, '', standard, 'default value is not valid according to the requestPolicy');
}

function checkRange(
  check: Check,
  path: Path,
  range: Partial<CapacityRequestPolicyRange>,
  standard: string,
  most: string,
): void {
  const { min, max, step } = range;
  if (min === undefined) {
    check.required(path, 'min', 'required when validRange is defined');
    return;
  }
  if (compareAmounts(min, most) > 0) check.invalid(path, 'min', min, `min is larger than capacity value: ${most}`);
  if (compareAmounts(standard, min) < 0) check.invalid(path, 'min', standard, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (compareAmounts(min, max) > 0) check.invalid(path, 'max', min, `min is larger than max: ${max}`);
    if (compareAmounts(max, most) > 0) check.invalid(path, 'max', max, `max is larger than capacity value: ${most}`);
    if (compareAmounts(standard, max) > 0) check.invalid(path, 'max', standard, `default is more than max: ${max}`);
  }
  if (step !== undefined) checkStep(check, path, { min, max, step }, standard, most);
}

function checkStep(
  check: Check,
  path: Path,
  { min, max, step }: { readonly min: string; readonly max: string | undefined; readonly step: string },
  standard: string,
  most: string,
): void {
  const [start, stride] = [parseQuantity(min), parseQuantity(step)];
  if (stride.nanos <= 0n) {
    check.invalid(path, 'step', step, notPositive);
    return;
  }
  const added = formatQuantity({ ...start, nanos: start.nanos + stride.nanos });
  if (compareAmounts(added, most) > 0)
    check.invalid(path, 'step', step, `one step ${added} is larger than capacity value: ${most}`);
  for (const value of max === undefined ? [standard] : [standard, max])
    if ((parseQuantity(value).nanos - start.nanos) % stride.nanos !== 0n)
      check.invalid(path, 'step', value, `value is not a multiple of a given step (${step}) from (${min})`);
}
