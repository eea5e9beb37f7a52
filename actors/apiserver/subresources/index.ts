/** The subresources with behaviour of their own: one literal list. */
import type { Call } from '../call.ts';
import { binding } from './binding.ts';
import { eviction } from './eviction.ts';
import type { SubresourceHandler } from './handler.ts';
import { log } from './log.ts';
import { nodeProxy, podProxy, serviceProxy } from './proxy.ts';
import { attach, exec, portforward } from './remote-command.ts';
import { scale } from './scale.ts';
import { token } from './token.ts';

const handlers: readonly SubresourceHandler[] = [
  attach,
  binding,
  eviction,
  exec,
  log,
  nodeProxy,
  podProxy,
  portforward,
  scale,
  serviceProxy,
  token,
];

const byName = new Map<string, SubresourceHandler[]>();
for (const handler of handlers) byName.set(handler.name, [...(byName.get(handler.name) ?? []), handler]);

/** The handler of the call's subresource, if it has one. */
export function subresourceHandlerOf(call: Call): SubresourceHandler | undefined {
  if (call.subresource === undefined) return undefined;
  return byName
    .get(call.subresource.name)
    ?.find((handler) => handler.kinds === undefined || handler.kinds.includes(call.kind.storagePrefix));
}
