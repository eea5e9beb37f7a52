/** Strategies of dynamic resource allocation. @see pkg/apis/resource/v1/defaults.go, pkg/registry/resource */
import type {
  DeviceSubRequest,
  DeviceTaint,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';

export const deviceClassStrategy: Strategy = { generation: true };

export const resourceClaimStrategy = strategyOf<ResourceClaim>({
  defaults(claim: ResourceClaim) {
    if (claim.spec !== undefined) defaultClaimSpec(claim.spec);
    for (const result of claim.status?.allocation?.devices?.results ?? []) defaultTolerations(result.tolerations);
  },
  generation: false,
});

export const resourceClaimTemplateStrategy = strategyOf<ResourceClaimTemplate>({
  defaults(template: ResourceClaimTemplate) {
    if (template.spec?.spec !== undefined) defaultClaimSpec(template.spec.spec);
  },
});

function defaultClaimSpec(spec: ResourceClaimSpec): void {
  for (const request of spec.devices?.requests ?? []) {
    if (request.exactly !== undefined) defaultRequest(request.exactly);
    for (const alternative of request.firstAvailable ?? []) defaultRequest(alternative);
  }
}

function defaultRequest(request: ExactDeviceRequest | DeviceSubRequest): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
  defaultTolerations(request.tolerations);
}

function defaultTolerations(tolerations: readonly DeviceToleration[] | undefined): void {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal';
}

export const resourceSliceStrategy = strategyOf<ResourceSlice>({
  generation: true,
  prepareForCreate: (slice: ResourceSlice, context) => stampTaints(slice, undefined, context.now),
  prepareForUpdate: (slice: ResourceSlice, previous: ResourceSlice, context) =>
    stampTaints(slice, previous, context.now),
});

/** A taint without a time was added now, or when the stored slice says. */
function stampTaints(slice: ResourceSlice, previous: ResourceSlice | undefined, now: string): void {
  for (const device of slice.spec?.devices ?? []) {
    for (const taint of device.taints ?? []) {
      if (taint.timeAdded !== undefined) continue;
      const before = previous?.spec?.devices?.find((other) => other.name === device.name);
      taint.timeAdded = before?.taints?.find((other) => sameTaint(other, taint))?.timeAdded ?? now;
    }
  }
}

function sameTaint(a: DeviceTaint, b: DeviceTaint): boolean {
  return a.key === b.key && a.value === b.value && a.effect === b.effect;
}

export const resourceSliceSelectableFields = selectableFieldsOf<ResourceSlice>({
  'spec.nodeName': (slice: ResourceSlice) => slice.spec?.nodeName ?? '',
  'spec.driver': (slice: ResourceSlice) => slice.spec?.driver ?? '',
});
