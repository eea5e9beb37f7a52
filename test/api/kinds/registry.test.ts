import { describe, expect, it } from 'vitest';
import { builtinKinds, createKindRegistry } from '../../../src/api/kinds/index.ts';

describe('the registry of kinds', () => {
  it('finds built-in kinds by resource and by kind', () => {
    const registry = createKindRegistry();
    expect(registry.byResource('', 'v1', 'pods')?.kind).toBe('Pod');
    expect(registry.byKind('apps', 'v1', 'Deployment')?.plural).toBe('deployments');
    expect(registry.byResource('apps', 'v1', 'pods')).toBeUndefined();
  });

  it('prefers the newest stable version of a group', () => {
    const registry = createKindRegistry();
    expect(registry.preferredVersion('autoscaling')).toBe('v2');
    expect(registry.preferredVersion('nope.example.com')).toBeUndefined();
  });

  it('names the groups in the order of discovery', () => {
    const groups = [
      ...new Set(
        createKindRegistry()
          .all()
          .map((kind) => kind.group),
      ),
    ];
    expect(groups).toEqual([
      '',
      'apiregistration.k8s.io',
      'apps',
      'events.k8s.io',
      'authentication.k8s.io',
      'authorization.k8s.io',
      'autoscaling',
      'batch',
      'certificates.k8s.io',
      'networking.k8s.io',
      'policy',
      'rbac.authorization.k8s.io',
      'storage.k8s.io',
      'admissionregistration.k8s.io',
      'apiextensions.k8s.io',
      'scheduling.k8s.io',
      'coordination.k8s.io',
      'node.k8s.io',
      'discovery.k8s.io',
      'resource.k8s.io',
      'flowcontrol.apiserver.k8s.io',
    ]);
  });

  it('keeps upstream storage prefixes where they differ from the plural', () => {
    const registry = createKindRegistry();
    const prefixOf = (group: string, plural: string) => registry.byResource(group, 'v1', plural)?.storagePrefix;
    expect(prefixOf('', 'nodes')).toBe('/registry/minions');
    expect(prefixOf('', 'services')).toBe('/registry/services/specs');
    expect(prefixOf('', 'endpoints')).toBe('/registry/services/endpoints');
    expect(prefixOf('', 'replicationcontrollers')).toBe('/registry/controllers');
    expect(prefixOf('networking.k8s.io', 'ingresses')).toBe('/registry/ingress');
    expect(prefixOf('', 'events')).toBe(prefixOf('events.k8s.io', 'events'));
  });

  it('refuses a resource or a kind that is already there', () => {
    const registry = createKindRegistry();
    const pods = registry.byResource('', 'v1', 'pods')!;
    expect(() => registry.add(pods)).toThrow('resource /v1/pods is registered twice');
    expect(() => registry.add({ ...pods, plural: 'pods2' })).toThrow('kind /v1/Pod is registered twice');
  });

  it('serves custom kinds from add to remove and grows its generation', () => {
    const registry = createKindRegistry();
    const before = registry.generation;
    const widgets = {
      group: 'example.com',
      version: 'v1beta1',
      kind: 'Widget',
      plural: 'widgets',
      singular: 'widget',
      namespaced: true,
      definition: 'com.example.v1beta1.Widget',
      storagePrefix: '/registry/example.com/widgets',
    };
    registry.add(widgets);
    registry.add({ ...widgets, version: 'v1', definition: 'com.example.v1.Widget' });
    expect(registry.preferredVersion('example.com')).toBe('v1');
    expect(registry.all()).toHaveLength(builtinKinds.length + 2);
    registry.remove('example.com', 'v1', 'widgets');
    registry.remove('example.com', 'v1', 'nothing');
    expect(registry.byKind('example.com', 'v1', 'Widget')).toBeUndefined();
    expect(registry.preferredVersion('example.com')).toBe('v1beta1');
    expect(registry.generation).toBe(before + 3);
  });
});
