/**
 * What the subresources of pods that write a part of the specification may change: `ephemeralcontainers` adds debug containers, `resize`
 * changes resources. Everything else comes from the stored pod, whatever the client sent.
 * @see pkg/registry/core/pod/strategy.go dropNonEphemeralContainerUpdates, dropNonResizeUpdates
 */
import type { Container, Pod } from '../../generated/types.ts';
import type { ApiObject } from '../types.ts';
import { dropPodFields } from './pod-dropped-fields.ts';

/** Keeps only the ephemeral containers of what a client wrote. */
export function prepareEphemeralContainers(pod: Pod, previous: Pod): void {
  const ephemeralContainers = pod.spec?.ephemeralContainers;
  restore(pod, previous);
  if (ephemeralContainers === undefined) delete pod.spec!.ephemeralContainers;
  else pod.spec!.ephemeralContainers = ephemeralContainers;
  dropPodFields(pod.spec, previous.spec);
}

/**
 * Keeps only resources and resize policies of containers, init containers and the pod as a whole. A pod with other
 * containers than before is left as it came, so that validation can say what is wrong with it.
 */
export function prepareResize(pod: Pod, previous: Pod): void {
  if (!sameNames(pod.spec?.containers, previous.spec?.containers)) return;
  if (!sameNames(pod.spec?.initContainers, previous.spec?.initContainers)) return;
  const { containers, initContainers, resources } = pod.spec ?? {};
  restore(pod, previous);
  const spec = pod.spec!;
  if (resources !== undefined) spec.resources = resources;
  spec.containers = resized(spec.containers, containers);
  if (spec.initContainers !== undefined) spec.initContainers = resized(spec.initContainers, initContainers);
}

function sameNames(now: readonly Container[] = [], before: readonly Container[] = []): boolean {
  return now.length === before.length && now.every(({ name }, index) => name === before[index]?.name);
}

function resized(stored: readonly Container[], wanted: readonly Container[] | undefined): Container[] {
  return stored.map((container, index) => {
    const change = wanted?.[index];
    if (change === undefined || change.name !== container.name) return container;
    const { resources, resizePolicy } = change;
    const result: Container = { ...container, resources: resources ?? {} };
    if (resizePolicy === undefined) delete result.resizePolicy;
    else result.resizePolicy = resizePolicy;
    return result;
  });
}

/** Takes everything but what identifies this write from the stored pod; the spec is a shallow copy that may be changed. */
function restore(pod: Pod, previous: Pod): void {
  const { resourceVersion, managedFields, uid } = pod.metadata ?? {};
  const target = pod as ApiObject & Pod;
  for (const field of Object.keys(target)) if (field !== 'apiVersion' && field !== 'kind') delete target[field];
  pod.metadata = { ...previous.metadata };
  if (resourceVersion !== undefined) pod.metadata.resourceVersion = resourceVersion;
  if (managedFields !== undefined) pod.metadata.managedFields = managedFields;
  if (uid !== undefined) pod.metadata.uid = uid;
  pod.spec = { ...previous.spec, containers: previous.spec?.containers ?? [] };
  if (previous.status !== undefined) pod.status = previous.status;
}
