import { describe, expect, it } from 'vitest';
import { createKindRegistry } from '../../src/api/index.ts';
import { groupVersionTag, PathBuilder, referencesOf } from '../../src/api/openapi-paths.ts';
import { DefinitionCollector, type OpenApiNode } from '../../src/api/openapi-schema.ts';

describe('PathBuilder', () => {
  const definitions = new DefinitionCollector('v2');
  const builder = new PathBuilder('v2', definitions);
  const registry = createKindRegistry();
  for (const plural of ['pods', 'nodes']) {
    const kind = registry.byResource('', 'v1', plural);
    if (kind !== undefined)
      builder.addKind(
        kind,
        referencesOf(kind, definitions, 'v2', () => true, undefined),
      );
  }

  it('makes the paths of namespaced and cluster-scoped kinds, and of their subresources', () => {
    expect(Object.keys(builder.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/namespaces/{namespace}/pods',
        '/api/v1/namespaces/{namespace}/pods/{name}',
        '/api/v1/namespaces/{namespace}/pods/{name}/eviction',
        '/api/v1/pods',
        '/api/v1/nodes',
        '/api/v1/nodes/{name}/status',
      ]),
    );
  });

  it('names operations as client generators expect, each once', () => {
    const ids = Object.values(builder.paths).flatMap((path) =>
      Object.values(path).flatMap((operation) => (operation as OpenApiNode)['operationId'] ?? []),
    );
    expect(ids).toEqual(
      expect.arrayContaining([
        'listCoreV1NamespacedPod',
        'createCoreV1NamespacedPod',
        'deleteCoreV1CollectionNamespacedPod',
        'readCoreV1NamespacedPodStatus',
        'replaceCoreV1Node',
        'listCoreV1PodForAllNamespaces',
      ]),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('tags operations by group and version', () => {
    expect(groupVersionTag('', 'v1')).toBe('core_v1');
    expect(groupVersionTag('rbac.authorization.k8s.io', 'v1')).toBe('rbacAuthorization_v1');
  });
});
