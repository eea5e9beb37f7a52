import { describe, expect, it } from 'vitest';
import { context, created, kindOf, updated } from '../fixtures.ts';

describe('kinds that extend the API', () => {
  it('complete names of custom resources and remember every stored version', () => {
    const definitions = kindOf('apiextensions.k8s.io', 'customresourcedefinitions');
    const v1 = { name: 'v1', served: true, storage: true };
    const spec = { names: { plural: 'foos', kind: 'Foo' }, versions: [v1] };
    expect(created(definitions, { spec })).toMatchObject({
      spec: { names: { singular: 'foo', listKind: 'FooList' }, conversion: { strategy: 'None' } },
      status: { storedVersions: ['v1'] },
    });
    const versions = [
      { ...v1, storage: false },
      { ...v1, name: 'v2' },
    ];
    expect(updated(definitions, { spec }, { spec: { ...spec, versions } })).toMatchObject({
      metadata: { generation: 2 },
      status: { storedVersions: ['v1', 'v2'] },
    });
  });

  it('take local API services for available', () => {
    const services = kindOf('apiregistration.k8s.io', 'apiservices');
    expect(created(services, { spec: { group: 'g', version: 'v1' } }).status).toEqual({
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: context.now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    });
    expect(created(services, { spec: { service: { name: 's' } } })).toMatchObject({
      spec: { service: { port: 443 } },
      status: {},
    });
  });
});
