import { describe, expect, it } from 'vitest';
import { compileDeviceSelector, type SelectableDevice } from '../../../src/api/cel/index.ts';

const device: SelectableDevice = {
  driver: 'gpu.example.com',
  attributes: {
    model: { string: 'a100' },
    cores: { int: 8 },
    'other.example.com/driverVersion': { version: '1.2.3' },
    healthy: { bool: true },
  },
  capacity: { memory: { value: '40Gi' } },
};

const select = (expression: string) => {
  const selector = compileDeviceSelector(expression);
  return 'error' in selector ? selector.error : selector.matches(device);
};

describe('a selector of devices', () => {
  it.each([
    ["device.driver == 'gpu.example.com'", true],
    ["device.attributes['gpu.example.com'].model == 'a100'", true],
    ["device.attributes['gpu.example.com'].cores > 10", false],
    ["device.attributes['gpu.example.com'].healthy", true],
    ["device.attributes['other.example.com'].driverVersion.isLessThan(semver('2.0.0'))", true],
    ["'model' in device.attributes['nobody.example.com']", false],
    ["has(device.attributes['gpu.example.com'].nope)", false],
    ["device.capacity['gpu.example.com'].memory.compareTo(quantity('10Gi')) >= 0", true],
    ['device.allowMultipleAllocations', false],
  ])('%s: %s', (expression, result) => {
    expect(select(expression)).toBe(result);
  });

  it('tells of attributes that the device does not have', () => {
    expect(select("device.attributes['gpu.example.com'].nope == 1")).toEqual({ error: 'no such key: nope' });
    expect(select("device.attributes['gpu.example.com'].model")).toEqual({
      error: 'CEL result of type string could not be converted to bool',
    });
  });

  it('is refused when it cannot be one', () => {
    expect(select('device.driver')).toBe('must evaluate to bool or the unknown type');
    expect(select('noSuchVar')).toContain("undeclared reference to 'noSuchVar'");
  });
});
