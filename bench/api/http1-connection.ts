/**
 * An HTTP/1.1 client that costs as little as one can in JavaScript: one request under way on a connection, written as ready-made
 * bytes; of the answer only the status and the length are read. A benchmark's client must not be what is measured.
 */
import type { Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');

export class Http1Connection {
  private parts: Buffer[] = [];
  private settle: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;
  /** Of the answer under way; undefined before its head is there. */
  private status: number | undefined;
  /** Bytes of the body that are still to come; undefined when they come in chunks. */
  private missing: number | undefined;

  constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  /** Sends a whole request. Only after its answer may the next be sent. */
  send(request: string | Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    let rest = chunk;
    if (this.status === undefined) {
      if (this.parts.length > 0) {
        rest = Buffer.concat([...this.parts, chunk]);
        this.parts = [];
      }
      const end = rest.indexOf(HEAD_END);
      if (end < 0) {
        this.parts = [rest];
        return;
      }
      const head = rest.toString('latin1', 0, end);
      this.status = Number(head.slice(9, 12));
      this.missing = lengthOf(head);
      rest = rest.subarray(end + HEAD_END.length);
    }
    if (rest.length > 0) this.parts.push(rest);
    if (this.missing === undefined) {
      const body = unchunked(this.parts);
      if (body !== undefined) this.done(body);
      return;
    }
    this.missing -= rest.length;
    if (this.missing === 0) this.done(this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts));
  }

  private done(body: Buffer): void {
    const answer = { status: this.status as number, body };
    this.status = undefined;
    this.parts = [];
    const { settle } = this;
    this.settle = undefined;
    settle?.resolve(answer);
  }

  private fail(error: Error): void {
    const { settle } = this;
    this.settle = undefined;
    settle?.reject(error);
  }
}

function lengthOf(head: string): number | undefined {
  const match = /\r\ncontent-length: *(\d+)/i.exec(head);
  return match === null ? undefined : Number(match[1]);
}

/** The body of chunks; undefined while the last one has not come. */
function unchunked(parts: readonly Buffer[]): Buffer | undefined {
  const bytes = Buffer.concat(parts);
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (bytes.length < end + length + 4) return undefined;
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + length + 4;
  }
}

/** The text of a request with everything that clients send; the connection stays open after it. */
export function requestText(
  { method, path }: { readonly method: string; readonly path: string },
  host: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: kubehive-bench/1.0\r\n`;
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) head += `${name}: ${value}\r\n`;
  }
  if (body !== '') head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${head}\r\n${body}`;
}

/** Counts how often a text comes along in a stream of bytes, also where it is torn apart. */
export function occurrences(text: string): (chunk: Buffer) => number {
  const wanted = Buffer.from(text);
  let tail = Buffer.alloc(0);
  return (chunk) => {
    const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    let found = 0;
    let past = 0;
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, past)) {
      found++;
      past = at + wanted.length;
    }
    tail = Buffer.from(bytes.subarray(Math.max(past, bytes.length - wanted.length + 1)));
    return found;
  };
}
