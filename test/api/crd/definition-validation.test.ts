import { describe, expect, it } from 'vitest';
import { type ApiObject, builtinKinds, fieldErrorText } from '../../../src/api/index.ts';

const kind = builtinKinds.find((candidate) => candidate.kind === 'CustomResourceDefinition')!;

function definition(schema: object, spec: object = {}, metadata: object = {}): ApiObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'foos.example.com', ...metadata },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      ...spec,
    },
    status: { storedVersions: ['v1'] },
  };
}

const object = (properties: object) => ({ type: 'object', properties });
const errorsOf = (given: ApiObject) => kind.strategy!.validate!(given, {} as never).map(fieldErrorText);

describe('validation of CustomResourceDefinitions', () => {
  it('lets a sound definition through', () => {
    expect(errorsOf(definition(object({ spec: object({ a: { type: 'integer', default: 1 } }) })))).toEqual([]);
  });

  it('names the shared place of what all versions say alike, and the version otherwise', () => {
    const bad = object({ a: {} });
    const versions = (second: object) => [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: bad } },
      { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: second } },
    ];
    const [shared] = errorsOf(definition({}, { versions: versions(bad) }));
    expect(shared).toContain('spec.validation.openAPIV3Schema.properties[a].type');
    const [own] = errorsOf(definition({}, { versions: versions(object({})) }));
    expect(own).toContain('spec.versions[0].schema.openAPIV3Schema.properties[a].type');
  });

  it('refuses defaults that the schema itself refuses', () => {
    const schema = object({ o: { ...object({ n: { type: 'integer' } }), default: { n: 'x' } } });
    expect(errorsOf(definition(schema))).toEqual([
      'spec.validation.openAPIV3Schema.properties[o].default.n: Invalid value: "string": n in body must be of type integer: "string"',
    ]);
  });

  it('lets int-or-string spell out its types, and nobody else', () => {
    const anyOf = [{ type: 'integer' }, { type: 'string' }];
    expect(errorsOf(definition(object({ a: { 'x-kubernetes-int-or-string': true, anyOf } })))).toEqual([]);
    expect(errorsOf(definition(object({ a: { type: 'string', anyOf } })))).toHaveLength(2);
  });

  it('reads patterns as Go does', () => {
    const errors = (pattern: string) => errorsOf(definition(object({ a: { type: 'string', pattern } })));
    expect(errors('^(a|[)\\]])+$')).toEqual([]);
    expect(errors('[a')[0]).toContain('missing closing ]: `[a`');
    expect(errors('a)')[0]).toContain('unexpected ): `a)`');
  });

  it('asks groups of Kubernetes for approval', () => {
    const spec = { group: 'x.k8s.io' };
    const name = 'foos.x.k8s.io';
    expect(errorsOf(definition(object({}), spec, { name }))[0]).toContain('api-approved.kubernetes.io');
    const annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
    expect(errorsOf(definition(object({}), spec, { name, annotations }))).toEqual([]);
  });

  it('keeps the kind once established, and stored versions always', () => {
    const before = definition(object({}));
    (before['status'] as Record<string, unknown>)['conditions'] = [{ type: 'Established', status: 'True' }];
    const after = structuredClone(before) as ApiObject & { spec: { names: { kind: string } } };
    after.spec.names.kind = 'Bar';
    const errors = kind.strategy!.validateUpdate!(after, before, {} as never).map(fieldErrorText);
    expect(errors).toEqual(['spec.names.kind: Invalid value: "Bar": field is immutable']);
  });
});
