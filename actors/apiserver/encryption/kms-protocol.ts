/**
 * Talks to a key management plugin: gRPC by KMS v2 over a Unix socket, which is HTTP/2 with length-prefixed protobuf. Only what
 * three unary calls need is here. kms.ts decides when to call. @see staging/src/k8s.io/kms/apis/v2/api.proto
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Clock } from '../../../src/runtime/index.ts';
import { type Fields, readFields, writeFields } from './proto-fields.ts';

export interface KmsStatus {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}

/** A data key as the plugin has encrypted it, and what it wants to be told to decrypt it. */
export interface WrappedKey {
  readonly ciphertext: Buffer;
  readonly keyId: string;
  /** Entries of a map, encoded, as the plugin gave them. */
  readonly annotations: readonly Buffer[];
}

export interface KmsClient {
  status(): Promise<KmsStatus>;
  encrypt(uid: string, plaintext: Buffer): Promise<WrappedKey>;
  decrypt(uid: string, wrapped: WrappedKey): Promise<Buffer>;
  close(): void;
}

/** Answers are a few kilobytes; more is nonsense. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const FRAME_HEAD_BYTES = 5;
const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** `endpoint` is `unix:///path`, or `unix:///@name` for Linux' abstract sockets. */
export function createKmsClient(endpoint: string, timeoutMs: number, clock: Clock): KmsClient {
  const place = endpoint.replace(/^unix:(\/\/)?/, '');
  const path = place.startsWith('/@') ? `\0${place.slice(2)}` : place;
  let session: ClientHttp2Session | undefined;

  function connected(): ClientHttp2Session {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect('http://localhost', { createConnection: () => connectSocket(path) });
      // Every call is told of it by its own stream.
      session.on('error', () => undefined);
      session.unref();
    }
    return session;
  }

  function call(method: string, message: Buffer): Promise<Fields> {
    const stream = connected().request({ ...HEADERS, ':path': `/v2.KeyManagementService/${method}` });
    return new Promise<Fields>((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => stream.destroy(new Error('context deadline exceeded')), {
        background: true,
      });
      const frame = Buffer.alloc(FRAME_HEAD_BYTES);
      frame.writeUInt32BE(message.length, 1);
      answerOf(stream)
        .then(resolve, reject)
        .finally(() => timer.cancel());
      stream.end(Buffer.concat([frame, message]));
    });
  }

  return {
    async status() {
      const answer = await call('Status', Buffer.alloc(0));
      return { version: answer.text(1), healthz: answer.text(2), keyId: answer.text(3) };
    },
    async encrypt(uid, plaintext) {
      const answer = await call('Encrypt', writeFields([1, plaintext], [2, uid]));
      return { ciphertext: answer.bytes(1), keyId: answer.text(2), annotations: answer.all(3) };
    },
    async decrypt(uid, { ciphertext, keyId, annotations }) {
      const notes = annotations.map((entry): [number, Buffer] => [4, entry]);
      return (await call('Decrypt', writeFields([1, ciphertext], [2, uid], [3, keyId], ...notes))).bytes(1);
    },
    close() {
      session?.destroy();
    },
  };
}

/** The one message of an answer. gRPC tells how a call ended behind the message, or in front when there is none. */
function answerOf(stream: ClientHttp2Stream): Promise<Fields> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let failure = 'the plugin did not say how the call ended';
    const told = (headers: Record<string, unknown>) => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      failure = code === '0' ? '' : `rpc error: code = ${CODES[Number(code)] ?? code} desc = ${text}`;
    };
    stream.on('response', (headers) => {
      if (headers[':status'] !== 200)
        failure = `unexpected HTTP status code received from server: ${headers[':status']}`;
      told(headers);
    });
    stream.on('trailers', told);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) stream.destroy(new Error(`received message larger than max (${ANSWER_BYTES_MAX})`));
      else chunks.push(chunk);
    });
    stream.on('error', (error) => {
      const { message } = error.cause instanceof Error ? error.cause : error;
      reject(new Error(`rpc error: code = ${CODES[14]} desc = ${message}`));
    });
    stream.on('close', () => {
      if (failure !== '') return reject(new Error(failure));
      try {
        const bytes = Buffer.concat(chunks);
        const length = bytes.length < FRAME_HEAD_BYTES ? -1 : bytes.readUInt32BE(1);
        if (length !== bytes.length - FRAME_HEAD_BYTES) throw new Error('the answer is not one message');
        resolve(readFields(bytes.subarray(FRAME_HEAD_BYTES)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** @see https://grpc.io/docs/guides/status-codes/ */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];
