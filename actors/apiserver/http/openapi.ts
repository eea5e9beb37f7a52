/** OpenAPI documents: `/openapi/v2`, the index `/openapi/v3`, and one document a group and version below it. */
import {
  encodeOpenApiV2,
  type KindRegistry,
  type OpenApiDocument,
  OpenApiDocuments,
  StatusError,
} from '../../../src/api/index.ts';
import { remoteDocument, withRemoteIndex, withRemoteSwagger } from '../aggregation/openapi.ts';
import type { Server } from '../server.ts';
import { sendStatus } from './answers.ts';
import type { Accepted } from './negotiation.ts';
import { type Reply, send } from './reply.ts';

const documents = new WeakMap<KindRegistry, OpenApiDocuments>();

export function documentsOf(registry: KindRegistry): OpenApiDocuments {
  let found = documents.get(registry);
  if (found === undefined) {
    found = new OpenApiDocuments(registry, { customSchema: (kind) => kind.custom?.openApi() });
    documents.set(registry, found);
  }
  return found;
}

const V3 = '/openapi/v3';

/** Answers the path if it is an OpenAPI one, and says whether it did. */
export async function sendOpenapi(
  server: Server,
  reply: Reply,
  path: string,
  accepted: Accepted | undefined,
): Promise<boolean> {
  if (path === '/openapi/v2') {
    const document = await withRemoteSwagger(server, documentsOf(server.registry).v2());
    if (String(reply.request.headers['accept'] ?? '').includes(PROTOBUF_ASKED)) {
      sendProtobuf(reply, document);
      return true;
    }
    if (accepted === undefined) sendStatus(reply, StatusError.notAcceptable(['application/json']), undefined);
    else sendDocument(reply, document, 'application/json');
    return true;
  }
  if (path === V3) {
    const index = await withRemoteIndex(server, documentsOf(server.registry).index());
    sendDocument(reply, index, 'text/plain; charset=utf-8');
    return true;
  }
  if (!path.startsWith(`${V3}/`)) return false;
  const below = path.slice(V3.length + 1);
  const document = (await remoteDocument(server, below)) ?? documentsOf(server.registry).v3(below);
  if (document === undefined) send(reply, 404, '', '');
  else sendDocument(reply, document, 'application/json');
  return true;
}

const PROTOBUF_ASKED = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const PROTOBUF_SENT = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const encoded = new WeakMap<OpenApiDocument, Buffer>();

/** The form that kubectl up to 1.28 reads; made once for each document. */
function sendProtobuf(reply: Reply, document: OpenApiDocument): void {
  let bytes = encoded.get(document);
  if (bytes === undefined) {
    bytes = Buffer.from(encodeOpenApiV2(JSON.parse(document.text)));
    encoded.set(document, bytes);
  }
  send(reply, 200, PROTOBUF_SENT, bytes, { etag: document.etag, vary: 'Accept' });
}

function sendDocument(reply: Reply, { text, etag }: OpenApiDocument, contentType: string): void {
  const headers = { etag, vary: 'Accept' };
  if (reply.request.headers['if-none-match'] === etag) send(reply, 304, '', '', headers);
  else send(reply, 200, contentType, text, headers);
}
