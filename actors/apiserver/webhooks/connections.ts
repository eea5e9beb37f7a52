/**
 * What webhooks are told of connections: commands, attachments, forwarded ports and proxied requests come as the options that the
 * query names. @see pkg/apis/core/types.go PodExecOptions
 */
import type { ApiObject, KindDefinition } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';

const OPTIONS: Readonly<Record<string, string>> = {
  exec: 'ExecOptions',
  attach: 'AttachOptions',
  portforward: 'PortForwardOptions',
  proxy: 'ProxyOptions',
};

/** `PodExecOptions` and the like, all of the core group. */
export function connectionKind(kind: KindDefinition, subresource: string) {
  const options = OPTIONS[subresource];
  const name = options === undefined ? kind.kind : `${kind.kind}${options}`;
  return { group: kind.group, version: kind.version, kind: name };
}

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'];

/** The options of the call; they have no metadata. */
export function connectionObject({ kind, subresource, query, queryAll, proxyPath }: Call): ApiObject {
  const name = subresource?.name ?? '';
  const options: Record<string, unknown> = { kind: connectionKind(kind, name).kind, apiVersion: 'v1' };
  if (name === 'exec' || name === 'attach') {
    for (const flag of FLAGS) if (query[flag] === 'true' || query[flag] === '1') options[flag] = true;
    if (query['container']) options['container'] = query['container'];
    if (name === 'exec') options['command'] = queryAll('command');
  } else if (name === 'portforward') {
    const ports = queryAll('ports')
      .flatMap((text) => text.split(','))
      .map(Number);
    if (ports.length > 0) options['ports'] = ports;
  } else if (name === 'proxy') {
    options['path'] = proxyPath ?? '';
  }
  return options as unknown as ApiObject;
}
