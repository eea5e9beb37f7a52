/**
 * A watch over HTTP: one JSON document a line or one protobuf frame an event, from cached bytes where the client wants plain objects. A client that does not
 * read is closed when its buffer is full; nobody waits for it.
 */
import type { ServerResponse } from 'node:http';
import {
  type ApiObject,
  encodeWatchFrame,
  type KindDefinition,
  StatusError,
  wrapProtobuf,
} from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Answer, Call, WatchSink } from '../call.ts';
import { apiVersionOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { headsOf, includeOf, sendStatus } from './answers.ts';
import { type Accepted, WATCHABLE } from './negotiation.ts';
import { messageOfKind, protobufOf } from './protobuf.ts';
import { headersOf, type Reply } from './reply.ts';
import { metadataOf, rowsOnly, tableOf } from './tables.ts';
import { goJsonText } from './text.ts';

/** Watches without a timeout end after half an hour to an hour, as upstream's, so that load spreads. */
const TIMEOUT_MIN_SECONDS = 1800;

/** How long the end of a watch waits for a client that does not read. */
const UNREAD_END_MS = 10_000;

const TYPE_TEXT = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
} as const;
const EVENT_END = Buffer.from('}\n');

const CONTENT_TYPES = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf;stream=watch',
} as const;

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
  const encodeEntry = accepted.as === undefined ? entryEncoderOf(kind, accepted) : undefined;
  let parts: Uint8Array[] = [];
  let stop: (() => void) | undefined;
  let ended = false;
  let tables = 0;

  const transformed = (entry: Entry): ApiObject => {
    if (accepted.as === 'PartialObjectMetadata') return metadataOf(entry.whole, accepted.asVersion);
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
      if (encodeEntry !== undefined) encodeEntry(parts, type, view);
      else parts.push(eventOf(type, transformed(view), accepted));
    },
    bookmark(revision, initialEventsEnd) {
      const object = bookmarkOf(kind, revision, initialEventsEnd, accepted, () => tables++ === 0);
      parts.push(eventOf('BOOKMARK', object, accepted));
    },
    flush() {
      if (parts.length === 0 || ended) return;
      const chunk = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
      parts = [];
      response.write(chunk);
      if (response.writableLength > server.options.watchBufferBytesMax) {
        const error = StatusError.expired('The watch was closed because its client did not keep up');
        response.write(eventOf('ERROR', error.toStatus(), accepted));
        finish();
        // Who does not even read the end of it holds the memory no longer.
        const timer = server.context.clock.after(UNREAD_END_MS, () => response.destroy(), { background: true });
        response.on('close', () => timer.cancel());
      }
    },
    end(status) {
      if (ended) return;
      if (status !== undefined) parts.push(eventOf('ERROR', status, accepted));
      this.flush();
      finish();
    },
  };
  response.writeHead(200, headersOf(reply, CONTENT_TYPES[accepted.format]));
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

/** Adds the event of a stored object, from the bytes that the entry keeps. */
function entryEncoderOf(
  kind: KindDefinition,
  accepted: Accepted,
): (parts: Uint8Array[], type: keyof typeof TYPE_TEXT, view: Entry) => void {
  const message = messageOfKind(kind);
  if (accepted.format === 'protobuf' && message !== undefined) {
    const apiVersion = apiVersionOf(kind);
    return (parts, type, view) =>
      parts.push(encodeWatchFrame(type, wrapProtobuf(apiVersion, kind.kind, view.protobuf(message))));
  }
  const head = headsOf(kind).one;
  return (parts, type, view) => parts.push(TYPE_TEXT[type], head, view.json.subarray(1), EVENT_END);
}

/** The event of an object that was made for this watch alone. */
function eventOf(type: string, object: unknown, accepted: Accepted): Buffer {
  if (accepted.format !== 'protobuf') return Buffer.from(`{"type":"${type}","object":${goJsonText(object)}}\n`);
  const bytes = protobufOf(object as ApiObject);
  if (bytes === undefined) throw new Error(`a watch cannot send ${(object as ApiObject).kind} as protobuf`);
  return encodeWatchFrame(type, bytes);
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
