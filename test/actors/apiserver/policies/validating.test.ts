/** ValidatingAdmissionPolicies, as clients meet them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpAnswer, startServer, type TestServer } from '../fixtures.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

let count = 0;

/** A policy about config maps labelled with its name, and a binding. Returns how to create such a config map. */
async function policy(spec: object, binding: object = {}, match: object = {}) {
  const name = `p${++count}`;
  const created = await server.http('POST', `${GROUP}/validatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        objectSelector: { matchLabels: { policy: name } },
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE', 'DELETE'],
            resources: ['configmaps'],
          },
        ],
        ...match,
      },
      ...spec,
    },
  });
  expect(created.body).toMatchObject({ metadata: { name } });
  const bound = await server.http('POST', `${GROUP}/validatingadmissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], ...binding },
  });
  expect(bound.status).toBe(201);
  const map = (more: object) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    ...more,
    metadata: { name: `m${++count}`, labels: { policy: name }, ...(more as { metadata?: object }).metadata },
  });
  return {
    name,
    create: (more: object = {}, query = ''): Promise<HttpAnswer> => server.http('POST', `${MAPS}${query}`, map(more)),
  };
}

const denial = (name: string, text: string) =>
  expect.stringContaining(
    `is forbidden: ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: ${text}`,
  );

describe('a validating policy', () => {
  it('refuses what its expressions are false for, with their reasons', async () => {
    const { name, create } = await policy({
      validations: [
        { expression: "!has(object.data) || object.data.a != 'bad'", reason: 'Forbidden', message: 'a is bad' },
        { expression: "object.metadata.name != 'x'", messageExpression: "'no ' + object.metadata.name" },
      ],
    });
    const bad = await create({ data: { a: 'bad' } });
    expect([bad.status, bad.body.reason, bad.body.message]).toEqual([403, 'Forbidden', denial(name, 'a is bad')]);
    expect(bad.body.details.causes).toEqual([{ message: expect.stringContaining('denied request: a is bad') }]);
    const named = await create({ metadata: { name: 'x' } });
    expect([named.status, named.body.message]).toEqual([422, denial(name, 'no x')]);
    expect((await create({ data: { a: 'good' } })).status).toBe(201);
  });

  it('sees the request, the namespace, the old object and whether somebody may', async () => {
    const { name, create } = await policy({
      validations: [
        {
          expression:
            "request.operation == 'CREATE' && request.userInfo.username == 'admin' && request.resource.resource == 'configmaps'",
        },
        {
          expression:
            "request.namespace == 'default' && namespaceObject.metadata.name == 'default' && oldObject == null",
        },
        { expression: "authorizer.group('').resource('pods').namespace('default').check('create').allowed()" },
        {
          expression:
            "!authorizer.serviceAccount('default', 'nobody').group('').resource('pods').check('create').allowed()",
        },
        { expression: "authorizer.requestResource.check('delete').allowed() && request.kind.kind == 'ConfigMap'" },
        { expression: '!request.dryRun', message: 'dry' },
      ],
    });
    expect((await create()).body).toMatchObject({ kind: 'ConfigMap' });
    expect((await create({}, '?dryRun=All')).body.message).toEqual(denial(name, 'dry'));
  });

  it('has variables, evaluated when they are needed', async () => {
    const { name, create } = await policy({
      variables: [
        { name: 'count', expression: 'object.data.size()' },
        { name: 'broken', expression: 'object.data.nope' },
        { name: 'twice', expression: 'variables.count * 2' },
      ],
      validations: [
        {
          expression: 'variables.twice <= 2 || variables.broken == 1',
          messageExpression: "'%d'.format([variables.twice])",
        },
      ],
    });
    expect((await create({ data: { a: '' } })).status).toBe(201);
    expect((await create({ data: { a: '', b: '' } })).body.message).toEqual(
      denial(
        name,
        `expression 'variables.twice <= 2 || variables.broken == 1' resulted in error: composited variable "broken" fails to evaluate: no such key: nope`,
      ),
    );
  });

  it('is asked only when its match conditions hold', async () => {
    const { name, create } = await policy({
      matchConditions: [{ name: 'has-data', expression: 'has(object.data)' }],
      validations: [{ expression: 'false', message: 'no' }],
    });
    expect((await create()).status).toBe(201);
    expect((await create({ data: {} })).status).toBe(201);
    expect((await create({ data: { a: '' } })).body.message).toEqual(denial(name, 'no'));
  });

  it('fails as its failure policy says', async () => {
    const validations = [{ expression: 'object.data.nope == 1' }];
    const strict = await policy({ validations });
    expect((await strict.create()).body.message).toEqual(
      denial(strict.name, "expression 'object.data.nope == 1' resulted in error: no such key: data"),
    );
    const loose = await policy({ validations, failurePolicy: 'Ignore' });
    expect((await loose.create()).status).toBe(201);
  });

  it('warns instead of refusing', async () => {
    const { name, create } = await policy(
      { validations: [{ expression: 'false', message: 'odd' }] },
      { validationActions: ['Warn', 'Audit'] },
    );
    const answer = await create();
    expect(answer.status).toBe(201);
    expect(answer.headers.get('warning')).toBe(
      `299 - "Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${name}': odd"`,
    );
  });

  it('takes params, all that are selected', async () => {
    const params = (more: object) => ({ paramRef: { parameterNotFoundAction: 'Deny', ...more } });
    const spec = {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [{ expression: 'object.data.size() <= int(params.data.max)' }],
    };
    const limit = (name: string, max: string) =>
      server.http('POST', MAPS, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, labels: { limit: 'yes' } },
        data: { max },
      });
    const named = await policy(spec, params({ name: 'limit-one' }));
    expect((await named.create({ data: { a: '' } })).body.message).toEqual(
      denial(
        named.name,
        'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
      ),
    );
    await limit('limit-one', '1');
    expect((await named.create({ data: { a: '' } })).status).toBe(201);
    expect((await named.create({ data: { a: '', b: '' } })).body.message).toEqual(
      denial(named.name, 'failed expression: object.data.size() <= int(params.data.max)'),
    );
    await limit('limit-none', '0');
    const selected = await policy(spec, params({ selector: { matchLabels: { limit: 'yes' } } }));
    expect((await selected.create({ data: { a: '' } })).status).toBe(422);
    const unknown = await policy(
      { ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Nope' } },
      params({ name: 'x' }),
    );
    expect((await unknown.create({ data: {} })).body.message).toContain(
      'failed to configure binding: paramKind kind `&ParamKind{APIVersion:example.com/v1,Kind:Nope,}` not known',
    );
  });

  it('is about what its rules and selectors name', async () => {
    const never = [{ expression: 'false', message: 'never' }];
    const excluded = await policy(
      { validations: never },
      {},
      {
        excludeResourceRules: [
          { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], resourceNames: ['spared'] },
        ],
      },
    );
    expect((await excluded.create({ metadata: { name: 'spared' } })).status).toBe(201);
    expect((await excluded.create()).status).toBe(422);
    const elsewhere = await policy(
      { validations: never },
      {
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'elsewhere' } } },
      },
    );
    expect((await elsewhere.create()).status).toBe(201);
    const deletes = await policy({ validations: [{ expression: "request.operation != 'DELETE'", message: 'kept' }] });
    const { name } = (await deletes.create()).body.metadata;
    const refused = await server.http('DELETE', `${MAPS}/${name}`);
    expect([refused.status, refused.body.message]).toEqual([422, denial(deletes.name, 'kept')]);
  });

  it('follows changes of policies and bindings', async () => {
    const { name, create } = await policy({ validations: [{ expression: 'false' }] });
    expect((await create()).status).toBe(422);
    const patch = { spec: { validations: [{ expression: 'true' }] } };
    const merge = { 'content-type': 'application/merge-patch+json' };
    await server.http('PATCH', `${GROUP}/validatingadmissionpolicies/${name}`, patch, merge);
    expect((await create()).status).toBe(201);
    await server.http('DELETE', `${GROUP}/validatingadmissionpolicybindings/${name}`);
    expect((await create()).status).toBe(201);
  });

  it('cannot be made to run for long by its match conditions either', async () => {
    const loops = (depth: number): string =>
      depth === 0 ? 'true' : `lists.range(20).all(x${depth}, ${loops(depth - 1)})`;
    const { create } = await policy({
      matchConditions: [{ name: 'bomb', expression: loops(6) }],
      validations: [{ expression: 'true' }],
    });
    const { status, body } = await create();
    expect(status).toBe(422);
    expect(body.message).toContain('cost limit exceeded');
  });

  it('cannot be made to run for long', async () => {
    const loops = (depth: number): string =>
      depth === 0 ? 'true' : `lists.range(20).all(x${depth}, ${loops(depth - 1)})`;
    const { name, create } = await policy({ validations: [{ expression: loops(6) }] });
    expect((await create()).body.message).toEqual(
      denial(name, `expression '${loops(6)}' resulted in error: operation cancelled: actual cost limit exceeded`),
    );
  });

  it('says nothing else when all its validations together cost too much', async () => {
    const loops =
      'lists.range(20).all(a, lists.range(20).all(b, lists.range(20).all(c, lists.range(15).all(d, true))))';
    const { name, create } = await policy({
      validations: [
        { expression: 'false', message: 'first' },
        ...Array.from({ length: 40 }, () => ({ expression: loops })),
      ],
    });
    expect((await create()).body.message).toEqual(
      denial(name, 'validation failed due to running out of cost budget, no further validation rules will be run'),
    );
  });
});
