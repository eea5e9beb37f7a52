/**
 * OpenAPI documents, versions 2 and 3, of what is served. Made when first asked for, kept as JSON text with an entity tag, and
 * made anew when the registry has changed. The third version comes in one document a group version, the second in one for all.
 *
 * @see k8s.io/kube-openapi, KEP-2896
 */
import { createHash } from 'node:crypto';
import { entityTag, groupNames, groupVersions } from './discovery.ts';
import type { KindDefinition, KindRegistry } from './kinds/types.ts';
import { PathBuilder, referencesOf } from './openapi-paths.ts';
import { DefinitionCollector, type Dialect, type OpenApiNode } from './openapi-schema.ts';
import { definitionNames, objectSchema } from './schema.ts';

export interface OpenApiDocument {
  readonly text: string;
  readonly etag: string;
}

export interface OpenApiOptions {
  /** Of the served release, such as `1.36`; defaults to that. */
  readonly version?: string;
  /** The OpenAPI schema of a kind that the tables do not have. */
  readonly customSchema?: (kind: KindDefinition) => OpenApiNode | undefined;
}

const isBuiltin = (definition: string): boolean => objectSchema(definition) !== undefined;

/** Paths without kinds that have a document of their own. */
const bareRoots = ['.well-known/openid-configuration', 'api', 'apis', 'openid/v1/jwks', 'version'];

/** The documents of one registry. */
export class OpenApiDocuments {
  readonly #registry: KindRegistry;
  readonly #options: OpenApiOptions;
  #generation = -1;
  readonly #made = new Map<string, OpenApiDocument & { readonly from: string }>();

  constructor(registry: KindRegistry, options: OpenApiOptions = {}) {
    this.#registry = registry;
    this.#options = options;
  }

  /** `/openapi/v2`. */
  v2(): OpenApiDocument {
    return this.#keep('v2', () => {
      const { definitions, paths } = this.#collect('v2', this.#registry.all());
      // Alpha and beta definitions are there for the kinds that are served, which have referred to them.
      for (const name of definitionNames())
        if (!name.includes('.apiextensions-apiserver.') && !/\.v\d+(alpha|beta)\d+\./.test(name))
          definitions.refer(name);
      return {
        swagger: '2.0',
        info: { title: 'Kubernetes', version: `v${this.#version()}.0` },
        paths,
        definitions: definitions.definitions,
        securityDefinitions: bearerToken,
        security: [{ BearerToken: [] }],
      };
    });
  }

  /** `/openapi/v3`: the paths that have a document, each with the address to read it at. */
  index(): OpenApiDocument {
    return this.#keep('index', () => {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const path of this.#v3Paths()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.hashOf(path)}` };
      }
      return { paths };
    });
  }

  /** `/openapi/v3/<path>`, such as `apis/apps/v1`; undefined when nothing is served under it. */
  v3(path: string): OpenApiDocument | undefined {
    if (!this.#v3Paths().includes(path)) return undefined;
    return this.#keep(path, () => {
      const { definitions, paths } = this.#collect('v3', this.#kindsUnder(path));
      if (Object.keys(paths).length === 0) paths[`/${path}${/^apis?/.test(path) ? '/' : ''}`] = barePath;
      return {
        openapi: '3.0.0',
        info: { title: 'Kubernetes', version: this.#version() },
        paths,
        components: { schemas: definitions.definitions, securitySchemes: bearerToken },
      };
    });
  }

  /** The hash in a document's address. Told by what the document is made from, so that the index needs none of them. */
  hashOf(path: string): string {
    const kinds = this.#kindsUnder(path).map((kind) => [
      kind.plural,
      kind.kind,
      kind.namespaced,
      kind.subresources?.map(({ name }) => name),
      this.#options.customSchema?.(kind),
    ]);
    return createHash('sha512')
      .update(JSON.stringify([this.#version(), path, kinds]))
      .digest('hex')
      .toUpperCase();
  }

  #version(): string {
    return this.#options.version ?? '1.36';
  }

  #v3Paths(): string[] {
    const paths = [...bareRoots];
    for (const group of ['', ...groupNames(this.#registry)]) {
      if (group !== '') paths.push(`apis/${group}`);
      for (const version of groupVersions(this.#registry, group)) {
        paths.push(group === '' ? `api/${version}` : `apis/${group}/${version}`);
      }
    }
    return paths.sort();
  }

  #kindsUnder(path: string): KindDefinition[] {
    const [, group, version] = /^apis\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const core = /^api\/([^/]+)$/.exec(path)?.[1];
    return this.#registry
      .all()
      .filter((kind) =>
        core === undefined
          ? kind.group === group && kind.version === version
          : kind.group === '' && kind.version === core,
      );
  }

  #collect(
    dialect: Dialect,
    kinds: readonly KindDefinition[],
  ): { definitions: DefinitionCollector; paths: Record<string, OpenApiNode> } {
    const definitions = new DefinitionCollector(dialect);
    const builder = new PathBuilder(dialect, definitions);
    for (const kind of kinds) {
      builder.addKind(kind, referencesOf(kind, definitions, dialect, isBuiltin, this.#options.customSchema));
    }
    // What clients read although no operation of the group refers to it.
    if (kinds.length > 0) for (const name of ['APIResourceList', 'WatchEvent']) definitions.refer(`${meta}.${name}`);
    return { definitions, paths: builder.paths };
  }

  #keep(key: string, make: () => unknown): OpenApiDocument {
    if (this.#generation !== this.#registry.generation) {
      this.#generation = this.#registry.generation;
      // A new custom kind changes the documents of its own group alone, the index and the one for all.
      for (const [path, { from }] of this.#made) if (from === '' || from !== this.hashOf(path)) this.#made.delete(path);
    }
    let document = this.#made.get(key);
    if (document === undefined) {
      const text = JSON.stringify(make());
      document = { text, etag: entityTag(text), from: key === 'v2' || key === 'index' ? '' : this.hashOf(key) };
      this.#made.set(key, document);
    }
    return document;
  }
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const bearerToken = {
  BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
};
const barePath = { get: { responses: { 200: { description: 'OK' }, 401: { description: 'Unauthorized' } } } };
