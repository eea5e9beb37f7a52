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

  it('warns of new formats that nobody looks at', () => {
    const given = (...formats: string[]) =>
      definition(object(Object.fromEntries(formats.map((format) => [format, { type: 'string', format }]))));
    const warningsOf = (now: ApiObject, before?: ApiObject) => kind.strategy!.warnings!(now, before);
    expect(warningsOf(given('odd', 'date'))).toEqual(['unrecognized format "odd"']);
    expect(warningsOf(given('odd', 'new'), given('odd'))).toEqual(['unrecognized format "new"']);
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

  it('lets a level spell out that it is an integer or a string, and nothing else', () => {
    const anyOf = [{ type: 'integer' }, { type: 'string' }];
    expect(errorsOf(definition(object({ a: { 'x-kubernetes-int-or-string': true, anyOf } })))).toEqual([]);
    expect(
      errorsOf(definition(object({ a: { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf }, { pattern: 'a' }] } }))),
    ).toEqual([]);
    expect(errorsOf(definition(object({ a: { type: 'string', anyOf: [...anyOf].reverse() } })))).toHaveLength(2);
    expect(
      errorsOf(definition(object({ a: { type: 'string', anyOf: [{ type: 'integer', minimum: 1 }, anyOf[1]] } }))),
    ).toHaveLength(2);
  });

  it('reads patterns as Go does', () => {
    const errors = (pattern: string) => errorsOf(definition(object({ a: { type: 'string', pattern } })));
    expect(errors('^(a|[)\\]])+$')).toEqual([]);
    expect(errors('[a')[0]).toContain('missing closing ]: `[a`');
    expect(errors('a)')[0]).toContain('unexpected ): `a)`');
  });

  it('takes warnings of deprecation for deprecated versions only, and short ones', () => {
    const errors = (more: object) =>
      errorsOf(
        definition(
          {},
          {
            versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: object({}) }, ...more }],
          },
        ),
      );
    const place = 'spec.versions[0].deprecationWarning: Invalid value: ';
    expect(errors({ deprecationWarning: 'x' })).toEqual([`${place}"x": can only be set for deprecated versions`]);
    expect(errors({ deprecated: true, deprecationWarning: 'ok' })).toEqual([]);
    expect(errors({ deprecated: true, deprecationWarning: '' })).toEqual([`${place}"": must not be an empty string`]);
    expect(errors({ deprecated: true, deprecationWarning: 'x'.repeat(257) })[0]).toContain('must be <= 256 characters');
    expect(errors({ deprecated: true, deprecationWarning: 'é\n' })).toEqual([
      `${place}"é\\n": must only contain printable UTF-8 characters; non-printable character found at index 2`,
    ]);
  });

  it('shows versions in upstream’s own form', () => {
    const versions = [1, 2].map((number) => ({
      name: 'v1',
      served: true,
      storage: number === 1,
      schema: { openAPIV3Schema: object({ a: { type: 'integer', minimum: number } }) },
      subresources: { status: {} },
    }));
    const [text] = errorsOf(definition({}, { versions }));
    expect(text).toContain('must contain unique version names');
    expect(text).toContain(
      '"Schema":{"OpenAPIV3Schema":{"ID":"","Schema":"","Ref":null,"Description":"","Type":"object",',
    );
    expect(text).toContain('"Properties":{"a":{"ID":"",');
    expect(text).toContain('"Minimum":2,"ExclusiveMinimum":false,');
    expect(text).toContain('"Subresources":null');
  });

  it('lets the status subresource have a schema of its own', () => {
    const errors = (schema: object) =>
      errorsOf(
        definition(
          {},
          {
            versions: [
              {
                name: 'v1',
                served: true,
                storage: true,
                schema: { openAPIV3Schema: schema },
                subresources: { status: {} },
              },
            ],
          },
        ),
      );
    expect(errors({ ...object({}), description: 'x', required: ['spec'] })).toEqual([]);
    const [text] = errors({ ...object({}), minProperties: 1 });
    expect(text).toMatch(
      /^spec\.validation\.openAPIV3Schema: Invalid value: \{"ID":"",.*\}: only \[Description Type Format/,
    );
    expect(errors({ type: 'array', items: { type: 'string' } })[0]).toBe(
      'spec.validation.openAPIV3Schema.type: Invalid value: "array": only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
    );
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
