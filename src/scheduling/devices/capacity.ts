/**
 * How much of a device's capacities a request takes: what is asked, rounded up to what the device's policy allows, and
 * whether that still fits beside what others took. Amounts are exact, in billionths of a unit.
 * @see staging/src/k8s.io/dynamic-resource-allocation/structured (consumable_capacity.go)
 */
import {
  type CapacityRequestPolicy,
  type CapacityRequestPolicyRange,
  type CapacityRequirements,
  type Device,
  type DeviceCapacity,
  formatQuantity,
  type ParsedQuantity,
  parseQuantity,
} from '../../api/index.ts';

/** Consumed amounts by capacity name. */
export type Consumed = ReadonlyMap<string, ParsedQuantity>;

/** The smallest value from `min` in whole steps that is not below the request. */
function roundedUp(asked: ParsedQuantity, { min, step }: CapacityRequestPolicyRange): ParsedQuantity {
  const least = parseQuantity(min);
  if (asked.nanos < least.nanos) return least;
  if (step === undefined) return asked;
  const { nanos: size, format } = parseQuantity(step);
  const above = asked.nanos - least.nanos;
  const steps = (above + size - 1n) / size;
  return { nanos: least.nanos + steps * size, format };
}

function consumedOf(asked: ParsedQuantity | undefined, { value, requestPolicy }: DeviceCapacity): ParsedQuantity {
  if (!asked) return parseQuantity(requestPolicy?.default ?? value);
  if (requestPolicy?.validRange) return roundedUp(asked, requestPolicy.validRange);
  for (const valid of requestPolicy?.validValues ?? []) {
    const parsed = parseQuantity(valid);
    if (asked.nanos <= parsed.nanos) return parsed;
  }
  return asked;
}

function violates({ nanos }: ParsedQuantity, policy: CapacityRequestPolicy | undefined): boolean {
  if (!policy) return false;
  if (policy.default !== undefined && parseQuantity(policy.default).nanos === nanos) return false;
  if (policy.validRange) {
    const { max, min, step } = policy.validRange;
    if (max !== undefined && nanos > parseQuantity(max).nanos) return true;
    return step !== undefined && (nanos - parseQuantity(min).nanos) % parseQuantity(step).nanos !== 0n;
  }
  if (policy.validValues?.length) return !policy.validValues.some((valid) => parseQuantity(valid).nanos === nanos);
  return false;
}

/**
 * What the request takes of each capacity of the device; undefined when the device lacks one of them, does not allow so
 * much, or has not enough left beside `taken`.
 */
export function consume(
  device: Device,
  requirements: CapacityRequirements | undefined,
  taken: readonly (ReadonlyMap<string, bigint> | undefined)[],
): Consumed | undefined {
  const capacities = device.capacity ?? {};
  const requests = requirements?.requests ?? {};
  for (const name in requests) if (!(name in capacities)) return undefined;
  const consumed = new Map<string, ParsedQuantity>();
  for (const name in capacities) {
    const capacity = capacities[name]!;
    const request = requests[name];
    const amount = consumedOf(request === undefined ? undefined : parseQuantity(request), capacity);
    if (violates(amount, capacity.requestPolicy)) return undefined;
    let sum = amount.nanos;
    for (const others of taken) sum += others?.get(name) ?? 0n;
    if (sum > parseQuantity(capacity.value).nanos) return undefined;
    consumed.set(name, amount);
  }
  return consumed;
}

/** As a claim's status shows it. */
export const consumedText = (consumed: Consumed): Record<string, string> =>
  Object.fromEntries([...consumed].map(([name, amount]) => [name, formatQuantity(amount)]));
