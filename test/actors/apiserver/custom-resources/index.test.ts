/** Custom kinds from definition to cleanup, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MERGE = { 'content-type': 'application/merge-patch+json' };
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

const object = (properties: object) => ({ type: 'object', properties });

function definition(plural: string, schema: object, version: object = {}, spec: object = {}) {
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
      ...spec,
    },
  };
}

const instance = (kind: string, name: string, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind,
  metadata: { name },
  ...more,
});

async function until<Value>(read: () => Promise<Value | undefined | false>): Promise<Value> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it did not come true in time');
}

const served = (plural: string) =>
  until(async () => (await server.http('GET', `/apis/example.com/v1/${plural}`)).status === 200);

describe('a CustomResourceDefinition', () => {
  it('serves its objects, with discovery and OpenAPI, once it is established', async () => {
    const schema = object({ spec: object({ a: { type: 'integer', minimum: 0, default: 3 } }) });
    expect((await server.http('POST', CRDS, definition('foos', schema))).status).toBe(201);
    await served('foos');
    const path = '/apis/example.com/v1/namespaces/default/foos';
    const created = await server.http('POST', path, instance('Foo', 'x', { spec: {} }));
    expect(created.body.spec).toEqual({ a: 3 });
    const refused = await server.http('PATCH', `${path}/x`, { spec: { a: -1 } }, MERGE);
    expect(refused.body.message).toContain('spec.a in body should be greater than or equal to 0');
    const resources = (await server.http('GET', '/apis/example.com/v1')).body.resources;
    expect(resources.map(({ name }: { name: string }) => name)).toEqual(['foos']);
    const openapi = (await server.http('GET', '/openapi/v3/apis/example.com/v1')).body;
    const shown = openapi.components.schemas['com.example.v1.Foo'];
    expect(shown.properties.spec.properties.a.minimum).toBe(0);
    expect(openapi.components.schemas).toHaveProperty(['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']);
    expect(shown.properties.metadata.$ref).toContain('ObjectMeta');
  });

  it('keeps status and generation apart where status is a subresource', async () => {
    const schema = object({ spec: object({ n: { type: 'integer' } }), status: object({ n: { type: 'integer' } }) });
    const scale = { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' };
    await server.http('POST', CRDS, definition('bars', schema, { subresources: { status: {}, scale } }));
    await served('bars');
    const path = '/apis/example.com/v1/namespaces/default/bars';
    const created = await server.http('POST', path, instance('Bar', 'x', { spec: { n: 1 }, status: { n: 9 } }));
    expect(created.body).not.toHaveProperty('status');
    const status = await server.http('PATCH', `${path}/x/status`, { status: { n: 1 }, spec: { n: 7 } }, MERGE);
    expect(status.body).toMatchObject({ spec: { n: 1 }, status: { n: 1 }, metadata: { generation: 1 } });
    const scaled = await server.http('PATCH', `${path}/x/scale`, { spec: { replicas: 4 } }, MERGE);
    expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 4 }, status: { replicas: 1 } });
    expect((await server.http('GET', `${path}/x`)).body).toMatchObject({ spec: { n: 4 }, metadata: { generation: 2 } });
  });

  it('scales objects that have no replicas yet, and says of the object what is wrong', async () => {
    const schema = object({ spec: object({ n: { type: 'integer' } }) });
    const scale = { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' };
    await server.http('POST', CRDS, definition('sizes', schema, { subresources: { scale } }));
    await served('sizes');
    const path = '/apis/example.com/v1/namespaces/default/sizes';
    await server.http('POST', path, instance('Size', 'x', { spec: {} }));
    const unset = await server.http('GET', `${path}/x/scale`);
    expect([unset.status, unset.body.message]).toEqual([
      500,
      'Internal error occurred: the spec replicas field ".spec.n" does not exist',
    ]);
    const change = (spec: object) => server.http('PATCH', `${path}/x/scale`, { spec }, MERGE);
    const empty = await change({});
    expect([empty.status, empty.body.message]).toEqual([400, 'the spec replicas field ".spec.n" cannot be empty']);
    const negative = await change({ replicas: -3 });
    expect([negative.status, negative.body.message]).toEqual([
      422,
      'Size.example.com "x" is invalid: .spec.n: Invalid value: -3: should be a non-negative integer',
    ]);
    expect((await change({ replicas: 2 })).body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    const whole = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'x' }, spec: {} };
    expect((await server.http('PUT', `${path}/x/scale`, whole)).status).toBe(200);
    expect((await server.http('GET', `${path}/x`)).body.spec).toEqual({ n: 0 });
  });

  it('lets nothing be made while it goes, itself neither', async () => {
    const schema = object({ spec: { type: 'object' } });
    const going = definition('goings', schema);
    await server.http('POST', CRDS, going);
    await served('goings');
    const path = '/apis/example.com/v1/namespaces/default/goings';
    const kept = instance('Going', 'kept');
    const held = { ...kept, metadata: { ...kept.metadata, finalizers: ['example.com/hold'] } };
    expect((await server.http('POST', path, held)).status).toBe(201);
    expect((await server.http('DELETE', `${CRDS}/goings.example.com`)).status).toBe(200);
    const refused = await until(async () => {
      const answer = await server.http('POST', `${path}?dryRun=All`, instance('Going', 'new'));
      return answer.status !== 201 && answer;
    });
    expect(refused.body).toMatchObject({
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'create not allowed while custom resource definition is terminating',
      details: { group: 'example.com', kind: 'goings' },
    });
    const again = await server.http('POST', CRDS, going);
    expect(again.body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message:
        'object is being deleted: customresourcedefinitions.apiextensions.k8s.io "goings.example.com" already exists',
    });
    expect((await server.http('GET', `${path}/kept`)).status).toBe(200);
    await server.http('PATCH', `${path}/kept`, { metadata: { finalizers: null } }, MERGE);
    await until(async () => (await server.http('GET', `${CRDS}/goings.example.com`)).status === 404);
    expect((await server.http('POST', CRDS, going)).status).toBe(201);
  }, 90_000);

  it('waits for names that are taken, until they are free', async () => {
    const schema = object({ spec: { type: 'object' } });
    const second = definition('seconds', schema);
    second.spec.names.kind = 'First';
    await server.http('POST', CRDS, definition('firsts', schema));
    await served('firsts');
    await server.http('POST', CRDS, second);
    const conditions = async () => (await server.http('GET', `${CRDS}/seconds.example.com`)).body.status.conditions;
    const [accepted, established] = await until(async () => {
      const found = await conditions();
      return found?.length === 2 && found;
    });
    expect(accepted).toMatchObject({
      status: 'False',
      reason: 'ListKindConflict',
      message: '"FirstList" is already in use',
    });
    expect(established).toMatchObject({ status: 'False', reason: 'NotAccepted' });
    expect((await server.http('GET', '/apis/example.com/v1/seconds')).status).toBe(404);
    await server.http('DELETE', `${CRDS}/firsts.example.com`);
    await served('seconds');
    expect((await conditions())[0]).toMatchObject({ status: 'True', reason: 'NoConflicts' });
  }, 90_000);

  it('keeps the versions that objects may be stored in', async () => {
    const schema = { openAPIV3Schema: object({ spec: { type: 'object' } }) };
    const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema });
    const path = `${CRDS}/stores.example.com`;
    await server.http('POST', CRDS, definition('stores', schema.openAPIV3Schema));
    await served('stores');
    const versions = [version('v1', false), version('v2', true)];
    const moved = await server.http('PATCH', path, { spec: { versions } }, MERGE);
    expect(moved.body.status.storedVersions).toEqual(['v1', 'v2']);
    const gone = await server.http('PATCH', path, { spec: { versions: versions.slice(1) } }, MERGE);
    expect([gone.status, gone.body.message]).toEqual([
      422,
      'CustomResourceDefinition.apiextensions.k8s.io "stores.example.com" is invalid: status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ]);
    const stored = (storedVersions: string[]) =>
      server.http('PATCH', `${path}/status`, { status: { storedVersions } }, MERGE);
    expect((await stored(['v2'])).status).toBe(200);
    expect((await server.http('PATCH', path, { spec: { versions: versions.slice(1) } }, MERGE)).status).toBe(200);
  });

  it('takes its objects and its kinds away when it is deleted, also from other scopes to come', async () => {
    await server.http('POST', CRDS, definition('quxes', object({})));
    await served('quxes');
    await server.http('POST', '/apis/example.com/v1/namespaces/default/quxes', instance('Quxe', 'x'));
    const held = instance('Quxe', 'held', { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    await server.http('POST', '/apis/example.com/v1/namespaces/default/quxes', held);
    const deleted = await server.http('DELETE', `${CRDS}/quxes.example.com`);
    expect(deleted.body.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    await until(async () => (await server.http('GET', '/apis/example.com/v1/quxes')).body.items.length === 1);
    expect((await server.http('GET', `${CRDS}/quxes.example.com`)).status).toBe(200);
    const late = await server.http('POST', '/apis/example.com/v1/namespaces/default/quxes', instance('Quxe', 'late'));
    expect(late.body).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
    const path = '/apis/example.com/v1/namespaces/default/quxes/held';
    await server.http('PATCH', path, { metadata: { finalizers: null } }, MERGE);
    await until(async () => (await server.http('GET', `${CRDS}/quxes.example.com`)).status === 404);
    await until(async () => (await server.http('GET', '/apis/example.com/v1/quxes')).status === 404);
    await server.http('POST', CRDS, definition('quxes', object({}), {}, { scope: 'Cluster' }));
    await served('quxes');
    expect((await server.http('POST', '/apis/example.com/v1/quxes', instance('Quxe', 'x'))).status).toBe(201);
    expect((await server.http('GET', '/apis/example.com/v1/quxes/x')).status).toBe(200);
  });

  it('answers text where nothing is served under its group, and a Status under built-in ones', async () => {
    expect((await server.http('GET', '/apis/example.com/v9/foos')).text).toBe('404 page not found\n');
    expect((await server.http('GET', '/apis/apps/v1/foos')).body.kind).toBe('Status');
  });
});
