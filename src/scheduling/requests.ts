/**
 * What a pod asks of a node, as numbers: per resource the larger of what runs together and what init needs, sidecars,
 * overhead, pod-level resources and in-place resizes included. Resource names are interned to small integers
 * ("dimensions"), the same in the whole process.
 * @see kubernetes/staging/src/k8s.io/component-helpers/resource/helpers.go
 */
import { type Container, type ContainerStatus, type Pod, quantityMilliValue, quantityValue } from '../api/index.ts';
import { rememberLast } from './remember-last.ts';

/** Dimensions that always exist. CPU is in millicores; everything else in its base unit, rounded up. */
export const Dimension = { Cpu: 0, Memory: 1, EphemeralStorage: 2 } as const;

const names: string[] = ['cpu', 'memory', 'ephemeral-storage'];
const dimensions = new Map(names.map((name, index) => [name, index]));

/** The dimension of a resource name, made on first use. */
export function dimensionOf(name: string): number {
  let dimension = dimensions.get(name);
  if (dimension === undefined) {
    dimension = names.length;
    names.push(name);
    dimensions.set(name, dimension);
  }
  return dimension;
}

export const dimensionName = (dimension: number): string => names[dimension]!;

type ResourceList = Readonly<Record<string, string>>;

/** Pods repeat the same few quantities thousands of times. */
const rememberedMax = 10_000;
const milliValues = new Map<string, number>();
const values = new Map<string, number>();

/** CPU in millicores, other resources in units, rounded up. @throws QuantityError */
export function resourceAmount(name: string, quantity: string): number {
  const known = name === 'cpu' ? milliValues : values;
  let amount = known.get(quantity);
  if (amount === undefined) {
    amount = name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);
    if (known.size >= rememberedMax) known.clear();
    known.set(quantity, amount);
  }
  return amount;
}

/** Defaults for containers that name no request, so that scoring sees them at all. */
export const defaultMilliCpuRequest = 100;
export const defaultMemoryRequest = 200 * 1024 * 1024;

export interface Requests {
  /** Dimensions with a request above 0, ascending, and the amounts at the same indexes. */
  readonly dimensions: readonly number[];
  readonly amounts: readonly number[];
  /** CPU and memory with the defaults for containers without requests. */
  readonly nonzeroCpu: number;
  readonly nonzeroMemory: number;
}

type Amounts = Map<number, number>;

function addAll(into: Amounts, list: Amounts): void {
  for (const [dimension, amount] of list) into.set(dimension, (into.get(dimension) ?? 0) + amount);
}

function maxAll(into: Amounts, list: Amounts): void {
  for (const [dimension, amount] of list) if (amount > (into.get(dimension) ?? 0)) into.set(dimension, amount);
}

function amountsOf(list: ResourceList | undefined): Amounts {
  const amounts: Amounts = new Map();
  if (list) for (const name in list) amounts.set(dimensionOf(name), resourceAmount(name, list[name]!));
  return amounts;
}

/** A resized container counts with the largest of what is asked, what is allocated and what it runs with. */
function containerAmounts(container: Container, status: ContainerStatus | undefined, infeasible: boolean): Amounts {
  const asked = amountsOf(container.resources?.requests);
  const actual = status?.resources?.requests;
  if (!status || (!actual && !status.allocatedResources)) return asked;
  const running = amountsOf(actual);
  maxAll(running, amountsOf(status.allocatedResources));
  if (!infeasible) maxAll(running, asked);
  return running;
}

interface Sums {
  plain: Amounts;
  nonzero: Amounts;
}

function withDefaults(amounts: Amounts): Amounts {
  if (amounts.has(Dimension.Cpu) && amounts.has(Dimension.Memory)) return amounts;
  const full = new Map(amounts);
  if (!full.has(Dimension.Cpu)) full.set(Dimension.Cpu, defaultMilliCpuRequest);
  if (!full.has(Dimension.Memory)) full.set(Dimension.Memory, defaultMemoryRequest);
  return full;
}

function sumContainers(pod: Pod, amountsFor: (container: Container) => Amounts): Amounts {
  const sum: Amounts = new Map();
  for (const container of pod.spec?.containers ?? []) addAll(sum, amountsFor(container));
  const initContainers = pod.spec?.initContainers;
  if (!initContainers?.length) return sum;
  const sidecars: Amounts = new Map();
  const initPeak: Amounts = new Map();
  for (const container of initContainers) {
    const amounts = amountsFor(container);
    if (container.restartPolicy === 'Always') {
      // A sidecar runs beside the main containers and beside every later init container.
      addAll(sum, amounts);
      addAll(sidecars, amounts);
      maxAll(initPeak, sidecars);
    } else {
      const together = new Map(sidecars);
      addAll(together, amounts);
      maxAll(initPeak, together);
    }
  }
  maxAll(sum, initPeak);
  return sum;
}

function sums(pod: Pod): Sums {
  const statuses = new Map<string, ContainerStatus>();
  const infeasible = (pod.status?.conditions ?? []).some(
    (condition) => condition.type === 'PodResizePending' && condition.reason === 'Infeasible',
  );
  for (const status of pod.status?.containerStatuses ?? []) {
    if (status.resources || status.allocatedResources) statuses.set(status.name, status);
  }
  const amountsFor = (container: Container) =>
    statuses.size === 0
      ? amountsOf(container.resources?.requests)
      : containerAmounts(container, statuses.get(container.name), infeasible);
  const plain = sumContainers(pod, amountsFor);
  const nonzero = sumContainers(pod, (container) => withDefaults(amountsFor(container)));
  return { plain, nonzero };
}

/** Resources that may be set for a pod as a whole. */
const podLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** Of a pod with a single container and nothing else that asks: most are like that, and replicas share the list. */
const requestsOfOne = rememberLast((list: ResourceList): Requests => {
  const asked = amountsOf(list);
  return requestsFrom(asked, withDefaults(asked));
});
const nothingAsked: ResourceList = {};

/** Who shares a list of requests with the pod before shares the answer. */
export function podRequests(pod: Pod): Requests {
  const { containers = [], initContainers, overhead, resources } = pod.spec ?? {};
  const isPlain = containers.length === 1 && !initContainers?.length && !overhead && !resources?.requests;
  if (isPlain && !pod.status?.containerStatuses?.length) {
    return requestsOfOne(containers[0]!.resources?.requests ?? nothingAsked);
  }
  const { plain, nonzero } = sums(pod);
  const whole = pod.spec?.resources?.requests;
  if (whole) {
    for (const name in whole) {
      if (!podLevel(name)) continue;
      plain.set(dimensionOf(name), resourceAmount(name, whole[name]!));
      nonzero.set(dimensionOf(name), resourceAmount(name, whole[name]!));
    }
  }
  if (pod.spec?.overhead) {
    const overhead = amountsOf(pod.spec.overhead);
    addAll(plain, overhead);
    addAll(nonzero, overhead);
  }
  return requestsFrom(plain, nonzero);
}

function requestsFrom(plain: Amounts, nonzero: Amounts): Requests {
  const used = [...plain].filter(([, amount]) => amount > 0).sort(([a], [b]) => a - b);
  return {
    dimensions: used.map(([dimension]) => dimension),
    amounts: used.map(([, amount]) => amount),
    nonzeroCpu: nonzero.get(Dimension.Cpu) ?? 0,
    nonzeroMemory: nonzero.get(Dimension.Memory) ?? 0,
  };
}

/** The request of one dimension, 0 when there is none. */
export function requestOf(requests: Requests, dimension: number): number {
  const index = requests.dimensions.indexOf(dimension);
  return index < 0 ? 0 : requests.amounts[index]!;
}
