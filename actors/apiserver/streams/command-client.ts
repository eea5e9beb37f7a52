/** The client's side of exec and attach, whatever it speaks: standard streams, the size of its terminal, and the final status. */
import type { Duplex } from 'node:stream';
import { chooseProtocol, type Exchange, protocolsOf, type Upgrade, upgradeOf } from './exchange.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';
import { acceptWebSocket, ChannelSocket } from './websocket.ts';

export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface CommandClient {
  /** The form of the final status: JSON, or for the oldest protocols its message. */
  readonly status: 'json' | 'text';
  /** The server answers for a kubelet behind it, and so wraps the kubelet's words once more. */
  readonly translated: boolean;
  readonly closed: Promise<void>;
  stdin(): Promise<Uint8Array | undefined>;
  /** Next size of the terminal, as JSON. */
  resize(): Promise<Uint8Array | undefined>;
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<boolean>;
  /** Sends the status, empty for plain success in the text form, and closes. */
  finish(status: Uint8Array): Promise<void>;
}

const webSocketProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const spdyProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
const streamsTimeoutText = 'timed out waiting for client to create streams';

export interface Handshake {
  /** For a client that must be told before the connection is upgraded that there is nothing to connect to. */
  readonly translated: boolean;
  accept(streams: CommandStreams): Promise<CommandClient>;
}

/** Undefined when the client speaks nothing that the server does; `reason` is for its answer. */
export function commandHandshake(
  exchange: Exchange,
  after: (ms: number, callback: () => void) => { cancel(): void },
): Handshake | { readonly refused: string; readonly code: number } {
  const { upgrade, request } = exchange;
  const kind = upgradeOf(request);
  if (upgrade === undefined || kind === undefined) return { refused: 'Upgrade request required', code: 400 };
  if (kind === 'websocket') {
    const offered = protocolsOf(request.headers['sec-websocket-protocol']);
    const protocol = offered.length === 0 ? '' : chooseProtocol(offered, webSocketProtocols);
    if (protocol === undefined) {
      return {
        refused: `unable to upgrade: unable to negotiate protocol: client supports ${goList(offered)}, server accepts ${goList(webSocketProtocols)}`,
        code: 400,
      };
    }
    return {
      translated: protocol === 'v5.channel.k8s.io',
      accept: (streams) => webSocketClient(upgrade, protocol, streams),
    };
  }
  const offered = protocolsOf(request.headers['x-stream-protocol-version']);
  const protocol = offered.length === 0 ? 'channel.k8s.io' : chooseProtocol(offered, spdyProtocols);
  if (protocol === undefined) {
    return {
      refused: `unable to upgrade: unable to negotiate protocol: client supports ${goList(offered)}, server accepts ${goList(spdyProtocols)}`,
      code: 403,
    };
  }
  return {
    translated: false,
    accept: (streams) => spdyClient(upgrade, offered.length === 0 ? '' : protocol, streams, after),
  };
}

export function goList(items: readonly string[]): string {
  return `[${items.join(' ')}]`;
}

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

async function webSocketClient(upgrade: Upgrade, protocol: string, streams: CommandStreams): Promise<CommandClient> {
  const socket = new ChannelSocket(await acceptWebSocket(upgrade, protocol), protocol);
  // An empty message tells the client that the connection stands.
  await socket.write(
    streams.stdout ? channels.stdout : streams.stderr ? channels.stderr : channels.error,
    new Uint8Array(),
  );
  return {
    status: protocol.startsWith('v') ? 'json' : 'text',
    translated: protocol === 'v5.channel.k8s.io',
    closed: socket.closed,
    stdin: () => socket.read(channels.stdin),
    resize: () => socket.read(channels.resize),
    write: (stream, bytes) => socket.write(channels[stream], bytes),
    async finish(status) {
      if (status.length > 0) await socket.write(channels.error, status);
      socket.close();
    },
  };
}

/** Answers the upgrade to SPDY and gives the socket. */
export function acceptSpdy(upgrade: Upgrade, protocol: string): Duplex {
  const socket = upgrade.take();
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol !== '') lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (upgrade.head.length > 0) socket.unshift(upgrade.head);
  return socket;
}

const streamsTimeoutMs = 30_000;

/** Waits until the client has opened all streams that it asked for. */
async function spdyClient(
  upgrade: Upgrade,
  protocol: string,
  wanted: CommandStreams,
  after: (ms: number, callback: () => void) => { cancel(): void },
): Promise<CommandClient> {
  const canResize = wanted.tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io');
  const missing = new Set(['error']);
  if (wanted.stdin) missing.add('stdin');
  if (wanted.stdout) missing.add('stdout');
  if (wanted.stderr) missing.add('stderr');
  if (canResize) missing.add('resize');
  const streams = new Map<string, SpdyStream>();
  const connection = await new Promise<SpdyConnection>((resolve, reject) => {
    const timer = after(streamsTimeoutMs, () => {
      made.close();
      reject(new Error(streamsTimeoutText));
    });
    const made: SpdyConnection = new SpdyConnection(acceptSpdy(upgrade, protocol), (stream) => {
      const type = stream.headers.get('streamtype') ?? '';
      if (!missing.delete(type)) {
        stream.reset();
        return;
      }
      streams.set(type, stream);
      if (missing.size > 0) return;
      timer.cancel();
      resolve(made);
    });
    void made.closed.then(() => {
      timer.cancel();
      reject(new Error('the client went away'));
    });
  });
  const reading = async (name: string) => streams.get(name)?.read();
  return {
    status: protocol === 'v4.channel.k8s.io' ? 'json' : 'text',
    translated: false,
    closed: connection.closed,
    stdin: () => reading('stdin'),
    resize: () => reading('resize'),
    write: (stream, bytes) => streams.get(stream)?.write(bytes) ?? Promise.resolve(true),
    async finish(status) {
      streams.get('stdout')?.end();
      streams.get('stderr')?.end();
      const error = streams.get('error');
      if (status.length > 0) await error?.write(status);
      error?.end();
      connection.close();
    },
  };
}
