/**
 * What objects cost under a ResourceQuota: which quotas an object counts against, and how much of each resource it uses. Called
 * by the resourcequota-controller, which adds up what is there, and by the admission plugin, which charges what is new.
 *
 * @see kubernetes/pkg/quota/v1/evaluator/core
 */
import {
  addQuantities,
  type Container,
  compareQuantities,
  type PersistentVolumeClaim,
  type Pod,
  type ResourceClaim,
  type ResourceQuota,
  type ScopedResourceSelectorRequirement,
  type Service,
} from '../api/index.ts';
import type { KubernetesObject } from '../client/index.ts';

/** Quantities by resource name. */
export type Amounts = Record<string, string>;

/** `pods`, `deployments.apps`: how quotas name a resource. */
export function groupResourceText({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** Kinds that quotas also count by their bare name. */
const countedByName = new Set([
  'pods',
  'services',
  'persistentvolumeclaims',
  'secrets',
  'configmaps',
  'resourcequotas',
]);
countedByName.add('replicationcontrollers');

const podResources =
  /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$|^((requests|limits)\.)?hugepages-|^requests\./;
const deviceResources = /\.deviceclass\.resource\.k8s\.io\/devices$/;

/** The group resource whose objects use the quota's resource `name`; undefined when nothing here counts for it. */
export function countedResourceOf(name: string): string | undefined {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (countedByName.has(name)) return name;
  if (name.startsWith('services.')) return 'services';
  if (name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/')) return 'persistentvolumeclaims';
  if (deviceResources.test(name)) return 'resourceclaims.resource.k8s.io';
  return podResources.test(name) ? 'pods' : undefined;
}

/** What one object of the group resource uses. A pod that has ended counts as an object and no more. */
export function quotaUsageOf(resource: string, object: KubernetesObject, nowMs: number): Amounts {
  const usage: Amounts = { [`count/${resource}`]: '1' };
  if (resource === 'pods') return podUsage(object as Pod, nowMs, usage);
  if (countedByName.has(resource)) usage[resource] = '1';
  if (resource === 'services') return serviceUsage(object as Service, usage);
  if (resource === 'persistentvolumeclaims') return claimUsage(object as PersistentVolumeClaim, usage);
  if (resource === 'resourceclaims.resource.k8s.io') return deviceUsage(object as ResourceClaim, usage);
  return usage;
}

function serviceUsage({ spec }: Service, usage: Amounts): Amounts {
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
  return usage;
}

const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

function claimUsage(claim: PersistentVolumeClaim, usage: Amounts): Amounts {
  const asked = claim.spec?.resources?.requests?.['storage'];
  const allocated = claim.status?.allocatedResources?.['storage'];
  let storage = asked;
  if (asked !== undefined && allocated !== undefined && compareQuantities(allocated, asked) > 0) storage = allocated;
  const storageClass = claim.metadata?.annotations?.[betaClassAnnotation] ?? claim.spec?.storageClassName ?? '';
  const prefix = `${storageClass}.storageclass.storage.k8s.io/`;
  if (storageClass !== '') usage[`${prefix}persistentvolumeclaims`] = '1';
  if (storage === undefined) return usage;
  usage['requests.storage'] = storage;
  if (storageClass !== '') usage[`${prefix}requests.storage`] = storage;
  return usage;
}

function deviceUsage(claim: ResourceClaim, usage: Amounts): Amounts {
  for (const request of claim.spec?.devices?.requests ?? []) {
    const alternatives = request.exactly === undefined ? (request.firstAvailable ?? []) : [request.exactly];
    const most = new Map<string, number>();
    for (const { deviceClassName, allocationMode, count } of alternatives) {
      // All devices of a node can be as many as a claim may hold at most.
      const devices = allocationMode === 'All' ? 32 : (count ?? 1);
      most.set(deviceClassName, Math.max(most.get(deviceClassName) ?? 0, devices));
    }
    for (const [name, devices] of most) {
      const key = `${name}.deviceclass.resource.k8s.io/devices`;
      usage[key] = addQuantities(usage[key] ?? '0', String(devices));
    }
  }
  return usage;
}

/** Whether the pod still takes anything: not ended, and not kept beyond its grace period after its deletion. */
function podCounts(pod: Pod, nowMs: number): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podUsage(pod: Pod, nowMs: number, usage: Amounts): Amounts {
  if (!podCounts(pod, nowMs)) return usage;
  usage['pods'] = '1';
  for (const [name, amount] of Object.entries(podAmountsWithOverhead(pod, 'requests'))) {
    if (/^(cpu|memory|ephemeral-storage|hugepages-.*)$/.test(name)) {
      usage[name] = amount;
      usage[`requests.${name}`] = amount;
    } else if (name.includes('/') && !name.startsWith('kubernetes.io/')) usage[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(podAmountsWithOverhead(pod, 'limits'))) {
    if (/^(cpu|memory|ephemeral-storage)$/.test(name)) usage[`limits.${name}`] = amount;
  }
  return usage;
}

/** With what running the pod at all costs, and with what its containers have while they are being resized. */
function podAmountsWithOverhead(pod: Pod, side: 'requests' | 'limits'): Amounts {
  const sum = podAmounts(pod, side, actualAmounts(pod, side));
  for (const [name, amount] of Object.entries(pod.spec?.overhead ?? {})) {
    if (side === 'requests' || sum[name] !== undefined) addAmounts(sum, { [name]: amount });
  }
  return sum;
}

/**
 * A container that is being resized counts with the most of what it asks for, was given and runs with; when its node cannot give
 * it more, what it asks for counts for nothing.
 */
function actualAmounts(pod: Pod, side: 'requests' | 'limits'): (container: Container) => Amounts | undefined {
  const { conditions = [], containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const isInfeasible = conditions.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible');
  const statuses = new Map([...initContainerStatuses, ...containerStatuses].map((status) => [status.name, status]));
  return ({ name, resources }) => {
    const asked = resources?.[side];
    const status = statuses.get(name);
    if (status?.resources === undefined) return asked;
    const most: Amounts = { ...status.resources[side] };
    if (side === 'requests') raiseAmounts(most, status.allocatedResources ?? {});
    if (!isInfeasible) raiseAmounts(most, asked ?? {});
    return most;
  };
}

/**
 * What the pod asks for, or may use at most: the larger of what runs together and what its init phase needs. `amountsOf` says
 * what a container counts with; by default as it stands in the pod's spec.
 */
export function podAmounts(
  pod: Pod,
  side: 'requests' | 'limits',
  amountsOf = (container: Container): Amounts | undefined => container.resources?.[side],
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
  Object.assign(sum, pod.spec?.resources?.[side]);
  return sum;
}

/** Adds `amounts` to `into`. */
export function addAmounts(into: Amounts, amounts: Readonly<Record<string, string>> | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    const known = into[name];
    into[name] = known === undefined ? amount : addQuantities(known, amount);
  }
}

function raiseAmounts(into: Amounts, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const known = into[name];
    if (known === undefined || compareQuantities(amount, known) > 0) into[name] = amount;
  }
}

/** Whether the object counts against the quota, as the quota's scopes say. */
export function quotaSelects(quota: ResourceQuota, resource: string, object: KubernetesObject): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return requirements.every((requirement) => {
    if (requirement.scopeName === 'VolumeAttributesClass') {
      return resource === 'persistentvolumeclaims' && inAttributesClass(object as PersistentVolumeClaim, requirement);
    }
    return resource === 'pods' && podInScope(object as Pod, requirement);
  });
}

function inAttributesClass(claim: PersistentVolumeClaim, requirement: ScopedResourceSelectorRequirement): boolean {
  const names = [
    claim.spec?.volumeAttributesClassName,
    claim.status?.currentVolumeAttributesClassName,
    claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.some((name) => nameMatches(name, requirement));
}

function nameMatches(name: string | undefined, { operator, values }: ScopedResourceSelectorRequirement): boolean {
  const named = name !== undefined && name !== '';
  if (operator === 'Exists') return named;
  if (operator === 'DoesNotExist') return !named;
  const listed = named && (values ?? []).includes(name);
  return operator === 'In' ? listed : !listed;
}

function podInScope(pod: Pod, requirement: ScopedResourceSelectorRequirement): boolean {
  const { spec } = pod;
  const limited = spec?.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
  switch (requirement.scopeName) {
    case 'Terminating':
      return limited;
    case 'NotTerminating':
      return !limited;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return nameMatches(spec?.priorityClassName, requirement);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

function isBestEffort(pod: Pod): boolean {
  const { containers = [], initContainers = [], resources } = pod.spec ?? {};
  const asks = (list: Readonly<Record<string, string>> | undefined) =>
    ['cpu', 'memory'].some((name) => list?.[name] !== undefined && compareQuantities(list[name] ?? '0', '0') > 0);
  return ![resources, ...[...containers, ...initContainers].map((container) => container.resources)].some(
    (each) => asks(each?.requests) || asks(each?.limits),
  );
}

function reachesOtherNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ].some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined),
  );
}

const demanded = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/**
 * The complaint about a pod whose containers do not name an amount that the quota limits: `must specify cpu for: web`.
 * Undefined when nothing is missing.
 */
export function missingAmounts(pod: Pod, hard: Readonly<Record<string, string>>): string | undefined {
  const whole = pod.spec?.resources;
  const names = (container: Container, side: 'requests' | 'limits', name: string) =>
    container.resources?.[side]?.[name] !== undefined || whole?.[side]?.[name] !== undefined;
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
