/** Resource lists (name to quantity) as the API stores them, and the sums of them over a pod's containers. */
import type { Container } from '../../generated/types.ts';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity } from '../../quantity.ts';

export type ResourceList = Record<string, string>;

/** Quantities that may be finer than milli: nano and micro suffixes, and negative decimal exponents. */
const maybeFiner = /[nu]$|[eE]-/;
const nanosPerMilli = 1_000_000n;

/**
 * Rounds every quantity up to thousandths, in place. Quantities that need no rounding keep their text.
 * @see pkg/apis/core/v1/defaults.go SetDefaults_ResourceList
 */
export function roundUpResources(resources: ResourceList): void {
  for (const name in resources) {
    const text = resources[name];
    if (typeof text === 'string' && maybeFiner.test(text)) resources[name] = roundUpToMilli(text);
  }
}

function roundUpToMilli(text: string): string {
  const { nanos, format } = parseQuantity(text);
  const rest = nanos % nanosPerMilli;
  if (rest === 0n) return text;
  return formatQuantity({ nanos: nanos - rest + (nanos > 0n ? nanosPerMilli : 0n), format });
}

const surelyWhole = /^[0-9]{1,6}(?:[KMG]i|[kMG])?$/;
/** 2^63 - 1: thousandths are counted in 64 bits, and what overflows looks fractional. */
const milliMax = 2n ** 63n - 1n;

/** True for an amount that is not a whole number, or too large to tell. */
export function isFractional(text: string): boolean {
  if (surelyWhole.test(text)) return false;
  const { nanos } = parseQuantity(text);
  const milli = nanos / nanosPerMilli + (nanos % nanosPerMilli > 0n ? 1n : 0n);
  return (milli > milliMax ? milliMax : milli) % 1000n !== 0n;
}

/** Sets in `target` what only `source` names. Returns `target`, or a new list when there was none. */
export function fillResources(target: ResourceList | undefined, source: ResourceList): ResourceList {
  const list = target ?? {};
  for (const name in source) if (!(name in list)) list[name] = source[name] as string;
  return list;
}

/** Adds `source` to `target`, in place. */
export function addResources(target: ResourceList, source: ResourceList | undefined): void {
  for (const name in source) {
    const before = target[name];
    const amount = source[name] as string;
    target[name] = before === undefined ? amount : addQuantities(before, amount);
  }
}

/**
 * What the containers of a pod ask for together. Ordinary containers and sidecars run side by side; other init containers run
 * one by one, each beside the sidecars that started before it, so of them the largest counts.
 * @see component-helpers/resource/helpers.go AggregateContainerRequests
 */
export function sumOfContainers(
  containers: readonly Container[],
  initContainers: readonly Container[],
  list: 'requests' | 'limits',
): ResourceList {
  const total: ResourceList = {};
  for (const container of containers) addResources(total, container.resources?.[list]);
  const sidecars: ResourceList = {};
  const largest: ResourceList = {};
  for (const container of initContainers) {
    const own = container.resources?.[list];
    if (container.restartPolicy === 'Always') {
      addResources(total, own);
      addResources(sidecars, own);
      raiseTo(largest, sidecars);
    } else {
      const together: ResourceList = { ...sidecars };
      addResources(together, own);
      raiseTo(largest, together);
    }
  }
  raiseTo(total, largest);
  return total;
}

function raiseTo(target: ResourceList, floor: ResourceList): void {
  for (const name in floor) {
    const before = target[name];
    const amount = floor[name] as string;
    if (before === undefined || compareQuantities(amount, before) > 0) target[name] = amount;
  }
}
