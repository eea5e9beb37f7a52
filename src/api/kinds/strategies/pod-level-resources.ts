/**
 * Defaults of the resources that a pod asks for as a whole.
 * @see KEP-2837, pkg/apis/core/v1/defaults.go defaultPodRequests
 */
import type { PodSpec } from '../../generated/types.ts';
import { fillResources, type ResourceList, sumOfContainers } from './resource-list.ts';

/** Completes `spec.resources`, in place; called only when it is there. */
export function defaultPodLevelResources(spec: PodSpec): void {
  const resources = spec.resources!;
  const containers = spec.containers ?? [];
  const initContainers = spec.initContainers ?? [];

  const hugePageLimits = only(sumOfContainers(containers, initContainers, 'limits'), isHugePages);
  if (Object.keys(hugePageLimits).length > 0) resources.limits = fillResources(resources.limits, hugePageLimits);

  const limits = resources.limits;
  if (limits === undefined || Object.keys(limits).length === 0) return;
  const asked = only(sumOfContainers(containers, initContainers, 'requests'), isComputeResource);
  const requests = fillResources(fillResources(resources.requests, asked), only(limits, isPodLevelResource));
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

function only(list: ResourceList, accepts: (name: string) => boolean): ResourceList {
  const result: ResourceList = {};
  for (const name in list) if (accepts(name)) result[name] = list[name] as string;
  return result;
}

const isHugePages = (name: string) => name.startsWith('hugepages-');
const isComputeResource = (name: string) => name === 'cpu' || name === 'memory';
const isPodLevelResource = (name: string) => isComputeResource(name) || isHugePages(name);
