/**
 * Exec, attach and port-forward: what upgrades to streams with a pod's kubelet. Whether the pod exists, has a node and has that
 * container is answered here, before anything is upgraded.
 * @see pkg/registry/core/pod/rest/subresources.go, pkg/registry/core/pod/strategy.go streamLocation
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import { ask, refusalOf, requestOf } from '../stages/authorization.ts';
import { serveCommand } from '../streams/command-session.ts';
import { servePortForward } from '../streams/port-forward.ts';
import { booleanOf } from '../verbs/list-options.ts';
import type { SubresourceHandler } from './handler.ts';
import { containerOf, nodeOf, podOf } from './pod-target.ts';

const pods = ['/registry/pods'];

/** Who may only read must not get a shell by a WebSocket, whose requests are always GETs. */
async function mayConnect(call: Call, server: Server): Promise<void> {
  if (call.verb === 'create' || call.user.groups.includes('system:masters')) return;
  const request = requestOf(call, call.user, 'create');
  const { allowed, reason } = await ask(request, server);
  if (!allowed) throw refusalOf(call, request, reason);
}

function connectCommand(type: 'exec' | 'attach'): NonNullable<SubresourceHandler['connect']> {
  return async (call, server) => {
    await mayConnect(call, server);
    const pod = podOf(call, server);
    const { query } = call;
    const node = nodeOf(pod);
    const container = containerOf(pod, query['container']);
    const flag = (name: string, otherwise: boolean): boolean => booleanOf(query[name]) ?? otherwise;
    const tty = flag('tty', false);
    const target = {
      type,
      namespace: call.namespace as string,
      pod: call.name as string,
      container,
      command: type === 'exec' ? call.queryAll('command') : [],
      stdin: flag('stdin', false),
      stdout: flag('stdout', true),
      // A terminal has one stream for both.
      stderr: flag('stderr', true) && !tty,
      tty,
    };
    if (!target.stdin && !target.stdout && !target.stderr) {
      throw StatusError.badRequest('you must specify at least 1 of stdin, stdout, stderr');
    }
    call.answer = { type: 'exchange', serve: (exchange) => serveCommand(server, exchange, node, target) };
  };
}

export const exec: SubresourceHandler = { name: 'exec', kinds: pods, connect: connectCommand('exec') };
export const attach: SubresourceHandler = { name: 'attach', kinds: pods, connect: connectCommand('attach') };
export const portforward: SubresourceHandler = {
  name: 'portforward',
  kinds: pods,
  async connect(call, server) {
    await mayConnect(call, server);
    const node = nodeOf(podOf(call, server));
    const target = { node, namespace: call.namespace as string, pod: call.name as string };
    call.answer = { type: 'exchange', serve: (exchange) => servePortForward(server, exchange, target) };
  },
};
