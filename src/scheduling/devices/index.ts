/** Devices and claims on them: what drivers publish, what is taken, and which devices would serve a pod's claims on a node. */
export { AllocatedDevices } from './allocated.ts';
export {
  AllocationError,
  type AllocatorDependencies,
  DeviceAllocation,
  NodeAllocationError,
  type SelectDevice,
  toleratesDeviceTaint,
} from './allocator.ts';
export { type Consumed, consume, consumedText } from './capacity.ts';
export { claimWriter, deleteClaim, isReady, waitsForDrivers } from './claim-writer.ts';
export { ClaimCache, claimNameOf, isMadeFor, isReservedFor } from './claims.ts';
export { type Constraint, constraintOf } from './constraints.ts';
export {
  DeviceClassResolver,
  type ExtendedRequests,
  extendedClaimAnnotation,
  extendedRequests,
  isExtendedName,
} from './extended-resources.ts';
export { FittingRows, type WordingAnswers } from './fitting-rows.ts';
export { type DeviceEntry, DeviceInventory, type Pool, type ReachablePool } from './inventory.ts';
export { alternativesOf, type RequestShape } from './requests.ts';
export {
  type CompileDeviceSelector,
  DeviceSelectorSyntaxError,
  rememberedSelector,
  type SelectableDevice,
} from './selector.ts';
