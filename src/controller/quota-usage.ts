/**
 * What objects cost under a ResourceQuota: how much of each resource one uses. Called by the resourcequota-controller, which adds up
 * what is there, and by the admission plugin, which charges what is new.
 *
 * @see kubernetes/pkg/quota/v1/evaluator/core
 */
import {
  compareQuantities,
  formatQuantity,
  isNativeResource,
  type PersistentVolumeClaim,
  type Pod,
  parseQuantity,
  type ResourceClaim,
  type Service,
} from '../api/index.ts';
import type { KubernetesObject } from '../client/index.ts';
import { addDeviceUsage, type DeviceSurroundings, isOfDevices } from './quota-devices.ts';
import { type Amounts, deviceClassPrefix, podUsage } from './quota-pods.ts';

/** `pods`, `deployments.apps`: how quotas name a resource. */
export function groupResourceText({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** The group resource of claims of devices. */
export const resourceClaimsText = 'resourceclaims.resource.k8s.io';

/** Kinds that quotas also count by their bare name. */
const countedByName = new Set([
  'pods',
  'services',
  'persistentvolumeclaims',
  'secrets',
  'configmaps',
  'resourcequotas',
  'replicationcontrollers',
]);

const podResources = /^(((requests|limits)\.)?(cpu|memory|ephemeral-storage)|(requests\.)?hugepages-.*)$/;
const claimResources =
  /^requests\.storage$|\.storageclass\.storage\.k8s\.io\/(requests\.storage|persistentvolumeclaims)$/;

/** Whether pods use the quota's resource `name`. Of extended resources quotas limit what is requested. */
function isOfPods(name: string): boolean {
  if (podResources.test(name)) return true;
  if (!name.startsWith('requests.')) return false;
  return !isNativeResource(name) || name.startsWith(`requests.${deviceClassPrefix}`);
}

/** The group resources whose objects use the quota's resource `name`; none when nothing here counts for it. */
export function countedResourcesOf(name: string, surroundings?: DeviceSurroundings): readonly string[] {
  if (name.startsWith('count/')) return [name.slice('count/'.length)];
  if (countedByName.has(name)) return [name];
  if (name === 'services.nodeports' || name === 'services.loadbalancers') return ['services'];
  if (claimResources.test(name)) return ['persistentvolumeclaims'];
  const pods = isOfPods(name) ? ['pods'] : [];
  return isOfDevices(name, surroundings) ? [...pods, resourceClaimsText] : pods;
}

/** What one object of the group resource uses. */
export function quotaUsageOf(
  resource: string,
  object: KubernetesObject,
  nowMs: number,
  surroundings?: DeviceSurroundings,
): Amounts {
  const usage: Amounts = { [`count/${resource}`]: '1' };
  if (resource === 'pods') return podUsage(object as Pod, nowMs, usage);
  if (countedByName.has(resource)) usage[resource] = '1';
  if (resource === 'services') addServiceUsage(object as Service, usage);
  if (resource === 'persistentvolumeclaims') addClaimUsage(object as PersistentVolumeClaim, usage);
  if (resource === resourceClaimsText) addDeviceUsage(object as ResourceClaim, usage, surroundings, nowMs);
  return usage;
}

function addServiceUsage({ spec }: Service, usage: Amounts): void {
  const ports = spec?.ports ?? [];
  let nodePorts = 0;
  if (spec?.type === 'NodePort') nodePorts = ports.length;
  else if (spec?.type === 'LoadBalancer') {
    nodePorts =
      spec.allocateLoadBalancerNodePorts === false
        ? ports.filter(({ nodePort }) => nodePort !== undefined && nodePort !== 0).length
        : ports.length;
  }
  usage['services.nodeports'] = String(nodePorts);
  usage['services.loadbalancers'] = spec?.type === 'LoadBalancer' ? '1' : '0';
}

const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';
const one = 1_000_000_000n;

/** Rounded up to whole bytes. */
function wholeOf(amount: string): string {
  const { nanos, format } = parseQuantity(amount);
  return nanos % one === 0n ? amount : formatQuantity({ nanos: (nanos / one + 1n) * one, format });
}

function addClaimUsage(claim: PersistentVolumeClaim, usage: Amounts): void {
  const storageClass = claim.metadata?.annotations?.[betaClassAnnotation] ?? claim.spec?.storageClassName ?? '';
  const prefix = `${storageClass}.storageclass.storage.k8s.io/`;
  if (storageClass !== '') usage[`${prefix}persistentvolumeclaims`] = '1';
  const asked = claim.spec?.resources?.requests?.['storage'];
  if (asked === undefined) return;
  const allocated = claim.status?.allocatedResources?.['storage'];
  let storage = wholeOf(asked);
  if (allocated !== undefined && compareQuantities(allocated, storage) > 0) storage = wholeOf(allocated);
  usage['requests.storage'] = storage;
  if (storageClass !== '') usage[`${prefix}requests.storage`] = storage;
}
