/** Device requests in one shape, whether they stand alone or are one of several alternatives. */
import type { CapacityRequirements, DeviceRequest, DeviceSubRequest, DeviceToleration } from '../../api/index.ts';

export interface RequestShape {
  /** Of the alternative, for one of those. */
  readonly name: string;
  /** The request that it is an alternative of. */
  readonly parent: string | undefined;
  /** As results name it: `request` or `request/alternative`. */
  readonly fullName: string;
  readonly className: string;
  readonly mode: string;
  readonly count: number;
  readonly adminAccess: boolean;
  readonly selectors: NonNullable<DeviceSubRequest['selectors']>;
  readonly tolerations: readonly DeviceToleration[] | undefined;
  readonly capacity: CapacityRequirements | undefined;
}

/** Claims are asked about node by node, and their requests do not change. */
const shapes = new WeakMap<DeviceRequest, readonly RequestShape[]>();

/** The alternatives of a request, from the most wanted on; a request without any is its own only one. */
export function alternativesOf(request: DeviceRequest): readonly RequestShape[] {
  let known = shapes.get(request);
  if (!known) {
    known = shapesOf(request);
    shapes.set(request, known);
  }
  return known;
}

function shapesOf(request: DeviceRequest): RequestShape[] {
  const { name, exactly, firstAvailable } = request;
  const parts = firstAvailable?.length ? firstAvailable : [{ ...exactly, name }];
  const parent = firstAvailable?.length ? name : undefined;
  return parts.map((part) => ({
    name: part.name,
    parent,
    fullName: parent === undefined ? name : `${parent}/${part.name}`,
    className: part.deviceClassName ?? '',
    mode: part.allocationMode || 'ExactCount',
    count: part.count || 1,
    adminAccess: parent === undefined && exactly?.adminAccess === true,
    selectors: part.selectors ?? [],
    tolerations: part.tolerations,
    capacity: part.capacity,
  }));
}
