/** Makes a call of an HTTP request: which resource, which verb, whose credentials, and the body within its limits. */
import type { TLSSocket } from 'node:tls';
import {
  type KindDefinition,
  patchMediaTypes,
  StatusError,
  type SubresourceDefinition,
} from '../../../src/api/index.ts';
import type { Body, Call, Credentials, Verb } from '../call.ts';
import { methodNotAllowed, notFoundOf } from '../failures.ts';
import { serves } from '../kinds.ts';
import { PATCH_TYPES } from '../patching.ts';
import type { Server } from '../server.ts';
import { newCall } from '../system-call.ts';
import { booleanOf } from '../verbs/list-options.ts';
import { bodyFormatOf, mediaTypeOf, READABLE } from './negotiation.ts';
import type { ResourcePath } from './paths.ts';
import { hasProtobuf } from './protobuf.ts';
import type { Request } from './reply.ts';

/** Upstream's limit of a request's body. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

export interface Query {
  readonly first: Readonly<Record<string, string>>;
  all(name: string): readonly string[];
}

export function queryOf(text: string): Query {
  const first: Record<string, string> = Object.create(null) as Record<string, string>;
  if (text === '') return { first, all: () => [] };
  const parameters = new URLSearchParams(text);
  for (const [name, value] of parameters) if (first[name] === undefined) first[name] = value;
  return { first, all: (name) => parameters.getAll(name) };
}

/** The path is nobody's: answered as text, where groups of built-in kinds answer with a Status. */
export class PageNotFound extends Error {
  override readonly name = 'PageNotFound';
}

function noSuchPath(server: Server, group: string): Error {
  const custom = server.registry.all().every((kind) => kind.group !== group || kind.custom !== undefined);
  return custom ? new PageNotFound('404 page not found') : StatusError.noSuchPath();
}

/** Finds the kind and the verb of a request; 404 and 405 as upstream. */
export function routeOf(
  server: Server,
  method: string,
  path: ResourcePath,
  query: Query,
): { kind: KindDefinition; subresource: SubresourceDefinition | undefined; verb: Verb } {
  const kind = server.registry.byResource(path.group, path.version, path.resource);
  if (kind === undefined) throw noSuchPath(server, path.group);
  let subresource: SubresourceDefinition | undefined;
  if (path.subresource !== undefined) {
    subresource = kind.subresources?.find(({ name }) => name === path.subresource);
    if (subresource === undefined && kind.custom !== undefined && path.name !== undefined)
      throw notFoundOf(kind, path.name);
    const goesOn = path.rest !== '' && path.rest !== '/' && subresource?.name !== 'proxy';
    if (subresource === undefined || path.name === undefined || goesOn) throw StatusError.noSuchPath();
  }
  if (path.namespace !== undefined && !kind.namespaced) throw noSuchPath(server, path.group);
  const verb = verbOf(method, path, query, kind);
  // Objects are only read across all namespaces, not written.
  const acrossNamespaces = kind.namespaced && path.namespace === undefined;
  const refused = acrossNamespaces && verb !== 'list' && verb !== 'watch';
  // A path that no method has is not there, whatever is asked of it.
  if (subresource === undefined && !methodsOf(path, acrossNamespaces).some((one) => serves(kind, undefined, one)))
    throw noSuchPath(server, path.group);
  if (refused && (path.name !== undefined || kind.custom !== undefined)) throw noSuchPath(server, path.group);
  if (verb === undefined || !serves(kind, subresource, verb) || refused) throw methodNotAllowed();
  return { kind, subresource, verb };
}

/** What may be served on a path of a kind: reviews and bindings can only be created, so that there is no path of one of them. */
function methodsOf(path: ResourcePath, acrossNamespaces: boolean): readonly Verb[] {
  if (path.name !== undefined) return ['get', 'update', 'patch', 'delete'];
  return acrossNamespaces ? ['list', 'watch'] : ['list', 'watch', 'create', 'deletecollection'];
}

function verbOf(method: string, path: ResourcePath, query: Query, kind: KindDefinition): Verb | undefined {
  const named = path.name !== undefined;
  switch (method) {
    case 'GET':
      if (path.watch) return 'watch';
      if (named) return 'get';
      if (booleanOf(query.first['watch']) !== true) return 'list';
      if (serves(kind, undefined, 'watch')) return 'watch';
      throw StatusError.methodNotSupported({ group: kind.group, name: kind.plural }, 'watch');
    case 'POST':
      return named === (path.subresource !== undefined) ? 'create' : undefined;
    case 'PUT':
      return named ? 'update' : undefined;
    case 'PATCH':
      return named ? 'patch' : undefined;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    case 'OPTIONS':
      return named && path.subresource === 'proxy' ? 'get' : undefined;
    default:
      return undefined;
  }
}

const CUSTOM_PATCH_TYPES = [patchMediaTypes.json, patchMediaTypes.merge, patchMediaTypes.apply];

export function callOfRequest(
  request: Request,
  path: ResourcePath,
  query: Query,
  route: ReturnType<typeof routeOf>,
  auditId: string,
  server: Server,
): Call {
  const { kind, subresource, verb } = route;
  // What connects to something else has its body for that.
  const connects = subresource?.kind?.endsWith('Options') === true;
  const patchType = verb === 'patch' && !connects ? mediaTypeOf(request.headers['content-type']) : undefined;
  return newCall({
    door: 'http',
    verb,
    kind,
    subresource,
    namespace: path.namespace,
    name: path.name,
    query: query.first,
    queryAll: query.all,
    body: undefined,
    readBody: connects || READING.includes(verb) ? undefined : () => bodyOf(request, route, patchType, server),
    patchType,
    credentials: credentialsOf(request),
    userAgent: String(request.headers['user-agent'] ?? 'unknown'),
    auditId,
    proxyPath: path.rest,
  });
}

const READING: readonly Verb[] = ['get', 'list', 'watch'];

/** Reads the body of a write and says what form it has. 413 and 415 as upstream. */
async function bodyOf(
  request: Request,
  route: ReturnType<typeof routeOf>,
  patchType: string | undefined,
  server: Server,
): Promise<Body | undefined> {
  const { kind, subresource, verb } = route;
  const contentType = request.headers['content-type'];
  const bytes = await readBody(request, server);
  if (verb === 'patch') {
    const type = mediaTypeOf(contentType);
    if (!PATCH_TYPES.includes(type)) {
      throw StatusError.other(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
    }
    // The objects of custom kinds have no Go type that a strategic merge could read its rules from.
    if (kind.custom !== undefined && subresource?.name !== 'scale' && patchType === patchMediaTypes.strategic)
      throw StatusError.unsupportedMediaType(CUSTOM_PATCH_TYPES);
    return { form: type === 'application/apply-patch+yaml' ? 'yaml' : 'json', bytes };
  }
  const format = bodyFormatOf(contentType);
  if (format === undefined) {
    if (bytes.length === 0 && verb !== 'create' && verb !== 'update') return undefined;
    throw StatusError.unsupportedMediaType(READABLE);
  }
  const isObject = verb === 'create' || verb === 'update';
  if (format === 'protobuf' && isObject && !hasProtobuf(route))
    throw StatusError.unsupportedMediaType(READABLE.slice(0, 2));
  return { form: format, bytes };
}

function readBody(request: Request, server: Server): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const tooLarge = () => StatusError.requestEntityTooLarge(`limit is ${BODY_BYTES_MAX}`);
  if (declared > BODY_BYTES_MAX) {
    request.resume();
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_BYTES_MAX) chunks.push(chunk);
      else {
        // The rest is read and dropped, so that the client gets to see the answer.
        chunks.length = 0;
        reject(tooLarge());
      }
    });
    if (request.httpVersionMajor >= 2) limitTime(request, server, reject);
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('aborted', () => reject(StatusError.badRequest('the request was aborted')));
  });
}

/** HTTP/1.1 connections have a limit of their own; the streams of HTTP/2 have not. */
function limitTime(request: Request, { context, options }: Server, reject: (error: Error) => void): void {
  const text = 'request did not complete within requested timeout - context deadline exceeded';
  const late = () => reject(StatusError.timeout(text));
  const timer = context.clock.after(options.httpTimeouts.requestMs, late, { background: true });
  request.on('close', () => timer.cancel());
  request.on('end', () => timer.cancel());
}

type HttpCredentials = Extract<Credentials, { type: 'http' }>;

export const credentialsOf = (request: Request): HttpCredentials => new RequestCredentials(request);

/** What a request shows of who sends it. The socket is asked for where it is needed: HTTP/2 makes a stand-in for every request. */
class RequestCredentials implements HttpCredentials {
  readonly type = 'http';
  readonly secure: boolean;
  readonly connection: object;
  readonly uri: string;
  readonly authorization: string | undefined;
  readonly headers: HttpCredentials['headers'];
  readonly #request: Request;

  constructor(request: Request) {
    const session = 'stream' in request ? request.stream.session : undefined;
    this.#request = request;
    this.secure = session === undefined ? (request.socket as TLSSocket).encrypted === true : session.encrypted === true;
    this.connection = session ?? request.socket;
    this.uri = request.url ?? '/';
    this.authorization = request.headers['authorization'];
    this.headers = request.headers;
  }

  get socket(): TLSSocket {
    return this.#request.socket as TLSSocket;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }
}
