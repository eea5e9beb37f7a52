import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  isQuantity,
  milliQuantityOf,
  QuantityError,
  quantityMilliValue,
  quantityOf,
  quantityValue,
  subtractQuantities,
} from '../../src/api/index.ts';

describe('canonicalQuantity', () => {
  it.each([
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000m', '1'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['12345', '12345'],
    ['100Mi', '100Mi'],
    ['0', '0'],
    ['0Gi', '0'],
    ['-1.5', '-1500m'],
    ['+2', '+2'],
    ['00010', '00010'],
    ['5.', '5.'],
    ['0.001', '1m'],
    ['1e-3', '1e-3'],
    ['1000Ki', '1000Ki'],
    ['1000000u', '1'],
    ['100000000', '100M'],
    [' 1Gi ', '1Gi'],
    ['.5', '500m'],
    ['0.1Ki', '102400m'],
    ['512', '512'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['1E', '1E'],
    ['1e6', '1e6'],
    ['0.1m', '100u'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['9223372036854775807', '9223372036854775807'],
    ['99999999999999999999', '99999999999999999999'],
    ['100Ei', '9223372036854775807'],
  ])('writes %s as %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
    expect(canonicalQuantity(canonical)).toBe(canonical);
  });

  it.each(['', 'x', '1x', '1.2.3', '--1', '1 Gi', '1ki', '1KiB', '.', 'm'])('refuses %j', (text) => {
    expect(() => canonicalQuantity(text)).toThrow(QuantityError);
    expect(isQuantity(text)).toBe(false);
  });

  it('names the expression or the suffix in its refusal', () => {
    expect(() => canonicalQuantity('abc')).toThrow(/must match the regular expression/);
    expect(() => canonicalQuantity('1mm')).toThrow("unable to parse quantity's suffix");
  });
});

describe('counting with quantities', () => {
  it('rounds up to whole units and thousandths', () => {
    expect(quantityMilliValue('100m')).toBe(100);
    expect(quantityMilliValue('1.5')).toBe(1500);
    expect(quantityMilliValue('100u')).toBe(1);
    expect(quantityValue('1500m')).toBe(2);
    expect(quantityValue('1Gi')).toBe(1073741824);
    expect(quantityValue('-1500m')).toBe(-2);
  });

  it('adds, subtracts and compares exactly, in the format of the left one', () => {
    expect(addQuantities('0.1', '200m')).toBe('300m');
    expect(addQuantities('1Gi', '1Mi')).toBe('1025Mi');
    expect(addQuantities('0', '1Gi')).toBe('1Gi');
    expect(subtractQuantities('1', '1500m')).toBe('-500m');
    expect(compareQuantities('1000m', '1')).toBe(0);
    expect(compareQuantities('1Gi', '1G')).toBe(1);
    expect(compareQuantities('1', '2')).toBe(-1);
  });

  it('agrees with integer arithmetic', () => {
    const millis = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(millis, millis, (left, right) => {
        const sum = addQuantities(milliQuantityOf(left), milliQuantityOf(right));
        expect(quantityMilliValue(sum)).toBe(left + right);
        expect(Math.sign(compareQuantities(milliQuantityOf(left), milliQuantityOf(right)))).toBe(
          Math.sign(left - right),
        );
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), (units) => {
        expect(quantityValue(quantityOf(units, 'BinarySI'))).toBe(units);
      }),
    );
  });
});
