/**
 * Where a webhook's client configuration leads: to a URL, or to a Service and from there to one of its ready endpoints, as
 * nothing routes cluster addresses for the API server. @see staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go ResolveEndpoint
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { WebhookCallError, type WebhookTarget } from './https-client.ts';

export interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** Base64 of PEM. */
  readonly caBundle?: string;
}

interface ServicePort {
  readonly name?: string;
  readonly port: number;
}

interface EndpointSlice extends ApiObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}

const HTTPS_PORT = 443;

/** `timeout` is told to the webhook in the query, such as `10s`. @throws WebhookCallError */
export function targetOf(config: ClientConfig, timeout: string | undefined, server: Server): WebhookTarget {
  const caPem = config.caBundle ? Buffer.from(config.caBundle, 'base64').toString('utf8') : undefined;
  if (config.service !== undefined) return serviceTarget(config.service, timeout, caPem, server);
  const url = new URL(config.url as string);
  if (timeout !== undefined) url.searchParams.set('timeout', timeout);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { url, host, port: url.port === '' ? HTTPS_PORT : Number(url.port), serverName: host, caPem };
}

function serviceTarget(
  { namespace, name, path = '', port = HTTPS_PORT }: NonNullable<ClientConfig['service']>,
  timeout: string | undefined,
  caPem: string | undefined,
  server: Server,
): WebhookTarget {
  const serverName = `${name}.${namespace}.svc`;
  const query = timeout === undefined ? '' : `?timeout=${timeout}`;
  const place = `${serverName}:${port}${path.startsWith('/') ? '' : '/'}${path}${query}`;
  const url = new URL(`https://${place}`);
  const refuse = (why: string) => new WebhookCallError(`Post "https://${place}": ${why}`);
  const cache = server.caches.cacheOf('/registry/services/specs', true);
  const service = cache.get(cache.keyOf(namespace, name))?.object;
  if (service === undefined) throw refuse(`service ${JSON.stringify(name)} not found`);
  const spec = (service['spec'] ?? {}) as { type?: string; externalName?: string; ports?: readonly ServicePort[] };
  if (spec.type === 'ExternalName') return { url, host: spec.externalName ?? '', port, serverName, caPem };
  const wanted = spec.ports?.find((each) => each.port === port);
  if (wanted === undefined) throw refuse(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const endpoints = readyEndpoints(server, namespace, name, wanted.name ?? '');
  const chosen = endpoints[server.context.random.integer(Math.max(1, endpoints.length))];
  if (chosen === undefined) throw refuse(`no endpoints available for service ${JSON.stringify(name)}`);
  return { url, ...chosen, serverName, caPem };
}

function readyEndpoints(
  server: Server,
  namespace: string,
  service: string,
  portName: string,
): { readonly host: string; readonly port: number }[] {
  const slices = server.caches.cacheOf('/registry/endpointslices', true).list(namespace);
  return slices.flatMap(({ object }) => {
    const labels = object.metadata.labels as Readonly<Record<string, string>> | undefined;
    if (labels?.['kubernetes.io/service-name'] !== service) return [];
    const slice = object as EndpointSlice;
    const port = slice.ports?.find(({ name = '' }) => name === portName)?.port;
    if (port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port })));
  });
}
