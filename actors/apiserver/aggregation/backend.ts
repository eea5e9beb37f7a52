/**
 * How the server reaches the servers behind APIServices: over TLS, with the front proxy's client certificate, at a ready endpoint
 * of the service or at its external name. Users are named in headers that only this certificate makes count.
 * @see staging/src/k8s.io/client-go/transport/round_trippers.go NewAuthProxyRoundTripper
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ApiObject } from '../../../src/api/index.ts';
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';
import type { Backend } from '../streams/http-proxy.ts';
import { networkText } from '../webhooks/call-errors.ts';
import type { RemoteVersion } from './api-services.ts';

export const SERVICES = '/registry/services/specs';
export const ENDPOINT_SLICES = '/registry/endpointslices';
const DEFAULT_PORT = 443;
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

export interface Slice extends ApiObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string };
  }[];
}

export interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly externalName?: string;
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
}

export function serviceSpec(server: Server, namespace: string, name: string): ServiceSpec | undefined {
  const cache = server.caches.cacheOf(SERVICES, true);
  const object = cache.get(cache.keyOf(namespace, name))?.object;
  return object === undefined ? undefined : ((object['spec'] ?? {}) as ServiceSpec);
}

/** The slices of a service's endpoints, whoever wrote them. */
export function slicesOf(server: Server, namespace: string, service: string): Slice[] {
  const slices = server.caches.cacheOf(ENDPOINT_SLICES, true).list(namespace);
  return slices.flatMap(({ object }) => {
    const labels = object.metadata['labels'] as Readonly<Record<string, string>> | undefined;
    return labels?.['kubernetes.io/service-name'] === service ? [object as Slice] : [];
  });
}

/** The address that the service stands for, `https://10.96.3.7:443`; undefined when it stands for none. */
export function serviceUrl(server: Server, remote: RemoteVersion): string | undefined {
  const { namespace = '', name = '', port = DEFAULT_PORT } = remote.spec.service;
  const spec = serviceSpec(server, namespace, name);
  if (spec === undefined) return undefined;
  if (spec.type === 'ExternalName') return `https://${spec.externalName}:${port}`;
  return spec.ports?.some((one) => one.port === port) ? `https://${spec.clusterIP}:${port}` : undefined;
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** A simulated pod's: nothing on this machine's network answers there. */
  readonly simulated: boolean;
}

function placeOf(server: Server, remote: RemoteVersion): Place | undefined {
  const { namespace = '', name = '', port = DEFAULT_PORT } = remote.spec.service;
  const spec = serviceSpec(server, namespace, name);
  if (spec === undefined) return undefined;
  if (spec.type === 'ExternalName') return { host: spec.externalName ?? '', port, simulated: false };
  const wanted = spec.ports?.find((one) => one.port === port);
  if (wanted === undefined) return undefined;
  const places = slicesOf(server, namespace, name).flatMap(({ ports, endpoints }) => {
    const match = ports?.find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
    if (match === undefined) return [];
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .map(({ addresses, targetRef }) => ({
        host: addresses[0] ?? '',
        port: match,
        simulated: targetRef?.kind === 'Pod',
      }));
  });
  return places[server.context.random.integer(Math.max(1, places.length))];
}

/** Undefined when the service leads nowhere. */
export function backendOf(server: Server, remote: RemoteVersion): Backend | undefined {
  const place = placeOf(server, remote);
  const url = serviceUrl(server, remote);
  if (place === undefined || url === undefined) return undefined;
  const { namespace = '', name = '' } = remote.spec.service;
  const { caBundle, insecureSkipTLSVerify = false } = remote.spec;
  const proxyClient = server.aggregation.renewedClient ?? server.options.proxyClient;
  const { host, port, simulated } = place;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    scheme: 'https',
    authority,
    dial: () =>
      simulated
        ? Promise.reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }))
        : Promise.resolve(connectTcp({ host, port })),
    tls: {
      servername: `${name}.${namespace}.svc`,
      rejectUnauthorized: !insecureSkipTLSVerify,
      ...(caBundle === undefined || caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
      ...(proxyClient === null ? {} : { cert: proxyClient.certPem, key: proxyClient.keyPem }),
    },
  };
}

/** The headers in which a backend is told who asks. */
export function userHeaders({ user, uid, groups, extra }: Identity): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'x-remote-user': user, 'x-remote-group': [...groups] };
  if (uid !== undefined && uid !== '') headers['x-remote-uid'] = uid;
  for (const key in extra) headers[`x-remote-extra-${headerEscape(key)}`] = [...(extra[key] ?? [])];
  return headers;
}

/** Keys may hold what header names may not: that is percent-encoded. */
function headerEscape(key: string): string {
  return key.replace(/[^A-Za-z0-9!#$&'*+.^_`|~-]/g, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

const AGGREGATOR: Identity = { user: 'system:kube-aggregator', groups: ['system:masters'] };

export interface Fetched {
  readonly code: number;
  readonly contentType: string;
  readonly etag: string | undefined;
  readonly text: string;
}

/** Reads a document of a backend as the aggregator itself. Rejects with an Error in the words of Go's client. */
export function fetchDocument(
  server: Server,
  remote: RemoteVersion,
  path: string,
  headers: OutgoingHttpHeaders,
  timeoutMs: number,
): Promise<Fetched> {
  const backend = backendOf(server, remote);
  if (backend === undefined) return Promise.reject(new Error('service unavailable'));
  return new Promise((resolve, reject) => {
    const { tls, authority } = backend;
    const timer = server.context.clock.after(timeoutMs, () => stop(new Error('timed out')), { background: true });
    const target = {
      host: authority.replace(/:\d+$/, ''),
      port: Number(/\d+$/.exec(authority)?.[0]),
      serverName: String(tls?.servername ?? ''),
      url: new URL(`https://${authority}${path}`),
      caPem: undefined,
    };
    let socketOf: { destroy(): void } | undefined;
    const stop = (error: Error) => {
      timer.cancel();
      socketOf?.destroy();
      reject(error);
    };
    const fail = (error: Error) => stop(new Error(networkText(error, target)));
    backend.dial().then((socket) => {
      const secure = connectTls({ ...tls, socket });
      socketOf = secure;
      secure.on('error', fail);
      socket.on('error', fail);
      secure.once('secureConnect', () => {
        const sent = httpRequest({
          createConnection: () => secure as never,
          path,
          headers: { host: authority, accept: 'application/json', ...userHeaders(AGGREGATOR), ...headers },
        });
        sent.on('error', fail);
        sent.on('response', (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > DOCUMENT_BYTES_MAX) stop(new Error(`the document is larger than ${DOCUMENT_BYTES_MAX} bytes`));
            else chunks.push(chunk);
          });
          response.on('end', () => {
            timer.cancel();
            secure.destroy();
            resolve({
              code: response.statusCode ?? 0,
              contentType: response.headers['content-type'] ?? '',
              etag: response.headers.etag,
              text: Buffer.concat(chunks).toString(),
            });
          });
        });
        sent.end();
      });
    }, fail);
  });
}
