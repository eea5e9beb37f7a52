/**
 * Serves the log of a container from what the runtime keeps: which container is meant, which lines are wanted, and, with
 * `follow`, what comes until it ends. @see kubernetes/pkg/kubelet/kubelet_pods.go (validateContainerLogStatus)
 */
import { Observable } from 'rxjs';
import { parseTime } from '../api/index.ts';
import { BusError } from '../runtime/index.ts';
import type { ContainerRecord } from './container-record.ts';
import type { NodeLogsRequest, NodeRefusal } from './protocol.ts';
import type { ContainerLog, LogLine, RuntimeService } from './runtime.ts';

/** A refusal that the API server turns into a Status. */
export function refuse(code: number, reason: NodeRefusal['reason'], message: string): BusError {
  return new BusError('HandlerFailed', message, { code, reason } satisfies NodeRefusal);
}

/** The ID of the container whose log is meant. Throws the refusal with upstream's text when there is none. */
export function logContainerId(record: ContainerRecord | undefined, request: NodeLogsRequest): string {
  const what = `container "${request.container}" in pod "${request.pod}"`;
  if (record === undefined) throw refuse(400, 'BadRequest', `${what} is not available`);
  if (request.previous === true) {
    if (record.previousId !== '') return record.previousId;
    // A container in its back-off has no successor yet: it is the previous one.
    if (record.state === 'waiting' && record.lastTermination !== undefined && record.id !== '') return record.id;
    throw refuse(400, 'BadRequest', `previous terminated ${what} not found`);
  }
  if (record.state !== 'waiting' || record.lastTermination !== undefined) return record.id;
  if (record.waitingReason === 'ErrImagePull')
    throw refuse(400, 'BadRequest', `${what} is waiting to start: image can't be pulled`);
  if (record.waitingReason === 'ImagePullBackOff') {
    throw refuse(400, 'BadRequest', `${what} is waiting to start: trying and failing to pull image`);
  }
  throw refuse(400, 'BadRequest', `${what} is waiting to start: ${record.waitingReason}`);
}

/** Chunks of text as `pods/log` answers them. */
export function readLog(
  runtime: RuntimeService,
  containerId: string,
  request: NodeLogsRequest,
  nowMs: number,
): Observable<Uint8Array> {
  return new Observable((subscriber) => {
    const log = runtime.log(containerId);
    if (log === undefined) {
      subscriber.error(
        refuse(500, 'InternalError', `unable to retrieve container logs for ${runtime.name}://${containerId}`),
      );
      return undefined;
    }
    const writer = new LineWriter(
      request,
      nowMs,
      (chunk) => subscriber.next(chunk),
      () => subscriber.complete(),
    );
    writer.write(selectTail(log, writer, request.tailLines));
    if (request.follow !== true) {
      subscriber.complete();
      return undefined;
    }
    return log.follow(
      (line) => {
        if (writer.wants(line)) writer.write([line]);
      },
      () => subscriber.complete(),
    );
  });
}

function selectTail(log: ContainerLog, writer: LineWriter, tailLines: number | undefined): readonly LogLine[] {
  const lines = log.lines.filter((line) => writer.wants(line));
  if (tailLines === undefined) return lines;
  return tailLines === 0 ? [] : lines.slice(-tailLines);
}

const encoder = new TextEncoder();

class LineWriter {
  readonly #request: NodeLogsRequest;
  readonly #sinceMs: number;
  readonly #emit: (chunk: Uint8Array) => void;
  readonly #full: () => void;
  #bytesLeft: number;

  constructor(request: NodeLogsRequest, nowMs: number, emit: (chunk: Uint8Array) => void, full: () => void) {
    this.#request = request;
    this.#emit = emit;
    this.#full = full;
    this.#bytesLeft = request.limitBytes ?? Number.POSITIVE_INFINITY;
    const { sinceSeconds, sinceTime } = request;
    this.#sinceMs =
      sinceSeconds !== undefined
        ? nowMs - sinceSeconds * 1000
        : sinceTime !== undefined
          ? parseTime(sinceTime)
          : Number.NEGATIVE_INFINITY;
  }

  wants(line: LogLine): boolean {
    const { stream } = this.#request;
    if (line.time < this.#sinceMs) return false;
    return stream === undefined || stream === 'All' || stream.toLowerCase() === line.stream;
  }

  write(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    let text = '';
    for (const line of lines)
      text += this.#request.timestamps === true ? `${nanoTime(line.time)} ${line.text}\n` : `${line.text}\n`;
    const bytes = encoder.encode(text);
    if (bytes.length < this.#bytesLeft) {
      this.#bytesLeft -= bytes.length;
      this.#emit(bytes);
      return;
    }
    this.#emit(bytes.slice(0, this.#bytesLeft));
    this.#bytesLeft = 0;
    this.#full();
  }
}

/** RFC 3339 with nanoseconds, as container runtimes write logs. */
function nanoTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 23)}000000Z`;
}
