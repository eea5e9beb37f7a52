import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { organizationsOf } from '../../../../actors/apiserver/admission/request-subject.ts';
import { startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const jane = { authorization: 'Bearer jane' };
const SIGNER = 'example.com/signer';

async function pemFor(subject: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as never;
  const request = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: algorithm });
  return request.toString('pem');
}

async function request(name: string, subject: string, signerName: string) {
  return server.http('POST', requests, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(`${await pemFor(subject)}\n`).toString('base64'),
      signerName,
      usages: ['client auth'],
    },
  });
}

async function grant(verbs: string[], resource: string, names: string[], role: string): Promise<void> {
  await server.http('POST', `${rbac}/clusterroles`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: role },
    rules: [
      {
        apiGroups: ['certificates.k8s.io'],
        resources: [resource],
        verbs,
        ...(names.length === 0 ? {} : { resourceNames: names }),
      },
    ],
  });
  await server.http('POST', `${rbac}/clusterrolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
  });
}

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, tokens: [{ token: 'jane', user: 'jane' }] });
  await grant(['get', 'update', 'patch'], 'certificatesigningrequests/approval', [], 'approvals');
  await grant(['get', 'update', 'patch'], 'certificatesigningrequests/status', [], 'statuses');
});
afterAll(() => server.stop());

describe('certificate requests', () => {
  const merge = { ...jane, 'content-type': 'application/merge-patch+json' };

  it('keep who asked', async () => {
    const { body } = await request('who', 'CN=x', SIGNER);
    expect(body.spec).toMatchObject({ username: 'admin', groups: ['system:masters', 'system:authenticated'] });
  });

  it('are approved by those who may approve for the signer or its domain', async () => {
    await request('approve', 'CN=x', SIGNER);
    const condition = { type: 'Approved', status: 'True', reason: 'r', message: 'm' };
    const approve = () =>
      server.http('PATCH', `${requests}/approve/approval`, { status: { conditions: [condition] } }, merge);
    const refused = await approve();
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe(
      'certificatesigningrequests.certificates.k8s.io "approve" is forbidden: user not permitted to approve requests with signerName "example.com/signer"',
    );
    await grant(['approve'], 'signers', ['example.com/*'], 'approver');
    expect((await approve()).status).toBe(200);
  });

  it('are signed by those who may sign for the signer', async () => {
    await request('sign', 'CN=x', SIGNER);
    const fail = { type: 'Failed', status: 'True', reason: 'r', message: 'm' };
    const sign = () => server.http('PATCH', `${requests}/sign/status`, { status: { conditions: [fail] } }, merge);
    expect((await sign()).body.message).toContain(
      'user not permitted to sign requests with signerName "example.com/signer"',
    );
    await grant(['sign'], 'signers', [SIGNER], 'signer');
    expect((await sign()).status).toBe(200);
  });

  it('are not for the group of administrators', async () => {
    const subject = 'O=users, O=system:masters, CN=x';
    expect(organizationsOf(await pemFor(subject))).toEqual(['users', 'system:masters']);
    const refused = await request('masters', subject, 'kubernetes.io/kube-apiserver-client');
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe(
      'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
    expect((await request('others', subject, SIGNER)).status).toBe(201);
    expect((await request('users', 'O=users, CN=x', 'kubernetes.io/kube-apiserver-client')).status).toBe(201);
  });

  it.each(['', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----', 'garbage'])(
    'that are none have no organizations: %o',
    (pem) => {
      expect(() => organizationsOf(pem)).toThrow(/asn1|PEM/);
    },
  );
});
