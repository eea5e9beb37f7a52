/**
 * OpenAPI documents, versions 2 and 3, of what is served. Made when first asked for, in slices, and kept compressed. The third
 * version comes in one document a group version; the second is one document for all, put together from the pieces of the built-in
 * kinds and those of each custom kind, which are kept as long as the kind is.
 *
 * @see k8s.io/kube-openapi, KEP-2896
 */
import { createHash } from 'node:crypto';
import { entityTag } from './discovery.ts';
import type { Piece } from './gzip-pieces.ts';
import type { KindDefinition, KindRegistry } from './kinds/types.ts';
import { PathBuilder, referencesOf } from './openapi-paths.ts';
import { documentOf, type OpenApiDocument, type Pause, PieceWriter } from './openapi-pieces.ts';
import { encodeDefinition, encodeOpenApiV2Head } from './openapi-protobuf.ts';
import { DefinitionCollector, type Dialect, type OpenApiNode } from './openapi-schema.ts';
import { definitionNames, objectSchema } from './schema.ts';

export interface OpenApiOptions {
  /** Of the served release, such as `1.36`; defaults to that. */
  readonly version?: string;
  /** The OpenAPI schema of a kind that the tables do not have. */
  readonly customSchema?: (kind: KindDefinition, dialect: Dialect) => OpenApiNode | undefined;
  /** Asked after each piece of work; without it documents are made in one go. */
  readonly pause?: Pause;
}

/** Of the third version, so much is kept compressed: documents that nobody asked for in a long time are made anew. */
const KEPT_BYTES_MAX = 6 * 1024 * 1024;

const isBuiltin = (definition: string): boolean => objectSchema(definition) !== undefined;

/** Paths without kinds that have a document of their own. */
const bareRoots = ['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'];

/** The pieces of the second version that some kinds bring: two members of its JSON form, and the definitions in the other form. */
interface Parts {
  readonly paths: readonly Piece[];
  readonly definitions: readonly Piece[];
  readonly protobuf: readonly Piece[];
}

/** The documents of one registry. */
export class OpenApiDocuments {
  readonly #registry: KindRegistry;
  readonly #options: OpenApiOptions;
  readonly #made = new Map<
    string,
    { readonly from: string; readonly document: Promise<OpenApiDocument>; bytes: number }
  >();
  #index: { readonly generation: number; readonly document: Promise<{ text: string; etag: string }> } | undefined;
  #served: { readonly generation: number; readonly kinds: ReadonlyMap<string, readonly KindDefinition[]> } | undefined;
  #builtinParts: { readonly from: string; readonly parts: Promise<Parts> } | undefined;
  readonly #customParts = new WeakMap<KindDefinition, Promise<Parts>>();
  readonly #digests = new WeakMap<KindDefinition, string>();

  constructor(registry: KindRegistry, options: OpenApiOptions = {}) {
    this.#registry = registry;
    this.#options = options;
  }

  /** `/openapi/v2`, as JSON. */
  v2(): Promise<OpenApiDocument> {
    return this.#keep('v2', `${this.#registry.generation}`, async () => {
      const parts = await this.#allParts();
      const info = JSON.stringify(this.#info());
      const rest = JSON.stringify({ securityDefinitions: bearerToken, security: [{ BearerToken: [] }] });
      return documentOf([
        ...(await this.#pieces(`{"swagger":"2.0","info":${info},"paths":{`)),
        ...parts.flatMap(({ paths }) => paths),
        ...(await this.#pieces('},"definitions":{')),
        ...parts.flatMap(({ definitions }) => definitions),
        ...(await this.#pieces(`},${rest.slice(1)}`)),
      ]);
    });
  }

  /** `/openapi/v2` in the form that kubectl up to 1.28 reads. */
  v2Protobuf(): Promise<OpenApiDocument> {
    return this.#keep('v2 protobuf', `${this.#registry.generation}`, async () => {
      const definitions = (await this.#allParts()).flatMap(({ protobuf }) => protobuf);
      const length = definitions.reduce((sum, piece) => sum + piece.length, 0);
      return documentOf([...(await this.#pieces(encodeOpenApiV2Head('2.0', this.#info(), length))), ...definitions]);
    });
  }

  /** What has a document of the third version, such as `apis/apps/v1`, in order. */
  paths(): string[] {
    return [...this.#kindsByPath().keys()].sort();
  }

  /** `/openapi/v3`: the paths that have a document, each with the address to read it at. */
  index(): Promise<{ readonly text: string; readonly etag: string }> {
    const { generation } = this.#registry;
    if (this.#index?.generation === generation) return this.#index.document;
    const make = async () => {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const path of this.paths()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.hashOf(path)}` };
        await this.#options.pause?.();
      }
      // What is gone takes its documents along.
      for (const path of this.#made.keys()) {
        if (!path.startsWith('v2') && paths[path] === undefined) this.#made.delete(path);
      }
      const text = JSON.stringify({ paths });
      return { text, etag: entityTag(text) };
    };
    const document = make();
    this.#index = { generation, document };
    return document;
  }

  /** `/openapi/v3/<path>`, such as `apis/apps/v1`; undefined when nothing is served under it. */
  v3(path: string): Promise<OpenApiDocument> | undefined {
    const kinds = this.#kindsByPath().get(path);
    if (kinds === undefined) {
      this.#made.delete(path);
      return undefined;
    }
    const hash = this.hashOf(path);
    return this.#keep(path, hash, async () => {
      const writer = new PieceWriter(this.#options.pause);
      const collector = new DefinitionCollector('v3');
      await writer.write(
        `{"openapi":"3.0.0","info":${JSON.stringify({ title: 'Kubernetes', version: this.#version() })},"paths":{`,
      );
      const separate = separator();
      for (const kind of kinds) {
        for (const [name, node] of this.#pathsOf(kind, 'v3', collector))
          await writer.write(member(separate(), name, node));
      }
      if (kinds.length > 0) referToShared(collector);
      else await writer.write(member('', `/${path}${/^apis?/.test(path) ? '/' : ''}`, barePath));
      await writer.write('},"components":{"schemas":{');
      const separateNext = separator();
      for (const [name, node] of collector.take()) await writer.write(member(separateNext(), name, node));
      await writer.write(`},"securitySchemes":${JSON.stringify(bearerToken)}}}`);
      await writer.flush();
      return documentOf(writer.pieces, `"${hash}"`);
    });
  }

  /** The hash in a document's address and its tag. Told by what the document is made from, so that the index needs none of them. */
  hashOf(path: string): string {
    const hash = createHash('sha512').update(`${this.#version()} ${path}`);
    for (const kind of this.#kindsByPath().get(path) ?? []) hash.update(this.#digestOf(kind));
    return hash.digest('hex').toUpperCase();
  }

  #version(): string {
    return this.#options.version ?? '1.36';
  }

  #info(): { title: string; version: string } {
    return { title: 'Kubernetes', version: `v${this.#version()}.0` };
  }

  #digestOf(kind: KindDefinition): string {
    let digest = this.#digests.get(kind);
    if (digest === undefined) {
      const { plural, namespaced, subresources } = kind;
      const about = [
        plural,
        kind.kind,
        namespaced,
        subresources?.map(({ name }) => name),
        this.#options.customSchema?.(kind, 'v3'),
      ];
      digest = createHash('sha256').update(JSON.stringify(about)).digest('base64');
      this.#digests.set(kind, digest);
    }
    return digest;
  }

  #kindsByPath(): ReadonlyMap<string, readonly KindDefinition[]> {
    const { generation } = this.#registry;
    if (this.#served?.generation === generation) return this.#served.kinds;
    const kinds = new Map<string, KindDefinition[]>(bareRoots.map((path) => [path, []]));
    for (const kind of this.#registry.all()) {
      const path = kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`;
      if (kind.group !== '' && !kinds.has(`apis/${kind.group}`)) kinds.set(`apis/${kind.group}`, []);
      const known = kinds.get(path);
      if (known === undefined) kinds.set(path, [kind]);
      else known.push(kind);
    }
    this.#served = { generation, kinds };
    return kinds;
  }

  #pathsOf(kind: KindDefinition, dialect: Dialect, collector: DefinitionCollector): [string, OpenApiNode][] {
    const builder = new PathBuilder(dialect, collector);
    builder.addKind(kind, referencesOf(kind, collector, dialect, isBuiltin, this.#options.customSchema));
    return Object.entries(builder.paths);
  }

  /** Those of the built-in kinds first: whatever follows begins with a comma. */
  async #allParts(): Promise<Parts[]> {
    const kinds = this.#registry.all();
    const parts: Parts[] = [await this.#partsOfBuiltin(kinds.filter(({ definition }) => isBuiltin(definition)))];
    for (const kind of kinds) {
      if (isBuiltin(kind.definition)) continue;
      let made = this.#customParts.get(kind);
      if (made === undefined) {
        made = this.#partsOf([kind], true);
        this.#customParts.set(kind, made);
      }
      parts.push(await made);
    }
    return parts;
  }

  #partsOfBuiltin(kinds: readonly KindDefinition[]): Promise<Parts> {
    const from = kinds.map((kind) => `${kind.definition}/${kind.plural}`).join();
    if (this.#builtinParts?.from === from) return this.#builtinParts.parts;
    const parts = this.#partsOf(kinds, false);
    this.#builtinParts = { from, parts };
    return parts;
  }

  /** A custom kind brings its own definitions only: all others are there already. */
  async #partsOf(kinds: readonly KindDefinition[], custom: boolean): Promise<Parts> {
    const { pause } = this.#options;
    const [paths, definitions, protobuf] = [new PieceWriter(pause), new PieceWriter(pause), new PieceWriter(pause)];
    const collector = new DefinitionCollector('v2');
    const separate = separator(custom);
    for (const kind of kinds) {
      for (const [path, node] of this.#pathsOf(kind, 'v2', collector))
        await paths.write(member(separate(), path, node));
    }
    if (!custom) {
      referToShared(collector);
      // Alpha and beta definitions are there for the kinds that are served, which have referred to them.
      for (const name of definitionNames())
        if (!name.includes('.apiextensions-apiserver.') && !/\.v\d+(alpha|beta)\d+\./.test(name)) collector.refer(name);
    }
    const separateNext = separator(custom);
    for (const [name, node] of custom ? collector.takeAdded() : collector.take()) {
      await definitions.write(member(separateNext(), name, node));
      await protobuf.write(encodeDefinition(name, node));
    }
    await Promise.all([paths.flush(), definitions.flush(), protobuf.flush()]);
    return { paths: paths.pieces, definitions: definitions.pieces, protobuf: protobuf.pieces };
  }

  async #pieces(text: string | Uint8Array): Promise<Piece[]> {
    const writer = new PieceWriter();
    await writer.write(text);
    await writer.flush();
    return writer.pieces;
  }

  /** One document a key, made once for the same `from`, also for those who ask at the same time. */
  #keep(key: string, from: string, make: () => Promise<OpenApiDocument>): Promise<OpenApiDocument> {
    const known = this.#made.get(key);
    // What is asked for again moves to the end.
    this.#made.delete(key);
    const entry = known?.from === from ? known : { from, document: make(), bytes: 0 };
    this.#made.set(key, entry);
    if (entry === known) return entry.document;
    entry.document.then(
      ({ gzip }) => {
        entry.bytes = gzip.length;
        this.#forget();
      },
      () => {
        if (this.#made.get(key) === entry) this.#made.delete(key);
      },
    );
    return entry.document;
  }

  #forget(): void {
    const kept = [...this.#made].filter(([key]) => !key.startsWith('v2'));
    let bytes = kept.reduce((sum, [, entry]) => sum + entry.bytes, 0);
    for (const [key, entry] of kept) {
      if (bytes <= KEPT_BYTES_MAX) return;
      bytes -= entry.bytes;
      this.#made.delete(key);
    }
  }
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** What clients read although no operation of the group refers to it. */
function referToShared(collector: DefinitionCollector): void {
  for (const name of ['APIResourceList', 'WatchEvent']) collector.refer(`${meta}.${name}`);
}

const member = (before: string, name: string, node: OpenApiNode): string =>
  `${before}${JSON.stringify(name)}:${JSON.stringify(node)}`;

/** A comma every time, but for the first. */
function separator(always = false): () => string {
  let text = always ? ',' : '';
  return () => {
    const now = text;
    text = ',';
    return now;
  };
}

const bearerToken = {
  BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
};
const barePath = { get: { responses: { 200: { description: 'OK' }, 401: { description: 'Unauthorized' } } } };
