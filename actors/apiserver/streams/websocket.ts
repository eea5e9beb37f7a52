/**
 * WebSockets with Kubernetes' channels: each message begins with the number of its channel. In the base64 forms the number is a
 * digit and the rest base64 text; from v5 on a client may close one channel. Reading and writing wait for each other's pace.
 * @see staging/src/k8s.io/streaming/pkg/httpstream/wsstream
 */
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Upgrade } from './exchange.ts';

/** Largest message that a client may send. */
const messageBytesMax = 16 * 1024 * 1024;
/** Bytes that may wait unread before the connection is read no further. */
const unreadBytesMax = 512 * 1024;
const closeChannel = 255;

const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: messageBytesMax });

/** Accepts the upgrade with the given protocol (none when empty). */
export function acceptWebSocket(upgrade: Upgrade, protocol: string): Promise<WebSocket> {
  const { request, head } = upgrade;
  // Names such as `SPDY/3.1+portforward.k8s.io` are no tokens in the WebSocket's own grammar: the library must not see them.
  delete request.headers['sec-websocket-protocol'];
  const socket = upgrade.take();
  return new Promise((resolve, reject) => {
    const name = (headers: string[]) => {
      if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    };
    // The library answers within this call, so the listener is about this connection alone.
    server.on('headers', name);
    let accepted: WebSocket | undefined;
    server.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
    });
    server.off('headers', name);
    // Refused for a missing key or a wrong version: the library has answered, and closes the socket.
    if (accepted === undefined) return reject(new Error('the client does not speak WebSocket'));
    const webSocket = accepted;
    // A client that breaks the protocol is hung up on.
    webSocket.on('error', () => webSocket.terminate());
    resolve(webSocket);
  });
}

interface Channel {
  readonly arrived: Uint8Array[];
  ended: boolean;
  wake: (() => void) | undefined;
}

export class ChannelSocket {
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #base64: boolean;
  readonly #channels = new Map<number, Channel>();
  #unread = 0;
  #gone = false;

  constructor(socket: WebSocket, protocol: string) {
    this.#socket = socket;
    this.#base64 = protocol.includes('base64');
    const canClose = protocol === 'v5.channel.k8s.io';
    socket.on('message', (data, isBinary) => this.#message(data, isBinary, canClose));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#gone = true;
        for (const channel of this.#channels.values()) channel.wake?.();
        resolve();
      });
    });
  }

  /** The next bytes of a channel; undefined when the client has closed it, or is gone. */
  async read(number: number): Promise<Uint8Array | undefined> {
    const channel = this.#channel(number);
    while (channel.arrived.length === 0) {
      if (channel.ended || this.#gone) return undefined;
      await new Promise<void>((resolve) => {
        channel.wake = resolve;
      });
    }
    const bytes = channel.arrived.shift() as Uint8Array;
    this.#unread -= bytes.length;
    if (this.#socket.isPaused && this.#unread <= unreadBytesMax) this.#socket.resume();
    return bytes;
  }

  /** Resolves when the message is on its way; with false when the client is gone. */
  write(number: number, bytes: Uint8Array): Promise<boolean> {
    if (this.#gone || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve(false);
    const message = this.#base64
      ? `${number}${Buffer.from(bytes).toString('base64')}`
      : Buffer.concat([Buffer.from([number]), bytes]);
    return new Promise((resolve) => {
      this.#socket.send(message, { binary: !this.#base64 }, (error) => resolve(error === undefined || error === null));
    });
  }

  close(): void {
    this.#socket.close(1000);
  }

  #channel(number: number): Channel {
    let channel = this.#channels.get(number);
    if (channel === undefined) {
      channel = { arrived: [], ended: false, wake: undefined };
      this.#channels.set(number, channel);
    }
    return channel;
  }

  #message(data: RawData, isBinary: boolean, canClose: boolean): void {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    if (bytes.length === 0) return;
    const isText = this.#base64 && !isBinary;
    const number = isText ? (bytes[0] ?? 0) - 48 : (bytes[0] ?? 0);
    if (number === closeChannel && canClose) {
      const channel = this.#channel(bytes[1] ?? 0);
      channel.ended = true;
      channel.wake?.();
      return;
    }
    // Nobody would ever read the channels above these.
    if (number < 0 || number > 31) return;
    const content = isText ? Buffer.from(bytes.toString('latin1', 1), 'base64') : bytes.subarray(1);
    if (content.length === 0) return;
    const channel = this.#channel(number);
    channel.arrived.push(content);
    this.#unread += content.length;
    if (this.#unread > unreadBytesMax) this.#socket.pause();
    channel.wake?.();
  }
}
