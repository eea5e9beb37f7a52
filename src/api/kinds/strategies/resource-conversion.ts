/**
 * What resource.k8s.io/v1beta1 says in another form than v1: a request of a claim has its fields beside its name where v1 keeps them in
 * `exactly`, and a device has its fields in `basic` where v1 keeps them beside its name.
 * @see pkg/apis/resource/v1beta1/conversion.go
 */
import type {
  Device,
  DeviceRequest,
  ResourceClaimSpec,
  ResourceSliceSpec,
  ResourceV1beta1Device,
  ResourceV1beta1DeviceRequest,
  ResourceV1beta1ResourceClaimSpec,
  ResourceV1beta1ResourceSliceSpec,
} from '../../generated/types.ts';
import type { ApiObject } from '../types.ts';
import type { Change } from './version-conversion.ts';

function requestToStored({ name, firstAvailable, ...rest }: ResourceV1beta1DeviceRequest): DeviceRequest {
  const isExact = Object.keys(rest).length > 0;
  return {
    name,
    ...(isExact && { exactly: { ...rest, deviceClassName: rest.deviceClassName ?? '' } }),
    ...(firstAvailable !== undefined && { firstAvailable }),
  };
}

function requestFromStored({ name, exactly, firstAvailable }: DeviceRequest): ResourceV1beta1DeviceRequest {
  const request: ResourceV1beta1DeviceRequest = { name, ...exactly };
  if (request.deviceClassName === '') delete request.deviceClassName;
  if (firstAvailable !== undefined) request.firstAvailable = firstAvailable;
  return request;
}

function specToStored(spec: ResourceV1beta1ResourceClaimSpec): ResourceClaimSpec {
  if (!spec.devices?.requests) return spec as ResourceClaimSpec;
  return { ...spec, devices: { ...spec.devices, requests: spec.devices.requests.map(requestToStored) } };
}

function specFromStored(spec: ResourceClaimSpec): ResourceV1beta1ResourceClaimSpec {
  if (!spec.devices?.requests) return spec as ResourceV1beta1ResourceClaimSpec;
  return { ...spec, devices: { ...spec.devices, requests: spec.devices.requests.map(requestFromStored) } };
}

/** Applies a change to a member that may be missing. */
function withMember(object: ApiObject, member: string, change: (value: never) => unknown): ApiObject {
  const value = object[member];
  return value === undefined || value === null ? object : { ...object, [member]: change(value as never) };
}

export const resourceClaimChange: Change = {
  toStored: (object) => withMember(object, 'spec', specToStored),
  fromStored: (object) => withMember(object, 'spec', specFromStored),
};

export const resourceClaimTemplateChange: Change = {
  toStored: (object) => withMember(object, 'spec', (spec: ApiObject) => withMember(spec, 'spec', specToStored)),
  fromStored: (object) => withMember(object, 'spec', (spec: ApiObject) => withMember(spec, 'spec', specFromStored)),
};

function deviceToStored({ name, basic }: ResourceV1beta1Device): Device {
  return { ...basic, name };
}

function deviceFromStored({ name, ...basic }: Device): ResourceV1beta1Device {
  return { name, basic };
}

export const resourceSliceChange: Change = {
  toStored: (object) =>
    withMember(object, 'spec', ({ nodeName, allNodes, devices, ...rest }: ResourceV1beta1ResourceSliceSpec) => ({
      ...rest,
      ...(nodeName && { nodeName }),
      ...(allNodes && { allNodes }),
      ...(devices !== undefined && { devices: devices?.map(deviceToStored) ?? null }),
    })),
  fromStored: (object) =>
    withMember(object, 'spec', ({ nodeName, allNodes, devices, ...rest }: ResourceSliceSpec) => ({
      ...rest,
      ...(nodeName && { nodeName }),
      ...(allNodes && { allNodes }),
      ...(devices !== undefined && { devices: devices?.map(deviceFromStored) ?? null }),
    })),
};
