/**
 * OpenAPI documents: `/openapi/v2`, the index `/openapi/v3`, and one document a group and version below it, at an address that names
 * what it holds, so that clients may keep it for good.
 * @see k8s.io/kube-openapi/pkg/handler, handler3
 */
import {
  documentOfText,
  encodeOpenApiV2,
  type KindRegistry,
  type OpenApiDocument,
  OpenApiDocuments,
  type Pause,
} from '../../../src/api/index.ts';
import type { Clock } from '../../../src/runtime/index.ts';
import { remoteDocument, withRemoteIndex, withRemoteSwagger } from '../aggregation/openapi.ts';
import type { Server } from '../server.ts';
import { acceptsGzip, type Reply, send, sendCompressed } from './reply.ts';
import type { Query } from './requests.ts';

/** How long documents are worked on before others get their turn. */
const SLICE_MS = 5;

/** Lets others work when a slice is over. */
function slicesOf(clock: Clock): Pause {
  let since = clock.monotonic();
  return () => {
    if (clock.monotonic() - since < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      const goOn = () => {
        since = clock.monotonic();
        resolve();
      };
      clock.after(0, goOn, { background: true });
    });
  };
}

const documents = new WeakMap<KindRegistry, OpenApiDocuments>();

export function documentsOf({ registry, context }: Server): OpenApiDocuments {
  let found = documents.get(registry);
  if (found === undefined) {
    const pause = slicesOf(context.clock);
    found = new OpenApiDocuments(registry, { customSchema: (kind, dialect) => kind.custom?.openApi(dialect), pause });
    documents.set(registry, found);
  }
  return found;
}

const V3 = '/openapi/v3';

/** Answers the path if it is an OpenAPI one, and says whether it did. */
export async function sendOpenapi(server: Server, reply: Reply, path: string, query: Query): Promise<boolean> {
  const accept = String(reply.request.headers['accept'] ?? '');
  if (path === '/openapi/v2') {
    const document = await withRemoteSwagger(server, await documentsOf(server).v2());
    if (accept.includes(PROTOBUF_ASKED)) await sendDocument(reply, await protobufOf(server, document), PROTOBUF_SENT);
    else if (!acceptsJson(accept)) send(reply, 406, '', '');
    else await sendDocument(reply, document, 'application/json');
    return true;
  }
  if (path === V3) {
    const { text, etag } = await withRemoteIndex(server, await documentsOf(server).index());
    if (isKnown(reply, etag)) send(reply, 304, '', '', { etag });
    else send(reply, 200, 'text/plain; charset=utf-8', text, { etag });
    return true;
  }
  if (!path.startsWith(`${V3}/`)) return false;
  const below = path.slice(V3.length + 1);
  const document = (await remoteDocument(server, below)) ?? (await documentsOf(server).v3(below));
  if (document === undefined) send(reply, 404, '', '');
  else if (!acceptsJson(accept)) send(reply, 406, '', '');
  else await sendHashed(server, reply, below, document, query.first['hash']);
  return true;
}

/** Any of `application/json`, `application/*` and everything; no header at all means the last. */
const acceptsJson = (accept: string): boolean =>
  accept.trim() === '' || /(^|,)\s*(application|\*)\/(json|\*)\s*([;,]|$)/i.test(accept);

const PROTOBUF_ASKED = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const PROTOBUF_SENT = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const encoded = new WeakMap<OpenApiDocument, Promise<OpenApiDocument>>();

/** The form that kubectl up to 1.28 reads. What other servers' documents are merged into is encoded as a whole, once. */
async function protobufOf(server: Server, document: OpenApiDocument): Promise<OpenApiDocument> {
  const own = documentsOf(server);
  if (document === (await own.v2())) return own.v2Protobuf();
  let bytes = encoded.get(document);
  if (bytes === undefined) {
    bytes = document.bytes().then((text) => documentOfText(encodeOpenApiV2(JSON.parse(text.toString()))));
    encoded.set(document, bytes);
  }
  return bytes;
}

const YEAR_MS = 365 * 24 * 3_600_000;

/** A document at the address of its hash never changes; an address of another hash leads to it. */
async function sendHashed(
  server: Server,
  reply: Reply,
  path: string,
  document: OpenApiDocument,
  asked: string | undefined,
): Promise<void> {
  const hash = document.etag.slice(1, -1);
  if (asked === undefined || asked === '') return sendDocument(reply, document, 'application/json');
  if (asked !== hash) {
    send(reply, 301, '', '', { location: `${V3}/${path}?hash=${hash}`, vary: 'Accept', etag: document.etag });
    return;
  }
  const expires = new Date(server.context.clock.now() + YEAR_MS).toUTCString().replace('GMT', 'UTC');
  await sendDocument(reply, document, 'application/json', { 'cache-control': 'public, immutable', expires });
}

/** Whether the client has the document with that tag. */
function isKnown({ request }: Reply, etag: string): boolean {
  const header = request.headers['if-none-match'];
  return header?.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim())) === true;
}

async function sendDocument(
  reply: Reply,
  document: OpenApiDocument,
  contentType: string,
  more: Record<string, string> = {},
): Promise<void> {
  const headers = { etag: document.etag, vary: 'Accept', ...more };
  if (isKnown(reply, document.etag)) send(reply, 304, '', '', headers);
  else if (acceptsGzip(reply.request)) sendCompressed(reply, contentType, document.gzip, headers);
  else send(reply, 200, contentType, await document.bytes(), headers);
}
