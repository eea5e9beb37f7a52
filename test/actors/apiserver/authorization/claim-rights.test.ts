/** Rights over the status of ResourceClaims: allocation, each driver's devices, and access to devices in use. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const CLAIMS = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims';
const GROUP = 'resource.k8s.io';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: ['binder', 'driver', 'plain'].map((user) => ({ token: user, user, groups: [] })),
    serviceAccountAdmission: false,
  });
  const status = { apiGroups: [GROUP], resources: ['resourceclaims/status'], verbs: ['get', 'update', 'patch'] };
  const given: [string, object[]][] = [
    ['plain', [status]],
    ['binder', [status, { apiGroups: [GROUP], resources: ['resourceclaims/binding'], verbs: ['update'] }]],
    [
      'driver',
      [
        status,
        {
          apiGroups: [GROUP],
          resources: ['resourceclaims/driver'],
          resourceNames: ['gpu.example.com'],
          verbs: ['arbitrary-node:update'],
        },
      ],
    ],
  ];
  for (const [name, rules] of given) {
    await server.http('POST', `${RBAC}/clusterroles`, { metadata: { name }, rules });
    const { status: code } = await server.http('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name }],
    });
    expect(code).toBe(201);
  }
});
afterAll(() => server.stop());

const results = ['gpu.example.com', 'nic.example.com'].map((driver) => ({
  request: 'r',
  driver,
  pool: 'p',
  device: driver.slice(0, 3),
}));
const allocation = { devices: { results } };
const devices = results.map(({ driver, pool, device }) => ({ driver, pool, device, data: { a: 1 } }));

async function claim(name: string): Promise<void> {
  const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } };
  const { status } = await server.http('POST', CLAIMS, { metadata: { name }, spec });
  expect(status).toBe(201);
}

async function put(user: string | undefined, name: string, status: object, method = 'PUT') {
  const current = (await server.http('GET', `${CLAIMS}/${name}`)).body;
  const headers = {
    ...(user === undefined ? {} : { authorization: `Bearer ${user}` }),
    ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
  };
  const sent = method === 'PATCH' ? { status } : { ...current, status };
  const { status: code, body } = await server.http(method, `${CLAIMS}/${name}/status`, sent, headers);
  return [code, body?.details?.causes ?? []] as const;
}

describe('the status of a ResourceClaim', () => {
  it('is allocated and reserved by who may bind, with the verb that is used', async () => {
    await claim('a');
    const text = (user: string, verb: string) =>
      `Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" ` +
      `permission: resourceclaims.resource.k8s.io is forbidden: User "${user}" cannot ${verb} resource ` +
      `"resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope`;
    const cause = (user: string, verb: string) => ({
      reason: 'FieldValueForbidden',
      message: text(user, verb),
      field: 'status',
    });
    expect(await put('plain', 'a', { allocation })).toEqual([422, [cause('plain', 'update')]]);
    expect(await put('binder', 'a', { allocation }, 'PATCH')).toEqual([422, [cause('binder', 'patch')]]);
    expect(await put('binder', 'a', { allocation })).toEqual([200, []]);
    // Nothing changes: nothing is asked.
    expect(await put('plain', 'a', { allocation })).toEqual([200, []]);
    const reservedFor = [{ resource: 'pods', name: 'p', uid: 'u' }];
    expect((await put('plain', 'a', { allocation, reservedFor }))[0]).toBe(422);
    expect((await put('binder', 'a', { allocation, reservedFor }))[0]).toBe(200);
  });

  it("has a driver's devices from who has the right to that driver", async () => {
    await claim('b');
    expect((await put(undefined, 'b', { allocation }))[0]).toBe(200);
    expect((await put('driver', 'b', { allocation, devices: devices.slice(0, 1) }))[0]).toBe(200);
    expect(await put('driver', 'b', { allocation, devices })).toEqual([
      422,
      [
        {
          reason: 'FieldValueForbidden',
          message:
            'Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-node:update]" ' +
            'permission: resourceclaims.resource.k8s.io "nic.example.com" is forbidden: User "driver" cannot ' +
            'arbitrary-node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "default"',
          field: 'status.devices',
        },
      ],
    ]);
    // Taking another's entry away counts as well.
    expect((await put(undefined, 'b', { allocation, devices }))[0]).toBe(200);
    expect((await put('driver', 'b', { allocation, devices: devices.slice(0, 1) }))[0]).toBe(422);
    expect((await put('driver', 'b', { allocation, devices: devices.slice(1) }))[0]).toBe(200);
  });
});

it('gives access to devices in use only in namespaces that are marked for it', async () => {
  const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', adminAccess: true } }] } };
  const refused = await server.http('POST', CLAIMS, { metadata: { name: 'c' }, spec });
  expect(refused.status).toBe(422);
  expect(refused.body.details.causes).toEqual([
    {
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
      field: 'spec.devices.requests[0].adminAccess',
    },
  ]);
  const templates = CLAIMS.replace('resourceclaims', 'resourceclaimtemplates');
  const template = { metadata: { name: 'c' }, spec: { spec } };
  expect((await server.http('POST', templates, template)).status).toBe(422);
  const labels = { 'resource.kubernetes.io/admin-access': 'true' };
  const marked = { metadata: { name: 'marked', labels } };
  expect((await server.http('POST', '/api/v1/namespaces', marked)).status).toBe(201);
  for (const path of [CLAIMS, templates]) {
    const body = path === CLAIMS ? { metadata: { name: 'c' }, spec } : template;
    expect((await server.http('POST', path.replace('/default/', '/marked/'), body)).status).toBe(201);
  }
});
