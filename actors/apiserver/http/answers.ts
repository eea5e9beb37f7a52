/** Turns answers into HTTP: cached JSON bytes where the client wants plain JSON, anything else from the objects. */
import {
  type ApiObject,
  encodeProtobufList,
  type KindDefinition,
  StatusError,
  scaleTable,
  wrapProtobuf,
} from '../../../src/api/index.ts';
import { type Entry, jsonHead } from '../cache/entry.ts';
import type { Answer, Call } from '../call.ts';
import { apiVersionOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { listKindOf } from '../verbs/list.ts';
import { type Accepted, READABLE } from './negotiation.ts';
import { messageOfKind, protobufOf } from './protobuf.ts';
import { headersOf, type Reply, send } from './reply.ts';
import { type IncludeObject, metadataOf, tableBytes, tableOf } from './tables.ts';
import { CONTENT_TYPES, textOf } from './text.ts';
import { streamWatch } from './watch-response.ts';

interface Heads {
  readonly one: Buffer;
  readonly oneText: string;
  readonly list: Buffer;
}

const heads = new WeakMap<KindDefinition, Heads>();

/** The bytes before an object's or a list's own members. */
export function headsOf(kind: KindDefinition): Heads {
  let found = heads.get(kind);
  if (found === undefined) {
    const one = jsonHead(kind.kind, kind.group, kind.version);
    found = {
      one,
      oneText: one.toString(),
      list: jsonHead(listKindOf(kind), kind.group, kind.version),
    };
    heads.set(kind, found);
  }
  return found;
}

const BRACE = Buffer.from('{');
const COMMA = Buffer.from(',');
const NEWLINE = Buffer.from('\n');
const LIST_END = Buffer.from(']}\n');

export function sendAnswer(
  server: Server,
  reply: Reply,
  call: Call,
  answer: Answer,
  accepted: Accepted,
): void | Promise<void> {
  reply.warnings = call.warnings;
  switch (answer.type) {
    case 'entry':
      sendEntry(server, reply, call, answer, accepted);
      return;
    case 'object':
      sendObject(reply, answer.code, asTable(server, call, answer.object, accepted) ?? answer.object, accepted);
      return;
    case 'list':
      sendList(server, reply, call, answer, accepted);
      return;
    case 'watch':
      streamWatch(server, reply, call, answer, accepted);
      return;
    case 'stream':
      sendStream(server, reply, answer, accepted);
      return;
    case 'empty':
      send(reply, answer.code, '', '');
      return;
    case 'exchange': {
      const { request, response, upgrade } = reply;
      return answer.serve({ request, response, upgrade, headers: headersOf(reply, '') });
    }
  }
}

/** An object that is not stored, or a list of such, as the table that was asked for; undefined when none was. */
function asTable(server: Server, call: Call, object: ApiObject, accepted: Accepted): ApiObject | undefined {
  if (accepted.as !== 'Table' || (call.verb !== 'get' && call.verb !== 'list')) return undefined;
  const items = call.verb === 'list' ? ((object['items'] ?? []) as ApiObject[]) : [object];
  const rows = items.map((item) => ({ object: item, whole: item }));
  const resourceVersion =
    call.verb === 'get' ? (object.metadata?.['resourceVersion'] as string | undefined) : undefined;
  // Custom objects show their scale in their own columns.
  const isScale = object.kind === 'Scale' && call.kind.custom === undefined;
  const kind = isScale ? { ...call.kind, table: scaleTable } : call.kind;
  return tableFor(server, call, kind, rows, resourceVersion ? { resourceVersion } : {}, accepted);
}

export function sendObject(
  reply: Reply,
  code: number,
  object: unknown,
  accepted: Accepted,
  headers: Record<string, string> = {},
): void {
  const { format } = accepted;
  if (format !== 'protobuf') {
    send(reply, code, CONTENT_TYPES[format], textOf(object, format, accepted.pretty), headers);
    return;
  }
  const bytes = protobufOf(object as ApiObject);
  if (bytes !== undefined) send(reply, code, CONTENT_TYPES.protobuf, bytes, headers);
  else sendStatus(reply, StatusError.notAcceptable(READABLE.slice(0, 2)), undefined);
}

/** Sends a refusal as a Status in a form that the client accepts, JSON when it accepts none. */
export function sendStatus(reply: Reply, error: StatusError, accepted: Accepted | undefined): void {
  const { kind, apiVersion, metadata, status, message, reason, details, code, ...rest } = error.toStatus();
  // In the order of Go's type.
  const body = {
    kind,
    apiVersion,
    metadata,
    status,
    message,
    ...(reason === '' ? {} : { reason }),
    details,
    code,
    ...rest,
  };
  const form = {
    format: accepted?.format ?? 'json',
    as: undefined,
    asVersion: 'v1',
    pretty: accepted?.pretty ?? false,
  };
  const retryAfter = details?.retryAfterSeconds;
  sendObject(reply, error.code, body, form, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
}

function sendEntry(
  server: Server,
  reply: Reply,
  call: Call,
  answer: Extract<Answer, { type: 'entry' }>,
  accepted: Accepted,
): void {
  const { kind, code } = answer;
  const entry = answer.entry.view(kind);
  if (accepted.as === 'Table') {
    sendObject(
      reply,
      code,
      tableFor(
        server,
        call,
        kind,
        [entry],
        entry.revision === 0 ? {} : { resourceVersion: versionOf(entry) },
        accepted,
      ),
      accepted,
    );
    return;
  }
  if (accepted.as === 'PartialObjectMetadata') {
    sendObject(reply, code, metadataOf(entry.whole, accepted.asVersion), accepted);
    return;
  }
  if (accepted.as !== undefined) {
    sendStatus(reply, StatusError.notAcceptable(READABLE), accepted);
    return;
  }
  if (accepted.format === 'json' && !accepted.pretty) {
    send(reply, code, CONTENT_TYPES.json, objectText(kind, call.verb === 'get' ? entry.json : entry.jsonOnce));
    return;
  }
  const message = messageOfKind(kind);
  if (accepted.format === 'protobuf' && message !== undefined) {
    const bytes = wrapProtobuf(apiVersionOf(kind), kind.kind, entry.protobuf(message));
    send(reply, code, CONTENT_TYPES.protobuf, bytes);
    return;
  }
  sendObject(reply, code, entry.whole, accepted);
}

/** A whole object: its kind before the rest. As text where the rest is, since headers and text go out in one piece. */
function objectText(kind: KindDefinition, json: Buffer | string): Buffer | string {
  const { one, oneText } = headsOf(kind);
  return typeof json === 'string' ? `${oneText}${json.slice(1)}\n` : Buffer.concat([one, json.subarray(1), NEWLINE]);
}

function versionOf(entry: Entry): string {
  return entry.revision === 0 ? '' : String(entry.revision);
}

function tableFor(
  server: Server,
  call: Call,
  kind: KindDefinition,
  entries: Parameters<typeof tableOf>[1],
  metadata: Parameters<typeof tableOf>[2],
  accepted: Accepted,
): ApiObject {
  const include = includeOf(call);
  return tableOf(kind, entries, metadata, include, accepted.asVersion, server.context.clock.now());
}

/** @throws StatusError for a value that is not known. */
export function includeOf(call: Call): IncludeObject {
  const include = call.query['includeObject'] ?? 'Metadata';
  if (include === '') return 'Metadata';
  if (include === 'None' || include === 'Metadata' || include === 'Object') return include;
  throw StatusError.badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

function sendList(
  server: Server,
  reply: Reply,
  call: Call,
  answer: Extract<Answer, { type: 'list' }>,
  accepted: Accepted,
): void {
  const { kind, revision } = answer;
  const metadata = {
    // Lists of custom kinds are not typed upstream, and write the member also when it is empty.
    ...(kind.custom !== undefined && accepted.as === undefined ? { continue: '' } : {}),
    resourceVersion: String(revision),
    ...(answer.continue === undefined ? {} : { continue: answer.continue }),
    ...(answer.remainingItemCount === undefined ? {} : { remainingItemCount: answer.remainingItemCount }),
  };
  const entries = answer.entries.map((entry) => entry.view(kind));
  if (accepted.as === 'Table') {
    const include = includeOf(call);
    if (accepted.format === 'json' && !accepted.pretty && include !== 'Object' && entries.length > 0) {
      const nowMs = server.context.clock.now();
      const bytes = tableBytes(kind, entries, metadata, include, accepted.asVersion, nowMs);
      send(reply, 200, CONTENT_TYPES.json, bytes);
      return;
    }
    sendObject(reply, 200, tableFor(server, call, kind, entries, metadata, accepted), accepted);
    return;
  }
  if (accepted.as === 'PartialObjectMetadataList') {
    const items = entries.map((entry) => metadataOf(entry.whole, accepted.asVersion));
    const list = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${accepted.asVersion}`,
      metadata,
      items,
    };
    sendObject(reply, 200, list, accepted);
    return;
  }
  if (accepted.as !== undefined) {
    sendStatus(reply, StatusError.notAcceptable(READABLE), accepted);
    return;
  }
  if (accepted.format === 'json' && !accepted.pretty) {
    send(reply, 200, CONTENT_TYPES.json, listBytes(kind, metadata, entries));
    return;
  }
  const message = messageOfKind(kind);
  if (accepted.format === 'protobuf' && message !== undefined) {
    const list = { apiVersion: apiVersionOf(kind), kind: listKindOf(kind), metadata };
    const bytes = entries.map((entry) => entry.protobuf(message));
    send(reply, 200, CONTENT_TYPES.protobuf, encodeProtobufList(list, bytes));
    return;
  }
  const items = entries.map(({ whole }) => {
    if (kind.custom !== undefined) return whole;
    const { kind: _kind, apiVersion: _version, ...item } = whole;
    return item;
  });
  sendObject(reply, 200, { kind: listKindOf(kind), apiVersion: apiVersionOf(kind), metadata, items }, accepted);
}

/** A list put together from the items' cached bytes. Items of custom kinds name their kind, as upstream's do. */
function listBytes(kind: KindDefinition, metadata: object, entries: readonly Entry[]): Buffer {
  const itemHead = kind.custom !== undefined ? headsOf(kind).one : BRACE;
  const parts: Uint8Array[] = [headsOf(kind).list, Buffer.from(`"metadata":${JSON.stringify(metadata)},"items":[`)];
  entries.forEach((entry, index) => {
    if (index > 0) parts.push(COMMA);
    parts.push(itemHead, entry.json.subarray(1));
  });
  parts.push(LIST_END);
  return Buffer.concat(parts);
}

function sendStream(
  server: Server,
  reply: Reply,
  answer: Extract<Answer, { type: 'stream' }>,
  accepted: Accepted,
): void {
  const response = reply.response as import('node:http').ServerResponse;
  const begin = () => {
    if (!response.headersSent) response.writeHead(200, headersOf(reply, answer.contentType));
  };
  const stop = answer.open({
    next(chunk) {
      begin();
      response.write(chunk);
      // Nobody waits for a reader that does not read, nor keeps everything for it.
      if (response.writableLength > server.options.watchBufferBytesMax) response.destroy();
    },
    end(error) {
      if (error instanceof StatusError && !response.headersSent) return sendStatus(reply, error, accepted);
      begin();
      response.end();
    },
  });
  response.on('close', stop);
}
