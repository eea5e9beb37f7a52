/**
 * Port-forward in its three forms: SPDY streams on an upgraded connection, the same SPDY streams inside of a WebSocket (kubectl
 * from 1.31 on), and numbered channels of a WebSocket (client libraries). A pair of a data and an error stream is one connection.
 * @see staging/src/k8s.io/apiserver/pkg/util/proxy/streamtunnel.go, staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward
 */
import type { Duplex } from 'node:stream';
import { createWebSocketStream } from 'ws';
import { StatusError } from '../../../src/api/index.ts';
import { sessionChannels } from '../../../src/node/protocol.ts';
import { isBusError } from '../../../src/runtime/index.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { acceptSpdy, goList } from './command-client.ts';
import { chooseProtocol, type Exchange, protocolsOf, upgradeOf } from './exchange.ts';
import type { NodeSession } from './node-sessions.ts';
import { sendText } from './refusals.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';
import { acceptWebSocket, ChannelSocket } from './websocket.ts';

export interface ForwardTarget {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
}

const SPDY = 'portforward.k8s.io';
const TUNNEL = `SPDY/3.1+${SPDY}`;
const CHANNELS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];
/** How long the second stream of a pair may stay away. */
const PAIR_TIMEOUT_MS = 30_000;
const encoder = new TextEncoder();

export async function servePortForward(server: Server, exchange: Exchange, target: ForwardTarget): Promise<void> {
  const { upgrade, request } = exchange;
  const kind = upgradeOf(request);
  if (upgrade === undefined || kind === undefined) throw StatusError.badRequest('Upgrade request required');
  if (kind === 'spdy') {
    const offered = protocolsOf(request.headers['x-stream-protocol-version']);
    if (offered.length > 0 && !offered.includes(SPDY)) {
      const text = `unable to negotiate protocol: client supports ${goList(offered)}, server accepts ${goList([SPDY])}`;
      sendText(exchange, 403, text);
      return;
    }
    serveSpdy(server, acceptSpdy(upgrade, offered.length === 0 ? '' : SPDY), target);
    return;
  }
  const offered = protocolsOf(request.headers['sec-websocket-protocol']);
  if (offered.includes(TUNNEL)) {
    const socket = await acceptWebSocket(upgrade, TUNNEL);
    serveSpdy(server, createWebSocketStream(socket), target);
    return;
  }
  const protocol = offered.length === 0 ? '' : chooseProtocol(offered, CHANNELS);
  if (protocol === undefined) {
    const accepted = goList([...CHANNELS, TUNNEL]);
    throw StatusError.badRequest(
      `unable to negotiate protocol: client supports ${goList(offered)}, server accepts ${accepted}`,
    );
  }
  const ports = portsOf(request.url ?? '');
  const socket = new ChannelSocket(await acceptWebSocket(upgrade, protocol), protocol);
  serveChannels(server, socket, ports, target);
}

/** The `ports` of the query: repeated, or joined by commas. @throws StatusError */
function portsOf(url: string): number[] {
  const values = new URLSearchParams(url.split('?')[1] ?? '').getAll('ports').flatMap((value) => value.split(','));
  const ports = values.filter((value) => value !== '').map(Number);
  if (ports.length === 0) throw StatusError.badRequest('query parameter "ports" is required');
  if (ports.some((port) => !isPort(port))) throw StatusError.badRequest(`invalid ports ${goList(values)}`);
  return ports;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** One connection into the pod, between two halves of a client's streams. */
async function forward(
  server: Server,
  target: ForwardTarget,
  port: number,
  client: {
    read(): Promise<Uint8Array | undefined>;
    write(bytes: Uint8Array): Promise<boolean>;
    closed: Promise<void>;
  },
): Promise<string | undefined> {
  const { node, namespace, pod } = target;
  const failed = (words: string) => `error forwarding port ${port} to pod ${pod}, uid : ${words}`;
  let session: NodeSession;
  try {
    session = await server.sessions.open(node, { type: 'port', namespace, pod, port });
  } catch (error) {
    return failed(isBusError(error) && error.details === undefined ? server.nodes.unreachable(node) : messageOf(error));
  }
  const { link } = session;
  let gone = false;
  void client.closed.then(() => {
    gone = true;
    session.hangUp();
  });
  void (async () => {
    for (;;) {
      const bytes = await client.read();
      if (bytes === undefined) break;
      if (!(await link.write(sessionChannels.input, bytes))) return;
    }
    link.end(sessionChannels.input);
  })();
  for (;;) {
    const bytes = await link.read(sessionChannels.output);
    if (bytes === undefined || !(await client.write(bytes))) break;
  }
  const outcome = await session.outcome.catch((error: unknown) => ({ failure: messageOf(error) }));
  session.hangUp();
  return 'failure' in outcome && !gone ? failed(outcome.failure) : undefined;
}

interface Pair {
  readonly timer: { cancel(): void };
  data?: SpdyStream;
  error?: SpdyStream;
}

function serveSpdy(server: Server, socket: Duplex, target: ForwardTarget): void {
  const { clock } = server.context;
  const pairs = new Map<string, Pair>();
  const connection: SpdyConnection = new SpdyConnection(socket, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = Number(stream.headers.get('port'));
    if ((type !== 'data' && type !== 'error') || !isPort(port)) {
      stream.reset();
      return;
    }
    // The oldest clients send no request IDs, but one pair after the other.
    const id = stream.headers.get('requestid') ?? `port ${port}`;
    let pair = pairs.get(id);
    if (pair === undefined) {
      const made: Pair = {
        timer: clock.after(
          PAIR_TIMEOUT_MS,
          () => {
            pairs.delete(id);
            made.data?.reset();
            made.error?.reset();
          },
          { background: true },
        ),
      };
      pair = made;
      pairs.set(id, pair);
    }
    if (pair[type] !== undefined) {
      stream.reset();
      return;
    }
    pair[type] = stream;
    const { data, error } = pair;
    if (data === undefined || error === undefined) return;
    pairs.delete(id);
    pair.timer.cancel();
    const client = {
      read: () => data.read(),
      write: (bytes: Uint8Array) => data.write(bytes),
      closed: connection.closed,
    };
    void forward(server, target, port, client).then(async (failure) => {
      if (failure !== undefined) await error.write(encoder.encode(failure));
      error.end();
      data.end();
    });
  });
  void connection.closed.then(() => {
    for (const { timer } of pairs.values()) timer.cancel();
  });
}

/** Two channels a port, data and error; the first message on each is the port's number. */
function serveChannels(server: Server, socket: ChannelSocket, ports: readonly number[], target: ForwardTarget): void {
  const running = ports.map(async (port, index) => {
    const [data, error] = [index * 2, index * 2 + 1];
    const number = new Uint8Array([port & 255, port >> 8]);
    await socket.write(data, number);
    await socket.write(error, number);
    const client = {
      read: () => socket.read(data),
      write: (bytes: Uint8Array) => socket.write(data, bytes),
      closed: socket.closed,
    };
    const failure = await forward(server, target, port, client);
    if (failure !== undefined) await socket.write(error, encoder.encode(failure));
  });
  void Promise.all(running).then(() => socket.close());
}
