/**
 * What the `resize` subresource of pods may change: amounts of CPU and memory, of containers, of init containers and of the pod as a whole.
 * @see ValidatePodResize
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { podQosClass } from '../kinds/strategies/pod-qos.ts';
import { at, Check, type Path } from './check.ts';
import { mirrorAnnotation } from './pod-annotations.ts';

type Amounts = Readonly<Record<string, string>>;

const specPath = fieldPath('spec');
const noContainers: readonly Container[] = [];
const lists = ['containers', 'initContainers'] as const;

/** Adds what speaks against the resize to what `check` holds of the pod itself. */
export function checkResize(check: Check, pod: Pod, previous: Pod): FieldError[] {
  const refused = new Check();
  if (previous.metadata?.annotations?.[mirrorAnnotation] !== undefined)
    refused.forbidden(undefined, '', 'static pods cannot be resized');
  else if (previous.spec?.os?.name === 'windows') refused.forbidden(undefined, '', 'windows pods cannot be resized');
  if (refused.errors.length > 0) return refused.errors;
  if ((previous.status?.qosClass ?? podQosClass(previous)) !== podQosClass(pod)) {
    const text = 'Pod QOS Class may not change as a result of resizing';
    check.invalid(undefined, 'spec', pod.status?.qosClass ?? '', text);
  }
  const running = previous.status?.containerStatuses?.find(({ state }) => state?.running);
  if (running !== undefined && running.resources === undefined)
    check.forbidden(undefined, 'spec', 'Pod running on node without support for resize');
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const before: PodSpec = previous.spec ?? { containers: [] };
  const resources = checkPodLevel(check, spec.resources, before.resources);
  if (!checkSameContainers(check, spec, before)) return check.errors;
  checkRemovals(check, spec, before);
  const containers = checkContainers(check, spec.containers, before.containers);
  const initContainers = checkInitContainers(check, spec.initContainers ?? noContainers, before.initContainers ?? []);
  if (check.errors.length > 0) return check.errors;
  const masked: PodSpec = { ...spec, resources, containers, initContainers };
  if (!semanticEqual(masked, before)) check.forbidden(undefined, 'spec', 'only cpu and memory resources are mutable');
  return check.errors;
}

const isSet = (resources: ResourceRequirements | undefined): boolean =>
  Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length > 0;

/** @returns the resources of the pod with the old amounts of CPU and memory. */
function checkPodLevel(
  check: Check,
  now: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
): ResourceRequirements | undefined {
  if (!isSet(now) && !isSet(old)) return now;
  const path = at(specPath, 'resources');
  if (now === undefined) {
    check.forbidden(path, '', 'pod-level resources cannot be removed');
    return now;
  }
  for (const list of ['requests', 'limits'] as const)
    if (old !== undefined && isRemoved(now[list], old[list]))
      check.forbidden(path, list, `pod-level resource ${list} cannot be removed`);
  const { claims } = now;
  const limits = withComputeOf(now.limits, old?.limits);
  const requests = withComputeOf(now.requests, old?.requests);
  const masked = { ...(claims !== undefined && { claims }), limits, requests };
  const isEmpty = !isSet(masked) && (claims?.length ?? 0) === 0;
  if (old === undefined && isEmpty) return undefined;
  if (!semanticEqual(masked, old))
    check.forbidden(undefined, 'spec', 'only cpu and memory resources are mutable at pod-level');
  return masked;
}

/** @returns false when there are others than before, or in another order. */
function checkSameContainers(check: Check, spec: PodSpec, before: PodSpec): boolean {
  const count = check.errors.length;
  for (const list of lists) {
    const now = spec[list] ?? noContainers;
    const old = before[list] ?? noContainers;
    if (now.length !== old.length) check.forbidden(specPath, list, `${list} may not be added or removed on resize`);
    else
      old.forEach(({ name }, index) => {
        if (now[index]?.name === name) return;
        check.forbidden(at(at(specPath, list), index), 'name', `${list} may not be renamed or reordered on resize`);
      });
  }
  return check.errors.length === count;
}

const isRemoved = (now: Amounts | undefined, old: Amounts | undefined): boolean =>
  Object.keys(old ?? {}).some((name) => now?.[name] === undefined);

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always';

function checkRemovals(check: Check, spec: PodSpec, before: PodSpec): void {
  for (const list of ['initContainers', 'containers'] as const)
    before[list]?.forEach((old, index) => {
      const path: Path = at(at(at(specPath, list), index), 'resources');
      const now = spec[list]?.[index]?.resources;
      for (const field of ['requests', 'limits'] as const)
        if (isRemoved(now?.[field], old.resources?.[field]))
          check.forbidden(path, field, `resource ${field} cannot be removed`);
    });
}

function checkContainers(check: Check, now: readonly Container[], before: readonly Container[]): Container[] {
  return now.map((container, index) => {
    const old = before[index] as Container;
    const masked = withOldCompute(container, old);
    if (!semanticEqual(masked, old)) check.forbidden(undefined, 'spec', 'only cpu and memory resources are mutable');
    return masked;
  });
}

function checkInitContainers(check: Check, now: readonly Container[], before: readonly Container[]): Container[] {
  return now.map((container, index) => {
    const old = before[index] as Container;
    const masked = withOldCompute(container, old);
    const path = at(specPath, 'initContainers');
    if (!semanticEqual(masked, old))
      check.forbidden(path, index, 'only cpu and memory resources for init or sidecar containers are mutable');
    if (!isSidecar(container) && !semanticEqual(container, old)) {
      const text = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
      for (const { restartPolicy } of container.resizePolicy ?? [])
        if (restartPolicy === 'RestartContainer') check.forbidden(path, index, text);
    }
    return masked;
  });
}

/** The container with the old amounts of CPU and memory; claims of devices are left out, as no container that has some can be resized. */
function withOldCompute(now: Container, old: Container): Container {
  const limits = withComputeOf(now.resources?.limits, old.resources?.limits);
  const requests = withComputeOf(now.resources?.requests, old.resources?.requests);
  return { ...now, resources: { limits, requests } };
}

/** Empty lists are left out, as decoding leaves them out. */
function withComputeOf(now: Amounts | undefined, old: Amounts | undefined): Record<string, string> | undefined {
  const { cpu: _, memory: __, ...rest } = now ?? {};
  const { cpu, memory } = old ?? {};
  const result = { ...rest, ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  return Object.keys(result).length > 0 ? result : undefined;
}
