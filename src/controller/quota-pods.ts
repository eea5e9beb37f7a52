/**
 * What pods cost under a ResourceQuota, and what they ask for as a whole. Called for each pod that counts against a quota, by the
 * limit ranger and by the horizontal pod autoscaler.
 *
 * @see kubernetes/pkg/quota/v1/evaluator/core/pods.go, k8s.io/component-helpers/resource/helpers.go
 */
import {
  addQuantities,
  type Container,
  type ContainerStatus,
  compareQuantities,
  isExtendedResource,
  type Pod,
} from '../api/index.ts';

/** Quantities by resource name. */
export type Amounts = Record<string, string>;

/** Names in which a class of devices can be requested as a resource begin with this. */
export const deviceClassPrefix = 'deviceclass.resource.kubernetes.io/';

/** Whether the pod still takes anything: not ended, and not kept beyond its grace period after its deletion. */
export function podCounts(pod: Pod, nowMs: number): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

/** What a pod uses. One that has ended counts as an object and no more. */
export function podUsage(pod: Pod, nowMs: number, usage: Amounts): Amounts {
  if (!podCounts(pod, nowMs)) return usage;
  usage['pods'] = '1';
  for (const [name, amount] of Object.entries(podAmountsWithOverhead(pod, 'requests'))) {
    if (/^(cpu|memory|ephemeral-storage|hugepages-.*)$/.test(name)) {
      usage[name] = amount;
      usage[`requests.${name}`] = amount;
    } else if (name.startsWith(deviceClassPrefix) || isExtendedResource(name)) usage[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(podAmountsWithOverhead(pod, 'limits'))) {
    if (/^(cpu|memory|ephemeral-storage)$/.test(name)) usage[`limits.${name}`] = amount;
  }
  return usage;
}

/** With what running the pod at all costs, and with what its containers have while they are being resized. */
function podAmountsWithOverhead(pod: Pod, side: 'requests' | 'limits'): Amounts {
  const sum = podAmounts(pod, side, actualAmounts(pod, side), actualWhole(pod, side));
  for (const [name, amount] of Object.entries(pod.spec?.overhead ?? {})) {
    // What may not be used at all stays at that.
    const counts = side === 'requests' || compareQuantities(sum[name] ?? '0', '0') > 0;
    if (counts) addAmounts(sum, { [name]: amount });
  }
  return sum;
}

/** Whether what the pod asks for is more than its node can give it. */
function isInfeasible({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false
  );
}

/**
 * A container that is being resized counts with the most of what it asks for, was given and runs with; when its node cannot give
 * it more, what it asks for counts for nothing.
 */
function actualAmounts(pod: Pod, side: 'requests' | 'limits'): (container: Container) => Amounts | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const statuses = new Map([...initContainerStatuses, ...containerStatuses].map((status) => [status.name, status]));
  return ({ name, resources }) => mostOf(pod, side, resources?.[side], statuses.get(name));
}

/** The same for what the pod asks for as a whole. */
function actualWhole(pod: Pod, side: 'requests' | 'limits'): Amounts | undefined {
  const asked = pod.spec?.resources?.[side];
  return asked === undefined ? undefined : mostOf(pod, side, asked, pod.status);
}

function mostOf(
  pod: Pod,
  side: 'requests' | 'limits',
  asked: Amounts | undefined,
  status: Pick<ContainerStatus, 'resources' | 'allocatedResources'> | undefined,
): Amounts | undefined {
  if (status?.resources === undefined) return asked;
  const most: Amounts = { ...status.resources[side] };
  if (side === 'requests') raiseAmounts(most, status.allocatedResources ?? {});
  if (!isInfeasible(pod)) raiseAmounts(most, asked ?? {});
  return most;
}

/**
 * What the pod asks for, or may use at most: the larger of what runs together and what its init phase needs. `amountsOf` says
 * what a container counts with, and `ofWhole` is what the pod itself does; by default both are as they stand in the pod's spec.
 */
export function podAmounts(
  pod: Pod,
  side: 'requests' | 'limits',
  amountsOf = (container: Container): Amounts | undefined => container.resources?.[side],
  ofWhole: Amounts | undefined = pod.spec?.resources?.[side],
): Amounts {
  const sum: Amounts = {};
  const sidecars: Amounts = {};
  const peak: Amounts = {};
  for (const container of pod.spec?.containers ?? []) addAmounts(sum, amountsOf(container));
  for (const container of pod.spec?.initContainers ?? []) {
    const own = amountsOf(container);
    if (container.restartPolicy === 'Always') {
      addAmounts(sum, own);
      addAmounts(sidecars, own);
      raiseAmounts(peak, sidecars);
    } else {
      const together = { ...sidecars };
      addAmounts(together, own);
      raiseAmounts(peak, together);
    }
  }
  raiseAmounts(sum, peak);
  Object.assign(sum, ofWhole);
  return sum;
}

/** Adds `amounts` to `into`. */
export function addAmounts(into: Amounts, amounts: Readonly<Record<string, string>> | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    const known = into[name];
    into[name] = known === undefined ? amount : addQuantities(known, amount);
  }
}

/** Raises what is in `into` to `amounts`. */
function raiseAmounts(into: Amounts, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const known = into[name];
    if (known === undefined || compareQuantities(amount, known) > 0) into[name] = amount;
  }
}

const demanded = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/**
 * The complaint about a pod whose containers do not name an amount that the quota limits: `must specify cpu for: web`.
 * Undefined when nothing is missing, and of a pod that asks for anything as a whole.
 */
export function missingAmounts(pod: Pod, hard: Readonly<Record<string, string>>): string | undefined {
  const { requests, limits } = pod.spec?.resources ?? {};
  if (Object.keys({ ...requests, ...limits }).length > 0) return undefined;
  const names = (container: Container, side: 'requests' | 'limits', name: string) =>
    container.resources?.[side]?.[name] !== undefined;
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const complaints = demanded
    .filter((resource) => hard[resource] !== undefined)
    .sort()
    .flatMap((resource) => {
      const side = resource.startsWith('limits.') ? 'limits' : 'requests';
      const bare = resource.replace(/^(requests|limits)\./, '');
      const missing = containers.filter((container) => !names(container, side, bare)).map(({ name }) => name);
      return missing.length === 0 ? [] : [`${resource} for: ${missing.sort().join(',')}`];
    });
  return complaints.length === 0 ? undefined : `must specify ${complaints.join('; ')}`;
}
