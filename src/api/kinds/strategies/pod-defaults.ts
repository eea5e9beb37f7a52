/**
 * Defaults that only pods get, and not the templates of workloads: requests from limits, host ports of pods on the host's network,
 * service links.
 * @see pkg/apis/core/v1/defaults.go SetDefaults_Pod
 */
import type { Container, Pod, PodSpec } from '../../generated/types.ts';
import { defaultPodLevelResources } from './pod-level-resources.ts';
import { defaultPodSpec } from './pod-spec-defaults.ts';
import { fillResources } from './resource-list.ts';

/** Sets all defaults of a pod, in place. A specification that is that of `live` has them. */
export function defaultPod(pod: Pod, live?: Pod): void {
  pod.spec ??= { containers: [] };
  if (pod.spec !== live?.spec) defaultSpec(pod.spec);
  if (pod.status?.podIP !== undefined || pod.status?.podIPs !== undefined) syncPodIps(pod);
}

function defaultSpec(spec: PodSpec): void {
  defaultPodSpec(spec);
  if (spec.containers !== undefined && spec.containers !== null)
    for (const container of spec.containers) requestLimits(container);
  if (spec.initContainers !== undefined) for (const container of spec.initContainers) requestLimits(container);
  if (spec.resources !== undefined) defaultPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true) defaultHostPorts(spec);
}

function requestLimits(container: Container): void {
  const resources = container.resources;
  if (resources?.limits !== undefined) resources.requests = fillResources(resources.requests, resources.limits);
}

function defaultHostPorts(spec: PodSpec): void {
  // Null where the client gave none.
  for (const container of spec.containers ?? []) fillHostPorts(container);
  if (spec.initContainers !== undefined) for (const container of spec.initContainers) fillHostPorts(container);
}

function fillHostPorts(container: Container): void {
  if (container.ports === undefined) return;
  for (const port of container.ports) if (!port.hostPort && port.containerPort) port.hostPort = port.containerPort;
}

/**
 * podIP and podIPs say the same: the list wins when both are given and agree; an old writer that changes only podIP changes the list.
 * @see pkg/apis/core/v1/conversion.go
 */
function syncPodIps(pod: Pod): void {
  const status = pod.status!;
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP && status.podIP !== first) status.podIPs = [{ ip: status.podIP }];
  else if (!status.podIP && first !== undefined) status.podIP = first;
}
