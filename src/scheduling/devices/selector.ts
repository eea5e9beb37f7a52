/** Device selectors, compiled once an expression and answered once a device: published devices never change in place. */
import type { Device } from '../../api/index.ts';
import type { SelectDevice } from './allocator.ts';

/** What an expression sees of a device. */
export interface SelectableDevice {
  readonly driver: string;
  readonly allowMultipleAllocations: boolean;
  readonly attributes: NonNullable<Device['attributes']>;
  readonly capacity: NonNullable<Device['capacity']>;
}

/** Compiles an expression. @throws DeviceSelectorSyntaxError; the matcher throws for what cannot be evaluated */
export type CompileDeviceSelector = (expression: string) => (device: SelectableDevice) => boolean;

/** The expression itself is wrong, whatever the device. */
export class DeviceSelectorSyntaxError extends Error {
  override readonly name = 'DeviceSelectorSyntaxError';
}

const compiledMax = 256;

/** A {@link SelectDevice} that remembers expressions, and the answers a device. Errors are not remembered. */
export function rememberedSelector(compile: CompileDeviceSelector): SelectDevice {
  const compiled = new Map<string, (device: SelectableDevice) => boolean>();
  const answers = new WeakMap<Device, Map<string, boolean>>();
  return (expression, { device, driver }) => {
    let known = answers.get(device);
    if (!known) {
      known = new Map();
      answers.set(device, known);
    }
    let matches = known.get(expression);
    if (matches === undefined) {
      let matcher = compiled.get(expression);
      if (!matcher) {
        if (compiled.size >= compiledMax) compiled.clear();
        matcher = compile(expression);
        compiled.set(expression, matcher);
      }
      matches = matcher({
        driver,
        allowMultipleAllocations: device.allowMultipleAllocations ?? false,
        attributes: device.attributes ?? {},
        capacity: device.capacity ?? {},
      });
      known.set(expression, matches);
    }
    return matches;
  };
}
