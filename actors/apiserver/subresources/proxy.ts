/**
 * The proxies of pods, services and nodes: finds where a request is to go, by names of the form `scheme:name:port`.
 * @see pkg/registry/core/{pod,node}/strategy.go ResourceLocation, pkg/registry/core/service/storage/storage.go
 */
import type { ServerResponse } from 'node:http';
import { type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { NodeSessionTarget } from '../../../src/node/protocol.ts';
import type { Random } from '../../../src/runtime/index.ts';
import { slicesOf } from '../aggregation/backend.ts';
import type { Call } from '../call.ts';
import { notFoundOf } from '../failures.ts';
import type { Server } from '../server.ts';
import type { Exchange } from '../streams/exchange.ts';
import { type Backend, serveProxy } from '../streams/http-proxy.ts';
import { KUBELET_PORT } from '../streams/nodes.ts';
import type { SubresourceHandler } from './handler.ts';
import type { PodTarget } from './pod-target.ts';

interface Named {
  readonly scheme: 'http' | 'https' | '';
  readonly name: string;
  readonly port: string;
}

/** @see staging/src/k8s.io/apimachinery/pkg/util/net/port_split.go SplitSchemeNamePort */
export function splitName(id: string): Named | undefined {
  const parts = id.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return first === '' ? undefined : { scheme: '', name: first, port: '' };
  if (parts.length === 2) return first === '' ? undefined : { scheme: '', name: first, port: second };
  if (parts.length !== 3 || second === '' || (first !== '' && first !== 'http' && first !== 'https')) return undefined;
  return { scheme: first, name: second, port: third };
}

/** The named object as it is now. */
function objectOf(
  server: Server,
  kind: KindDefinition,
  namespace: string | undefined,
  name: string,
): Record<string, unknown> {
  const cache = server.cacheOf(kind);
  const entry = cache.get(cache.keyOf(namespace, name));
  if (entry === undefined) throw notFoundOf(kind, name);
  return entry.object;
}

function named(call: Call, what: 'pod' | 'service' | 'node'): Named {
  const id = call.name as string;
  const found = splitName(id);
  if (found === undefined) throw StatusError.badRequest(`invalid ${what} request ${JSON.stringify(id)}`);
  return found;
}

function answerWith(call: Call, backend: Backend): void {
  call.answer = { type: 'exchange', serve: (exchange) => proxy(call, backend, exchange) };
}

function proxy(call: Call, backend: Backend, exchange: Exchange): void | Promise<void> {
  const { request, response, headers } = exchange;
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  const rest = call.proxyPath ?? '';
  if (rest === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    // Relative links of the page at the root would otherwise lead nowhere.
    (response as ServerResponse).writeHead(301, { ...headers, location: `${path}/${query}`, 'content-length': '0' });
    (response as ServerResponse).end();
    return;
  }
  const prefix = rest === '' ? path.replace(/\/$/, '') : path.slice(0, path.length - rest.length);
  return serveProxy(exchange, backend, { target: (rest === '' ? '/' : rest) + query, prefix });
}

const LOOPBACK = /^(127\.|169\.254\.|::1$|fe80:|0\.0\.0\.0$|::$)/i;

function podBackend(server: Server, pod: PodTarget, scheme: Named['scheme'], port: number): Backend {
  const { namespace, name } = pod.metadata;
  const ip = pod.status?.podIP ?? '';
  if (LOOPBACK.test(ip)) throw StatusError.badRequest('address not allowed');
  const authority = `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  const node = pod.spec?.nodeName ?? '';
  const target: NodeSessionTarget = { type: 'port', namespace, pod: name, port };
  return {
    scheme: scheme === 'https' ? 'https' : 'http',
    authority,
    dial: () => server.sessions.dial(node, target),
    refusedText: `dial tcp ${authority}: connect: connection refused`,
    tls: scheme === 'https' ? { rejectUnauthorized: false } : undefined,
  };
}

export const podProxy: SubresourceHandler = {
  name: 'proxy',
  kinds: ['/registry/pods'],
  connect(call, server) {
    const { scheme, name, port } = named(call, 'pod');
    const pod = objectOf(server, call.kind, call.namespace, name) as unknown as PodTarget;
    const first = pod.spec?.containers?.find(({ ports = [] }) => ports.length > 0)?.ports?.[0]?.containerPort;
    const number = port === '' ? (first ?? (scheme === 'https' ? 443 : 80)) : Number(port);
    if (!Number.isInteger(number) || number < 0 || number > 65_535) {
      throw StatusError.serviceUnavailable(`error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`);
    }
    answerWith(call, podBackend(server, pod, scheme, number));
  },
};

export const nodeProxy: SubresourceHandler = {
  name: 'proxy',
  kinds: ['/registry/minions'],
  connect(call, server) {
    const { scheme, name, port } = named(call, 'node');
    objectOf(server, call.kind, undefined, name);
    const number = port === '' ? KUBELET_PORT : Number(port);
    const authority = `${server.nodes.addressOf(name)}:${port === '' ? KUBELET_PORT : port}`;
    const refusedText = `dial tcp ${authority}: connect: connection refused`;
    answerWith(call, {
      scheme: scheme === 'https' || number === KUBELET_PORT ? 'https' : 'http',
      authority,
      refusedText,
      // A simulated node listens on its kubelet's port alone.
      dial: () =>
        number === KUBELET_PORT
          ? server.sessions.dial(name, { type: 'kubelet' })
          : Promise.reject(new Error(refusedText)),
    });
  },
};

interface ServiceObject {
  spec?: { ports?: { name?: string; port: number }[] };
}

export const serviceProxy: SubresourceHandler = {
  name: 'proxy',
  kinds: ['/registry/services/specs'],
  connect(call, server) {
    const { scheme, name, port } = named(call, 'service');
    answerWith(call, serviceBackend(call, server, name, port, scheme));
  },
};

function serviceBackend(call: Call, server: Server, name: string, asked: string, scheme: Named['scheme']): Backend {
  const { registry, context } = server;
  let port = asked;
  if (/^\d+$/.test(asked)) {
    const { spec } = objectOf(server, call.kind, call.namespace, name) as ServiceObject;
    const found = spec?.ports?.find((one) => one.port === Number(asked));
    if (found === undefined) {
      throw StatusError.serviceUnavailable(`no service port ${asked} found for service ${JSON.stringify(name)}`);
    }
    port = found.name ?? '';
  }
  const slices = slicesOf(server, call.namespace as string, name);
  const pods = registry.byResource('', 'v1', 'pods') as KindDefinition;
  for (const { ports = [], endpoints = [] } of fromAny(slices, context.random)) {
    const match = ports.find((one) => (one.name ?? '') === port)?.port;
    if (match === undefined) continue;
    for (const { addresses, conditions, targetRef } of fromAny(endpoints, context.random)) {
      // Addresses that are no pod's are not proxied to: anybody could write them.
      if (conditions?.ready === false || targetRef?.kind !== 'Pod') continue;
      const cache = server.cacheOf(pods);
      const pod = cache.get(cache.keyOf(call.namespace, targetRef.name ?? ''))?.object as unknown as
        | PodTarget
        | undefined;
      const ips = [pod?.status?.podIP, ...(pod?.status?.podIPs ?? []).map(({ ip }) => ip)];
      if (pod !== undefined && ips.includes(addresses[0])) return podBackend(server, pod, scheme, match);
    }
  }
  throw StatusError.serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
}

/** All of them, from a random one on: those that cannot be used cost a look at the next. */
function fromAny<Item>(list: readonly Item[], random: Random): readonly Item[] {
  const first = random.integer(Math.max(1, list.length));
  return [...list.slice(first), ...list.slice(0, first)];
}
