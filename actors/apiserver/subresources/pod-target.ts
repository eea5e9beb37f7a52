/** Finds the pod, container and node that a log, exec or proxy request is about. */
import { StatusError } from '../../../src/api/index.ts';
import type { NodeRefusal } from '../../../src/node/protocol.ts';
import { isBusError } from '../../../src/runtime/index.ts';
import type { Call } from '../call.ts';
import { messageOf, notFoundOf, plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import { KUBELET_PORT } from '../streams/nodes.ts';

export interface PodTarget {
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  spec?: {
    nodeName?: string;
    containers?: { name: string; ports?: { containerPort: number }[] }[];
    initContainers?: { name: string }[];
    ephemeralContainers?: { name: string }[];
  };
  status?: { podIP?: string; podIPs?: { ip: string }[] };
}

export function podOf(call: Call, server: Server): PodTarget {
  const entry = server.cacheOf(call.kind).get(keyOf(call, server));
  if (entry === undefined) throw notFoundOf(call.kind, call.name as string);
  return entry.object as unknown as PodTarget;
}

/** The named container, or the only one. Refused with upstream's texts when it is missing or not clear. */
export function containerOf(pod: PodTarget, wanted: string | undefined): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const name = pod.metadata.name;
  if (wanted !== undefined && wanted !== '') {
    const known = [...containers, ...initContainers, ...ephemeralContainers].some(
      (container) => container.name === wanted,
    );
    if (!known) throw StatusError.badRequest(`container ${wanted} is not valid for pod ${name}`);
    return wanted;
  }
  const [only, ...more] = containers;
  if (only === undefined) throw StatusError.badRequest(`a container name must be specified for pod ${name}`);
  if (more.length === 0) return only.name;
  const choices = `choose one of: [${containers.map((container) => container.name).join(' ')}]`;
  const init =
    initContainers.length === 0
      ? ''
      : ` or one of the init containers: [${initContainers.map((container) => container.name).join(' ')}]`;
  throw StatusError.badRequest(`a container name must be specified for pod ${name}, ${choices}${init}`);
}

/** The node of a pod that must have one. */
export function nodeOf(pod: PodTarget): string {
  const node = pod.spec?.nodeName ?? '';
  if (node === '') throw StatusError.badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return node;
}

/**
 * What a client is told when a kubelet refuses a log or does not answer. `path` is the one at the kubelet.
 * @see staging/src/k8s.io/apiserver/pkg/registry/generic/rest/response_checker.go
 */
export function logFailure(error: unknown, server: Server, node: string, path: string): StatusError {
  if (isBusError(error)) {
    const refusal = error.details as NodeRefusal | undefined;
    if (refusal?.reason === 'BadRequest') return StatusError.badRequest(error.message);
    if (refusal?.reason === 'NotFound')
      return StatusError.other(404, 'NotFound', 'the server could not find the requested resource', {});
    if (refusal?.reason === 'InternalError') return StatusError.internalError(error.message);
    const { nodes } = server;
    return plainError(`Get "https://${nodes.addressOf(node)}:${KUBELET_PORT}${path}": ${nodes.unreachable(node)}`);
  }
  return plainError(messageOf(error));
}
