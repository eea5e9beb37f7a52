/**
 * Exec, attach, port-forward and proxy: requests that upgrade to a byte stream with the pod's kubelet. Whether the pod exists,
 * has a node and has that container is answered here; the streams themselves need an upgraded connection.
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { notFoundOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { keyOf } from '../stages/decode.ts';
import type { SubresourceHandler } from './handler.ts';
import { containerOf, nodeOf, podOf } from './pod-target.ts';

function upgradeOnly(call: Call, server: Server, needsContainer: boolean): void {
  const pod = podOf(call, server);
  nodeOf(pod);
  if (needsContainer) containerOf(pod, call.query['container']);
  throw StatusError.badRequest('Upgrade request required');
}

const pods = ['/registry/pods'];

export const exec: SubresourceHandler = {
  name: 'exec',
  kinds: pods,
  connect: (call, server) => upgradeOnly(call, server, true),
};
export const attach: SubresourceHandler = {
  name: 'attach',
  kinds: pods,
  connect: (call, server) => upgradeOnly(call, server, true),
};
export const portforward: SubresourceHandler = {
  name: 'portforward',
  kinds: pods,
  connect: (call, server) => upgradeOnly(call, server, false),
};

/** Nodes, pods and services of this cluster listen on no address that could be proxied to. */
function unreachable(call: Call, server: Server): void {
  const entry = server.cacheOf(call.kind).get(keyOf(call, server));
  if (entry === undefined) throw notFoundOf(call.kind, call.name as string);
  throw StatusError.serviceUnavailable(`no endpoints available for service ${JSON.stringify(call.name)}`);
}

export const podProxy: SubresourceHandler = { name: 'proxy', kinds: pods, connect: unreachable };
export const nodeProxy: SubresourceHandler = { name: 'proxy', kinds: ['/registry/minions'], connect: unreachable };
export const serviceProxy: SubresourceHandler = {
  name: 'proxy',
  kinds: ['/registry/services/specs'],
  connect: unreachable,
};
