/**
 * Quantities as numbers, remembered by their text: pods repeat the same few quantities thousands of times.
 * Values are rounded up to whole units, as upstream's `Value()` and `MilliValue()` do.
 */
const scales: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const shape = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/;

function parse(text: string): number {
  const match = shape.exec(text);
  if (!match) return 0;
  if (match[2]) return Number(match[1] + match[2]);
  return Number(match[1]) * scales[match[3] ?? '']!;
}

const rememberedMax = 10_000;
const units = new Map<string, number>();
const millis = new Map<string, number>();

/** Rounds up, forgiving the last bits of a binary fraction (0.1 * 1000 is 100, not 101). */
function roundUp(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-6 ? nearest : Math.ceil(value);
}

function remembered(cache: Map<string, number>, quantity: string | number, factor: number): number {
  const text = String(quantity);
  let value = cache.get(text);
  if (value === undefined) {
    value = roundUp(parse(text) * factor);
    if (cache.size >= rememberedMax) cache.clear();
    cache.set(text, value);
  }
  return value;
}

export const quantityValue = (quantity: string | number): number => remembered(units, quantity, 1);
export const quantityMilliValue = (quantity: string | number): number => remembered(millis, quantity, 1000);
