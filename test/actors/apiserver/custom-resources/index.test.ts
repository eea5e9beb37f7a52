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
  for (let attempt = 0; attempt < 200; attempt++) {
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
