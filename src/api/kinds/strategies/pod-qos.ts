/**
 * The quality-of-service class of a pod, fixed when it is created.
 * @see pkg/apis/core/v1/helper/qos/qos.go
 */
import type { Container, Pod } from '../../generated/types.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { addResources, type ResourceList } from './resource-list.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * Guaranteed when every container limits both cpu and memory to what it requests, BestEffort when nobody asks for either, Burstable
 * otherwise. Resources of the pod as a whole stand for its containers'.
 */
export function podQosClass(pod: Pod): QosClass {
  const spec = pod.spec;
  if (spec === undefined) return 'BestEffort';
  const requests: ResourceList = {};
  const limits: ResourceList = {};
  let everyLimitSet = true;
  const count = (resources: Container['resources']) => {
    const limited = resources?.limits;
    if (resources?.requests !== undefined) addCompute(requests, resources.requests);
    if (limited !== undefined) addCompute(limits, limited);
    if (!isPositive(limited?.cpu) || !isPositive(limited?.memory)) everyLimitSet = false;
  };
  const whole = spec.resources;
  if (whole !== undefined && (hasCompute(whole.requests) || hasCompute(whole.limits))) count(whole);
  else {
    if (spec.containers !== undefined && spec.containers !== null)
      for (const container of spec.containers) count(container.resources);
    if (spec.initContainers !== undefined) for (const container of spec.initContainers) count(container.resources);
  }
  const requested = Object.keys(requests);
  const limited = Object.keys(limits);
  if (requested.length === 0 && limited.length === 0) return 'BestEffort';
  if (!everyLimitSet || requested.length !== limited.length) return 'Burstable';
  for (const name of requested) {
    const limit = limits[name];
    const request = requests[name] as string;
    if (limit === undefined || (limit !== request && compareQuantities(limit, request) !== 0)) return 'Burstable';
  }
  return 'Guaranteed';
}

function hasCompute(list: ResourceList | undefined): boolean {
  return list?.cpu !== undefined || list?.memory !== undefined;
}

function addCompute(sum: ResourceList, list: ResourceList): void {
  for (const name of computeResources) {
    const amount = list[name];
    if (!isPositive(amount)) continue;
    if (sum[name] === undefined) sum[name] = amount;
    else addResources(sum, { [name]: amount });
  }
}

const computeResources = ['cpu', 'memory'] as const;
const plainlyPositive = /^[1-9][0-9]*[a-zA-Z]{0,2}$/;

function isPositive(amount: string | undefined): amount is string {
  if (amount === undefined) return false;
  return plainlyPositive.test(amount) || parseQuantity(amount).nanos > 0n;
}
