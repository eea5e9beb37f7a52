/** The HTTP door: listens in plain on one port and with TLS (HTTP/2 and HTTP/1.1) on another, and closes both. */
import { createServer, type Server as HttpServer } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Server } from '../server.ts';
import { handleRequest } from './handler.ts';
import { recallPorts, rememberPorts } from './remembered-ports.ts';
import { serveUpgrades } from './upgrades.ts';

export interface HttpDoor {
  readonly ports: { readonly http?: number; readonly https?: number };
  /** Shows new connections another certificate. */
  renew(certPem: string, keyPem: string): void;
  /** Refuses new connections and ends the open ones. */
  close(): Promise<void>;
}

/** How long a connection may be idle between two requests. */
const KEEP_ALIVE_MS = 90_000;
/** How often slow clients are looked for, at most. */
const CHECK_INTERVAL_MS = 15_000;
const HEADER_BYTES_MAX = 1024 * 1024;

export async function serveHttp(server: Server): Promise<HttpDoor> {
  const { http, https } = server.options;
  // Answers, such as watches, take as long as they take.
  const { headersMs, requestMs } = server.options.httpTimeouts;
  const connectionsCheckingInterval = Math.min(CHECK_INTERVAL_MS, headersMs);
  const last = http?.port === 0 || https?.port === 0 ? await recallPorts(server) : {};
  const ports: { http?: number; https?: number } = {};
  const listeners: (HttpServer | Http2SecureServer)[] = [];
  const connections = new Set<Socket | ServerHttp2Session>();
  let secured: Http2SecureServer | undefined;
  const track = (connection: Socket | ServerHttp2Session) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  };
  if (http !== null) {
    const plain = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, noDelay: true, connectionsCheckingInterval },
      (request, response) => {
        void handleRequest(server, request, response);
      },
    );
    plain.headersTimeout = headersMs;
    plain.keepAliveTimeout = KEEP_ALIVE_MS;
    plain.requestTimeout = requestMs;
    plain.on('connection', track);
    serveUpgrades(server, plain);
    ports.http = await listen(server.context.clock, plain, http.host, http.port, last.http);
    listeners.push(plain);
  }
  if (https !== null) {
    const secure = createSecureServer(
      {
        allowHTTP1: true,
        cert: https.certPem,
        key: https.keyPem,
        ...tlsOptions(server),
        requestCert: true,
        rejectUnauthorized: false,
        settings: { maxConcurrentStreams: 1000 },
      },
      (request, response) => {
        void handleRequest(server, request, response);
      },
    );
    secured = secure;
    // For clients that speak HTTP/1.1 on it.
    Object.assign(secure, {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    secure.on('session', track);
    serveUpgrades(server, secure);
    secure.on('secureConnection', (socket) => track(socket));
    // A client that breaks off its handshake is its own problem.
    secure.on('tlsClientError', () => undefined);
    secure.on('sessionError', () => undefined);
    ports.https = await listen(server.context.clock, secure, https.host, https.port, last.https);
    listeners.push(secure);
  }
  if (http?.port === 0 || https?.port === 0) await rememberPorts(server, ports);
  return {
    ports,
    renew: (cert, key) => secured?.setSecureContext({ ...tlsOptions(server), cert, key }),
    async close() {
      const closed = listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
      for (const connection of connections) connection.destroy();
      await Promise.all(closed);
    },
  };
}

/** Whose certificates clients may show. What they are worth is told by authentication, not by the handshake. */
function tlsOptions({ options }: Server): { ca?: string[]; minVersion: 'TLSv1.2' } {
  const { https, requestHeader } = options;
  const ca = [https?.clientCaPem ?? '', requestHeader?.caPem ?? ''].filter((pem) => pem !== '');
  return { ...(ca.length === 0 ? {} : { ca }), minVersion: 'TLSv1.2' };
}

const REUSE_ATTEMPTS = 10;
const REUSE_INTERVAL_MS = 50;

/** Listens on the port; where any will do, on the one of the last run unless somebody else has it by now. */
async function listen(
  clock: Clock,
  listener: HttpServer | Http2SecureServer,
  host: string,
  port: number,
  last: number | undefined,
): Promise<number> {
  if (port === 0 && last !== undefined) {
    // Right after a crash the port may still be on its way out.
    for (let attempt = 0; attempt < REUSE_ATTEMPTS; attempt++) {
      try {
        return await listenOn(listener, host, last);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        await clock.sleep(REUSE_INTERVAL_MS);
      }
    }
  }
  return listenOn(listener, host, port);
}

function listenOn(listener: HttpServer | Http2SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, () => {
      listener.removeListener('error', reject);
      resolve((listener.address() as AddressInfo).port);
    });
  });
}
