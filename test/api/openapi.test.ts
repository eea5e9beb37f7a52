import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createKindRegistry, OpenApiDocuments } from '../../src/api/index.ts';

const documents = new OpenApiDocuments(createKindRegistry());

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
  it('lists a path for each group version, and serves each', () => {
    const { paths } = JSON.parse(documents.index().text) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toContain('apis/apps/v1');
    expect(Object.keys(paths)).toContain('apis/apps');
    for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
      expect(serverRelativeURL).toMatch(new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]+$`));
      const document = JSON.parse(documents.v3(path)?.text ?? 'null') as { components: { schemas: Node } };
      const dangling = [...references(document)].filter(
        (reference) => document.components.schemas[reference.slice('#/components/schemas/'.length)] === undefined,
      );
      expect(dangling, path).toEqual([]);
    }
    expect(documents.v3('apis/nope/v1')).toBeUndefined();
  });

  it('says which queries an operation understands and of which kind it is', () => {
    const { paths } = JSON.parse(documents.v3('apis/apps/v1')?.text ?? '') as {
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

  it('gives fields with their descriptions, lists and merge keys', () => {
    const { components } = JSON.parse(documents.v3('api/v1')?.text ?? '') as {
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

  it('names the types of free JSON as upstream does', () => {
    const { definitions } = JSON.parse(documents.v2().text) as {
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

  it('has no dangling reference in the second version', () => {
    const document = JSON.parse(documents.v2().text) as { definitions: Node };
    const dangling = [...references(document)].filter(
      (reference) => document.definitions[reference.slice('#/definitions/'.length)] === undefined,
    );
    expect(dangling).toEqual([]);
    expect(documents.v2()).toBe(documents.v2());
  });

  it('hold all documents in a few megabytes', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const usedBytes = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = usedBytes();
    const all = new OpenApiDocuments(createKindRegistry());
    const { paths } = JSON.parse(all.index().text) as { paths: Node };
    const texts = [all.v2(), ...Object.keys(paths).map((path) => all.v3(path))];
    const megabytes = (usedBytes() - before) / 2 ** 20;
    expect(texts.every((document) => (document?.text.length ?? 0) > 100)).toBe(true);
    expect(megabytes).toBeLessThan(25);
  });

  it('takes in custom kinds with their schema, and lets them go', () => {
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
    const { components, paths } = JSON.parse(own.v3('apis/a.example.com/v1')?.text ?? '') as {
      components: { schemas: Record<string, Node> };
      paths: Node;
    };
    expect(components.schemas['com.example.a.v1.Foo']).toMatchObject({
      properties: { spec: { type: 'object' } },
      'x-kubernetes-group-version-kind': [{ group: 'a.example.com', kind: 'Foo', version: 'v1' }],
    });
    expect(Object.keys(paths)).toContain('/apis/a.example.com/v1/foos/{name}');
    const [apps, foos] = [own.v3('apis/apps/v1'), own.v3('apis/a.example.com/v1')];
    registry.add({ ...kindOfBar, storagePrefix: '/registry/a.example.com/bars' });
    expect(own.v3('apis/apps/v1')).toBe(apps);
    expect(own.v3('apis/a.example.com/v1')?.etag).not.toBe(foos?.etag);
    registry.remove('a.example.com', 'v1', 'foos');
    registry.remove('a.example.com', 'v1', 'bars');
    expect(own.v3('apis/a.example.com/v1')).toBeUndefined();
  });
});
