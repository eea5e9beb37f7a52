/** Narrow impersonation: whom, and for what, are two rights, and both are needed. */
import { once } from 'node:events';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const users = ['jane', 'joe', 'wide'];
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: users.map((user) => ({ token: user, user, groups: ['dev'] })),
    serviceAccountAdmission: false,
  });
  const authentication = (resource: string, names: string[], verb: string) => ({
    apiGroups: ['authentication.k8s.io'],
    resources: [resource],
    resourceNames: names,
    verbs: [verb],
  });
  const pods = (...verbs: string[]) => ({ apiGroups: [''], resources: ['pods'], verbs });
  const given: [string, object[], string][] = [
    [
      'narrow',
      [
        authentication('users', ['bob'], 'impersonate:user-info'),
        authentication('groups', ['ops'], 'impersonate:user-info'),
        authentication('nodes', ['n1'], 'impersonate:arbitrary-node'),
        pods('impersonate-on:user-info:list', 'impersonate-on:arbitrary-node:list'),
      ],
      'jane',
    ],
    // Half of what it takes.
    ['whom-only', [authentication('users', ['bob'], 'impersonate:user-info')], 'joe'],
    ['wide', [{ apiGroups: [''], resources: ['users'], resourceNames: ['bob'], verbs: ['impersonate'] }], 'wide'],
    ['bobs', [pods('list', 'get', 'delete')], 'bob'],
  ];
  for (const [name, rules, user] of given) {
    await server.http('POST', `${RBAC}/clusterroles`, { metadata: { name }, rules });
    const { status } = await server.http('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name: user }],
    });
    expect(status).toBe(201);
  }
});
afterAll(() => server.stop());

const PODS = '/api/v1/namespaces/default/pods';

async function as(user: string, method: string, path: string, whom: Record<string, string>) {
  const headers = { authorization: `Bearer ${user}`, ...whom };
  const { status, body } = await server.http(method, path, undefined, headers);
  return [status, body?.message] as const;
}
const bob = { 'impersonate-user': 'bob' };

describe('who may be bob for listing pods', () => {
  it('lists pods as bob', async () => {
    expect((await as('jane', 'GET', PODS, bob))[0]).toBe(200);
    expect((await as('jane', 'GET', PODS, { ...bob, 'impersonate-group': 'ops' }))[0]).toBe(200);
    // Without bob's name the right is not there.
    expect((await as('jane', 'GET', PODS, {}))[0]).toBe(403);
  });

  it.each<[string, string, string, Record<string, string>, string]>([
    ['does nothing else that bob may', 'GET', `${PODS}/x`, bob, 'cannot impersonate-on:user-info:get resource "pods"'],
    ['deletes nothing as bob', 'DELETE', `${PODS}/x`, bob, 'cannot impersonate-on:user-info:delete resource "pods"'],
    ['reads no secrets', 'GET', '/api/v1/secrets', bob, 'cannot impersonate-on:user-info:list resource "secrets"'],
    ['is nobody else', 'GET', PODS, { 'impersonate-user': 'eve' }, 'cannot impersonate:user-info resource "users"'],
    [
      'is in no other group',
      'GET',
      PODS,
      { ...bob, 'impersonate-group': 'system:masters' },
      'cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: ' +
        'impersonating the system:masters group is not allowed',
    ],
    ['has no uid', 'GET', PODS, { ...bob, 'impersonate-uid': 'u' }, 'cannot impersonate:user-info resource "uids"'],
    [
      'has no extra',
      'GET',
      PODS,
      { ...bob, 'impersonate-extra-acme.io%2Fscopes': 'all' },
      'cannot impersonate:user-info resource "userextras/acme.io/scopes"',
    ],
    [
      'has no extra without a domain',
      'GET',
      PODS,
      { ...bob, 'impersonate-extra-scopes': 'all' },
      'cannot impersonate:user-info resource "userextras" in API group "authentication.k8s.io" at the cluster scope: ' +
        'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scopes": ' +
        'must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      'is no service account with groups of its choice',
      'GET',
      PODS,
      { 'impersonate-user': 'system:serviceaccount:kube-system:default', 'impersonate-group': 'ops' },
      'cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"',
    ],
    [
      'is no service account',
      'GET',
      PODS,
      { 'impersonate-user': 'system:serviceaccount:kube-system:default' },
      'cannot impersonate-on:serviceaccount:list resource "pods"',
    ],
    [
      'is no other node',
      'GET',
      PODS,
      { 'impersonate-user': 'system:node:n2' },
      'cannot impersonate:arbitrary-node resource "nodes"',
    ],
    ['reads no paths', 'GET', '/metrics', bob, 'cannot impersonate-on:user-info:get path "/metrics"'],
  ])('%s', async (_what, method, path, whom, text) => {
    const [status, message] = await as('jane', method, path, whom);
    expect(status).toBe(403);
    expect(message).toContain(`User "jane" ${text}`);
  });
});

it('takes both rights: whom alone is not enough', async () => {
  const [status, message] = await as('joe', 'GET', PODS, bob);
  expect(status).toBe(403);
  expect(message).toContain('User "joe" cannot impersonate-on:user-info:list resource "pods"');
});

it('goes by the wide right where there is one, with what it names and no more', async () => {
  expect((await as('wide', 'GET', PODS, bob))[0]).toBe(200);
  expect((await as('wide', 'GET', `${PODS}/x`, bob))[0]).toBe(404);
  expect((await as('wide', 'GET', PODS, { ...bob, 'impersonate-group': 'system:masters' }))[0]).toBe(403);
  expect((await as('wide', 'GET', PODS, { 'impersonate-user': 'admin' }))[0]).toBe(403);
});

it('names a user, or is refused', async () => {
  const [status, message] = await as('jane', 'GET', PODS, { 'impersonate-group': 'system:masters' });
  expect(status).not.toBe(200);
  expect(message).toContain('without impersonating a user');
});

describe('who somebody is when impersonated by an administrator', () => {
  const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const infoOf = async (headers: Record<string, string | string[]>) => {
    const sent = request(`${server.url}${REVIEWS}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
    });
    sent.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));
    const [answer] = await once(sent, 'response');
    return ((await json(answer)) as { status: { userInfo: { groups: string[] } } }).status.userInfo;
  };

  it('is a node of the nodes group, unless groups are named', async () => {
    expect(await infoOf({ 'impersonate-user': 'system:node:n1' })).toEqual({
      username: 'system:node:n1',
      groups: ['system:nodes', 'system:authenticated'],
    });
    expect(await infoOf({ 'impersonate-user': 'system:node:n1', 'impersonate-group': 'ops' })).toEqual({
      username: 'system:node:n1',
      groups: ['ops', 'system:authenticated'],
    });
  });

  it('keeps a comma that is part of a group, and takes a repeated header as several', async () => {
    const { groups } = await infoOf({ ...bob, 'impersonate-group': ['CN=ops, OU=it', 'dev'] });
    expect(groups).toEqual(['CN=ops, OU=it', 'dev', 'system:authenticated']);
  });
});

it('tells the refusal of the way that last worked for the user', async () => {
  expect((await as('wide', 'GET', PODS, bob))[0]).toBe(200);
  const [, message] = await as('wide', 'GET', PODS, { 'impersonate-user': 'eve' });
  expect(message).toBe(
    'users "eve" is forbidden: User "wide" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});

it('lets a pod be the node that it runs on, and no other, where its account may', async () => {
  const account = { metadata: { name: 'agent', namespace: 'default' } };
  expect((await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', account)).status).toBe(201);
  for (const name of ['here', 'there']) await server.http('POST', '/api/v1/nodes', { metadata: { name } });
  const spec = { nodeName: 'here', serviceAccountName: 'agent', containers: [{ name: 'c', image: 'i' }] };
  const pod = await server.http('POST', PODS, { metadata: { name: 'agent' }, spec });
  expect(pod.status).toBe(201);
  const rules = [
    { apiGroups: ['authentication.k8s.io'], resources: ['nodes'], verbs: ['impersonate:associated-node'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['impersonate-on:associated-node:list'] },
  ];
  await server.http('POST', `${RBAC}/clusterroles`, { metadata: { name: 'agent' }, rules });
  await server.http('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name: 'agent' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'agent' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'agent' }],
  });
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'agent' };
  const token = await server.http('POST', '/api/v1/namespaces/default/serviceaccounts/agent/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { boundObjectRef },
  });
  expect(token.status).toBe(201);
  const ask = async (path: string, node: string) => {
    const headers = { authorization: `Bearer ${token.body.status.token}`, 'impersonate-user': `system:node:${node}` };
    const { status, body } = await server.http('GET', path, undefined, headers);
    return [status, body?.message] as const;
  };
  const own = `/api/v1/pods?fieldSelector=${encodeURIComponent('spec.nodeName=here')}`;
  expect((await ask(own, 'here'))[0]).toBe(200);
  const who = 'User "system:serviceaccount:default:agent"';
  expect(await ask('/api/v1/secrets', 'here')).toEqual([
    403,
    `secrets is forbidden: ${who} cannot impersonate-on:associated-node:list resource "secrets" in API group "" at the cluster scope`,
  ]);
  expect(await ask('/api/v1/pods', 'there')).toEqual([
    403,
    `pods is forbidden: ${who} cannot impersonate-on:arbitrary-node:list resource "pods" in API group "" at the cluster scope`,
  ]);
});
