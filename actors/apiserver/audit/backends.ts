/**
 * Where audit events go: a file of lines, and a service that takes lists of them. Both take events into a bounded buffer and
 * write behind the requests' backs; what does not fit any more is dropped and counted, never waited for.
 * @see staging/src/k8s.io/apiserver/plugin/pkg/audit
 */
import { once } from 'node:events';
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
  /** Takes an event, a line with its end. False when it was dropped. */
  write(line: string): boolean;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AuditLogOption {
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

export interface AuditWebhookOption {
  readonly endpoint: Endpoint;
  /** Events that wait. Default 10,000. */
  readonly bufferEventsMax?: number;
  /** Events of a list. Default 400. */
  readonly batchEventsMax?: number;
  /** How long an event waits for others. Default 500. */
  readonly batchWaitMs?: number;
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

interface Buffering {
  readonly waitMs: number;
  readonly eventsMax: number;
  /** So many are sent without waiting for more. */
  readonly enough: number;
}

/** Takes events of a moment together. `send` gets a batch at a time, one after the other. */
function buffered<Batch>(
  clock: Clock,
  { waitMs, eventsMax, enough }: Buffering,
  gathered: Gathered<Batch>,
  send: (batch: Batch) => Promise<void>,
  failed: Failed,
): Pick<AuditBackend, 'write' | 'close'> {
  let timer: Timer | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  async function drain(): Promise<void> {
    while (gathered.length > 0) {
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
      if (isClosed || gathered.length >= eventsMax) return false;
      gathered.add(line);
      if (gathered.length >= enough) void flush();
      else timer ??= clock.after(waitMs, flushSoon, { background: true });
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

export function createWebhookBackend(option: AuditWebhookOption, clock: Clock, failed: Failed): AuditBackend {
  const {
    endpoint,
    truncation,
    bufferEventsMax = BUFFER_EVENTS_MAX,
    batchEventsMax = BATCH_EVENTS_MAX,
    batchWaitMs = BATCH_WAIT_MS,
  } = option;
  const gathered = gatherTexts(batchEventsMax, truncation?.batchBytesMax ?? Number.POSITIVE_INFINITY);
  const send = async (events: readonly string[]) => {
    const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join()}]}`;
    await postText(endpoint, list, clock);
  };
  const buffering = { waitMs: batchWaitMs, eventsMax: bufferEventsMax, enough: batchEventsMax };
  return { name: 'webhook', format: 'json', truncation, ...buffered(clock, buffering, gathered, send, failed) };
}

export function createLogBackend(option: AuditLogOption, clock: Clock, failed: Failed): AuditBackend {
  const file = option.path === '-' ? undefined : new RotatedFile(option, clock, (error) => failed(error, 0));
  const send = async (chunks: readonly Buffer[]) => {
    for (const bytes of chunks) {
      if (file !== undefined) await file.write(bytes);
      else if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
    }
  };
  const buffering = { waitMs: LOG_WAIT_MS, eventsMax: BUFFER_EVENTS_MAX, enough: BATCH_EVENTS_MAX };
  const backend = buffered(clock, buffering, gatherBytes(), send, failed);
  return {
    name: 'log',
    format: option.format ?? 'json',
    truncation: option.truncation,
    write: backend.write,
    async close() {
      await backend.close();
      await file?.close();
    },
  };
}
