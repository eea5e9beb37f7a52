/**
 * Requests that ask to speak another protocol on their connection. They take the same way as all others until their answer either
 * takes the socket over or is an ordinary response, after which the connection is closed. What asks for a protocol that nobody
 * speaks here (such as HTTP/2 in clear text), or brings a body, is answered as if it had not asked.
 */
import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Server } from '../server.ts';
import { type Upgrade, upgradeOf } from '../streams/exchange.ts';
import { handleRequest } from './handler.ts';

export function serveUpgrades(server: Server, listener: HttpServer | Http2SecureServer): void {
  listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (upgradeOf(request) === undefined || hasBody(request)) {
      askAgain(listener, request, socket, head);
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    response.on('finish', () => socket.end());
    const upgrade: Upgrade = {
      request,
      socket,
      head,
      take() {
        response.detachSocket(socket as never);
        return socket;
      },
    };
    void handleRequest(server, request, response, upgrade);
  });
}

/** After a wish to upgrade, HTTP reads no body any more. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Puts the request back on its socket without the wish to upgrade, and lets HTTP begin anew. */
function askAgain(
  listener: HttpServer | Http2SecureServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] as string;
    const value = request.rawHeaders[at + 1] as string;
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    if (!/^connection$/i.test(name)) {
      lines.push(`${name}: ${value}`);
      continue;
    }
    const kept = value.split(',').filter((token) => !/^\s*(upgrade|http2-settings)\s*$/i.test(token));
    if (kept.length > 0) lines.push(`${name}: ${kept.join(',')}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  listener.emit('connection', socket);
}
