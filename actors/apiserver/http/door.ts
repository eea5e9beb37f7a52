/** The HTTP door: listens in plain on one port and with TLS (HTTP/2 and HTTP/1.1) on another, and closes both. */
import { createServer, type Server as HttpServer } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from '../server.ts';
import { handleRequest } from './handler.ts';

export interface HttpDoor {
  readonly ports: { readonly http?: number; readonly https?: number };
  /** Refuses new connections and ends the open ones. */
  close(): Promise<void>;
}

/** How long a client may take to send its headers, and how long a connection may be idle. */
const HEADERS_TIMEOUT_MS = 32_000;
const KEEP_ALIVE_MS = 90_000;
const HEADER_BYTES_MAX = 1024 * 1024;

export async function serveHttp(server: Server): Promise<HttpDoor> {
  const { http, https } = server.options;
  const ports: { http?: number; https?: number } = {};
  const listeners: (HttpServer | Http2SecureServer)[] = [];
  const connections = new Set<Socket | ServerHttp2Session>();
  const track = (connection: Socket | ServerHttp2Session) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  };
  if (http !== null) {
    const plain = createServer({ maxHeaderSize: HEADER_BYTES_MAX, noDelay: true }, (request, response) => {
      void handleRequest(server, request, response);
    });
    plain.headersTimeout = HEADERS_TIMEOUT_MS;
    plain.keepAliveTimeout = KEEP_ALIVE_MS;
    plain.requestTimeout = 0;
    plain.on('connection', track);
    ports.http = await listen(plain, http.host, http.port);
    listeners.push(plain);
  }
  if (https !== null) {
    const secure = createSecureServer(
      {
        allowHTTP1: true,
        cert: https.certPem,
        key: https.keyPem,
        ...(https.clientCaPem === undefined
          ? {}
          : { ca: https.clientCaPem, requestCert: true, rejectUnauthorized: false }),
        minVersion: 'TLSv1.2',
        settings: { maxConcurrentStreams: 1000 },
      },
      (request, response) => {
        void handleRequest(server, request, response);
      },
    );
    secure.on('session', track);
    secure.on('secureConnection', (socket) => track(socket));
    // A client that breaks off its handshake is its own problem.
    secure.on('tlsClientError', () => undefined);
    secure.on('sessionError', () => undefined);
    ports.https = await listen(secure, https.host, https.port);
    listeners.push(secure);
  }
  return {
    ports,
    async close() {
      const closed = listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
      for (const connection of connections) connection.destroy();
      await Promise.all(closed);
    },
  };
}

function listen(listener: HttpServer | Http2SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, () => {
      listener.removeListener('error', reject);
      resolve((listener.address() as AddressInfo).port);
    });
  });
}
