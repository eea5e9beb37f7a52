/**
 * Extended resources that a DeviceClass stands for: a pod that requests `example.com/gpu` the plain way gets devices of the
 * class on nodes that do not offer the resource themselves. The scheduler then makes the claim that the pod did not write.
 * @see kubernetes/pkg/scheduler/framework/plugins/dynamicresources/extended and extendeddynamicresources.go (KEP-5004)
 */
import type { Container, ContainerExtendedResourceRequest, DeviceClass, DeviceRequest, Pod } from '../../api/index.ts';
import type { Informers } from '../../client/index.ts';
import { deviceClasses } from '../../client/index.ts';
import { resourceAmount } from '../requests.ts';

/** Every class is also a resource of this name. */
const implicitPrefix = 'deviceclass.resource.kubernetes.io/';

/** Marks the claims that the scheduler makes. */
export const extendedClaimAnnotation = 'resource.kubernetes.io/extended-resource-claim';

/** Could a resource of this name be one that classes stand for? */
export function isExtendedName(resource: string): boolean {
  if (resource.startsWith(implicitPrefix)) return true;
  return resource.includes('/') && !resource.includes('kubernetes.io/') && !resource.startsWith('requests.');
}

const createdAt = ({ metadata }: DeviceClass) => metadata?.creationTimestamp ?? '';
const nameOf = ({ metadata }: DeviceClass) => metadata?.name ?? '';

/** Of two classes with the same resource name the younger counts, then the one whose name comes first. */
const precedes = (a: DeviceClass, b: DeviceClass) =>
  createdAt(a) > createdAt(b) || (createdAt(a) === createdAt(b) && nameOf(a) < nameOf(b));

/** Which class a resource name means. */
export class DeviceClassResolver {
  readonly #list: () => readonly DeviceClass[];
  readonly #get: (name: string) => DeviceClass | undefined;
  #byResource: Map<string, DeviceClass> | undefined;

  constructor(
    informers: Informers | undefined,
    { onChange, onProblem }: { readonly onChange?: () => void; readonly onProblem: (error: unknown) => void },
  ) {
    const informer = informers?.informer(deviceClasses);
    this.#list = () => informer?.lister.list() ?? [];
    this.#get = (name) => informer?.lister.get(undefined, name);
    informer?.changes$.subscribe({
      next: () => {
        this.#byResource = undefined;
        onChange?.();
      },
      error: onProblem,
    });
  }

  classOf(resource: string): DeviceClass | undefined {
    if (resource.startsWith(implicitPrefix)) return this.#get(resource.slice(implicitPrefix.length));
    if (!this.#byResource) {
      this.#byResource = new Map();
      for (const one of this.#list()) {
        const name = one.spec.extendedResourceName;
        const known = name === undefined ? undefined : this.#byResource.get(name);
        if (name !== undefined && (!known || precedes(one, known))) this.#byResource.set(name, one);
      }
    }
    return this.#byResource.get(resource);
  }
}

/** What the scheduler's claim asks for, and which container gets which of its requests. */
export interface ExtendedRequests {
  readonly requests: readonly DeviceRequest[];
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

interface CountedRequest {
  readonly name: string;
  readonly className: string;
  readonly count: number;
}

/** The request of one container for one resource, after it has used up those of others that it may use too. */
function requestOfContainer(
  index: number,
  { name: containerName, resources }: Container,
  resource: string,
  className: string,
  reusable: readonly (CountedRequest | undefined)[],
): { readonly request?: CountedRequest; readonly mappings: readonly ContainerExtendedResourceRequest[] } {
  const asked = resources?.requests?.[resource];
  const amount = asked === undefined ? 0 : resourceAmount(resource, asked);
  const mappings: ContainerExtendedResourceRequest[] = [];
  if (amount === 0) return { mappings };
  let covered = 0;
  for (const other of reusable) {
    if (!other) continue;
    covered += other.count;
    mappings.push({ containerName, resourceName: resource, requestName: other.name });
    if (covered >= amount) return { mappings };
  }
  const place = Object.keys(resources!.requests!).sort().indexOf(resource);
  const requestName = `container-${index}-request-${place}`;
  mappings.push({ containerName, resourceName: resource, requestName });
  return { request: { name: requestName, className, count: amount - covered }, mappings };
}

/**
 * The requests for the resources of a pod that a node serves by devices. Init containers run one after the other and before
 * the others: they use again what later containers ask for, and the largest of what more they need.
 */
export function extendedRequests(
  pod: Pod,
  resources: readonly string[],
  resolver: DeviceClassResolver,
): ExtendedRequests {
  const inits = pod.spec?.initContainers ?? [];
  const containers: readonly Container[] = [...inits, ...(pod.spec?.containers ?? [])];
  const endsFirst = (i: number) => i < inits.length && containers[i]!.restartPolicy !== 'Always';
  const counted: CountedRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const resource of [...resources].sort()) {
    const deviceClass = resolver.classOf(resource);
    if (!deviceClass) continue;
    const className = nameOf(deviceClass);
    const lasting: (CountedRequest | undefined)[] = containers.map((container, i) => {
      if (endsFirst(i)) return undefined;
      const made = requestOfContainer(i, container, resource, className, []);
      mappings.push(...made.mappings);
      return made.request;
    });
    let largest: CountedRequest | undefined;
    const passing = new Set<string>();
    const ofInits: ContainerExtendedResourceRequest[] = [];
    for (const [i, container] of containers.entries()) {
      if (!endsFirst(i)) continue;
      const made = requestOfContainer(i, container, resource, className, lasting.slice(i));
      ofInits.push(...made.mappings);
      if (!made.request) continue;
      passing.add(made.request.name);
      if (!largest || largest.count < made.request.count) largest = made.request;
    }
    for (const mapping of ofInits) {
      const shared = largest && passing.has(mapping.requestName);
      mappings.push(shared ? { ...mapping, requestName: largest!.name } : mapping);
    }
    for (const request of [largest, ...lasting]) if (request) counted.push(request);
  }
  counted.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    mappings,
    requests: counted.map(({ name, className: deviceClassName, count }) => ({
      name,
      exactly: { deviceClassName, allocationMode: 'ExactCount', count },
    })),
  };
}
