/**
 * Where audit events go: a file of JSON lines, and a service that takes lists of them. Both take events into a bounded buffer
 * and write behind the requests' backs; what does not fit any more is dropped and counted, never waited for.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../../../src/runtime/index.ts';
import { type Endpoint, postText } from '../remote/post.ts';

/** Events that wait to be written, as upstream's buffer. */
const BUFFER_EVENTS_MAX = 10_000;
const BATCH_EVENTS_MAX = 400;
const BATCH_WAIT_MS = 500;
/** A file takes the lines of a moment together: a write for each would cost more than the request. */
const LOG_WAIT_MS = 100;

export interface AuditBackend {
  readonly name: string;
  /** Takes an event, a line of JSON. False when it was dropped. */
  write(event: Buffer): boolean;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AuditLogOption {
  /** `-`: standard output. */
  readonly path: string;
  /** Megabytes before the file is put aside; 0: never. Default 0. */
  readonly maxSizeMegabytes?: number;
  /** Files put aside that are kept; 0: all. */
  readonly maxBackups?: number;
}

export interface AuditWebhookOption {
  readonly endpoint: Endpoint;
}

/** Takes events of one turn together. `send` gets up to a batch at a time, one after the other. */
function buffered(
  name: string,
  clock: Clock,
  waitMs: number,
  send: (events: readonly Buffer[]) => Promise<void>,
  failed: (error: unknown, count: number) => void,
): AuditBackend {
  const waiting: Buffer[] = [];
  let timer: Timer | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH_EVENTS_MAX);
      try {
        await send(batch);
      } catch (error) {
        failed(error, batch.length);
      }
    }
  }
  const flush = () => {
    timer?.cancel();
    timer = undefined;
    sending ??= drain().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  return {
    name,
    write(event) {
      if (isClosed || waiting.length >= BUFFER_EVENTS_MAX) return false;
      waiting.push(event);
      if (waiting.length >= BATCH_EVENTS_MAX) void flush();
      else timer ??= clock.after(waitMs, () => void flush(), { background: true });
      return true;
    },
    async close() {
      isClosed = true;
      await flush();
      await flush();
    },
  };
}

export function createWebhookBackend(
  option: AuditWebhookOption,
  clock: Clock,
  failed: (error: unknown, count: number) => void,
): AuditBackend {
  return buffered(
    'webhook',
    clock,
    BATCH_WAIT_MS,
    async (events) => {
      const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join()}]}`;
      await postText(option.endpoint, list, clock);
    },
    failed,
  );
}

export function createLogBackend(
  option: AuditLogOption,
  clock: Clock,
  failed: (error: unknown, count: number) => void,
): AuditBackend {
  const file = option.path === '-' ? undefined : new RotatedFile(option, failed);
  const backend = buffered(
    'log',
    clock,
    LOG_WAIT_MS,
    async (events) => {
      const lines = Buffer.concat(events);
      if (file !== undefined) await file.write(lines);
      else if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
    },
    failed,
  );
  return {
    ...backend,
    async close() {
      await backend.close();
      await file?.close();
    },
  };
}

/** A file that is put aside as `<path>.1`, `<path>.2`, … when it is full; its owner alone may read it. */
class RotatedFile {
  readonly #option: AuditLogOption;
  readonly #failed: (error: unknown, count: number) => void;
  #stream: WriteStream;
  #bytes: number;

  constructor(option: AuditLogOption, failed: (error: unknown, count: number) => void) {
    this.#option = option;
    this.#failed = failed;
    mkdirSync(dirname(option.path), { recursive: true });
    this.#bytes = existsSync(option.path) ? statSync(option.path).size : 0;
    this.#stream = this.#open();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#option.path, { flags: 'a', mode: 0o600 });
    stream.on('error', (error) => this.#failed(error, 0));
    return stream;
  }

  async write(lines: Buffer): Promise<void> {
    const limit = (this.#option.maxSizeMegabytes ?? 0) * 1024 * 1024;
    if (limit > 0 && this.#bytes > 0 && this.#bytes + lines.length > limit) await this.#rotate();
    this.#bytes += lines.length;
    if (!this.#stream.write(lines)) await once(this.#stream, 'drain');
  }

  async #rotate(): Promise<void> {
    await this.close();
    const { path, maxBackups = 0 } = this.#option;
    let last = 1;
    while (existsSync(`${path}.${last}`)) last++;
    if (maxBackups > 0 && last > maxBackups) {
      rmSync(`${path}.${maxBackups}`);
      last = maxBackups;
    }
    for (let index = last; index > 1; index--) renameSync(`${path}.${index - 1}`, `${path}.${index}`);
    renameSync(path, `${path}.1`);
    this.#bytes = 0;
    this.#stream = this.#open();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}
