/**
 * Carries an HTTP exchange to a backend and back: headers of the hop and of the client's credentials stay here, bodies are
 * streamed both ways, upgrades are passed through, and what a backend says of its own paths is put below the proxy's.
 * @see staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go, transport.go
 */
import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { StatusError } from '../../../src/api/index.ts';
import { plainError } from '../failures.ts';
import { networkText } from '../webhooks/call-errors.ts';
import type { Exchange } from './exchange.ts';

export interface Backend {
  readonly scheme: 'http' | 'https';
  /** `host:port`, for messages and forwarded headers. */
  readonly authority: string;
  /** A connection; rejects when it cannot be made. */
  dial(): Promise<Duplex>;
  readonly tls?: ConnectionOptions | undefined;
  /** Instead of the words of the failure itself, when the connection could not be made. */
  readonly refusedText?: string | undefined;
}

export interface ProxyRequest {
  /** Path and query at the backend. */
  readonly target: string;
  /** What stands before the backend's path at this server; undefined when paths are the same on both sides. */
  readonly prefix: string | undefined;
  /** Added to what the client sent, after what it sent by these names was taken out. */
  readonly headers?: OutgoingHttpHeaders;
  /** A backend that sends the client elsewhere is not heard: the client would go there with what it may do here. */
  readonly refuseRedirects?: boolean;
  /** Sent as the Host header. Default: the client's own. */
  readonly host?: string;
  /** Turns a failure into what the client is told. Default: as the proxies of pods, services and nodes. */
  readonly failure?: (text: string) => StatusError;
}

const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** Who the client is to this server is nothing that a backend may see or use. */
const CREDENTIALS = /^(authorization|impersonate-.*|x-remote-(user|uid|group|extra-.*))$/;
const HTML_BYTES_MAX = 8 * 1024 * 1024;

export async function serveProxy(exchange: Exchange, backend: Backend, proxied: ProxyRequest): Promise<void> {
  const failure =
    proxied.failure ?? ((text: string) => StatusError.serviceUnavailable(`error trying to reach service: ${text}`));
  const upgrading = exchange.upgrade !== undefined;
  let socket: Duplex;
  try {
    socket = await connection(backend);
  } catch (error) {
    const text = backend.refusedText ?? failureText(error, backend);
    if (upgrading) throw plainError(`error dialing backend: ${text}`);
    throw failure(text);
  }
  await new Promise<void>((resolve, reject) => {
    const { request } = exchange;
    const sent = httpRequest({
      createConnection: () => socket as never,
      method: request.method,
      path: proxied.target,
      headers: headersFor(exchange, backend, proxied),
      setHost: false,
      insecureHTTPParser: false,
    });
    let answered = false;
    sent.on('error', (error) => {
      socket.destroy();
      if (answered) {
        (exchange.response as ServerResponse).destroy();
        return;
      }
      reject(failure(backend.refusedText ?? failureText(error, backend)));
    });
    sent.on('response', (received) => {
      answered = true;
      sendResponse(exchange, proxied, backend, received).then(resolve, reject);
    });
    sent.on('upgrade', (received, backendSocket, head) => {
      answered = true;
      passThrough(exchange, received, backendSocket, head);
      resolve();
    });
    exchange.response.on('close', () => {
      if (exchange.upgrade === undefined || !answered) sent.destroy();
      resolve();
    });
    if (upgrading || request.method === 'GET' || request.method === 'HEAD') sent.end();
    else request.pipe(sent);
  });
}

function failureText(error: unknown, { authority, tls }: Backend): string {
  const host = authority.replace(/:\d+$/, '');
  const port = Number(/\d+$/.exec(authority)?.[0] ?? 443);
  const url = new URL(`https://${authority}`);
  return networkText(error as Error, {
    url,
    host,
    port,
    serverName: String(tls?.servername ?? host),
    caPem: undefined,
  });
}

async function connection(backend: Backend): Promise<Duplex> {
  const socket = await backend.dial();
  if (backend.tls === undefined) return socket;
  const { tls } = backend;
  return new Promise((resolve, reject) => {
    const secure = connectTls({ ...tls, socket }, () => {
      secure.off('error', reject);
      resolve(secure);
    });
    secure.once('error', reject);
    socket.once('error', reject);
  });
}

function headersFor({ request, upgrade }: Exchange, backend: Backend, proxied: ProxyRequest): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  const named = String(request.headers['connection'] ?? '')
    .toLowerCase()
    .split(/\s*,\s*/);
  const given: IncomingHttpHeaders = request.headers;
  for (const name in given) {
    if (name.startsWith(':') || HOP.has(name) || named.includes(name) || CREDENTIALS.test(name)) continue;
    headers[name] = given[name];
  }
  const authority = given.host ?? (given[':authority'] as string | undefined) ?? '';
  headers['host'] = proxied.host ?? authority;
  if (given['transfer-encoding'] !== undefined || hasUnsizedBody(request as IncomingMessage))
    headers['transfer-encoding'] = 'chunked';
  const address = request.socket.remoteAddress?.replace(/^::ffff:/, '');
  const before = given['x-forwarded-for'];
  if (address !== undefined)
    headers['x-forwarded-for'] = before === undefined ? address : `${[before].flat().join(', ')}, ${address}`;
  if (proxied.prefix !== undefined) {
    headers['x-forwarded-uri'] = proxied.prefix + (proxied.target.split('?')[0] ?? '');
    headers['x-forwarded-host'] = authority;
    headers['x-forwarded-proto'] =
      backend.scheme === 'https' || isSecure(request as IncomingMessage) ? 'https' : 'http';
  }
  Object.assign(headers, proxied.headers);
  if (upgrade !== undefined) {
    headers['connection'] = 'Upgrade';
    headers['upgrade'] = String(given['upgrade'] ?? '');
  }
  return headers;
}

function isSecure(request: IncomingMessage): boolean {
  return (request.socket as { encrypted?: boolean }).encrypted === true;
}

/** HTTP/2 has no need to say that a body comes. */
function hasUnsizedBody(request: IncomingMessage): boolean {
  if (request.headers['content-length'] !== undefined || request.httpVersionMajor < 2) return false;
  return !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(request.method ?? 'GET');
}

async function sendResponse(
  exchange: Exchange,
  proxied: ProxyRequest,
  backend: Backend,
  received: IncomingMessage,
): Promise<void> {
  const response = exchange.response as ServerResponse;
  const headers: Record<string, string | string[]> = { ...exchange.headers };
  const code = received.statusCode ?? 502;
  if (proxied.refuseRedirects === true && code >= 300 && code < 400 && received.headers.location !== undefined) {
    received.destroy();
    const text = 'the backend attempted to redirect this request, which is not permitted';
    response.writeHead(502, {
      ...headers,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
    });
    response.end(text);
    return;
  }
  // What the server itself says of caching is about its own answers.
  delete headers['cache-control'];
  for (const name in received.headers) {
    const value = received.headers[name];
    if (HOP.has(name) || value === undefined) continue;
    headers[name] = value;
  }
  const { prefix } = proxied;
  const { location } = received.headers;
  if (prefix !== undefined && location !== undefined)
    headers['location'] = movedBelow(location, prefix, backend.authority);
  const isHtml = String(received.headers['content-type'] ?? '').startsWith('text/html');
  const plainBody = received.headers['content-encoding'] === undefined;
  if (prefix !== undefined && isHtml && plainBody) {
    const text = rewriteLinks(await textOf(received), prefix, backend.authority);
    headers['content-length'] = String(Buffer.byteLength(text));
    response.writeHead(code, headers);
    response.end(exchange.request.method === 'HEAD' ? undefined : text);
    return;
  }
  response.writeHead(code, headers);
  // The head goes out before there is a body: a watch through the proxy may have none for long.
  response.flushHeaders();
  received.on('error', () => response.destroy());
  received.on('aborted', () => response.destroy());
  received.pipe(response);
}

async function textOf(received: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of received) {
    size += (chunk as Buffer).length;
    if (size > HTML_BYTES_MAX)
      throw StatusError.serviceUnavailable('error trying to reach service: the page is too large to rewrite its links');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** Paths of the backend are found below the proxy's; other hosts' addresses stay what they are. */
function movedBelow(location: string, prefix: string, authority: string): string {
  const match = /^https?:\/\/([^/]*)(\/.*)?$/.exec(location);
  if (match !== null) return match[1] === authority ? prefix + (match[2] ?? '/') : location;
  return location.startsWith('/') && !location.startsWith('//') && !location.startsWith(prefix)
    ? prefix + location
    : location;
}

/** @see staging/src/k8s.io/apimachinery/pkg/util/proxy/transport.go atomsToAttrs */
function rewriteLinks(html: string, prefix: string, authority: string): string {
  return html.replace(
    /(<[a-zA-Z][^<>]*?\s(?:href|src|action|cite|longdesc|background|data|formaction|poster|icon|manifest)\s*=\s*)("([^"<>]*)"|'([^'<>]*)')/g,
    (_all, before: string, _quoted, double: string | undefined, single: string | undefined) => {
      const value = double ?? single ?? '';
      return `${before}"${movedBelow(value, prefix, authority)}"`;
    },
  );
}

/** Both sides now speak something else: bytes go through as they are. */
function passThrough({ upgrade }: Exchange, received: IncomingMessage, backend: Duplex, head: Buffer): void {
  if (upgrade === undefined) {
    backend.destroy();
    return;
  }
  const client = upgrade.take();
  const lines = [`HTTP/1.1 ${received.statusCode} ${received.statusMessage}`];
  for (let at = 0; at < received.rawHeaders.length; at += 2)
    lines.push(`${received.rawHeaders[at]}: ${received.rawHeaders[at + 1]}`);
  client.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) client.write(head);
  if (upgrade.head.length > 0) backend.write(upgrade.head);
  for (const [from, to] of [
    [client, backend],
    [backend, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
