/** Which devices a DeviceTaintRule is about: asked by the scheduler, which keeps pods off them, and by the controller that evicts. */
import type { ResourceV1beta2DeviceTaintSelector } from './generated/types.ts';

/** Whether all that the selector names is the device's. Without a selector no device is meant, by an empty one all are. */
export function isDeviceSelected(
  selector: ResourceV1beta2DeviceTaintSelector | undefined,
  { driver, pool, device }: { readonly driver: string; readonly pool: string; readonly device: string },
): boolean {
  if (selector === undefined) return false;
  return (
    (selector.driver ?? driver) === driver && (selector.pool ?? pool) === pool && (selector.device ?? device) === device
  );
}
