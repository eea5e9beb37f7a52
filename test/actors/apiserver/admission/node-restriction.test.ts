import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const kubelet = { authorization: 'Bearer node-a' };
const merge = { ...kubelet, 'content-type': 'application/merge-patch+json' };
const pods = '/api/v1/namespaces/default/pods';
let uid = '';

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    serviceAccountAdmission: false,
    enabledAdmissionPlugins: ['NodeRestriction'],
    tokens: [{ token: 'node-a', user: 'system:node:a', groups: ['system:nodes'] }],
  });
  const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { own: 'x' } } });
  uid = (await server.http('POST', '/api/v1/nodes', node('a'), kubelet)).body.metadata.uid;
  await server.http('POST', '/api/v1/nodes', node('b'));
  for (const [name, nodeName] of [
    ['mine', 'a'],
    ['theirs', 'b'],
  ]) {
    const { status } = await server.http('POST', pods, pod(name as string, { spec: { nodeName } }));
    expect(status).toBe(201);
  }
});
afterAll(() => server.stop());

const refused = async (answer: Promise<{ status: number; body: { message: string } }>) => {
  const { status, body } = await answer;
  expect(status, body.message).toBe(403);
  return body.message;
};

describe('NodeRestriction', () => {
  it('keeps a kubelet to its own node, its labels to those of kubelets, and its hands off taints and owners', async () => {
    const change = (body: object) => server.http('PATCH', '/api/v1/nodes/a', body, merge);
    expect((await change({ metadata: { labels: { 'topology.kubernetes.io/zone': 'z', other: 'y' } } })).status).toBe(
      200,
    );
    expect(await refused(change({ metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }))).toBe(
      'nodes "a" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane',
    );
    expect(await refused(change({ metadata: { labels: { 'a.node-restriction.kubernetes.io/x': '' } } }))).toContain(
      'is not allowed to modify labels: a.node-restriction.kubernetes.io/x',
    );
    expect(await refused(change({ spec: { taints: [] } }))).toBe(
      'nodes "a" is forbidden: node "a" is not allowed to modify taints',
    );
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u' };
    expect(await refused(change({ metadata: { ownerReferences: [owner] } }))).toContain(
      'is not allowed to modify ownerReferences',
    );
    expect(
      await refused(server.http('PATCH', '/api/v1/nodes/b', { metadata: { labels: { other: 'y' } } }, merge)),
    ).toContain('nodes "b" is forbidden');
    const labelled = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'a', labels: { 'k8s.io/x': '', 'kubernetes.io/y': '' } },
    };
    expect(await refused(server.http('POST', '/api/v1/nodes', labelled, kubelet))).toBe(
      'nodes "a" is forbidden: node "a" is not allowed to set the following labels: k8s.io/x, kubernetes.io/y',
    );
  });

  it('lets it write the status of its own pods, and delete them', async () => {
    const status = (name: string, body: object) => server.http('PATCH', `${pods}/${name}/status`, body, merge);
    expect((await status('mine', { status: { phase: 'Running' } })).status).toBe(200);
    expect(await refused(status('theirs', { status: { phase: 'Running' } }))).toBe(
      'pods "theirs" is forbidden: node "a" can only update pod status for pods with spec.nodeName set to itself',
    );
    expect(await refused(server.http('DELETE', `${pods}/theirs`, undefined, kubelet))).toBe(
      'pods "theirs" is forbidden: node "a" can only delete pods with spec.nodeName set to itself',
    );
    expect((await server.http('DELETE', `${pods}/mine?dryRun=All`, undefined, kubelet)).status).toBe(200);
  });

  it('lets it create mirror pods alone, owned by its node and referring to nothing', async () => {
    const owner = () => ({ apiVersion: 'v1', kind: 'Node', name: 'a', uid, controller: true });
    const mirror = (metadata: object, spec: object = {}) =>
      server.http(
        'POST',
        pods,
        pod('mirror', {
          metadata: { annotations: { 'kubernetes.io/config.mirror': 'm' }, ...metadata },
          spec: { nodeName: 'a', ...spec },
        }),
        kubelet,
      );
    expect(await refused(server.http('POST', pods, pod('plain', { spec: { nodeName: 'a' } }), kubelet))).toBe(
      'pods "plain" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "a" can only create mirror pods',
    );
    expect(await refused(mirror({}, { nodeName: 'b' }))).toContain(
      'node "a" can only create pods with spec.nodeName set to itself',
    );
    expect(await refused(mirror({}))).toContain('node "a" can only create pods with an owner reference set to itself');
    expect(await refused(mirror({ ownerReferences: [{ ...owner(), uid: 'other' }] }))).toContain(
      `node a UID mismatch: expected other got ${uid}`,
    );
    const volumes = [{ name: 'v', configMap: { name: 'c' } }];
    expect(await refused(mirror({ ownerReferences: [owner()] }, { volumes }))).toBe(
      'pods "mirror" is forbidden: a mirror pod may not reference configmaps',
    );
    expect((await mirror({ ownerReferences: [owner()] })).status).toBe(201);
  });

  it('lets it renew its own lease', async () => {
    const leases = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const lease = (name: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: {},
    });
    expect((await server.http('POST', leases('kube-node-lease'), lease('a'), kubelet)).status).toBe(201);
    expect(await refused(server.http('POST', leases('kube-node-lease'), lease('b'), kubelet))).toContain('forbidden');
  });

  it('lets it have tokens for pods of its own, and for audiences that they name', async () => {
    const account = '/api/v1/namespaces/default/serviceaccounts';
    await server.http('POST', account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } });
    const mine = (await server.http('GET', `${pods}/mine`)).body.metadata.uid;
    const token = (spec: object) =>
      server.http(
        'POST',
        `${account}/default/token`,
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
        kubelet,
      );
    const bound = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: mine };
    await server.http('POST', account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    expect(await refused(token({}))).toContain('node requested token not bound to a pod');
    expect(await refused(token({ boundObjectRef: { ...bound, uid: 'x' } }))).toContain(
      'the UID in the bound object reference (x)',
    );
    expect(await refused(token({ boundObjectRef: bound, audiences: ['vault'] }))).toBe(
      'serviceaccounts "default" is forbidden: audience "vault" not found in pod spec volume, system:node:a is not authorized to request tokens for this audience',
    );
    expect((await token({ boundObjectRef: bound })).status).toBe(201);
  });
});
