/**
 * Where audit events go: a file of lines, and a service that takes lists of them. Both take events into a bounded buffer and
 * write behind the requests' backs; what does not fit any more is dropped and counted. On request they write each event by
 * itself instead, and the request waits for it.
 * @see staging/src/k8s.io/apiserver/plugin/pkg/audit
 */
import { once } from 'node:events';
import { TokenBucket } from '../../../src/client/index.ts';
import type { Clock, Timer } from '../../../src/runtime/index.ts';
import { type Endpoint, postText } from '../remote/post.ts';
import { RotatedFile } from './rotated-file.ts';

/** Events that wait to be written, as upstream's buffer. */
const BUFFER_EVENTS_MAX = 10_000;
const BATCH_EVENTS_MAX = 400;
const BATCH_WAIT_MS = 500;
/** A file takes the lines of a moment together: a write for each would cost more than the request. */
const LOG_WAIT_MS = 100;

export type AuditFormat = 'json' | 'legacy';

/** Whether requests wait for their events, and are refused when the first of them cannot be written. */
export const AUDIT_MODES = ['batch', 'blocking', 'blocking-strict'] as const;
export type AuditMode = (typeof AUDIT_MODES)[number];

/** How events are taken together. Only `mode` counts where it is not `batch`. */
export interface AuditBatching {
  /** Default `batch`. */
  readonly mode?: AuditMode;
  /** Events that wait. Default 10,000. */
  readonly bufferEventsMax?: number;
  /** Events of a batch, which is written without waiting for more. Default 400. */
  readonly batchEventsMax?: number;
  /** How long an event waits for others. Default 500 for the webhook, 100 for the log. */
  readonly batchWaitMs?: number;
  /** Batches a second in the long run, and at once after a pause; without it: as they come. */
  readonly throttle?: { readonly perSecond: number; readonly burst: number };
}

/** Limits that keep large events out, off by default. */
export interface AuditTruncation {
  /** Bytes of an event. A larger one loses what was sent and answered; one that is larger still is dropped. */
  readonly eventBytesMax: number;
  /** Bytes of a batch of events. */
  readonly batchBytesMax: number;
}

export interface AuditBackend {
  readonly name: string;
  readonly format: AuditFormat;
  readonly truncation: AuditTruncation | undefined;
  /** Whether requests wait for what is written of them. */
  readonly isBlocking: boolean;
  /** Whether requests whose first event cannot be written are refused. */
  readonly isStrict: boolean;
  /** Takes an event, a line with its end. False when it was dropped; of a blocking one, what becomes of it. */
  write(line: string): boolean | Promise<boolean>;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AuditLogOption extends AuditBatching {
  /** `-`: standard output. */
  readonly path: string;
  /** Megabytes before the file is put aside. Default, also for 0: 100. */
  readonly maxSizeMegabytes?: number;
  /** Files put aside that are kept; 0: all. */
  readonly maxBackups?: number;
  /** Days for which files put aside are kept; 0: for ever. */
  readonly maxAgeDays?: number;
  /** Whether files put aside are compressed. */
  readonly compress?: boolean;
  readonly format?: AuditFormat;
  readonly truncation?: AuditTruncation;
}

export interface AuditWebhookOption extends AuditBatching {
  readonly endpoint: Endpoint;
  /** Milliseconds before a list that did not arrive is sent again, and twice as much before every further time. */
  readonly backoffMs?: number;
  readonly truncation?: AuditTruncation;
}

type Failed = (error: unknown, count: number) => void;

/** Events that wait, in the form in which they are written. */
interface Gathered<Batch> {
  readonly length: number;
  add(line: string): void;
  /** The next batch, and how many events it has. */
  take(): { readonly batch: Batch; readonly count: number };
}

/** Takes events of a moment together. `send` gets a batch at a time, one after the other. */
function buffered<Batch>(
  clock: Clock,
  batching: AuditBatching & { readonly batchWaitMs: number },
  gathered: Gathered<Batch>,
  send: (batch: Batch) => Promise<void>,
  failed: Failed,
): Pick<AuditBackend, 'write' | 'close'> {
  const { batchWaitMs, bufferEventsMax = BUFFER_EVENTS_MAX, batchEventsMax = BATCH_EVENTS_MAX } = batching;
  const { throttle } = batching;
  const bucket = throttle && new TokenBucket(clock, throttle.perSecond, throttle.burst);
  let timer: Timer | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  async function drain(): Promise<void> {
    while (gathered.length > 0) {
      while (!isClosed && bucket?.take() === false) await clock.sleep(bucket.waitMs(), { background: true });
      const { batch, count } = gathered.take();
      try {
        await send(batch);
      } catch (error) {
        failed(error, count);
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
  const flushSoon = () => void flush();
  return {
    write(line) {
      if (isClosed || gathered.length >= bufferEventsMax) return false;
      gathered.add(line);
      if (gathered.length >= batchEventsMax) void flush();
      else timer ??= clock.after(batchWaitMs, flushSoon, { background: true });
      return true;
    },
    async close() {
      isClosed = true;
      await flush();
      await flush();
    },
  };
}

/** Lines as texts, in lists of limited length. */
function gatherTexts(eventsMax: number, bytesMax: number): Gathered<readonly string[]> {
  const waiting: string[] = [];
  return {
    get length() {
      return waiting.length;
    },
    add(line) {
      waiting.push(line);
    },
    take() {
      let count = 0;
      for (let bytes = 0; count < waiting.length && count < eventsMax; count++) {
        if (bytesMax !== Number.POSITIVE_INFINITY) bytes += Buffer.byteLength(waiting[count] as string);
        if (count > 0 && bytes > bytesMax) break;
      }
      return { batch: waiting.splice(0, count), count };
    },
  };
}

const CHUNK_BYTES = 64 * 1024;

/** Lines as bytes, one behind the other in large pieces: an object for each would be costly to keep until it is written. */
function gatherBytes(): Gathered<readonly Buffer[]> {
  let chunk = Buffer.alloc(0);
  let from = 0;
  let used = 0;
  let full: Buffer[] = [];
  let count = 0;
  const cut = () => {
    if (used > from) full.push(chunk.subarray(from, used));
    from = used;
  };
  return {
    get length() {
      return count;
    },
    add(line) {
      count++;
      // A character takes three bytes at most.
      if (used + line.length * 3 > chunk.length) {
        cut();
        chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, line.length * 3));
        from = 0;
        used = 0;
      }
      used += chunk.write(line, used);
    },
    take() {
      cut();
      const taken = { batch: full, count };
      full = [];
      count = 0;
      return taken;
    },
  };
}

/** Writes each event by itself, and tells whether that went well. */
function blocking(send: (line: string) => Promise<void>, failed: Failed): Pick<AuditBackend, 'write' | 'close'> {
  const open = new Set<Promise<boolean>>();
  return {
    write(line) {
      const written = send(line).then(
        () => true,
        (error) => {
          failed(error, 1);
          return false;
        },
      );
      open.add(written);
      void written.then(() => open.delete(written));
      return written;
    },
    async close() {
      await Promise.all(open);
    },
  };
}

const waiting = (mode: AuditMode) => ({ isBlocking: mode !== 'batch', isStrict: mode === 'blocking-strict' });

export function createWebhookBackend(option: AuditWebhookOption, clock: Clock, failed: Failed): AuditBackend {
  const { endpoint, truncation, mode = 'batch', batchEventsMax = BATCH_EVENTS_MAX, backoffMs } = option;
  const send = async (events: readonly string[]) => {
    const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join()}]}`;
    await postText(endpoint, list, clock, undefined, backoffMs);
  };
  const form = { name: 'webhook', format: 'json', truncation, ...waiting(mode) } as const;
  if (mode !== 'batch') return { ...form, ...blocking((line) => send([line]), failed) };
  const gathered = gatherTexts(batchEventsMax, truncation?.batchBytesMax ?? Number.POSITIVE_INFINITY);
  return { ...form, ...buffered(clock, { batchWaitMs: BATCH_WAIT_MS, ...option }, gathered, send, failed) };
}

export function createLogBackend(option: AuditLogOption, clock: Clock, failed: Failed): AuditBackend {
  const { path, mode = 'batch', format = 'json', truncation } = option;
  const file = path === '-' ? undefined : new RotatedFile(option, clock, (error) => failed(error, 0));
  const send = async (chunks: readonly Buffer[]) => {
    for (const bytes of chunks) {
      if (file !== undefined) await file.write(bytes);
      else if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
    }
  };
  let last: Promise<void> = Promise.resolve();
  /** One after the other, since a line may put the file aside. Who sent a line hears of its failure; the next one is written all the same. */
  const sendAlone = (line: string) => {
    const bytes = Buffer.from(line);
    const write = () => (file === undefined ? send([bytes]) : file.write(bytes, true));
    last = last.then(write, write);
    return last;
  };
  const backend =
    mode === 'batch'
      ? buffered(clock, { batchWaitMs: LOG_WAIT_MS, ...option }, gatherBytes(), send, failed)
      : blocking(sendAlone, failed);
  return {
    name: 'log',
    format,
    truncation,
    ...waiting(mode),
    write: backend.write,
    async close() {
      await backend.close();
      await file?.close();
    },
  };
}
