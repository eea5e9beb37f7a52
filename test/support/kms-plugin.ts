/** A key management plugin: KMS v2 over a Unix socket, as real ones. Its keys are one byte each, which is enough to tell them apart. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFields, writeFields } from '../../actors/apiserver/encryption/proto-fields.ts';

export interface KmsPlugin {
  readonly endpoint: string;
  /** What it encrypts with from now on. */
  keyId: string;
  healthz: string;
  /** Answers nothing while this is set. */
  silent: boolean;
  /** Methods that were called. */
  readonly calls: string[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startKmsPlugin(keyId = 'key-1'): Promise<KmsPlugin> {
  const folder = mkdtempSync(join(tmpdir(), 'kubehive-kms-'));
  const path = join(folder, 'kms.sock');
  const note = writeFields([1, 'note.example.com'], [2, 'kept']);
  let server: Http2Server | undefined;

  /** Undefined for a key that it does not have. */
  function answer(method: string, fields: ReturnType<typeof readFields>): Buffer | undefined {
    if (method === 'Status') return writeFields([1, 'v2'], [2, plugin.healthz], [3, plugin.keyId]);
    if (method === 'Encrypt') {
      const wrapped = turned(fields.bytes(1), plugin.keyId);
      return writeFields([1, wrapped], [2, plugin.keyId], [3, note]);
    }
    const isIntact = fields.all(4).length === 1 && fields.all(4)[0]?.equals(note) === true;
    if (!isIntact || fields.text(3) === 'key-lost') return undefined;
    return writeFields([1, turned(fields.bytes(1), fields.text(3))]);
  }

  const plugin: KmsPlugin = {
    endpoint: `unix://${path}`,
    keyId,
    healthz: 'ok',
    silent: false,
    calls: [],
    async start() {
      server = createServer();
      server.on('session', (session) => sessions.add(session));
      server.on('stream', (stream: ServerHttp2Stream, headers) => {
        const chunks: Buffer[] = [];
        stream.on('error', () => undefined);
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          if (plugin.silent) return;
          const method = String(headers[':path']).replace('/v2.KeyManagementService/', '');
          plugin.calls.push(method);
          const message = answer(method, readFields(Buffer.concat(chunks).subarray(5)));
          const frame = Buffer.alloc(5);
          frame.writeUInt32BE(message?.length ?? 0, 1);
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () =>
            stream.sendTrailers(
              message === undefined ? { 'grpc-status': '5', 'grpc-message': 'no such key' } : { 'grpc-status': '0' },
            ),
          );
          stream.end(message === undefined ? undefined : Buffer.concat([frame, message]));
        });
      });
      await new Promise<void>((resolve) => server?.listen(path, resolve));
    },
    async stop() {
      for (const session of sessions) session.destroy();
      sessions.clear();
      await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
      server = undefined;
      rmSync(path, { force: true });
    },
  };
  const sessions = new Set<{ destroy(): void }>();
  await plugin.start();
  return plugin;
}

const turned = (bytes: Buffer, keyId: string): Buffer =>
  Buffer.from(bytes.map((byte) => byte ^ (keyId.charCodeAt(keyId.length - 1) & 0xff)));
