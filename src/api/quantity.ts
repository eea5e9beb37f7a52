/**
 * Resource quantities: `100m`, `1Gi`, `1e3`. Exact, as scaled integers: a quantity is `units × 10^scale` with a BigInt only where
 * a double would lose digits. `quantityMilliValue` and `quantityValue` are the fast paths that the scheduler and the kubelet count with.
 *
 * Canonical form: no fraction, the largest suffix of the same family that keeps it exact. `0.5` → `500m`, `1024Mi` → `1Gi`.
 * @see k8s.io/apimachinery/pkg/api/resource
 */

/** The family of suffixes, which is kept when a quantity is written again. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount in billionths (10^-9), the finest that quantities keep. */
export interface ParsedQuantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** The three ways in which a text is not a quantity; the messages are upstream's. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryPowers: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]),
);
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const formatMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixMessage = "unable to parse quantity's suffix";
const nano = 1_000_000_000n;
/** 2^63 - 1: larger amounts with a binary suffix are capped to it. */
const amountMax = (2n ** 63n - 1n) * nano;

/**
 * Parses exactly; amounts below 10^-9 are rounded up, those beyond 2^63-1 with a binary suffix capped.
 * @throws QuantityError
 */
export function parseQuantity(text: string): ParsedQuantity {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  if (parts === null) throw new QuantityError(formatMessage);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = parts;
  if (whole === '' && fraction === '') throw new QuantityError(formatMessage);
  const digits = BigInt(whole + fraction || '0');
  const binary = binaryPowers[suffix];
  let format: QuantityFormat;
  let numerator: bigint;
  let exponent = -fraction.length;
  if (binary !== undefined) {
    format = 'BinarySI';
    numerator = digits << BigInt(binary);
  } else {
    const decimal = decimalExponents[suffix];
    const exponential = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
    if (decimal === undefined && exponential === undefined) throw new QuantityError(suffixMessage);
    format = decimal === undefined ? 'DecimalExponent' : 'DecimalSI';
    exponent += decimal ?? Number(exponential);
    numerator = digits;
  }
  let nanos = scaleUp(numerator, exponent + 9);
  if (format === 'BinarySI' && nanos > amountMax) nanos = amountMax;
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

/** `amount × 10^exponent`, rounded away from zero. */
function scaleUp(amount: bigint, exponent: number): bigint {
  if (amount === 0n) return 0n;
  if (exponent >= 0) return amount * 10n ** BigInt(Math.min(exponent, 1000));
  if (exponent < -400) return 1n;
  const divisor = 10n ** BigInt(-exponent);
  return (amount + divisor - 1n) / divisor;
}

/** The canonical text of an amount. */
export function formatQuantity({ nanos, format }: ParsedQuantity): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  const amount = nanos < 0n ? -nanos : nanos;
  // Binary suffixes cannot say fractions, and below 1024 they say nothing: both print in decimal.
  if (format === 'BinarySI' && amount % nano === 0n && amount >= 1024n * nano) {
    let units = amount / nano;
    let power = 0;
    while (power < 6 && units % 1024n === 0n) {
      units /= 1024n;
      power += 1;
    }
    return `${sign}${units}${binarySuffixes[power]}`;
  }
  let units = amount;
  let exponent = -9;
  while (exponent < 18 && units % 1000n === 0n) {
    units /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') return `${sign}${units}${exponent === 0 ? '' : `e${exponent}`}`;
  return `${sign}${units}${decimalSuffixes[exponent] ?? ''}`;
}

const canonicalTexts = new Map<string, string>();
const canonicalTextsMax = 4096;

/**
 * The text that upstream writes for a quantity that it has read: the text itself where its quick look finds it canonical (which
 * lets `+5` and `00010` pass), the canonical form otherwise. Blanks around it are ignored.
 * @throws QuantityError
 */
export function canonicalQuantity(text: string): string {
  const known = canonicalTexts.get(text);
  if (known !== undefined) return known;
  const trimmed = text.trim();
  const parsed = parseQuantity(trimmed);
  const canonical = looksCanonical(trimmed) ? trimmed : formatQuantity(parsed);
  if (canonicalTexts.size >= canonicalTextsMax) canonicalTexts.clear();
  canonicalTexts.set(text, canonical);
  return canonical;
}

/** Upstream's quick look at a text that parses. */
function looksCanonical(text: string): boolean {
  if (text === '0') return true;
  const [, digits = '', fraction = '', suffix = ''] = /^[+-]?0*(\d*)(?:\.(\d*))?(.*)$/.exec(text) ?? [];
  const whole = digits === '' ? '0' : digits;
  const power = binaryPowers[suffix];
  if (power !== undefined) {
    return fraction === '' && 14 - whole.length - Math.trunc(power * 0.3) >= 0 && (Number(whole) & 7) !== 0;
  }
  const shifted = whole + fraction;
  const scale = (decimalExponents[suffix] ?? Number(suffix.slice(1))) - fraction.length;
  if (shifted.length > 18 || scale < -9) return false;
  return scale % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0');
}

/** Amounts below a thousandth rounded up, as defaulting does with resource lists. @throws QuantityError */
export function roundUpToMilli(text: string): string {
  if (!/[nu]$|[.eE]/.test(text)) return text;
  const { nanos, format } = parseQuantity(text);
  return nanos % 1_000_000n === 0n ? text : formatQuantity({ nanos: divideUp(nanos, 1_000_000n) * 1_000_000n, format });
}

const milliFactors: Readonly<Record<string, number>> = {
  m: 1,
  '': 1e3,
  k: 1e6,
  M: 1e9,
  G: 1e12,
  Ki: 1024e3,
  Mi: 1024 ** 2 * 1e3,
  Gi: 1024 ** 3 * 1e3,
};

/** In thousandths, rounded up: millicores of CPU. Doubles are exact up to 2^53. @throws QuantityError */
export function quantityMilliValue(text: string): number {
  const simple = /^(\d{1,12})(m|k|M|G|Ki|Mi|Gi)?$/.exec(text);
  if (simple !== null) {
    const value = Number(simple[1]) * (milliFactors[simple[2] ?? ''] ?? 0);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
  }
  return Number(divideUp(parseQuantity(text).nanos, 1_000_000n));
}

/** In whole units, rounded up: bytes of memory, numbers of pods. @throws QuantityError */
export function quantityValue(text: string): number {
  const simple = /^(\d{1,12})(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  if (simple !== null) {
    const amount = (Number(simple[1]) * (milliFactors[simple[2] ?? ''] ?? 0)) / 1000;
    if (amount <= Number.MAX_SAFE_INTEGER) return amount;
  }
  return Number(divideUp(parseQuantity(text).nanos, nano));
}

/** Rounds away from zero, as upstream's `Value` and `MilliValue` do. */
function divideUp(amount: bigint, divisor: bigint): bigint {
  const quotient = amount / divisor;
  const remainder = amount % divisor;
  if (remainder === 0n) return quotient;
  return remainder > 0n ? quotient + 1n : quotient - 1n;
}

/** Negative, zero or positive as `left` is less than, equal to or more than `right`. @throws QuantityError */
export function compareQuantities(left: string, right: string): number {
  if (left === right) return 0;
  const difference = parseQuantity(left).nanos - parseQuantity(right).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const combine = (left: string, right: string, sum: (a: bigint, b: bigint) => bigint): string => {
  const first = parseQuantity(left);
  const second = parseQuantity(right);
  // A zero takes the format of the other: 0 + 1Gi is 1Gi.
  return formatQuantity({
    nanos: sum(first.nanos, second.nanos),
    format: first.nanos === 0n ? second.format : first.format,
  });
};

/** The sum in canonical form and in the format of `left`. @throws QuantityError */
export function addQuantities(left: string, right: string): string {
  return combine(left, right, (a, b) => a + b);
}

/** The difference in canonical form and in the format of `left`. @throws QuantityError */
export function subtractQuantities(left: string, right: string): string {
  return combine(left, right, (a, b) => a - b);
}

/** A whole number of units in canonical form. */
export function quantityOf(units: number, format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ nanos: BigInt(Math.trunc(units)) * nano, format });
}

/** Thousandths in canonical form: `milliQuantityOf(1500)` is `1500m`. */
export function milliQuantityOf(milliUnits: number): string {
  return formatQuantity({ nanos: BigInt(Math.trunc(milliUnits)) * 1_000_000n, format: 'DecimalSI' });
}

export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}
