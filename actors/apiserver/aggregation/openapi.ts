/**
 * The OpenAPI documents of other servers: the index names them beside this server's own, a document of theirs is read from them,
 * and the one document of version 2 holds what they all say. @see kube-aggregator/pkg/controllers/openapi, openapiv3
 */
import { documentOfText, entityTag, type OpenApiDocument } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import type { RemoteVersion } from './api-services.ts';
import { fetchDocument } from './backend.ts';

const TIMEOUT_MS = 10_000;
const V3 = '/openapi/v3';

interface Index {
  readonly paths: Record<string, { readonly serverRelativeURL: string }>;
}

/** Parsed JSON; undefined when the server is not to be reached or says something else. */
async function read(server: Server, remote: RemoteVersion, path: string): Promise<unknown> {
  try {
    const { code, text } = await fetchDocument(server, remote, path, {}, TIMEOUT_MS);
    return code === 200 ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Other servers' documents in the index, at this server's own addresses. */
export async function withRemoteIndex(
  server: Server,
  own: { readonly text: string; readonly etag: string },
): Promise<{ readonly text: string; readonly etag: string }> {
  const remotes = server.aggregation.all().filter(({ available }) => available);
  if (remotes.length === 0) return own;
  const { paths } = JSON.parse(own.text) as Index;
  await Promise.all(
    remotes.map(async (remote) => {
      const path = `apis/${remote.group}/${remote.version}`;
      const theirs = (await read(server, remote, V3)) as Index | undefined;
      const url = theirs?.paths?.[path]?.serverRelativeURL;
      if (url !== undefined)
        paths[path] = { serverRelativeURL: `${V3}/${path}${url.includes('?') ? url.slice(url.indexOf('?')) : ''}` };
    }),
  );
  const text = JSON.stringify({ paths });
  return { text, etag: entityTag(text) };
}

/** The document of a group version that another server serves. */
export async function remoteDocument(server: Server, path: string): Promise<OpenApiDocument | undefined> {
  const remote = server.aggregation.ofPath(`/${path}`);
  if (remote === undefined || !remote.available) return undefined;
  const document = await read(server, remote, `${V3}/${path}`);
  if (document === undefined) return undefined;
  return documentOfText(JSON.stringify(document));
}

interface Swagger {
  paths?: Record<string, unknown>;
  definitions?: Record<string, unknown>;
}

interface Kept {
  readonly own: OpenApiDocument;
  readonly generation: number;
  readonly document: OpenApiDocument;
}

const kept = new WeakMap<Server, Kept>();

/** One document of what all say. Where two define the same, this server's definition stands. Made anew when somebody changed. */
export async function withRemoteSwagger(server: Server, own: OpenApiDocument): Promise<OpenApiDocument> {
  const remotes = server.aggregation.all().filter(({ available }) => available);
  if (remotes.length === 0) return own;
  const last = kept.get(server);
  const { generation } = server.aggregation;
  if (last?.own === own && last.generation === generation) return last.document;
  const merged = JSON.parse((await own.bytes()).toString()) as Required<Swagger>;
  for (const remote of remotes) {
    const theirs = (await read(server, remote, '/openapi/v2')) as Swagger | undefined;
    const below = `/apis/${remote.group}/${remote.version}`;
    for (const path in theirs?.paths) {
      if (path === below || path.startsWith(`${below}/`)) merged.paths[path] ??= theirs.paths[path];
    }
    for (const name in theirs?.definitions) merged.definitions[name] ??= theirs.definitions[name];
  }
  const document = await documentOfText(JSON.stringify(merged));
  kept.set(server, { own, generation, document });
  return document;
}
