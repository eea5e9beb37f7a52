import { describe, expect, it } from 'vitest';
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  createKindRegistry,
  entityTag,
} from '../../src/api/index.ts';

const registry = createKindRegistry();

describe('plain discovery', () => {
  it('lists groups in order of priority, each with its preferred version first', () => {
    const names = apiGroupList(registry).groups.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io']);
    expect(apiGroup(registry, 'autoscaling')).toMatchObject({
      kind: 'APIGroup',
      versions: [{ version: 'v2' }, { version: 'v1' }],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
    expect(apiGroup(registry, 'nope.example.com')).toBeUndefined();
    expect(apiGroup(registry, '')).toBeUndefined();
  });

  it('lists resources with their subresources', () => {
    const list = apiResourceList(registry, 'apps', 'v1');
    expect(list?.resources.find(({ name }) => name === 'deployments')).toMatchObject({
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      shortNames: ['deploy'],
      categories: ['all'],
    });
    expect(list?.resources.find(({ name }) => name === 'deployments/scale')).toMatchObject({
      singularName: '',
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    });
    expect(apiResourceList(registry, '', 'v1')).not.toHaveProperty('apiVersion');
    expect(apiResourceList(registry, 'apps', 'v9')).toBeUndefined();
  });

  it('names the server', () => {
    expect(apiVersions('127.0.0.1:6443').serverAddressByClientCIDRs).toEqual([
      { clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6443' },
    ]);
  });
});

describe('custom kinds', () => {
  it('come after the built-in groups, with verbs in their own order', () => {
    const own = createKindRegistry();
    own.add({
      group: 'a.example.com',
      version: 'v1',
      kind: 'Foo',
      plural: 'foos',
      singular: 'foo',
      namespaced: true,
      definition: 'com.example.a.v1.Foo',
      storagePrefix: '/registry/a.example.com/foos',
    });
    expect(apiGroupList(own).groups.at(-1)?.name).toBe('a.example.com');
    expect(apiResourceList(own, 'a.example.com', 'v1')?.resources[0]?.verbs).toEqual([
      'delete',
      'deletecollection',
      'get',
      'list',
      'patch',
      'create',
      'update',
      'watch',
    ]);
    const group = aggregatedDiscovery(own, 'apis').items.at(-1);
    expect(group?.versions[0]?.resources[0]?.responseKind).toEqual({
      group: 'a.example.com',
      version: 'v1',
      kind: 'Foo',
    });
  });
});

describe('aggregatedDiscovery', () => {
  it('holds the core group under /api and the others under /apis', () => {
    const core = aggregatedDiscovery(registry, 'api');
    expect(core.items).toHaveLength(1);
    expect(
      core.items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'pods')?.subresources,
    ).toContainEqual({
      subresource: 'eviction',
      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    expect(aggregatedDiscovery(registry, 'apis').items.map(({ metadata }) => metadata.name)).toContain('apps');
  });

  it('has an entity tag that changes with its text', () => {
    expect(entityTag('a')).not.toBe(entityTag('b'));
    expect(entityTag('a')).toMatch(/^"[0-9A-F]{128}"$/);
  });
});
