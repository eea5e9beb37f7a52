import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  createKindRegistry,
  customKinds,
  encodeOpenApiV2,
  type OpenApiDocument,
  OpenApiDocuments,
} from '../../src/api/index.ts';

const documents = new OpenApiDocuments(createKindRegistry());

const parsed = async (document: Promise<OpenApiDocument> | undefined) =>
  JSON.parse((await (await document)?.bytes())?.toString() ?? 'null') as unknown;

type Node = Record<string, unknown>;

const kindOfBar = {
  group: 'a.example.com',
  version: 'v1',
  kind: 'Bar',
  plural: 'bars',
  singular: 'bar',
  namespaced: true,
  definition: 'com.example.a.v1.Bar',
};

const widgets = (number: number) => ({
  metadata: { name: `widgets.g${number}.example.com` },
  spec: {
    group: `g${number}.example.com`,
    scope: 'Cluster',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', description: 'What is wanted.' } } },
        },
      },
    ],
  },
});

/** Every reference of a document, wherever it stands. */
function references(node: unknown, found = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return found;
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref' && typeof value === 'string') found.add(value);
    else references(value, found);
  }
  return found;
}

describe('OpenApiDocuments', () => {
  it('lists a path for each group version, and serves each', async () => {
    const { paths } = JSON.parse((await documents.index()).text) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    expect(Object.keys(paths)).toContain('apis/apps/v1');
    expect(Object.keys(paths)).toContain('apis/apps');
    for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
      expect(serverRelativeURL).toMatch(new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]+$`));
      const document = (await parsed(documents.v3(path))) as { components: { schemas: Node } };
      const dangling = [...references(document)].filter(
        (reference) => document.components.schemas[reference.slice('#/components/schemas/'.length)] === undefined,
      );
      expect(dangling, path).toEqual([]);
    }
    expect(documents.v3('apis/nope/v1')).toBeUndefined();
  });

  it('says which queries an operation understands and of which kind it is', async () => {
    const { paths } = (await parsed(documents.v3('apis/apps/v1'))) as {
      paths: Record<string, Record<string, Node>>;
    };
    const patch = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch'];
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', kind: 'Deployment', version: 'v1' });
    expect(((patch?.['parameters'] ?? []) as { name: string }[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']),
    );
    expect(patch?.['operationId']).toBe('patchAppsV1NamespacedDeployment');
    expect(paths['/apis/apps/v1/deployments']?.['get']?.['operationId']).toBe('listAppsV1DeploymentForAllNamespaces');
  });

  it('gives fields with their descriptions, lists and merge keys', async () => {
    const { components } = (await parsed(documents.v3('api/v1'))) as {
      components: { schemas: Record<string, Node> };
    };
    const properties = components.schemas['io.k8s.api.core.v1.PodSpec']?.['properties'] as Record<string, Node>;
    expect(properties['volumes']).toMatchObject({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Volume' },
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    });
    expect(properties['restartPolicy']?.['enum']).toEqual(['Always', 'Never', 'OnFailure']);
    expect(properties['affinity']).toHaveProperty('allOf');
  });

  it('names the types of free JSON as upstream does', async () => {
    const { definitions } = (await parsed(documents.v2())) as {
      definitions: Record<string, { properties: Record<string, Node> }>;
    };
    const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
    const schemas = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
    expect(definitions[`${meta}.ManagedFieldsEntry`]?.properties['fieldsV1']).toMatchObject({
      $ref: `#/definitions/${meta}.FieldsV1`,
    });
    expect(definitions[`${schemas}.JSONSchemaProps`]?.properties).toMatchObject({
      items: { $ref: `#/definitions/${schemas}.JSONSchemaPropsOrArray` },
      additionalProperties: { $ref: `#/definitions/${schemas}.JSONSchemaPropsOrBool` },
      dependencies: {
        type: 'object',
        additionalProperties: { $ref: `#/definitions/${schemas}.JSONSchemaPropsOrStringArray` },
      },
    });
  });

  it('has no dangling reference in the second version', async () => {
    const document = (await parsed(documents.v2())) as { definitions: Node };
    const dangling = [...references(document)].filter(
      (reference) => document.definitions[reference.slice('#/definitions/'.length)] === undefined,
    );
    expect(dangling).toEqual([]);
    expect(documents.v2()).toBe(documents.v2());
  });

  it('hold all documents in a few megabytes', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const usedBytes = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = usedBytes();
    const all = new OpenApiDocuments(createKindRegistry());
    const { paths } = JSON.parse((await all.index()).text) as { paths: Node };
    const made = await Promise.all([all.v2(), all.v2Protobuf(), ...Object.keys(paths).map((path) => all.v3(path))]);
    const megabytes = (usedBytes() - before) / 2 ** 20;
    expect(made.every((document) => (document?.length ?? 0) > 100)).toBe(true);
    expect(megabytes).toBeLessThan(25);
  });

  it('are made in slices, and of what is kept once custom kinds come and go', { timeout: 60_000 }, async () => {
    let pauses = 0;
    const registry = createKindRegistry();
    const customSchema = (kind: Parameters<typeof registry.add>[0], dialect: 'v2' | 'v3') =>
      kind.custom?.openApi(dialect);
    const pause = () => {
      pauses++;
      return undefined;
    };
    const own = new OpenApiDocuments(registry, { customSchema, pause });
    const add = (number: number) => {
      for (const kind of customKinds(widgets(number) as never)) registry.add(kind);
    };
    for (let number = 0; number < 200; number++) add(number);
    const first = await own.v2();
    // Whatever is done between two pauses is of bounded size.
    expect(first.length / pauses).toBeLessThan(64 * 1024);
    pauses = 0;
    add(200);
    const second = await own.v2();
    expect(pauses).toBeLessThan(10);
    expect(second.etag).not.toBe(first.etag);
    const { definitions, paths } = (await parsed(own.v2())) as { definitions: Node; paths: Node };
    expect(definitions).toHaveProperty(['com.example.g200.v1.Widget']);
    expect(paths).toHaveProperty(['/apis/g7.example.com/v1/widgets']);
    registry.remove('g200.example.com', 'v1', 'widgets');
    expect((await own.v2()).etag).toBe(first.etag);
    // All of it is kept compressed.
    expect(first.gzip.length * 5).toBeLessThan(first.length);
  });

  it('have the same definitions in both forms of the second version', async () => {
    const [json, protobuf] = await Promise.all([documents.v2(), documents.v2Protobuf()]);
    const whole = encodeOpenApiV2(JSON.parse((await json.bytes()).toString()));
    expect((await protobuf.bytes()).equals(whole)).toBe(true);
  });

  it('takes in custom kinds with their schema, and lets them go', async () => {
    const registry = createKindRegistry();
    const own = new OpenApiDocuments(registry, {
      customSchema: () => ({ properties: { spec: { type: 'object' } } }),
    });
    expect(own.v3('apis/a.example.com/v1')).toBeUndefined();
    registry.add({
      group: 'a.example.com',
      version: 'v1',
      kind: 'Foo',
      plural: 'foos',
      singular: 'foo',
      namespaced: false,
      definition: 'com.example.a.v1.Foo',
      storagePrefix: '/registry/a.example.com/foos',
    });
    const { components, paths } = (await parsed(own.v3('apis/a.example.com/v1'))) as {
      components: { schemas: Record<string, Node> };
      paths: Node;
    };
    expect(components.schemas['com.example.a.v1.Foo']).toMatchObject({
      properties: { spec: { type: 'object' } },
      'x-kubernetes-group-version-kind': [{ group: 'a.example.com', kind: 'Foo', version: 'v1' }],
    });
    expect(Object.keys(paths)).toContain('/apis/a.example.com/v1/foos/{name}');
    const [apps, foos] = [await own.v3('apis/apps/v1'), await own.v3('apis/a.example.com/v1')];
    registry.add({ ...kindOfBar, storagePrefix: '/registry/a.example.com/bars' });
    expect(await own.v3('apis/apps/v1')).toBe(apps);
    expect((await own.v3('apis/a.example.com/v1'))?.etag).not.toBe(foos?.etag);
    registry.remove('a.example.com', 'v1', 'foos');
    registry.remove('a.example.com', 'v1', 'bars');
    expect(own.v3('apis/a.example.com/v1')).toBeUndefined();
  });
});
