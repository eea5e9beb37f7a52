import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const tokens = [
  { token: 'jane-token', user: 'jane', groups: ['dev'] },
  { token: 'node-token', user: 'system:node:n1', groups: ['system:nodes'] },
];
const jane = { authorization: 'Bearer jane-token' };
const kubelet = { authorization: 'Bearer node-token' };

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, tokens, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

function role(name: string, rules: object[]) {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules };
}

function binding(name: string, kind: string, of: string, subject = 'jane') {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: of },
    subjects: [{ kind: 'User', name: subject }],
  };
}

describe('RBAC', () => {
  it('refuses what no role allows, in the words people know', async () => {
    const { status, body } = await server.http('GET', '/api/v1/namespaces/default/pods', undefined, jane);
    expect(status).toBe(403);
    expect(body.message).toBe(
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    const node = await server.http('GET', '/api/v1/nodes/x', undefined, jane);
    expect(node.body.message).toBe(
      'nodes "x" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
    );
  });

  it('refuses paths, and lets everybody see versions', async () => {
    const metrics = await server.http('GET', '/metrics', undefined, jane);
    expect(metrics.body.message).toBe('forbidden: User "jane" cannot get path "/metrics"');
    expect((await server.http('GET', '/version', undefined, jane)).status).toBe(200);
    expect((await server.http('GET', '/apis', undefined, jane)).status).toBe(200);
  });

  it('follows bindings and roles as they come, change and go', async () => {
    const list = () => server.http('GET', '/api/v1/namespaces/default/configmaps', undefined, jane);
    await server.http('POST', `${RBAC}/namespaces/default/rolebindings`, binding('read', 'Role', 'reader'));
    expect((await list()).body.message).toContain('RBAC: role.rbac.authorization.k8s.io "reader" not found');
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    await server.http('POST', `${RBAC}/namespaces/default/roles`, role('reader', rules));
    expect((await list()).status).toBe(200);
    expect((await server.http('GET', '/api/v1/configmaps', undefined, jane)).status).toBe(403);
    await server.http('PUT', `${RBAC}/namespaces/default/roles/reader`, role('reader', []));
    expect((await list()).status).toBe(403);
    await server.http('PUT', `${RBAC}/namespaces/default/roles/reader`, role('reader', rules));
    expect((await list()).status).toBe(200);
    await server.http('DELETE', `${RBAC}/namespaces/default/rolebindings/read`);
    expect((await list()).status).toBe(403);
  });

  it('allows only the named objects where a rule names some', async () => {
    await server.http('POST', '/api/v1/namespaces/default/configmaps', configMap('mine'));
    await server.http('POST', '/api/v1/namespaces/default/configmaps', configMap('other'));
    const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get'] }];
    await server.http('POST', `${RBAC}/namespaces/default/roles`, role('one', rules));
    await server.http('POST', `${RBAC}/namespaces/default/rolebindings`, binding('one', 'Role', 'one'));
    const get = (name: string) => server.http('GET', `/api/v1/namespaces/default/configmaps/${name}`, undefined, jane);
    expect((await get('mine')).status).toBe(200);
    expect((await get('other')).status).toBe(403);
  });

  it('lets nobody give away more than they have', async () => {
    const namespaces = '/api/v1/namespaces';
    await server.http('POST', namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await server.http('POST', `${RBAC}/namespaces/team/rolebindings`, binding('admin', 'ClusterRole', 'admin'));
    const make = (path: string, body: object) => server.http('POST', `${RBAC}/namespaces/team/${path}`, body, jane);
    const pods = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];
    expect((await make('roles', role('pods', pods))).status).toBe(201);
    expect((await make('rolebindings', binding('pods', 'Role', 'pods', 'joe'))).status).toBe(201);
    const nodes = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] }];
    const refused = await make('roles', role('nodes', nodes));
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe(
      'roles.rbac.authorization.k8s.io "nodes" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is ' +
        'attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
    );
    const binds = await make('rolebindings', binding('all', 'ClusterRole', 'cluster-admin', 'joe'));
    expect(binds.status).toBe(403);
    // Before validation, as upstream's storage finds it.
    for (const [roleRef, kind] of [
      [{ kind: 'Pod', name: 'x' }, 'Pod'],
      [undefined, ''],
    ] as const) {
      const odd = await make('rolebindings', { metadata: { name: 'odd' }, roleRef, subjects: [] });
      expect([odd.status, odd.body.message]).toEqual([500, `unsupported role reference kind: "${kind}"`]);
    }
  });

  it('impersonates only for those who may', async () => {
    const headers = { ...jane, 'impersonate-user': 'bob' };
    const { status, body } = await server.http('GET', '/api/v1/namespaces/default/secrets', undefined, headers);
    expect(status).toBe(403);
    expect(body.message).toContain('User "jane" cannot impersonate-on:user-info:list resource "secrets"');
  });
});

describe('the Node authorizer', () => {
  it('lets a kubelet read what its pods name, and nothing of other nodes', async () => {
    for (const [name, nodeName] of [
      ['here', 'n1'],
      ['there', 'n2'],
    ] as const) {
      await server.http('POST', '/api/v1/namespaces/default/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `secret-${name}` },
      });
      await server.http('POST', '/api/v1/namespaces/default/pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          nodeName,
          containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: `secret-${name}` } }] }],
        },
      });
    }
    const get = (path: string) => server.http('GET', `/api/v1/${path}`, undefined, kubelet);
    expect((await get('namespaces/default/secrets/secret-here')).status).toBe(200);
    const other = await get('namespaces/default/secrets/secret-there');
    expect(other.status).toBe(403);
    expect(other.body.message).toContain("no relationship found between node 'n1' and this object");
    expect((await get('namespaces/default/secrets')).status).toBe(403);
    expect((await get('namespaces/default/pods/here')).status).toBe(200);
    expect((await get('namespaces/default/pods/there')).status).toBe(403);
    expect((await get('pods?fieldSelector=spec.nodeName%3Dn1')).status).toBe(200);
    expect((await get('pods')).status).toBe(403);
  });
});

describe('reviews', () => {
  it('answer from the same rules', async () => {
    const ask = (spec: object) =>
      server.http('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec,
      });
    const question = { verb: 'create', group: '', resource: 'pods', subresource: 'binding', namespace: 'default' };
    const scheduler = await ask({ user: 'system:kube-scheduler', resourceAttributes: question });
    expect(scheduler.body.status).toEqual({
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:kube-scheduler" of ClusterRole "system:kube-scheduler" ' +
        'to User "system:kube-scheduler"',
    });
    const nobody = await ask({ user: 'nobody', resourceAttributes: question });
    expect(nobody.body.status).toEqual({ allowed: false });
  });
});

it('names the object that a list is about, and leaves the selector of a deletion of many aside', async () => {
  const selected = '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Done';
  const list = await server.http('GET', selected, undefined, jane);
  expect(list.body.message).toMatch(/^secrets "one" is forbidden: User "jane" cannot list resource "secrets"/);
  const removal = await server.http('DELETE', selected, undefined, jane);
  expect(removal.body.message).toMatch(/^secrets is forbidden: User "jane" cannot deletecollection resource "secrets"/);
});

it('has no path for what no method is served on', async () => {
  const statusOf = async (path: string) => (await server.http('GET', path)).status;
  const authorization = '/apis/authorization.k8s.io/v1';
  expect(await statusOf(`${authorization}/localsubjectaccessreviews`)).toBe(404);
  expect(await statusOf(`${authorization}/namespaces/default/localsubjectaccessreviews`)).toBe(405);
  expect(await statusOf(`${authorization}/selfsubjectaccessreviews`)).toBe(405);
  expect(await statusOf(`${authorization}/selfsubjectaccessreviews/x`)).toBe(404);
  expect(await statusOf('/api/v1/bindings')).toBe(404);
  expect(await statusOf('/api/v1/namespaces/default/bindings/x')).toBe(404);
});
