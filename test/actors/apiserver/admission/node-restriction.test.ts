import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
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
    runtimeConfig: { 'certificates.k8s.io/v1beta1': 'true' },
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
    const extendedResourceClaimStatus = {
      resourceClaimName: 'c',
      requestMappings: [{ containerName: 'c', resourceName: 'example.com/gpu', requestName: 'r' }],
    };
    expect(await refused(status('mine', { status: { extendedResourceClaimStatus } }))).toBe(
      'pods "mine" is forbidden: node "a" cannot update extended resource claim status',
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
      'pods "mirror" is forbidden: node "a" can not create pods that reference configmaps',
    );
    for (const [spec, what] of [
      [{ resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] }, 'resourceclaims'],
      [{ volumes: [{ name: 'v', csi: { driver: 'd' } }] }, 'csidrivers (via CSI volumes)'],
      [{ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }, 'persistentvolumeclaims'],
    ] as const) {
      expect(await refused(mirror({ ownerReferences: [owner()] }, spec))).toBe(
        `pods "mirror" is forbidden: node "a" can not create pods that reference ${what}`,
      );
    }
    const token = { serviceAccountToken: { path: 't' } };
    const projected = { volumes: [{ name: 'v', projected: { sources: [token] } }] };
    expect(await refused(mirror({ ownerReferences: [owner()] }, projected))).toBe(
      'pods "mirror" is forbidden: a mirror pod may not use ServiceAccountToken volume projections',
    );
    expect((await mirror({ ownerReferences: [owner()] })).status).toBe(201);
  });

  it('lets it ask for certificates of its own name alone', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const ask = async (subject: string, signerName: string, usages: string[]) => {
      const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as never;
      const made = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: algorithm });
      const request = Buffer.from(`${made.toString('pem')}\n`).toString('base64');
      return server.http(
        'POST',
        '/apis/certificates.k8s.io/v1/certificatesigningrequests',
        {
          apiVersion: 'certificates.k8s.io/v1',
          kind: 'CertificateSigningRequest',
          metadata: { generateName: 'csr-' },
          spec: { request, signerName, usages },
        },
        kubelet,
      );
    };
    const own = 'kubernetes.io/kube-apiserver-client-kubelet';
    const usages = ['digital signature', 'client auth'];
    expect((await ask('O=system:nodes, CN=system:node:a', own, usages)).status).toBe(201);
    expect(await refused(ask('O=system:nodes, CN=system:node:b', own, usages))).toContain(
      'can only create a node CSR with CN=system:node:a',
    );
    expect((await ask('CN=anything', 'example.com/signer', usages)).status).toBe(201);
  });

  it('lets it ask for certificates of pods of its own', async () => {
    const account = '/api/v1/namespaces/default/serviceaccounts';
    await server.http('POST', account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const named = (kind: string) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: 'pod-certificates' },
    });
    await server.http('POST', `${rbac}/clusterroles`, {
      ...named('ClusterRole'),
      rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['podcertificaterequests'], verbs: ['create'] }],
    });
    await server.http('POST', `${rbac}/clusterrolebindings`, {
      ...named('ClusterRoleBinding'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-certificates' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:node:a' }],
    });
    const accountUid = (await server.http('GET', `${account}/default`)).body.metadata.uid;
    const podUid = (await server.http('GET', `${pods}/mine`)).body.metadata.uid;
    const right = {
      signerName: 'example.com/signer',
      podName: 'mine',
      podUID: podUid,
      serviceAccountName: 'default',
      serviceAccountUID: accountUid,
      nodeName: 'a',
      nodeUID: uid,
    };
    const ask = async (change: object) => {
      const { status, body } = await server.http(
        'POST',
        '/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests',
        {
          apiVersion: 'certificates.k8s.io/v1beta1',
          kind: 'PodCertificateRequest',
          metadata: { name: 'r' },
          spec: { ...right, ...change },
        },
        kubelet,
      );
      return `${status} ${body.message}`;
    };
    const refusal = '403 podcertificaterequests.certificates.k8s.io "r" is forbidden:';
    const about = 'PodCertificateRequest for pod "default/mine"';
    expect(await ask({ nodeName: 'b' })).toBe(
      `${refusal} PodCertificateRequest.Spec.NodeName="b", which is not the requesting node "a"`,
    );
    expect(await ask({ nodeUID: 'x' })).toBe(
      `500 ${about} names node UID "x", inconsistent with the running node ("${uid}")`,
    );
    expect(await ask({ podName: 'gone' })).toBe(
      '500 while retrieving pod "default/gone" named in the PodCertificateRequest: pod "gone" not found',
    );
    expect(await ask({ podUID: 'x' })).toBe(
      `500 ${about} contains pod UID ("x") which differs from running pod "${podUid}"`,
    );
    expect(await ask({ serviceAccountName: 'other' })).toBe(
      `${refusal} ${about} contains serviceAccountName ("other") that differs from running pod ("default")`,
    );
    expect(await ask({ serviceAccountUID: 'x' })).toBe(
      `500 ${about} names service account UID "x", which differs from the running service account ("${accountUid}")`,
    );
    // What admission lets through is refused for its form: it has no key.
    expect(await ask({})).toMatch(/^422 /);
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
