/**
 * The server's end of a SPDY/3.1 connection, as much of it as kubectl speaks: streams that the client opens, data both ways,
 * half-closing, resets, pings. There are no per-stream windows on either side (the client's library has none): who does not read
 * holds up the connection. @see The SPDY protocol, draft 3.1, section 2.6; github.com/moby/spdystream
 *
 *     control frame: 1|version 3:15|type:16|flags:8|length:24|…      data frame: 0|stream:31|flags:8|length:24|…
 */
import type { Duplex } from 'node:stream';
import { HeaderReader, HeaderWriter } from './spdy-headers.ts';

const Type = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const FIN = 1;
const frameBytesMax = 16 * 1024 * 1024 - 1;
const frameBytesAccepted = 4 * 1024 * 1024;
const streamsMax = 2000;
/** Bytes that may wait unread in all streams of a connection before it is read no further. */
const unreadBytesMax = 1024 * 1024;

export interface SpdyStream {
  readonly headers: ReadonlyMap<string, string>;
  /** The next bytes; undefined when the client has closed its half, or is gone. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when there is room for more; with false when the client is gone. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Closes this half. */
  end(): void;
  reset(): void;
}

interface State extends SpdyStream {
  readonly id: number;
  readonly arrived: Uint8Array[];
  remoteEnded: boolean;
  localEnded: boolean;
  wake: (() => void) | undefined;
}

export class SpdyConnection {
  /** Resolves when the client is gone or {@link close} was called. */
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, State>();
  readonly #headers = new HeaderReader();
  readonly #writer = new HeaderWriter();
  #unread = 0;
  #room: (() => void) | undefined;
  #lastStream = 0;
  #gone = false;

  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    socket.on('error', () => socket.destroy());
    this.closed = this.#run().finally(() => this.#finish());
  }

  /** Says goodbye and closes the connection when everything is written. */
  close(): void {
    if (this.#gone || this.#socket.destroyed) return;
    const body = Buffer.alloc(8);
    body.writeUInt32BE(this.#lastStream);
    this.#socket.end(controlFrame(Type.goAway, 0, body));
  }

  async #run(): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of this.#socket) {
        rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
        while (rest.length >= 8) {
          const length = rest.readUIntBE(5, 3);
          if (length > frameBytesAccepted) throw new Error('a SPDY frame is too large');
          if (rest.length < 8 + length) break;
          await this.#frame(rest.subarray(0, 8), rest.subarray(8, 8 + length));
          rest = rest.subarray(8 + length);
        }
        while (this.#unread > unreadBytesMax && !this.#socket.destroyed) await this.#waitForRoom();
      }
    } catch {
      // Malformed frames and broken connections end the same way: there is nobody left to tell.
      this.#socket.destroy();
    }
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('close', done);
        this.#room = undefined;
        resolve();
      };
      this.#room = done;
      this.#socket.on('close', done);
    });
  }

  async #frame(head: Buffer, body: Buffer): Promise<void> {
    const first = head.readUInt32BE(0);
    const flags = head[4] ?? 0;
    if (first >>> 31 === 0) {
      this.#data(first, flags, body);
      return;
    }
    if (((first >>> 16) & 0x7fff) !== 3) throw new Error('not SPDY version 3');
    switch (first & 0xffff) {
      case Type.synStream:
        this.#open(body.readUInt32BE(0) & 0x7fffffff, flags, await this.#headers.read(body.subarray(10)));
        return;
      case Type.synReply:
      case Type.headers:
        // Read for the sake of the compression, which goes through all header blocks of a connection.
        await this.#headers.read(body.subarray(4));
        return;
      case Type.rstStream:
        this.#reset(body.readUInt32BE(0) & 0x7fffffff);
        return;
      case Type.ping:
        this.#socket.write(controlFrame(Type.ping, 0, Buffer.from(body)));
        return;
      default:
    }
  }

  #data(id: number, flags: number, body: Buffer): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.remoteEnded) return;
    if (body.length > 0) {
      stream.arrived.push(body);
      this.#unread += body.length;
    }
    if ((flags & FIN) !== 0) stream.remoteEnded = true;
    stream.wake?.();
    this.#forget(stream);
  }

  #open(id: number, flags: number, headers: ReadonlyMap<string, string>): void {
    if (id <= this.#lastStream || id % 2 === 0) throw new Error('a SPDY stream has a wrong number');
    this.#lastStream = id;
    if (this.#streams.size >= streamsMax) {
      this.#socket.write(resetFrame(id, 3));
      return;
    }
    const stream: State = {
      id,
      headers,
      arrived: [],
      remoteEnded: (flags & FIN) !== 0,
      localEnded: false,
      wake: undefined,
      read: () => this.#read(stream),
      write: (bytes) => this.#write(stream, bytes),
      end: () => this.#end(stream),
      reset: () => {
        if (stream.localEnded && stream.remoteEnded) return;
        this.#socket.write(resetFrame(id, 5));
        this.#reset(id);
      },
    };
    this.#streams.set(id, stream);
    const identity = Buffer.alloc(4);
    identity.writeUInt32BE(id);
    this.#socket.write(controlFrame(Type.synReply, 0, Buffer.concat([identity, this.#writer.write({})])));
    this.#onStream(stream);
  }

  async #read(stream: State): Promise<Uint8Array | undefined> {
    while (stream.arrived.length === 0) {
      if (stream.remoteEnded || this.#gone) return undefined;
      await new Promise<void>((resolve) => {
        stream.wake = resolve;
      });
    }
    const bytes = stream.arrived.shift() as Uint8Array;
    this.#unread -= bytes.length;
    if (this.#unread <= unreadBytesMax) this.#room?.();
    return bytes;
  }

  async #write(stream: State, bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += frameBytesMax) {
      if (stream.localEnded || this.#gone || this.#socket.destroyed) return false;
      const piece = bytes.subarray(at, at + frameBytesMax);
      this.#socket.write(dataHead(stream.id, 0, piece.length));
      if (!this.#socket.write(piece)) await drained(this.#socket);
    }
    return !this.#socket.destroyed;
  }

  #end(stream: State): void {
    if (stream.localEnded || this.#gone) return;
    stream.localEnded = true;
    this.#socket.write(dataHead(stream.id, FIN, 0));
    this.#forget(stream);
  }

  #reset(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.remoteEnded = true;
    stream.localEnded = true;
    stream.wake?.();
    this.#forget(stream);
  }

  #forget(stream: State): void {
    if (stream.localEnded && stream.remoteEnded) this.#streams.delete(stream.id);
  }

  #finish(): void {
    this.#gone = true;
    this.#headers.close();
    for (const stream of this.#streams.values()) stream.wake?.();
    this.#streams.clear();
  }
}

/** Resolves when the socket takes more, or is gone. */
export function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE((0x80030000 | type) >>> 0);
  head[4] = flags;
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function resetFrame(id: number, status: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(id);
  body.writeUInt32BE(status, 4);
  return controlFrame(Type.rstStream, 0, body);
}

function dataHead(id: number, flags: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id);
  head[4] = flags;
  head.writeUIntBE(length, 5, 3);
  return head;
}
