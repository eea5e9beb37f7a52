/**
 * What claims of devices cost under a ResourceQuota. A class of devices can also be requested as an extended resource; then the
 * scheduler makes the claim for the pod, and what the pod is charged with already is not charged again.
 *
 * Worked example: class `gpu` stands for `example.com/gpu`. A claim of two devices of it uses 2 of
 * `gpu.deviceclass.resource.k8s.io/devices`, of `requests.example.com/gpu` and of `requests.deviceclass.resource.kubernetes.io/gpu`. When
 * the scheduler made it for a pod that requests 2 of `example.com/gpu`, the pod has used those, and the claim uses the other two only.
 *
 * @see kubernetes/pkg/quota/v1/evaluator/core/resource_claims.go
 */
import { compareQuantities, type DeviceClass, type Pod, type ResourceClaim, subtractQuantities } from '../api/index.ts';
import { controllerOf } from './owner-references.ts';
import { type Amounts, deviceClassPrefix, podUsage } from './quota-pods.ts';
import { timeMs } from './times.ts';

/** What counting claims needs to know besides the claim. */
export interface DeviceSurroundings {
  classes(): readonly DeviceClass[];
  podOf(namespace: string, name: string): Pod | undefined;
  claimsIn(namespace: string): readonly ResourceClaim[];
}

const perClassSuffix = '.deviceclass.resource.k8s.io/devices';
const requestsPrefix = 'requests.';
/** Marks the claims that the scheduler makes. */
const extendedClaimAnnotation = 'resource.kubernetes.io/extended-resource-claim';
/** All devices of a node can be as many as a claim may hold at most. */
const claimDevicesMax = 32;

/** Whether claims use the quota's resource `name`. */
export function isOfDevices(name: string, surroundings: DeviceSurroundings | undefined): boolean {
  if (name.endsWith(perClassSuffix)) return true;
  if (!name.startsWith(requestsPrefix)) return false;
  const resource = name.slice(requestsPrefix.length);
  if (surroundings === undefined || !resource.includes('/')) return false;
  return surroundings
    .classes()
    .some(
      ({ metadata, spec }) =>
        resource === spec.extendedResourceName || resource === `${deviceClassPrefix}${metadata?.name}`,
    );
}

/** Adds to `usage` what the claim uses. */
export function addDeviceUsage(
  claim: ResourceClaim,
  usage: Amounts,
  surroundings: DeviceSurroundings | undefined,
  nowMs: number,
): void {
  const byClass = devicesByClass(claim);
  const asResources: Amounts = {};
  for (const [name, devices] of byClass) {
    usage[`${name}${perClassSuffix}`] = String(devices);
    asResources[`${requestsPrefix}${deviceClassPrefix}${name}`] = String(devices);
    const { spec } = surroundings?.classes().find(({ metadata }) => metadata?.name === name) ?? {};
    if (spec?.extendedResourceName) asResources[`${requestsPrefix}${spec.extendedResourceName}`] = String(devices);
  }
  const paid = surroundings === undefined ? {} : paidByPod(claim, surroundings, nowMs);
  for (const [name, devices] of Object.entries(asResources)) {
    const rest = subtractQuantities(devices, paid[name] ?? '0');
    if (compareQuantities(rest, '0') > 0) usage[name] = rest;
  }
}

/** The most devices of each class that the claim may come to hold. A mode from the future counts for nothing. */
function devicesByClass(claim: ResourceClaim): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const { exactly, firstAvailable = [] } of claim.spec?.devices?.requests ?? []) {
    const alternatives = firstAvailable.length > 0 ? firstAvailable : exactly === undefined ? [] : [exactly];
    const most = new Map<string, number>();
    for (const { deviceClassName, allocationMode = 'ExactCount', count } of alternatives) {
      const devices = allocationMode === 'All' ? claimDevicesMax : allocationMode === 'ExactCount' ? (count ?? 1) : 0;
      most.set(deviceClassName, Math.max(most.get(deviceClassName) ?? 0, devices));
    }
    for (const [name, devices] of most) sum.set(name, (sum.get(name) ?? 0) + devices);
  }
  return sum;
}

/** What the pod that the scheduler made the claim for is charged with. Of several such claims it pays for the eldest. */
function paidByPod(claim: ResourceClaim, surroundings: DeviceSurroundings, nowMs: number): Amounts {
  const podUid = podUidOf(claim);
  if (podUid === undefined) return {};
  const { namespace = '', name = '' } = claim.metadata ?? {};
  const pod = surroundings.podOf(namespace, controllerOf(claim)?.name ?? '');
  if (pod?.metadata?.uid !== podUid) return {};
  const known = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  if (known !== undefined && known !== name) return {};
  const elder = (other: ResourceClaim) => {
    const difference = timeMs(other.metadata?.creationTimestamp) - timeMs(claim.metadata?.creationTimestamp);
    return difference < 0 || (difference === 0 && (other.metadata?.name ?? '') < name);
  };
  if (surroundings.claimsIn(namespace).some((other) => podUidOf(other) === podUid && elder(other))) return {};
  return podUsage(pod, nowMs, {});
}

/** Uid of the pod that the scheduler made the claim for. */
function podUidOf(claim: ResourceClaim): string | undefined {
  if (claim.metadata?.annotations?.[extendedClaimAnnotation] !== 'true') return undefined;
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? owner.uid : undefined;
}
