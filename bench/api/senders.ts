/** The three ways over HTTP to put requests to the API server: each opens its connections and gives back functions that send. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { Http1Connection, type HttpAnswer, requestText } from './http1-connection.ts';
import type { Endpoint, RequestTemplate } from './traffic.ts';

/** Sends one request after the other. */
export interface Sender {
  send(path: string, body: string): Promise<HttpAnswer>;
}

export interface Senders {
  readonly senders: readonly Sender[];
  close(): void;
}

/** Streams of one HTTP/2 connection, below what the server allows. */
const STREAMS_MAX = 250;

export async function openSenders(endpoint: Endpoint, template: RequestTemplate, width: number): Promise<Senders> {
  const { method, contentType, accept = 'application/json' } = template;
  if (endpoint.transport === 'http2') {
    const session = await openSession(endpoint);
    const fields = { ':method': method, accept, 'content-type': contentType };
    const send: Sender['send'] = (path, body) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ...fields, ':path': path }, { endStream: body === '' });
        const parts: Buffer[] = [];
        let status = 0;
        stream.on('response', (headers) => {
          status = Number(headers[':status']);
        });
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () =>
          resolve({ status, body: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) }),
        );
        stream.on('error', reject);
        if (body !== '') stream.end(body);
      });
    return { senders: Array.from({ length: width }, () => ({ send })), close: () => session.destroy() };
  }
  const connections = await Promise.all(
    Array.from({ length: width }, async () => new Http1Connection(await openSocket(endpoint))),
  );
  const headers = { Accept: accept, 'Content-Type': contentType };
  const host = `${endpoint.host}:${endpoint.port}`;
  return {
    senders: connections.map((connection) => ({
      send: (path, body) => connection.send(requestText({ method, path }, host, headers, body)),
    })),
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

/** Opens watches, and calls `receive` with whatever comes along on each. Resolves once all are open. */
export async function openWatches(
  endpoint: Endpoint,
  path: string,
  receivers: readonly ((chunk: Buffer) => void)[],
): Promise<() => void> {
  const host = `${endpoint.host}:${endpoint.port}`;
  const closers: (() => void)[] = [];
  if (endpoint.transport !== 'http2') {
    const request = requestText({ method: 'GET', path }, host, { Accept: 'application/json' }, '');
    await Promise.all(
      receivers.map(async (receive) => {
        const socket = await openSocket(endpoint);
        closers.push(() => socket.destroy());
        socket.write(request);
        await new Promise<void>((resolve, reject) => {
          socket.once('error', reject);
          socket.on('data', (chunk: Buffer) => {
            resolve();
            receive(chunk);
          });
        });
      }),
    );
  } else {
    let session: ClientHttp2Session | undefined;
    const opened: Promise<void>[] = [];
    for (const [index, receive] of receivers.entries()) {
      if (index % STREAMS_MAX === 0) {
        const fresh = await openSession(endpoint);
        closers.push(() => fresh.destroy());
        session = fresh;
      }
      const stream = (session as ClientHttp2Session).request({ ':path': path, accept: 'application/json' });
      stream.on('data', receive);
      opened.push(
        new Promise((resolve, reject) => {
          stream.once('response', () => resolve());
          stream.once('error', reject);
        }),
      );
    }
    await Promise.all(opened);
  }
  return () => {
    for (const close of closers) close();
  };
}

const credentialsOf = ({ ca, cert, key }: Endpoint) => ({ ca, cert, key });

function openSocket(endpoint: Endpoint): Promise<Socket> {
  const { host, port, transport } = endpoint;
  return new Promise((resolve, reject) => {
    const socket =
      transport === 'http1'
        ? connectPlain({ host, port }, () => resolve(socket))
        : connectSecure({ host, port, ...credentialsOf(endpoint), ALPNProtocols: ['http/1.1'] }, () => resolve(socket));
    socket.once('error', reject);
  });
}

function openSession(endpoint: Endpoint): Promise<ClientHttp2Session> {
  const { host, port } = endpoint;
  return new Promise((resolve, reject) => {
    // With a window as Go's clients have it: a list is not sent in pieces of 64 KiB.
    const settings = { initialWindowSize: 4 * 1024 * 1024, enablePush: false };
    const session = connectHttp2(`https://${host}:${port}`, { ...credentialsOf(endpoint), settings }, () => {
      session.setLocalWindowSize(2 ** 28);
      resolve(session);
    });
    session.once('error', reject);
  });
}
