/**
 * A watch over HTTP: one JSON document a line, from cached bytes where the client wants plain objects. A client that does not
 * read is closed when its buffer is full; nobody waits for it.
 */
import type { ServerResponse } from 'node:http';
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Answer, Call, WatchSink } from '../call.ts';
import { apiVersionOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { headsOf, includeOf, sendStatus } from './answers.ts';
import { type Accepted, WATCHABLE } from './negotiation.ts';
import { headersOf, type Reply } from './reply.ts';
import { metadataOf, rowsOnly, tableOf } from './tables.ts';
import { goJsonText } from './text.ts';

/** Watches without a timeout end after half an hour to an hour, as upstream's, so that load spreads. */
const TIMEOUT_MIN_SECONDS = 1800;

const TYPE_TEXT = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
} as const;
const EVENT_END = Buffer.from('}\n');

export function streamWatch(
  server: Server,
  reply: Reply,
  call: Call,
  answer: Extract<Answer, { type: 'watch' }>,
  accepted: Accepted,
): void {
  if (accepted.as === 'PartialObjectMetadataList') {
    sendStatus(reply, StatusError.notAcceptable(WATCHABLE), accepted);
    return;
  }
  const { kind } = answer;
  const response = reply.response as ServerResponse;
  const include = includeOf(call);
  const head = headsOf(kind).one;
  let parts: Uint8Array[] = [];
  let stop: (() => void) | undefined;
  let ended = false;
  let tables = 0;

  const transformed = (entry: Entry): ApiObject => {
    if (accepted.as === 'PartialObjectMetadata') return metadataOf(entry.object, accepted.asVersion);
    const metadata = { resourceVersion: String(entry.revision) };
    const table = tableOf(kind, [entry], metadata, include, accepted.asVersion, server.context.clock.now());
    return tables++ === 0 ? table : rowsOnly(table);
  };
  const finish = () => {
    if (ended) return;
    ended = true;
    stop?.();
    response.end();
  };
  const sink: WatchSink = {
    event(type, entry) {
      const view = entry.view(kind);
      if (accepted.as === undefined) parts.push(TYPE_TEXT[type], head, view.json.subarray(1), EVENT_END);
      else parts.push(TYPE_TEXT[type], Buffer.from(goJsonText(transformed(view))), EVENT_END);
    },
    bookmark(revision, initialEventsEnd) {
      const object = bookmarkOf(kind, revision, initialEventsEnd, accepted, () => tables++ === 0);
      parts.push(Buffer.from(`{"type":"BOOKMARK","object":${goJsonText(object)}}\n`));
    },
    flush() {
      if (parts.length === 0 || ended) return;
      const chunk = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
      parts = [];
      response.write(chunk);
      if (response.writableLength > server.options.watchBufferBytesMax) {
        parts.push(
          Buffer.from(errorText(StatusError.expired('The watch was closed because its client did not keep up'))),
        );
        response.write(parts.pop());
        finish();
      }
    },
    end(status) {
      if (ended) return;
      if (status !== undefined) parts.push(Buffer.from(`{"type":"ERROR","object":${goJsonText(status)}}\n`));
      this.flush();
      finish();
    },
  };
  const contentType = accepted.format === 'json' ? 'application/json' : accepted.format;
  response.writeHead(200, headersOf(reply, contentType));
  response.flushHeaders();
  const timeout = call.query['timeoutSeconds'];
  if (timeout === undefined || timeout === '' || timeout === '0') {
    const seconds = TIMEOUT_MIN_SECONDS * (1 + server.context.random.next());
    const timer = server.context.clock.after(seconds * 1000, finish, { background: true });
    response.on('close', () => timer.cancel());
  }
  response.on('close', () => {
    ended = true;
    stop?.();
  });
  stop = answer.open(sink);
  if (ended) stop();
}

function errorText(error: StatusError): string {
  return `{"type":"ERROR","object":${goJsonText(error.toStatus())}}\n`;
}

/** A bookmark carries nothing but its resourceVersion, in the form of the other events. */
function bookmarkOf(
  kind: Call['kind'],
  revision: number,
  initialEventsEnd: boolean,
  accepted: Accepted,
  isFirstTable: () => boolean,
): ApiObject {
  const metadata = {
    resourceVersion: String(revision),
    ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  const object: ApiObject = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
  if (accepted.as === 'PartialObjectMetadata') return metadataOf(object, accepted.asVersion);
  if (accepted.as !== 'Table') return object;
  const columns = isFirstTable() ? tableOf(kind, [], {}, 'None', accepted.asVersion, 0)['columnDefinitions'] : null;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${accepted.asVersion}`,
    metadata: { resourceVersion: String(revision) },
    columnDefinitions: columns,
    rows: [
      {
        cells: null,
        object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${accepted.asVersion}`, metadata },
      },
    ],
  };
}
